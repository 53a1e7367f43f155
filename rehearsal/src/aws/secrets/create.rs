//! The calls that make secrets, tag them and delete them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::wire::{Answer, ApiError, Fields as _, date, now, strings};
use super::account::Secrets;
use super::secret::{CURRENT, Secret, Version};
use super::write::{content, version_id};

impl Secrets {
    pub(super) fn create(&mut self, request: &Value, arn: Option<String>) -> Answer {
        let name = request.require("Name")?;
        let token = version_id(request)?;
        let content = content(request)?;
        if let Some(existing) = self.get(name) {
            // A retry of the same creation is answered as the first one was.
            let same = existing.versions.get(&token).is_some_and(|version| version.content == content);
            if same && content.is_some() {
                return Ok(existing.stored(&token, false));
            }
            return Err(ApiError::new(
                "ResourceExistsException",
                format!("The operation failed because the secret {name} already exists."),
            ));
        }
        let mut secret = Secret::new(arn.unwrap_or_else(|| self.new_arn(name)), name, tags(request)?);
        secret.description = request.text("Description").map(str::to_owned);
        let mut answer = secret.named();
        if content.is_some() {
            secret.versions.insert(token.clone(), Version::staged(content));
            secret.attach(CURRENT, &token);
            answer["VersionId"] = json!(token);
        }
        self.by_arn.insert(secret.arn.clone(), secret);
        Ok(answer)
    }

    pub(super) fn delete(&mut self, request: &Value) -> Answer {
        let secret = self.find_mut(request)?;
        secret.deleted = Some(now());
        let mut answer = secret.named();
        answer["DeletionDate"] = date(now());
        if request.flag("ForceDeleteWithoutRecovery") {
            let arn = secret.arn.clone();
            self.by_arn.remove(&arn);
        }
        Ok(answer)
    }
}

impl Secret {
    pub(crate) fn new(arn: String, name: &str, tags: BTreeMap<String, String>) -> Self {
        Self {
            arn,
            name: name.to_owned(),
            description: None,
            tags,
            versions: BTreeMap::new(),
            rotation: None,
            owning_service: None,
            policy: None,
            created: now(),
            changed: now(),
            rotated: None,
            deleted: None,
            rotating: None,
        }
    }

    pub(super) fn tag(&mut self, request: &Value) -> Answer {
        self.tags.extend(tags(request)?);
        self.touch();
        Ok(json!({}))
    }

    pub(super) fn untag(&mut self, request: &Value) -> Value {
        for key in strings(request, "TagKeys").unwrap_or_default() {
            self.tags.remove(&key);
        }
        self.touch();
        json!({})
    }
}

fn tags(request: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let list = request.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let pair = |tag: &Value| {
        let value = tag.text("Value").unwrap_or_default();
        // AWS's rule for tag values; a tag that only our stage would take proves nothing.
        let fits =
            value.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c)) && value.chars().count() <= 256;
        if fits {
            Ok((tag.require("Key")?.to_owned(), value.to_owned()))
        } else {
            Err(ApiError::parameter("The value of a tag is invalid."))
        }
    };
    list.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_secret_is_created_with_its_token_as_version_and_a_suffix() {
        let mut model = model();
        let secret = model.get("app/db").unwrap();
        assert_eq!(secret.holder(CURRENT), Some(T1));
        let suffix = secret.arn.rsplit("app/db-").next().unwrap();
        assert!(suffix.len() == 6 && secret.arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:"));
        let again = json!({"Name": "app/db", "SecretString": "one", "ClientRequestToken": T1});
        assert_eq!(model.answer("CreateSecret", &again, None).unwrap()["VersionId"], T1);
        let other = json!({"Name": "app/db", "SecretString": "x", "ClientRequestToken": T2});
        assert_eq!(model.answer("CreateSecret", &other, None).unwrap_err().code, "ResourceExistsException");
    }

    #[test]
    fn an_upstream_may_choose_the_arn_and_tags_are_kept() {
        let mut model = model();
        let request = json!({"Name": "x", "Tags": [{"Key": "a", "Value": "b"}]});
        model.answer("CreateSecret", &request, Some("arn:x-AbCdEf".into())).unwrap();
        assert_eq!(model.get("arn:x-AbCdEf").unwrap().tags["a"], "b");
    }
}
