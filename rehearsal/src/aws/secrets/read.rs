//! The calls that only read.

use serde_json::{Map, Value, json};

use super::super::wire::{Answer, ApiError, Fields as _, date, page};
use super::account::{Secrets, no_secret};
use super::secret::{CURRENT, Content, Secret, Version};

impl Secrets {
    pub(super) fn list(&self, request: &Value) -> Answer {
        let filters = request.get("Filters").and_then(Value::as_array).cloned().unwrap_or_default();
        let wanted = |secret: &&Secret| {
            (secret.deleted.is_none() || request.flag("IncludePlannedDeletion"))
                && filters.iter().all(|filter| secret.matches(filter))
        };
        let (rows, next) = page(self.all().filter(wanted).collect(), size(request, 100)?, request.text("NextToken"))?;
        let rows: Vec<Value> = rows.into_iter().map(|secret| secret.facts("SecretVersionsToStages")).collect();
        Ok(with_next(json!({ "SecretList": rows }), next))
    }
}

impl Secret {
    pub(super) fn describe(&self) -> Value {
        self.facts("VersionIdsToStages")
    }

    pub(super) fn value(&self, request: &Value) -> Answer {
        let asked = (request.text("VersionId"), request.text("VersionStage"));
        let (id, what) = match asked {
            (Some(id), _) => (Some(id), format!("VersionId: {id}")),
            (None, stage) => {
                let stage = stage.unwrap_or(CURRENT);
                (self.holder(stage), format!("staging label: {stage}"))
            }
        };
        let cannot_find =
            |what: &str| ApiError::missing(format!("Secrets Manager can't find the specified secret value for {what}"));
        let id = id.ok_or_else(|| cannot_find(&what))?;
        let version = self.versions.get(id).ok_or_else(|| cannot_find(&what))?;
        if let (Some(_), Some(stage)) = asked
            && !version.stages.contains(stage)
        {
            return Err(ApiError::request(
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ));
        }
        // What a rotation function meets before createSecret: the label is there, the value is not.
        let what = asked.1.map_or(what, |stage| format!("staging label: {stage}"));
        let content = version.content.as_ref().ok_or_else(|| cannot_find(&what))?;
        let mut answer = json!({
            "ARN": self.arn, "Name": self.name, "VersionId": id,
            "VersionStages": version.stages, "CreatedDate": date(version.created),
        });
        match content {
            Content::Text(text) => answer["SecretString"] = json!(text),
            Content::Binary(base64) => answer["SecretBinary"] = json!(base64),
        }
        Ok(answer)
    }

    pub(super) fn list_versions(&self, request: &Value) -> Answer {
        let wanted = self.versions.iter().filter(|(_, v)| !v.stages.is_empty() || request.flag("IncludeDeprecated"));
        let mut rows: Vec<_> = wanted.collect();
        rows.sort_by_key(|(_, version)| std::cmp::Reverse(version.created));
        let (rows, next) = page(rows, size(request, 100)?, request.text("NextToken"))?;
        let row = |(id, version): (&String, &Version)| {
            let mut row = json!({ "VersionId": id, "CreatedDate": date(version.created) });
            if !version.stages.is_empty() {
                row["VersionStages"] = json!(version.stages);
            }
            row
        };
        let rows: Vec<Value> = rows.into_iter().map(row).collect();
        Ok(with_next(json!({ "ARN": self.arn, "Name": self.name, "Versions": rows }), next))
    }

    pub(super) fn resource_policy(&self) -> Value {
        let mut answer = self.named();
        if let Some(policy) = &self.policy {
            answer["ResourcePolicy"] = json!(policy);
        }
        answer
    }

