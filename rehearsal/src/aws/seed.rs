//! What tests set up and look at without a call, so that the record holds only what is under test.

mod ecs;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use super::rds::{DbCluster, DbInstance};
use super::s3::Object;
use super::secrets::{Content, Secret, Version};
use super::wire::{ApiError, Fields as _};
use super::world::Model;
use super::{LocalAws, random};
use crate::mutex::lock;

/// Secrets. An `id` is a name or an ARN.
impl LocalAws {
    /// Creates a secret with a value and gives its ARN. An upstream does not learn of it: where its own answers
    /// matter, create the secret over HTTP.
    pub fn create_secret(&self, name: &str, value: &str, tags: &[(&str, &str)]) -> Result<String> {
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let request = json!({ "Name": name, "SecretString": value, "Tags": tags });
        let answer = self.model(|model| model.secrets.answer("CreateSecret", &request, None)).map_err(told)?;
        Ok(answer.text("ARN").context("an ARN")?.to_owned())
    }

    /// The secret as it stands.
    #[must_use]
    pub fn secret(&self, id: &str) -> Option<Secret> {
        self.model(|model| model.secrets.get(id).cloned())
    }

    /// Changes anything about a secret, also what no call could.
    pub fn with_secret<T>(&self, id: &str, change: impl FnOnce(&mut Secret) -> T) -> Result<T> {
        self.model(|model| model.secrets.get_mut(id).map(change)).with_context(|| format!("no secret {id}"))
    }

    /// Turns rotation on, with the rules that go with it.
    pub fn enable_rotation(&self, id: &str, lambda_arn: &str, rules: Value) -> Result<()> {
        self.with_secret(id, |secret| secret.enable_rotation(lambda_arn, rules))
    }

    /// Makes the empty AWSPENDING version that Secrets Manager makes before createSecret.
    pub fn stage_pending(&self, id: &str, token: &str) -> Result<()> {
        self.with_secret(id, |secret| secret.stage_pending(token, None))
    }

    /// Each version that has labels, with its labels in alphabetical order.
    #[must_use]
    pub fn stages(&self, id: &str) -> BTreeMap<String, Vec<String>> {
        let labels = |version: Version| version.stages.into_iter().collect::<Vec<_>>();
        let versions = self.secret(id).map(|secret| secret.versions).unwrap_or_default();
        versions.into_iter().filter(|(_, version)| !version.stages.is_empty()).map(|(id, v)| (id, labels(v))).collect()
    }

    /// The version that holds a label.
    #[must_use]
    pub fn holder(&self, id: &str, label: &str) -> Option<String> {
        self.secret(id)?.holder(label).map(str::to_owned)
    }

