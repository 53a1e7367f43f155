//! What tasks read as they start: each `valueFrom` by a `GetSecretValue` of its own, so that a user name and its password may
//! come from two versions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::wire::Fields as _;
use super::world::Model;

/// The parts of the ARN of a secret; a key, a label and a version may follow.
const ARN: usize = 7;

impl Model {
    /// Moves services on, and lets every task that has not read yet read what its containers take. A task of a service with a
    /// pace that cannot read does not start.
    pub(crate) fn let_tasks_read(&mut self) {
        self.ecs.tick();
        let unread = self.ecs.tasks().filter(|task| task.values.is_none() && task.is_live());
        let unread: Vec<(String, Vec<String>)> =
            unread.map(|task| (task.id.clone(), self.ecs.takes(&task.task_definition))).collect();
        for (id, takes) in unread {
            let mut values = BTreeMap::new();
            let mut failed = None;
            for value_from in takes.into_iter().filter(|text| text.contains(":secretsmanager:")) {
                match self.read(&value_from) {
                    Ok(value) => drop(values.insert(value_from, value)),
                    Err(reason) => failed = Some(reason),
                }
            }
            self.ecs.has_read(&id, values, failed);
        }
    }

    /// The value that a `valueFrom` gives now.
    fn read(&self, value_from: &str) -> Result<String, String> {
        let parts: Vec<&str> = value_from.split(':').collect();
        let part = |number: usize| parts.get(ARN + number).copied().filter(|part| !part.is_empty());
        let mut request = json!({ "SecretId": parts[..ARN.min(parts.len())].join(":") });
        for (name, value) in [("VersionStage", part(1)), ("VersionId", part(2))] {
            if let Some(value) = value {
                request[name] = json!(value);
            }
        }
        let told = |why: &str| {
            format!(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: \
                 unable to retrieve secret from asm: {value_from}: {why}"
            )
        };
        let answer =
            self.secrets.read(&request).map_err(|error| told(&format!("{}: {}", error.code, error.message)))?;
        let text = answer.text("SecretString").unwrap_or_default();
        let Some(key) = part(0) else { return Ok(text.to_owned()) };
        let object: Value = serde_json::from_str(text).unwrap_or_default();
        match object.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None => Err(told(&format!("retrieved secret from Secrets Manager did not contain json key {key}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{LocalAws, Pace, Phase, Service};

    const OLD: &str = r#"{"username":"a","password":"one"}"#;
    const NEW: &str = r#"{"username":"b","password":"two"}"#;

    async fn stage(key: &str) -> (LocalAws, String) {
        let aws = LocalAws::start().await.unwrap();
        let arn = aws.create_secret("orders/db", OLD, &[]).unwrap();
        aws.create_cluster("prod").unwrap();
        let value_from = format!("{arn}:{key}::");
        let definition = aws.register_with_secrets("orders", &[&value_from, "/orders/parameter"]).unwrap();
        aws.create_service("prod", "api", &definition).unwrap();
        (aws, value_from)
    }

    #[tokio::test]
    async fn a_task_keeps_what_it_read_as_it_started() {
        let (aws, value_from) = stage("password").await;
        let read = || -> Vec<String> {
            let tasks = aws.live_tasks();
            tasks.iter().map(|task| task.values.as_ref().unwrap()[&value_from].clone()).collect()
        };
        assert_eq!(read(), ["one"]);
        aws.put_value("orders/db", NEW, &["AWSCURRENT"]).unwrap();
        assert_eq!(read(), ["one"]);
        aws.with_service("prod", "api", Service::deploy).unwrap();
        assert_eq!(read(), ["one", "two"]);
        aws.with_service("prod", "api", Service::settle).unwrap();
        assert_eq!(read(), ["two"]);
        let nightly = aws.run_task("prod", "orders", "events-rule/nightly").unwrap();
        assert_eq!((nightly.values.unwrap()[&value_from].as_str(), nightly.group.as_str()), ("two", "family:orders"));
        aws.with_task(&nightly.id, |task| task.stop(Duration::ZERO)).unwrap();
        assert_eq!(read(), ["two"]);
    }

    #[tokio::test]
    async fn a_task_that_cannot_read_does_not_start_where_its_service_has_a_pace() {
        let (aws, _) = stage("passwort").await;
        let [task] = &aws.live_tasks()[..] else { panic!("one task") };
        assert!(task.values.as_ref().unwrap().is_empty());
        aws.with_service("prod", "api", |service| {
            service.pace = Some(Pace::default());
            service.deploy();
        })
        .unwrap();
        let service = aws.service("prod", "api").unwrap();
        let failed = service.tasks.iter().find(|task| task.phase == Phase::Stopped).unwrap();
        let (code, reason) = failed.why.as_ref().unwrap();
        assert_eq!(*code, "TaskFailedToStart");
        assert!(reason.starts_with("ResourceInitializationError") && reason.contains("json key passwort"), "{reason}");
    }
}