    /// What `DescribeSecret` and `ListSecrets` share; they only call the map of versions differently.
    fn facts(&self, versions: &str) -> Value {
        let labelled = self.versions.iter().filter(|(_, version)| !version.stages.is_empty());
        let stages: Map<String, Value> = labelled.map(|(id, version)| (id.clone(), json!(version.stages))).collect();
        let tags: Vec<Value> = self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let mut answer = self.named();
        answer["Tags"] = json!(tags);
        answer[versions] = Value::Object(stages);
        answer["CreatedDate"] = date(self.created);
        answer["LastChangedDate"] = date(self.changed);
        // RotationEnabled is absent, not false, until rotation was configured for the first time.
        if let Some(rotation) = &self.rotation {
            answer["RotationEnabled"] = json!(rotation.enabled);
            answer["RotationRules"] = rotation.rules.clone();
            if let Some(arn) = &rotation.lambda_arn {
                answer["RotationLambdaARN"] = json!(arn);
            }
        }
        let optional = [
            ("Description", self.description.as_ref().map(|text| json!(text))),
            ("OwningService", self.owning_service.as_ref().map(|text| json!(text))),
            ("LastRotatedDate", self.rotated.map(date)),
            ("NextRotationDate", self.next_rotation().map(date)),
            ("DeletedDate", self.deleted.map(date)),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                answer[key] = value;
            }
        }
        answer
    }

    /// `ListSecrets`' filters: a prefix, or with `!` in front anything but that prefix.
    fn matches(&self, filter: &Value) -> bool {
        let has = |wanted: &str| match filter.text("Key").unwrap_or_default() {
            "name" => self.name.starts_with(wanted),
            "description" => self.description.as_ref().is_some_and(|text| text.starts_with(wanted)),
            "tag-key" => self.tags.keys().any(|key| key.starts_with(wanted)),
            "tag-value" => self.tags.values().any(|value| value.starts_with(wanted)),
            "owning-service" => self.owning_service.as_ref().is_some_and(|text| text.starts_with(wanted)),
            "primary-region" => self.arn.split(':').nth(3).is_some_and(|region| region.starts_with(wanted)),
            _ => self.name.contains(wanted) || self.tags.iter().any(|(k, v)| k.contains(wanted) || v.contains(wanted)),
        };
        let values = super::super::wire::strings(filter, "Values").unwrap_or_default();
        values.iter().any(|value| value.strip_prefix('!').map_or_else(|| has(value), |unwanted| !has(unwanted)))
    }
}

impl Secrets {
    /// The secret's value by version, for tests that look without calling.
    pub(crate) fn content(&self, id: &str, version: &str) -> Result<Option<Content>, ApiError> {
        Ok(self.get(id).ok_or_else(no_secret)?.versions.get(version).and_then(|version| version.content.clone()))
    }
}

fn size(request: &Value, most: u64) -> Result<usize, ApiError> {
    let size = request.get("MaxResults").and_then(Value::as_u64).unwrap_or(most);
    if !(1..=most).contains(&size) {
        return Err(ApiError::validation("1 validation error detected: Value at 'maxResults' is out of range"));
    }
    usize::try_from(size).map_err(|_| ApiError::validation("MaxResults"))
}

