//! What the service itself does around a rotation: the empty pending version, the refusal of a second one, the end.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::random;
use super::super::wire::{Answer, ApiError, Fields as _, now};
use super::secret::{CURRENT, Content, PENDING, Rotation, Secret, Version};

/// A rotation that `RotateSecret` has accepted and that somebody now has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationJob {
    /// The secret.
    pub arn: String,
    /// The version, which is the `ClientRequestToken` of the steps.
    pub token: String,
    /// False for `RotateImmediately=false`: only testSecret, on a temporary version.
    pub whole: bool,
}

impl Secret {
    /// Turns rotation on.
    pub(crate) fn enable_rotation(&mut self, lambda_arn: &str, rules: Value) {
        self.rotation = Some(Rotation { enabled: true, lambda_arn: Some(lambda_arn.to_owned()), rules });
        self.touch();
    }

    /// Makes the version a rotation starts with: AWSPENDING, and normally no value yet.
    pub(crate) fn stage_pending(&mut self, token: &str, content: Option<Content>) {
        self.versions.entry(token.to_owned()).or_insert_with(|| Version::staged(content));
        self.attach(PENDING, token);
        self.touch();
    }

    /// Whether a rotation is unfinished: AWSPENDING sits on a version that is not the current one.
    pub(crate) fn unfinished(&self) -> bool {
        self.holder(PENDING).is_some_and(|pending| !self.is_current(pending))
    }

    pub(crate) fn is_current(&self, version: &str) -> bool {
        self.holder(CURRENT) == Some(version)
    }

    pub(crate) fn rotation_succeeded(&mut self) {
        self.rotated = Some(now());
        self.rotating = None;
    }

    /// When the schedule comes next, where it is a number of days and rotation is on.
    pub(super) fn next_rotation(&self) -> Option<Duration> {
        let rotation = self.rotation.as_ref().filter(|rotation| rotation.enabled)?;
        let days = rotation.rules.get("AutomaticallyAfterDays")?.as_u64()?;
        Some(self.rotated.unwrap_or(self.created) + Duration::from_hours(24 * days))
    }

    pub(crate) fn refuse_second_rotation(&self) -> Result<(), ApiError> {
        if self.unfinished() {
            return Err(ApiError::request("A previous rotation isn't complete. That rotation will be reattempted."));
        }
        Ok(())
    }

    pub(super) fn begin_rotation(&mut self, request: &Value) -> Result<(Value, Option<RotationJob>), ApiError> {
        let configured = self.rotation.clone();
        let lambda_arn = request
            .text("RotationLambdaARN")
            .map(str::to_owned)
            .or_else(|| configured.as_ref().and_then(|rotation| rotation.lambda_arn.clone()))
            .ok_or_else(|| ApiError::request("No Lambda rotation function ARN is associated with this secret."))?;
        self.refuse_second_rotation()?;
        let rules = request.get("RotationRules").cloned();
        let rules = rules.or_else(|| configured.map(|rotation| rotation.rules)).unwrap_or_else(|| json!({}));
        self.enable_rotation(&lambda_arn, rules);
        let token = request.text("ClientRequestToken").map_or_else(random::uuid, str::to_owned);
        let whole = request.get("RotateImmediately").and_then(Value::as_bool).unwrap_or(true);
        let mut answer = self.named();
        if whole {
            self.stage_pending(&token, None);
            answer["VersionId"] = json!(token);
        }
        Ok((answer, Some(RotationJob { arn: self.arn.clone(), token, whole })))
    }

    /// Turns rotation off and leaves all labels where they are, as AWS does.
    pub(super) fn cancel_rotation(&mut self) -> Answer {
        match &mut self.rotation {
            Some(rotation) => rotation.enabled = false,
            None => return Err(ApiError::request("You can't cancel rotation: it was never configured.")),
        }
        self.rotating = None;
        self.touch();
        let mut answer = self.named();
        if let Some(pending) = self.holder(PENDING) {
            answer["VersionId"] = json!(pending);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const LAMBDA: &str = "arn:aws:lambda:us-east-1:123456789012:function:keyroll";

    fn rotate(model: &mut super::super::Secrets, fields: Value) -> Result<(Value, Option<RotationJob>), ApiError> {
        model.rotate(&with_id(fields))
    }

    #[test]
    fn rotating_stores_the_configuration_and_stages_an_empty_version() {
        let mut model = model();
        assert_eq!(rotate(&mut model, json!({})).unwrap_err().code, "InvalidRequestException");
        let rules = json!({"AutomaticallyAfterDays": 1});
        let request = json!({"RotationLambdaARN": LAMBDA, "RotationRules": rules, "ClientRequestToken": T2});
        let (answer, job) = rotate(&mut model, request).unwrap();
        assert_eq!(answer["VersionId"], T2);
        assert!(job.unwrap().whole);
        assert_eq!(model.labels(T2), [PENDING]);
        assert_eq!(model.content("app/db", T2), Ok(None));
        let described = model.ok("DescribeSecret", json!({}));
        let days = |key: &str| described[key].as_f64().unwrap() / 86_400.0;
        assert_eq!(described["RotationRules"], rules);
        assert!((days("NextRotationDate") - days("CreatedDate") - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_second_rotation_is_refused_until_pending_sits_on_current() {
        let mut model = model();
        rotate(&mut model, json!({"RotationLambdaARN": LAMBDA, "ClientRequestToken": T2})).unwrap();
        let error = rotate(&mut model, json!({})).unwrap_err();
        assert_eq!(error.code, "InvalidRequestException");
        assert_eq!(error.message, "A previous rotation isn't complete. That rotation will be reattempted.");
        model
            .ok("PutSecretValue", json!({"SecretString": "two", "ClientRequestToken": T2, "VersionStages": [PENDING]}));
        let request = json!({"VersionStage": CURRENT, "MoveToVersionId": T2, "RemoveFromVersionId": T1});
        model.ok("UpdateSecretVersionStage", request);
        // The label that the finished rotation left on the current version is no obstacle.
        let (answer, _) = rotate(&mut model, json!({})).unwrap();
        assert_eq!(model.labels(T2), [CURRENT]);
        assert_eq!(model.labels(answer["VersionId"].as_str().unwrap()), [PENDING]);
    }

    #[test]
    fn a_rotation_for_later_stages_nothing_yet() {
        let mut model = model();
        let (answer, job) =
            rotate(&mut model, json!({"RotationLambdaARN": LAMBDA, "RotateImmediately": false})).unwrap();
        assert!(answer.get("VersionId").is_none() && !job.unwrap().whole);
        assert_eq!(model.get("app/db").unwrap().holder(PENDING), None);
    }

    #[test]
    fn cancelling_turns_rotation_off_and_leaves_the_labels() {
        let mut model = model();
        assert_eq!(model.refused("CancelRotateSecret", json!({})).0, "InvalidRequestException");
        rotate(&mut model, json!({"RotationLambdaARN": LAMBDA, "ClientRequestToken": T2})).unwrap();
        assert_eq!(model.ok("CancelRotateSecret", json!({}))["VersionId"], T2);
        let described = model.ok("DescribeSecret", json!({}));
        assert_eq!(described["RotationEnabled"], false);
        assert!(described.get("NextRotationDate").is_none());
        assert_eq!(described["RotationLambdaARN"], LAMBDA);
        assert_eq!(model.labels(T2), [PENDING]);
    }
}
