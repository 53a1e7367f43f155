//! The calls that store values.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::random;
use super::super::wire::{Answer, ApiError, Fields as _, now, strings};
use super::secret::{CURRENT, Content, PENDING, Secret, Version};

/// The most bytes a value may have.
const LIMIT: usize = 65_536;

impl Secret {
    pub(super) fn put_value(&mut self, request: &Value) -> Answer {
        let token = version_id(request)?;
        let content = content(request)?
            .ok_or_else(|| ApiError::request("You must provide either SecretString or SecretBinary."))?;
        let stages = strings(request, "VersionStages").unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if stages.is_empty() || stages.len() > 20 {
            return Err(ApiError::validation(
                "1 validation error detected: Value at 'versionStages' has 1 to 20 items",
            ));
        }
        if self.store(&token, content, &stages)? {
            let passed_on = request.text("RotationToken").map(str::to_owned);
            if let Some(version) = self.versions.get_mut(&token) {
                version.rotation_token = passed_on;
            }
        }
        Ok(self.stored(&token, true))
    }

    pub(super) fn update(&mut self, request: &Value) -> Answer {
        let token = version_id(request)?;
        let content = content(request)?;
        if let Some(description) = request.text("Description") {
            self.description = Some(description.to_owned());
        }
        self.touch();
        let Some(content) = content else { return Ok(self.named()) };
        self.store(&token, content, &[CURRENT.to_owned()])?;
        Ok(self.stored(&token, false))
    }

    /// Stores a value and says whether anything changed: the same token with the same value is no change at all.
    pub(crate) fn store(&mut self, id: &str, content: Content, stages: &[String]) -> Result<bool, ApiError> {
        match self.versions.get_mut(id) {
            Some(version) if version.content.as_ref() == Some(&content) => return Ok(false),
            Some(version) if version.content.is_some() => {
                return Err(ApiError::new(
                    "ResourceExistsException",
                    format!(
                        "You can't use ClientRequestToken {id} because that value is already in use for a version of \
                         secret {}.",
                        self.arn
                    ),
                ));
            }
            Some(version) => version.content = Some(content),
            None => {
                self.versions.insert(id.to_owned(), Version::staged(Some(content)));
            }
        }
        // RotationAbandoned: somebody else's version during a rotation takes AWSPENDING off the rotation's own.
        if self.rotating.as_deref().is_some_and(|rotating| rotating != id) {
            if self.holder(PENDING) == self.rotating.as_deref() {
                self.detach(PENDING);
            }
            self.rotating = None;
        }
        for stage in stages {
            self.attach(stage, id);
        }
        self.touch();
        Ok(true)
    }

    pub(super) fn stored(&self, id: &str, with_stages: bool) -> Value {
        let mut answer = self.named();
        answer["VersionId"] = json!(id);
        if with_stages {
            answer["VersionStages"] = json!(self.versions.get(id).map(|version| &version.stages));
        }
        answer
    }
}

impl Version {
    pub(crate) fn staged(content: Option<Content>) -> Self {
        Self { created: now(), content, stages: BTreeSet::new(), rotation_token: None, promoted: None }
    }
}

pub(super) fn version_id(request: &Value) -> Result<String, ApiError> {
    match request.text("ClientRequestToken") {
        None => Ok(random::uuid()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token.to_owned()),
        Some(_) => Err(ApiError::validation(
            "1 validation error detected: Value at 'clientRequestToken' must have length between 32 and 64",
        )),
    }
}

