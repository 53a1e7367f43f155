//! Secrets Manager's own state: secrets, their versions, and one holder for each staging label.

mod create;
mod labels;
mod password;
mod read;
mod rotation;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::random;
use super::wire::{Answer, ApiError, Fields as _, now};
pub use rotation::RotationJob;

/// The label of the version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the version a rotation is making.
pub const PENDING: &str = "AWSPENDING";
/// The label of the version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret, with everything the service knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Secret {
    /// The full ARN, with its suffix of six characters.
    pub arn: String,
    /// The friendly name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// All versions, also those that lost their labels.
    pub versions: BTreeMap<String, Version>,
    /// The rotation's configuration; absent until it was configured for the first time.
    pub rotation: Option<Rotation>,
    /// The service that manages the secret, for example `rds`.
    pub owning_service: Option<String>,
    /// The resource policy.
    pub policy: Option<String>,
    /// When it was created, since 1970.
    pub created: Duration,
    /// When a value, a label or a tag changed last.
    pub changed: Duration,
    /// When a rotation succeeded last.
    pub rotated: Option<Duration>,
    /// When it was marked for deletion.
    pub deleted: Option<Duration>,
    /// The version that a running rotation works on: another version's creation abandons it.
    pub rotating: Option<String>,
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When it came to be, since 1970.
    pub created: Duration,
    /// What it holds; nothing between the start of a rotation and createSecret.
    pub content: Option<Content>,
    /// Its labels.
    pub stages: BTreeSet<String>,
    /// The `RotationToken` its value was stored with.
    pub rotation_token: Option<String>,
    /// When AWSCURRENT came to it, since 1970. AWS shows this nowhere; tests need it.
    pub promoted: Option<Duration>,
}

/// A version's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`, in the base64 it came in.
    Binary(String),
}

/// A secret's rotation, once configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    /// Whether it is on.
    pub enabled: bool,
    /// The function that does the steps.
    pub lambda_arn: Option<String>,
    /// `RotationRules` as they came.
    pub rules: Value,
}

/// All secrets of the account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Secrets {
    region: String,
    account: String,
    by_arn: BTreeMap<String, Secret>,
}

impl Secrets {
    pub(crate) fn new(region: &str, account: &str) -> Self {
        Self { region: region.to_owned(), account: account.to_owned(), by_arn: BTreeMap::new() }
    }

    /// Answers one call. `arn` is the ARN an upstream chose for a secret to create. An error changes nothing.
    pub(crate) fn answer(&mut self, operation: &str, request: &Value, arn: Option<String>) -> Answer {
        match operation {
            "CreateSecret" => self.create(request, arn),
            "DeleteSecret" => self.delete(request),
            "GetRandomPassword" => password::random_password(request),
            "ListSecrets" => self.list(request),
            "DescribeSecret" => self.find(request).map(Secret::describe),
            "GetSecretValue" => self.live(request)?.value(request),
            "ListSecretVersionIds" => self.find(request)?.list_versions(request),
            "GetResourcePolicy" => self.find(request).map(Secret::resource_policy),
            "PutSecretValue" => self.change(request, |secret| secret.put_value(request)),
            "UpdateSecret" => self.change(request, |secret| secret.update(request)),
            "UpdateSecretVersionStage" => self.change(request, |secret| secret.update_stage(request)),
            "TagResource" => self.change(request, |secret| secret.tag(request)),
            "UntagResource" => self.change(request, |secret| Ok(secret.untag(request))),
            "PutResourcePolicy" | "DeleteResourcePolicy" => self.change(request, |secret| {
                secret.policy = request.text("ResourcePolicy").map(str::to_owned);
                Ok(secret.named())
            }),
            "CancelRotateSecret" => self.change(request, Secret::cancel_rotation),
            "RestoreSecret" => {
                let secret = self.find_mut(request)?;
                secret.deleted = None;
                Ok(secret.named())
            }
            unknown => Err(ApiError::new("UnknownOperationException", format!("unknown operation {unknown}"))),
        }
    }

    /// `RotateSecret`: stores the configuration and stages the version; who runs the steps is told by the job.
    pub(crate) fn rotate(&mut self, request: &Value) -> Result<(Value, Option<RotationJob>), ApiError> {
        let mut job = None;
        let answer = self.change(request, |secret| {
            let (answer, started) = secret.begin_rotation(request)?;
            job = started;
            Ok(answer)
        })?;
        Ok((answer, job))
    }