fn with_next(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::super::PENDING;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_default_is_the_current_version_with_its_labels_and_dates() {
        let mut model = model();
        let answer = model.ok("GetSecretValue", json!({}));
        assert_eq!(answer["VersionId"], T1);
        assert_eq!(answer["VersionStages"], json!([CURRENT]));
        assert!(answer["CreatedDate"].is_f64());
        assert_eq!(model.ok("GetSecretValue", json!({"VersionId": T1}))["SecretString"], "one");
    }

    #[test]
    fn a_stage_that_is_not_on_the_version_is_refused() {
        let mut model = model();
        let (code, message) = model.refused("GetSecretValue", json!({"VersionId": T1, "VersionStage": PENDING}));
        assert_eq!(code, "InvalidRequestException");
        assert_eq!(message, "You provided a VersionStage that is not associated to the provided VersionId.");
    }

    #[test]
    fn an_empty_staged_version_and_an_absent_one_are_not_found() {
        let mut model = model();
        model.get_mut("app/db").unwrap().stage_pending(T2, None);
        let empty = "Secrets Manager can't find the specified secret value for staging label: AWSPENDING";
        for request in [json!({"VersionId": T2, "VersionStage": PENDING}), json!({"VersionStage": PENDING})] {
            let refused = model.refused("GetSecretValue", request);
            assert_eq!(refused, ("ResourceNotFoundException".into(), empty.into()));
        }
        let (code, message) = model.refused("GetSecretValue", json!({"VersionId": T3}));
        assert_eq!(code, "ResourceNotFoundException");
        assert!(message.ends_with(T3));
        assert_eq!(model.refused("GetSecretValue", json!({"VersionStage": "X"})).0, "ResourceNotFoundException");
        // The map of labels shows it all the same.
        assert_eq!(model.ok("DescribeSecret", json!({}))["VersionIdsToStages"][T2], json!([PENDING]));
    }

    #[test]
    fn unlabelled_versions_are_hidden_unless_deprecated_ones_are_asked_for() {
        let mut model = model();
        model.ok("PutSecretValue", json!({"SecretString": "two", "ClientRequestToken": T2}));
        model.ok("PutSecretValue", json!({"SecretString": "three", "ClientRequestToken": T3}));
        let described = model.ok("DescribeSecret", json!({}));
        assert_eq!(described["VersionIdsToStages"].as_object().unwrap().len(), 2);
        let count = |answer: Value| answer["Versions"].as_array().unwrap().len();
        assert_eq!(count(model.ok("ListSecretVersionIds", json!({}))), 2);
        assert_eq!(count(model.ok("ListSecretVersionIds", json!({"IncludeDeprecated": true}))), 3);
        assert_eq!(model.ok("GetSecretValue", json!({"VersionId": T1}))["SecretString"], "one");
    }

    #[test]
    fn rotation_is_absent_until_configured_and_listed_afterwards() {
        let mut model = model();
        assert!(model.ok("DescribeSecret", json!({})).get("RotationEnabled").is_none());
        let lambda = "arn:aws:lambda:us-east-1:123456789012:function:keyroll";
        model.get_mut("app/db").unwrap().enable_rotation(lambda, json!({"AutomaticallyAfterDays": 7}));
        let listed = model.answer("ListSecrets", &json!({}), None).unwrap()["SecretList"][0].clone();
        assert_eq!(listed["RotationEnabled"], true);
        assert_eq!(listed["RotationLambdaARN"], lambda);
        assert_eq!(listed["RotationRules"]["AutomaticallyAfterDays"], 7);
        assert_eq!(listed["SecretVersionsToStages"][T1], json!([CURRENT]));
        assert!(listed.get("VersionIdsToStages").is_none());
    }

    #[test]
    fn lists_are_paged_and_filtered() {
        let mut model = model();
        for name in ["b", "c"] {
            let request = json!({"Name": name, "SecretString": "x", "Tags": [{"Key": "keyroll:kind", "Value": "jwt"}]});
            model.answer("CreateSecret", &request, None).unwrap();
        }
        let page = model.answer("ListSecrets", &json!({"MaxResults": 2}), None).unwrap();
        assert_eq!(page["SecretList"].as_array().unwrap().len(), 2);
        let page = model.answer("ListSecrets", &json!({"NextToken": page["NextToken"]}), None).unwrap();
        assert_eq!(page["SecretList"].as_array().unwrap().len(), 1);
        assert!(page.get("NextToken").is_none());
        let filter = json!({"Filters": [{"Key": "tag-key", "Values": ["keyroll"]}]});
        let tagged = model.answer("ListSecrets", &filter, None).unwrap();
        assert_eq!(tagged["SecretList"].as_array().unwrap().len(), 2);
        let filter = json!({"Filters": [{"Key": "name", "Values": ["!app"]}]});
        assert_eq!(model.answer("ListSecrets", &filter, None).unwrap()["SecretList"].as_array().unwrap().len(), 2);
        assert!(model.answer("ListSecrets", &json!({"MaxResults": 101}), None).is_err());
    }
}
