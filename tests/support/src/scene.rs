//! A stage without a database, for all that comes after the move of AWSCURRENT: a secret whose current version carries
//! the open mark, a cluster, and the function. Most of it is free to build, so that a test can have many services.

use std::ops::Deref;
use std::time::Duration;

use rehearsal::aws::{Call, LocalAws, Service, random};
use serde_json::{Value, json};

use crate::leaks;
use crate::rig::{self, Rig, random_password};

/// The secret's name.
pub const SECRET: &str = "orders/db";
const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

pub struct Scene(Rig);

impl Deref for Scene {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.0
    }
}

impl Scene {
    /// A secret that was promoted an hour ago and not rolled, and the empty cluster `prod`.
    pub async fn start() -> Self {
        let mut scene = Self(Rig::start(LocalAws::start().await.unwrap(), &[]));
        scene.aws.create_cluster("prod").unwrap();
        scene.0.arn = scene.secret(SECRET);
        scene.promote(&scene.arn);
        scene.aws.age_secret(&scene.arn, HOUR).unwrap();
        scene
    }

    /// One more secret that this function rotates, with one version and no mark.
    pub fn secret(&self, name: &str) -> String {
        let arn = self.aws.create_secret(name, &value(), &[]).unwrap();
        self.aws.enable_rotation(&arn, self.function.arn(), json!({"AutomaticallyAfterDays": 30})).unwrap();
        self.aws.age_secret(&arn, DAY).unwrap();
        arn
    }

    /// A new version of a secret that is current and carries the open mark, as a crash right after the move leaves it.
    pub fn promote(&self, secret: &str) -> String {
        self.aws.put_value(secret, &value(), &["AWSCURRENT", "AWSPENDING", "KEYROLL_ROLLOUT"]).unwrap()
    }

    /// The ARN without the suffix that Secrets Manager gives.
    pub fn partial(&self) -> &str {
        &self.arn[..self.arn.len() - 7]
    }

    /// A container that takes these secrets and names its build.
    pub fn container(value_from: &[&str]) -> Value {
        let secrets = value_from.iter().map(|from| json!({"name": "S", "valueFrom": from}));
        json!({"name": "app", "image": "app:1.4.2", "secrets": secrets.collect::<Vec<_>>()})
    }

    /// A new revision of one container that takes these secrets.
    pub fn revision(&self, family: &str, value_from: &[&str]) -> String {
        let containers = [Self::container(value_from)];
        let definition = json!({"family": family, "containerDefinitions": containers});
        self.aws.register_task_definition(&definition).unwrap()
    }

    /// A service of `prod` since yesterday, with its own task definition that takes these secrets.
    pub fn service(&self, name: &str, value_from: &[&str]) {
        let revision = self.revision(name, value_from);
        self.service_with(name, json!({"taskDefinition": revision}));
    }

    /// A service of `prod` since yesterday, with these fields of `CreateService`.
    pub fn service_with(&self, name: &str, fields: Value) {
        self.aws.create_service_with("prod", name, fields).unwrap();
        self.aws.age_service("prod", name, DAY).unwrap();
    }

    /// A service of `prod` since yesterday, with this task definition.
    pub fn service_of(&self, name: &str, mut definition: Value) {
        definition["family"] = json!(name);
        let revision = self.aws.register_task_definition(&definition).unwrap();
        self.service_with(name, json!({"taskDefinition": revision}));
    }

    /// A service of `prod` as it stands.
    pub fn seen(&self, name: &str) -> Service {
        self.aws.service("prod", name).unwrap()
    }

    /// Sends an event and expects an answer.
    pub async fn answer(&self, event: &Value) -> Value {
        rig::answered("the event", self.send(event).await)
    }

    /// Sends an event and expects an error of this type; gives its message.
    pub async fn error(&self, event: &Value, expected: &str) -> String {
        rig::refused("the event", self.send(event).await, expected)
    }

    /// An operator's action on the secret.
    pub fn action(&self, name: &str) -> Value {
        json!({"Action": name, "SecretId": self.arn})
    }

    /// `Reconcile` of the secret, which must succeed.
    pub async fn reconcile(&self) -> Value {
        self.answer(&self.action("Reconcile")).await
    }

    /// The event of a finishSecret that comes once more.
    pub fn finish(&self) -> Value {
        let version = self.aws.holder(&self.arn, "AWSCURRENT").unwrap();
        json!({"Step": "finishSecret", "SecretId": self.arn, "ClientRequestToken": version})
    }

    /// Whether the current version carries the open mark.
    pub fn is_open(&self) -> bool {
        let holder = self.aws.holder(&self.arn, "KEYROLL_ROLLOUT");
        holder.is_some() && holder == self.aws.holder(&self.arn, "AWSCURRENT")
    }

    /// How often a service of `prod` was deployed since it was made.
    pub fn redeployed(&self, service: &str) -> usize {
        self.seen(service).deployments.len() - 1
    }

    /// The calls that change something.
    pub fn writes(&self) -> Vec<Call> {
        let reads = ["Describe", "List", "Get"];
        let is_read = |call: &Call| reads.iter().any(|read| call.operation.starts_with(read));
        self.aws.function_calls().into_iter().filter(|call| !is_read(call)).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.assert_no(|| {
            let secrets = self.aws.snapshot().secrets;
            let values = secrets
                .values()
                .flat_map(|secret| secret.versions.keys().filter_map(|version| self.aws.value(&secret.arn, version)));
            let values = values.map(|text| serde_json::from_str::<Value>(&text).unwrap());
            let passwords: Vec<_> = values.map(|value| vec![value["password"].as_str().unwrap().to_owned()]).collect();
            leaks::found(&self.spoken(), &passwords)
        });
    }
}

fn value() -> String {
    let password = random_password();
    json!({"engine": "postgres", "host": "h", "username": "u", "password": password, "id": random::uuid()}).to_string()
}

/// A service's verdict and reason in a report.
pub fn verdict<'a>(report: &'a Value, service: &str) -> (&'a str, &'a str) {
    let services = report["services"].as_array().unwrap();
    let lines: Vec<&Value> = services.iter().filter(|line| line["service"] == service).collect();
    let [line] = lines[..] else { panic!("{service} has {} lines: {report:#}", lines.len()) };
    (line["verdict"].as_str().unwrap(), line["reason"].as_str().unwrap())
}

/// The services of a report with this verdict, sorted.
pub fn with_verdict(report: &Value, verdict: &str) -> Vec<String> {
    let services = report["services"].as_array().unwrap().iter().filter(|line| line["verdict"] == verdict);
    let mut names: Vec<String> = services.map(|line| line["service"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The warnings of a report, as one text.
pub fn warnings(report: &Value) -> String {
    report.get("warnings").map(ToString::to_string).unwrap_or_default()
}

/// The policy statement that a message tells to add.
pub fn statement(message: &str) -> Value {
    let start = message.find("{\"Effect\"").unwrap_or_else(|| panic!("no statement in: {message}"));
    let mut values = serde_json::Deserializer::from_str(&message[start..]).into_iter::<Value>();
    values.next().unwrap().unwrap()
}

/// What happens on ECS now happens after the move, also by its dates, which have milliseconds.
pub fn a_moment_later() {
    std::thread::sleep(Duration::from_millis(3));
}