    /// The text of a version; none when it is empty, binary or not there.
    #[must_use]
    pub fn value(&self, id: &str, version: &str) -> Option<String> {
        match self.model(|model| model.secrets.content(id, version)) {
            Ok(Some(Content::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// The text of the version that holds a label.
    #[must_use]
    pub fn value_of(&self, id: &str, label: &str) -> Option<String> {
        self.value(id, &self.holder(id, label)?)
    }

    /// Stores a value under these labels as somebody else would, and gives the new version's id.
    pub fn put_value(&self, id: &str, value: &str, labels: &[&str]) -> Result<String> {
        let token = random::uuid();
        self.put_version(id, &token, value, labels)?;
        Ok(token)
    }

    /// Stores a value as this version.
    pub fn put_version(&self, id: &str, token: &str, value: &str, labels: &[&str]) -> Result<()> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let content = Content::Text(value.to_owned());
        self.with_secret(id, |secret| secret.store(token, content, &labels))?.map_err(told)?;
        Ok(())
    }

    /// Sets a tag.
    pub fn set_tag(&self, id: &str, key: &str, value: &str) -> Result<()> {
        let request = json!({ "SecretId": id, "Tags": [{ "Key": key, "Value": value }] });
        self.model(|model| model.secrets.answer("TagResource", &request, None)).map_err(told)?;
        Ok(())
    }

    /// Removes a tag.
    pub fn remove_tag(&self, id: &str, key: &str) -> Result<()> {
        let request = json!({ "SecretId": id, "TagKeys": [key] });
        self.model(|model| model.secrets.answer("UntagResource", &request, None)).map_err(told)?;
        Ok(())
    }

    /// Puts a label on a version, whoever holds it.
    pub fn move_label(&self, id: &str, label: &str, version: &str) -> Result<()> {
        self.with_secret(id, |secret| secret.attach(label, version))
    }

    /// Takes a label off whichever version holds it.
    pub fn remove_label(&self, id: &str, label: &str) -> Result<()> {
        self.with_secret(id, |secret| secret.detach(label))
    }

    /// Makes all dates of a secret older, so that "minutes ago" needs no waiting.
    pub fn age_secret(&self, id: &str, by: Duration) -> Result<()> {
        self.with_secret(id, |secret| {
            let versions = secret.versions.values_mut().map(|version| &mut version.created);
            let dates = [&mut secret.created, &mut secret.changed].into_iter();
            for date in dates.chain(&mut secret.rotated).chain(versions) {
                *date = date.saturating_sub(by);
            }
        })
    }
}

/// RDS. Nothing that is modelled changes it: tests say what there is.
impl LocalAws {
    /// Makes an instance, or replaces the one of that name.
    pub fn put_db_instance(&self, instance: DbInstance) {
        self.model(|model| model.rds.put_instance(instance));
    }

    /// Makes a cluster, or replaces the one of that name.
    pub fn put_db_cluster(&self, cluster: DbCluster) {
        self.model(|model| model.rds.put_cluster(cluster));
    }
}

/// S3.
impl LocalAws {
    /// Makes an empty bucket.
    pub fn create_bucket(&self, name: &str) {
        self.model(|model| model.s3.create_bucket(name));
    }

    /// The object as it stands.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        self.model(|model| model.s3.buckets().get(bucket)?.get(key).cloned())
    }

    fn model<T>(&self, work: impl FnOnce(&mut Model) -> T) -> T {
        work(&mut lock(&self.world.model))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn told(error: ApiError) -> anyhow::Error {
    anyhow!("{}: {}", error.code, error.message)
}

#[cfg(test)]
mod tests {
    use super::super::{CURRENT, PENDING, PREVIOUS};
    use super::*;

    #[tokio::test]
    async fn seeding_and_looking_leave_no_calls_and_snapshots_tell_changes() {
        let aws = LocalAws::start().await.unwrap();
        let arn = aws.create_secret("app/db", "one", &[("keyroll:kind", "jwt")]).unwrap();
        let first = aws.holder(&arn, CURRENT).unwrap();
        let before = aws.snapshot();
        assert_eq!(aws.value_of("app/db", CURRENT).as_deref(), Some("one"));
        assert_eq!(aws.snapshot(), before);
        aws.stage_pending(&arn, "token").unwrap();
        assert_ne!(aws.snapshot(), before);
        assert_eq!(aws.stages(&arn)["token"], [PENDING]);
        assert_eq!(aws.value(&arn, "token"), None);
        let second = aws.put_value(&arn, "two", &[CURRENT, "MINE"]).unwrap();
        assert_eq!(aws.stages(&arn)[&second], [CURRENT, "MINE"]);
        assert_eq!(aws.stages(&arn)[&first], [PREVIOUS]);
        aws.remove_label(&arn, "MINE").unwrap();
        aws.move_label(&arn, CURRENT, &first).unwrap();
        assert_eq!(aws.stages(&arn)[&second], [PREVIOUS]);
        aws.set_tag(&arn, "a", "b").unwrap();
        aws.remove_tag(&arn, "keyroll:kind").unwrap();
        assert_eq!(aws.secret(&arn).unwrap().tags, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        assert!(aws.put_version(&arn, &second, "other", &[CURRENT]).is_err());
        assert!(aws.set_tag("none", "a", "b").is_err());
        assert!(aws.calls().is_empty());
    }

    #[tokio::test]
    async fn dates_can_be_made_older() {
        let aws = LocalAws::start().await.unwrap();
        aws.create_secret("app/db", "one", &[]).unwrap();
        aws.create_cluster("main").unwrap();
        let arn = aws.register_with_secrets("web", &["x"]).unwrap();
        aws.create_service("main", "web", &arn).unwrap();
        let (secret, service) = (aws.secret("app/db").unwrap(), aws.service("main", "web").unwrap());
        let hour = Duration::from_hours(1);
        aws.age_secret("app/db", hour).unwrap();
        aws.age_service("main", "web", hour).unwrap();
        assert_eq!(aws.secret("app/db").unwrap().changed + hour, secret.changed);
        let version = |secret: &Secret| secret.versions.values().next().unwrap().created;
        assert_eq!(version(&aws.secret("app/db").unwrap()) + hour, version(&secret));
        let created = aws.service("main", "web").unwrap().deployments[0].created;
        assert_eq!(created + hour, service.deployments[0].created);
    }
}
