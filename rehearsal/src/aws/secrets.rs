//! Secrets Manager's own state: secrets, their versions, and one holder for each staging label.

mod account;
mod create;
mod labels;
mod password;
mod read;
mod rotation;
mod secret;
#[cfg(test)]
mod testing;
mod write;

use serde_json::Value;

use super::wire::{Answer, ApiError, Fields as _};
pub use account::Secrets;
pub use rotation::RotationJob;
pub use secret::{CURRENT, Content, PENDING, PREVIOUS, Rotation, Secret, Version};

impl Secrets {
    /// Answers one call. `arn` is the ARN that a secret to create gets, where somebody else has chosen it.
    ///
    /// # Errors
    ///
    /// As Secrets Manager would; nothing has changed then.
    pub fn answer(&mut self, operation: &str, request: &Value, arn: Option<String>) -> Answer {
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::testing::*;

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
