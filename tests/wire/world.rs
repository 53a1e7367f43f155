//! What AWS knows: clusters, services and revisions, and one secret whose rollout is open.

use std::time::Duration;

use rehearsal::aws::{Answer, Ecs, Secrets, Service, StageClock};
use serde_json::{Value, json};
use tokio::time::Instant;

pub const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";
pub const VERSION: &str = "6f6e2d7a-1b5c-4c7e-9b0a-000000000001";

/// How long before the world began its secret last changed.
const AGE: Duration = Duration::from_secs(1);
/// A place in a task definition that is another's.
const OTHER: &str = "arn:aws:ssm:::parameter/other";

pub struct World {
    pub ecs: Ecs,
    pub secrets: Secrets,
    began: Duration,
}

/// The ARN of the only revision of this family.
pub fn revision(family: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:000000000000:task-definition/{family}:1")
}

impl World {
    /// A world without clusters. Its time is tokio's.
    pub fn new() -> Self {
        let (began, instant) = (now(), Instant::now());
        let clock = StageClock::new(move || began + instant.elapsed());
        let mut secrets = Secrets::new("eu-west-1", "000000000000");
        let created = json!({ "Name": "orders/db", "ClientRequestToken": VERSION, "SecretString": "{}" });
        secrets.answer("CreateSecret", &created, Some(SECRET.to_owned())).unwrap();
        let mark = json!({ "SecretId": SECRET, "VersionStage": "KEYROLL_ROLLOUT", "MoveToVersionId": VERSION });
        secrets.answer("UpdateSecretVersionStage", &mark, None).unwrap();
        let mut world = Self { ecs: Ecs::new("eu-west-1", "000000000000", clock), secrets, began };
        world.secret().changed = world.changed();
        world
    }

    /// So many clusters with so many services each, every one with a revision of its own that takes another secret.
    pub fn with(clusters: usize, services: usize) -> Self {
        let mut world = Self::new();
        for cluster in 0..clusters {
            world.add_cluster(&format!("c{cluster:03}"));
            for service in 0..services {
                world.add(&format!("c{cluster:03}"), &format!("s{service:03}"), &[("app", &[OTHER])]);
            }
        }
        world
    }

    /// When the secret last changed, since 1970.
    pub fn changed(&self) -> Duration {
        self.began.checked_sub(AGE).unwrap()
    }

    /// Gives the secret a tag.
    pub fn tag(&mut self, key: &str, value: &str) {
        let tags = json!({ "SecretId": SECRET, "Tags": [{ "Key": key, "Value": value }] });
        self.secrets.answer("TagResource", &tags, None).unwrap();
    }

    /// Whether the secret's rollout has been closed.
    pub fn closed(&self) -> bool {
        let secret = self.secrets.get(SECRET).unwrap();
        secret.versions.values().all(|version| !version.stages.contains("KEYROLL_ROLLOUT"))
    }

    fn secret(&mut self) -> &mut rehearsal::aws::Secret {
        self.secrets.get_mut(SECRET).unwrap()
    }

    pub fn add_cluster(&mut self, name: &str) {
        self.ecs.answer("CreateCluster", &json!({ "clusterName": name })).unwrap();
    }

    /// A service whose tasks are of these containers, each of which takes these. It was deployed long before the secret changed.
    pub fn add(&mut self, cluster: &str, name: &str, containers: &[(&str, &[&str])]) {
        let secret = |value_from: &&str| json!({ "name": "DB", "valueFrom": value_from });
        let container = |(name, takes): &(&str, &[&str])| json!({ "name": name, "image": "app:1", "secrets": takes.iter().map(secret).collect::<Vec<_>>() });
        let containers: Vec<Value> = containers.iter().map(container).collect();
        let family = format!("{cluster}-{name}");
        self.add_cluster(cluster);
        self.ecs
            .answer("RegisterTaskDefinition", &json!({ "family": family, "containerDefinitions": containers }))
            .unwrap();
        let service =
            json!({ "cluster": cluster, "serviceName": name, "taskDefinition": revision(&family), "desiredCount": 2 });
        self.ecs.answer("CreateService", &service).unwrap();
        let old = self.changed().checked_sub(Duration::from_secs(1000)).unwrap();
        self.service(cluster, name).deployments[0].created = old;
    }

    /// A service that takes another secret.
    pub fn add_other(&mut self, cluster: &str, name: &str) {
        self.add(cluster, name, &[("app", &[OTHER])]);
    }

    /// A service that takes the secret. One of this name that was there before takes it from now on.
    pub fn add_dependent(&mut self, cluster: &str, name: &str) {
        let password = format!("{SECRET}:password::");
        if self.ecs.service(cluster, name).is_none() {
            return self.add(cluster, name, &[("app", &[&password])]);
        }
        let family = format!("{cluster}-{name}-dependent");
        let containers =
            json!([{ "name": "app", "image": "app:1", "secrets": [{ "name": "DB", "valueFrom": password }] }]);
        self.ecs
            .answer("RegisterTaskDefinition", &json!({ "family": family, "containerDefinitions": containers }))
            .unwrap();
        let service = self.service(cluster, name);
        service.task_definition = revision(&family);
        service.deployments[0].task_definition = revision(&family);
    }

    pub fn service(&mut self, cluster: &str, name: &str) -> &mut Service {
        self.ecs.service_mut(cluster, name).unwrap()
    }

    /// Answers one call of Secrets Manager or ECS.
    pub fn answer(&mut self, operation: &str, request: &Value) -> Answer {
        if operation.contains("Secret") {
            if operation == "UpdateSecretVersionStage" {
                assert_eq!(request["VersionStage"], "KEYROLL_ROLLOUT");
            }
            return self.secrets.answer(operation, request, None);
        }
        if operation == "UpdateService" {
            let fields: Vec<&String> = request.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["cluster", "forceNewDeployment", "service"], "a redeploy must change nothing else");
        }
        self.ecs.answer(operation, request)
    }
}

#[expect(clippy::disallowed_methods, reason = "a world begins now")]
fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
}
