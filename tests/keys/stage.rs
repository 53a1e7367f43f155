//! The stage: a secret, two services that take it, and the function.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rehearsal::aws::{Content, LocalAws};
use rehearsal::driver::{self, Driver, Options, RotationOutcome};
use rehearsal::lambda::{self, Function, Outcome};
use serde_json::{Value, json};

use crate::leaks;

/// The function's timeout.
pub const TIMEOUT: Duration = Duration::from_mins(1);
/// What the secret's tag names.
pub const SERVICES: [&str; 2] = ["api", "worker"];

/// One stage. Dropping it looks for secrets where none may be.
pub struct Stage {
    pub aws: LocalAws,
    pub function: Function,
    pub driver: Driver,
    pub arn: String,
    spoken: Mutex<String>,
    leaks_expected: AtomicBool,
}

impl Stage {
    /// A secret of this kind and value, whose tokens do not live on.
    pub async fn start(kind: &str, value: &str) -> Self {
        Self::with(kind, value, &[("keyroll:token-lifetime", "0")]).await
    }

    /// The same with other tags.
    pub async fn with(kind: &str, value: &str, tags: &[(&str, &str)]) -> Self {
        let aws = LocalAws::start().await.unwrap();
        let mut all = vec![("keyroll:services", "prod/api prod/worker"), ("keyroll:kind", kind)];
        all.extend(tags);
        let arn = aws.create_secret("auth/keys", value, &all).unwrap();
        aws.create_cluster("prod").unwrap();
        let definition = aws.register_with_secrets("auth", &[&arn]).unwrap();
        for service in SERVICES {
            aws.create_service("prod", service, &definition).unwrap();
            // Older than what is about to happen, and younger than the secret.
            aws.age_service("prod", service, Duration::from_mins(30)).unwrap();
        }
        aws.age_secret(&arn, Duration::from_hours(1)).unwrap();
        let function = Function::start(
            bootstrap(),
            [
                ("AWS_ENDPOINT_URL", aws.url()),
                ("KEYROLL_MIN_AGE", "0".to_owned()),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
                // Whatever is ever logged is logged here, for the leak check to find.
                ("AWS_LAMBDA_LOG_LEVEL", "TRACE".to_owned()),
                ("RUST_LOG", "trace".to_owned()),
            ],
        )
        .unwrap();
        aws.enable_rotation(&arn, function.arn(), json!({})).unwrap();
        let driver = Driver::new(&aws, driver::over(&function, TIMEOUT));
        Self { aws, function, driver, arn, spoken: Mutex::default(), leaks_expected: AtomicBool::new(false) }
    }

    /// Another environment of the same function, as Lambda starts one when two invocations come at once.
    pub fn another(&self) -> Function {
        Function::start(bootstrap(), [("AWS_ENDPOINT_URL", self.aws.url()), ("KEYROLL_MIN_AGE", "0".to_owned())])
            .unwrap()
    }

    /// Rotates, as Secrets Manager does, expects success, and lets the new tasks take over.
    pub async fn rotate(&self) -> RotationOutcome {
        let rotation = self.try_rotate(Options::default()).await;
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
        self.settle();
        rotation
    }

    /// Rotates and takes whatever comes.
    pub async fn try_rotate(&self, options: Options) -> RotationOutcome {
        let rotation = self.driver.clone().with(options).rotate(&self.arn).await.unwrap();
        self.heard(&format!("{:?}", rotation.timeline));
        rotation
    }

    /// Completes the deployments that are in progress.
    pub fn settle(&self) {
        for service in SERVICES {
            self.aws.with_service("prod", service, rehearsal::aws::Service::settle).unwrap();
        }
    }

    /// Stages a new version, as Secrets Manager does before createSecret, and gives its id.
    pub fn stage(&self) -> String {
        let token = rehearsal::aws::random::uuid();
        self.aws.stage_pending(&self.arn, &token).unwrap();
        token
    }

    /// Calls one step.
    pub async fn step(&self, step: &str, token: &str) -> Outcome {
        let outcome = self.driver.step(step, &self.arn, token).await.unwrap();
        self.heard(&format!("{outcome:?}"));
        outcome
    }

    /// Calls one step and expects an answer.
    pub async fn answer(&self, step: &str, token: &str) -> Value {
        answered(step, self.step(step, token).await)
    }