    /// The secret by name, by ARN, or by ARN without its suffix.
    pub(crate) fn get(&self, id: &str) -> Option<&Secret> {
        self.by_arn.get(id).or_else(|| self.by_arn.values().find(|secret| secret.goes_by(id)))
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Secret> {
        let arn = self.get(id)?.arn.clone();
        self.by_arn.get_mut(&arn)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Secret> {
        self.by_arn.values()
    }

    fn find(&self, request: &Value) -> Result<&Secret, ApiError> {
        self.get(request.require("SecretId")?).ok_or_else(no_secret)
    }

    fn find_mut(&mut self, request: &Value) -> Result<&mut Secret, ApiError> {
        self.get_mut(request.require("SecretId")?).ok_or_else(no_secret)
    }

    fn live(&self, request: &Value) -> Result<&Secret, ApiError> {
        let secret = self.find(request)?;
        if secret.deleted.is_some() { Err(marked_for_deletion()) } else { Ok(secret) }
    }

    /// Works on a draft that is kept only when the whole call succeeded.
    fn change(&mut self, request: &Value, call: impl FnOnce(&mut Secret) -> Answer) -> Answer {
        let mut draft = self.live(request)?.clone();
        let answer = call(&mut draft)?;
        self.by_arn.insert(draft.arn.clone(), draft);
        Ok(answer)
    }

    fn new_arn(&self, name: &str) -> String {
        let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
        let suffix = random::text(&alphabet, 6);
        format!("arn:aws:secretsmanager:{}:{}:secret:{name}-{suffix}", self.region, self.account)
    }
}

impl Secret {
    fn named(&self) -> Value {
        json!({ "ARN": self.arn, "Name": self.name })
    }

    fn goes_by(&self, id: &str) -> bool {
        // The suffix is a hyphen and six characters, all ASCII.
        id == self.name || id == self.arn || Some(id) == self.arn.get(..self.arn.len().saturating_sub(7))
    }

    fn touch(&mut self) {
        self.changed = now();
    }
}

fn no_secret() -> ApiError {
    ApiError::missing("Secrets Manager can't find the specified secret.")
}

fn marked_for_deletion() -> ApiError {
    ApiError::request("You can't perform this operation on the secret because it was marked for deletion.")
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(crate) const T1: &str = "11111111-1111-1111-1111-111111111111";
    pub(crate) const T2: &str = "22222222-2222-2222-2222-222222222222";
    pub(crate) const T3: &str = "33333333-3333-3333-3333-333333333333";

    /// A model with the secret `app/db`, whose first version is [`T1`] with the value `one`.
    pub(crate) fn model() -> Secrets {
        let mut model = Secrets::new("us-east-1", "123456789012");
        let request = json!({ "Name": "app/db", "SecretString": "one", "ClientRequestToken": T1 });
        model.answer("CreateSecret", &request, None).unwrap();
        model
    }

    impl Secrets {
        /// A call on `app/db` that must succeed.
        pub(crate) fn ok(&mut self, operation: &str, fields: Value) -> Value {
            self.answer(operation, &with_id(fields), None).unwrap()
        }

        /// The code and the message of a call on `app/db` that must fail and must not change anything.
        pub(crate) fn refused(&mut self, operation: &str, fields: Value) -> (String, String) {
            let before = self.clone();
            let error = self.answer(operation, &with_id(fields), None).unwrap_err();
            assert_eq!(*self, before, "a refused call changed something");
            (error.code, error.message)
        }

        pub(crate) fn labels(&self, version: &str) -> Vec<String> {
            self.get("app/db").unwrap().versions[version].stages.iter().cloned().collect()
        }
    }

    pub(crate) fn with_id(mut fields: Value) -> Value {
        let object = fields.as_object_mut().unwrap();
        object.entry("SecretId").or_insert_with(|| "app/db".into());
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    #[test]
    fn a_secret_answers_to_name_arn_and_arn_without_suffix() {
        let model = model();
        let arn = model.get("app/db").unwrap().arn.clone();
        assert!(model.get(&arn).is_some());
        assert!(model.get(&arn[..arn.len() - 7]).is_some());
        assert!(model.get(&format!("{}XXXXXX", &arn[..arn.len() - 6])).is_none());
        assert!(model.get("app").is_none());
    }

    #[test]
    fn an_unknown_secret_and_an_unknown_operation_are_told_apart() {
        let mut model = model();
        assert_eq!(model.refused("DescribeSecret", json!({"SecretId": "x"})).0, "ResourceNotFoundException");
        assert_eq!(model.refused("Dance", json!({})).0, "UnknownOperationException");
        assert_eq!(model.answer("DescribeSecret", &json!({}), None).unwrap_err().code, "ValidationException");
    }

    #[test]
    fn a_secret_marked_for_deletion_only_describes_and_can_be_restored() {
        let mut model = model();
        model.ok("DeleteSecret", json!({}));
        assert_eq!(model.refused("GetSecretValue", json!({})).0, "InvalidRequestException");
        assert_eq!(model.refused("PutSecretValue", json!({"SecretString": "x"})).0, "InvalidRequestException");
        assert!(model.ok("DescribeSecret", json!({})).get("DeletedDate").is_some());
        model.ok("RestoreSecret", json!({}));
        assert_eq!(model.ok("GetSecretValue", json!({}))["SecretString"], "one");
        model.ok("DeleteSecret", json!({"ForceDeleteWithoutRecovery": true}));
        assert_eq!(model.refused("DescribeSecret", json!({})).0, "ResourceNotFoundException");
    }
}