pub(super) fn content(request: &Value) -> Result<Option<Content>, ApiError> {
    let (content, length) = match (request.text("SecretString"), request.text("SecretBinary")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(ApiError::parameter("You can't specify both SecretString and SecretBinary."));
        }
        (Some(text), None) => (Content::Text(text.to_owned()), text.len()),
        (None, Some(base64)) => (Content::Binary(base64.to_owned()), base64.len() / 4 * 3),
    };
    if length == 0 || length > LIMIT {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have \
             length between 1 and {LIMIT}"
        )));
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{PREVIOUS, Secrets};
    use super::*;

    const PUT: &str = "PutSecretValue";

    #[test]
    fn the_same_token_with_the_same_value_changes_nothing_and_with_another_is_refused() {
        let mut model = model();
        let request = json!({"SecretString": "two", "ClientRequestToken": T2, "VersionStages": [PENDING]});
        model.ok(PUT, request.clone());
        model.get_mut("app/db").unwrap().changed = std::time::Duration::ZERO;
        let before = model.clone();
        assert_eq!(model.ok(PUT, request)["VersionStages"], json!([PENDING]));
        model.ok(PUT, json!({"SecretString": "two", "ClientRequestToken": T2, "VersionStages": ["OTHER"]}));
        assert_eq!(model, before);
        let (code, message) = model.refused(PUT, json!({"SecretString": "2", "ClientRequestToken": T2}));
        assert_eq!(code, "ResourceExistsException");
        assert!(message.contains(T2) && !message.contains("two"));
    }

    #[test]
    fn without_stages_the_current_label_moves_and_the_old_version_is_previous() {
        let mut model = model();
        model.ok(PUT, json!({"SecretString": "two", "ClientRequestToken": T2}));
        assert_eq!(model.labels(T2), [CURRENT]);
        assert_eq!(model.labels(T1), [PREVIOUS]);
        model.ok(PUT, json!({"SecretString": "three", "ClientRequestToken": T3}));
        assert_eq!(model.labels(T2), [PREVIOUS]);
        assert!(model.labels(T1).is_empty());
    }

    #[test]
    fn an_empty_staged_version_is_filled_with_labels_and_rotation_token() {
        let mut model = model();
        model.get_mut("app/db").unwrap().stage_pending(T2, None);
        let request = json!({
            "SecretString": "two", "ClientRequestToken": T2, "VersionStages": [PENDING, "MINE"], "RotationToken": "rt",
        });
        model.ok(PUT, request);
        assert_eq!(model.labels(T2), [PENDING, "MINE"]);
        assert_eq!(model.get("app/db").unwrap().versions[T2].rotation_token.as_deref(), Some("rt"));
    }

    #[test]
    fn a_label_has_one_holder() {
        let mut model = model();
        for (token, value) in [(T2, "two"), (T3, "three")] {
            model.ok(PUT, json!({"SecretString": value, "ClientRequestToken": token, "VersionStages": [PENDING]}));
        }
        assert!(model.labels(T2).is_empty());
        assert_eq!(model.ok("GetSecretValue", json!({"VersionStage": PENDING}))["SecretString"], "three");
    }

    #[test]
    fn a_version_of_somebody_else_abandons_a_running_rotation() {
        let mut model = model();
        let secret = model.get_mut("app/db").unwrap();
        secret.stage_pending(T2, None);
        secret.rotating = Some(T2.to_owned());
        model.ok(PUT, json!({"SecretString": "two", "ClientRequestToken": T2, "VersionStages": [PENDING]}));
        assert_eq!(model.get("app/db").unwrap().rotating.as_deref(), Some(T2));
        model.ok(PUT, json!({"SecretString": "manual", "ClientRequestToken": T3}));
        assert!(model.labels(T2).is_empty());
        assert_eq!(model.get("app/db").unwrap().rotating, None);
    }

    #[test]
    fn values_have_a_limit_and_exactly_one_form() {
        let mut model = model();
        let put = |model: &mut Secrets, length| {
            model.answer(PUT, &with_id(json!({"SecretString": "x".repeat(length)})), None)
        };
        assert!(put(&mut model, 65_536).is_ok());
        assert_eq!(put(&mut model, 65_537).unwrap_err().code, "ValidationException");
        assert_eq!(model.refused(PUT, json!({"SecretString": ""})).0, "ValidationException");
        assert_eq!(model.refused(PUT, json!({})).0, "InvalidRequestException");
        assert_eq!(
            model.refused(PUT, json!({"SecretString": "a", "SecretBinary": "YQ=="})).0,
            "InvalidParameterException"
        );
        assert_eq!(
            model.refused(PUT, json!({"SecretString": "a", "ClientRequestToken": "x"})).0,
            "ValidationException"
        );
        model.ok(PUT, json!({"SecretBinary": "YQ==", "ClientRequestToken": T3}));
        let answer = model.ok("GetSecretValue", json!({}));
        assert_eq!((answer.get("SecretString"), &answer["SecretBinary"]), (None, &json!("YQ==")));
    }

    #[test]
    fn values_and_tags_bump_the_date_of_last_change() {
        let mut model = model();
        let calls = [
            (PUT, json!({"SecretString": "two"})),
            ("TagResource", json!({"Tags": [{"Key": "a", "Value": "b"}]})),
            ("UntagResource", json!({"TagKeys": ["a"]})),
            ("UpdateSecret", json!({"SecretString": "three"})),
        ];
        for (operation, request) in calls {
            model.get_mut("app/db").unwrap().changed = std::time::Duration::ZERO;
            model.ok(operation, request);
            assert!(!model.get("app/db").unwrap().changed.is_zero(), "{operation}");
        }
        assert!(model.get("app/db").unwrap().tags.is_empty());
        assert_eq!(model.ok("GetSecretValue", json!({}))["SecretString"], "three");
        let bad = json!({"Tags": [{"Key": "a", "Value": "{}"}]});
        assert_eq!(model.refused("TagResource", bad).0, "InvalidParameterException");
    }
}