    /// Calls one step and expects an error of this type; gives its message.
    pub async fn error(&self, step: &str, token: &str, expected: &str) -> String {
        refused(step, self.step(step, token).await, expected)
    }

    /// Sends any event.
    pub async fn send(&self, event: &Value) -> Outcome {
        let outcome = self.function.invoke(event, TIMEOUT).await.unwrap();
        self.heard(&format!("{outcome:?}"));
        outcome
    }

    /// Asks for an operator's action on the secret and expects an answer.
    pub async fn action(&self, name: &str) -> Value {
        answered(name, self.send(&json!({"Action": name, "SecretId": self.arn})).await)
    }

    /// Asks for an operator's action on the secret and expects an error of this type; gives its message.
    pub async fn action_error(&self, name: &str, expected: &str) -> String {
        refused(name, self.send(&json!({"Action": name, "SecretId": self.arn})).await, expected)
    }

    /// The value under a label.
    pub fn value(&self, label: &str) -> String {
        self.aws.value_of(&self.arn, label).unwrap()
    }

    /// The same, parsed.
    pub fn json(&self, label: &str) -> Value {
        serde_json::from_str(&self.value(label)).unwrap()
    }

    /// Replaces the content under a label in place.
    pub fn overwrite(&self, label: &str, value: &str) {
        let version = self.aws.holder(&self.arn, label).unwrap();
        let content = Some(Content::Text(value.to_owned()));
        self.aws.with_secret(&self.arn, |secret| secret.versions.get_mut(&version).unwrap().content = content).unwrap();
    }

    /// Sets a tag of the secret.
    pub fn tag(&self, key: &str, value: &str) {
        self.aws.set_tag(&self.arn, key, value).unwrap();
    }

    /// Asserts the end of a rotation: labels, services, no open mark.
    pub fn assert_finished(&self, token: &str) {
        let stages = self.aws.stages(&self.arn);
        assert_eq!(self.aws.holder(&self.arn, "AWSCURRENT").as_deref(), Some(token), "{stages:?}");
        assert_eq!(self.aws.holder(&self.arn, "KEYROLL_ROLLOUT"), None, "{stages:?}");
        assert!(self.aws.holder(&self.arn, "AWSPENDING").is_none_or(|holder| holder == token), "{stages:?}");
        let moved = self.aws.secret(&self.arn).unwrap().versions[token].promoted.unwrap();
        for service in SERVICES {
            let service = self.aws.service("prod", service).unwrap();
            // Dates have milliseconds: the move and a deployment may fall into the same one.
            assert!(service.deployments[0].created >= moved, "{} was not redeployed", service.name);
        }
    }

    /// Notes a text that the leak check is to look through.
    pub fn heard(&self, text: &str) {
        self.spoken.lock().unwrap().push_str(text);
    }

    /// For the tests of the leak check: this stage leaks on purpose.
    pub fn expect_leaks(&self) {
        self.leaks_expected.store(true, Ordering::Relaxed);
    }

    /// Where a secret shows up that should not.
    pub fn leaks(&self) -> Vec<String> {
        let values: Vec<String> = (self.aws.secret(&self.arn).unwrap().versions.into_values())
            .filter_map(|version| match version.content {
                Some(Content::Text(text)) => Some(text),
                _ => None,
            })
            .collect();
        let spoken =
            [("the function's output", self.function.output()), ("an answer", self.spoken.lock().unwrap().clone())];
        leaks::found(&spoken, &values)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.leaks_expected.load(Ordering::Relaxed) {
            assert_eq!(self.leaks(), Vec::<String>::new());
        }
    }
}

fn answered(what: &str, outcome: Outcome) -> Value {
    match outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("{what}: {other:?}"),
    }
}

fn refused(what: &str, outcome: Outcome, expected: &str) -> String {
    match outcome {
        Outcome::Error { error_type, message } => {
            assert_eq!(error_type, expected, "{message}");
            assert!(message.contains("Remedy: "), "{message}");
            message
        }
        other => panic!("{what}: {other:?}, expected {expected}"),
    }
}

/// What is driven.
fn bootstrap() -> PathBuf {
    lambda::under_test(env!("CARGO_BIN_EXE_bootstrap"))
}
