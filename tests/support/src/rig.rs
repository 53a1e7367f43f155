//! What every stage has: a local AWS, the function, Secrets Manager's own part, and all that was heard.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rehearsal::aws::{Content, LocalAws, random};
use rehearsal::driver::{self, Driver, Options, RotationOutcome, STEPS};
use rehearsal::lambda::{self, Function, Outcome};
use serde_json::{Value, json};

use crate::leaks::{self, Place};

/// The function's timeout.
pub const TIMEOUT: Duration = Duration::from_mins(1);
/// What the secret's tag names.
pub const SERVICES: [&str; 2] = ["api", "worker"];

/// The function and what it meets at AWS, with one secret that it rotates.
pub struct Rig {
    pub aws: LocalAws,
    pub function: Function,
    pub driver: Driver,
    pub arn: String,
    heard: Mutex<String>,
    strangers: Mutex<Vec<String>>,
    leaks_expected: AtomicBool,
    settings: Vec<(String, String)>,
}

impl Rig {
    /// Starts the function, with these settings besides the usual ones.
    pub fn start(aws: LocalAws, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("AWS_ENDPOINT_URL", aws.url()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            // Whatever is ever logged is logged here, for the leak check to find.
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE".to_owned()),
            ("RUST_LOG", "trace".to_owned()),
        ];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let function = Function::start(bootstrap(), all).unwrap();
        let driver = Driver::new(&aws, driver::over(&function, TIMEOUT));
        Self {
            aws,
            function,
            driver,
            arn: String::new(),
            heard: Mutex::default(),
            strangers: Mutex::default(),
            leaks_expected: AtomicBool::new(false),
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    /// Another environment of the same function, as Lambda starts one when two invocations come at once.
    pub fn another(&self) -> Function {
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
        Function::start(bootstrap(), settings.chain([("AWS_ENDPOINT_URL", self.aws.url())])).unwrap()
    }

    /// Rotates, as Secrets Manager does, and expects success.
    pub async fn rotate(&self) -> RotationOutcome {
        let rotation = self.try_rotate(Options::default()).await;
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
        rotation
    }

    /// Rotates and takes whatever comes.
    pub async fn try_rotate(&self, options: Options) -> RotationOutcome {
        let rotation = self.driver.clone().with(options).rotate(&self.arn).await.unwrap();
        self.heard(&format!("{:?}", rotation.timeline));
        self.secret_text(&rotation.rotation_token);
        rotation
    }

    /// Stages a new version, as Secrets Manager does before createSecret, and gives its id.
    pub fn stage(&self) -> String {
        let token = random::uuid();
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

    /// Stages a new version and has its value stored; gives its id.
    pub async fn created(&self) -> String {
        let token = self.stage();
        self.answer("createSecret", &token).await;
        token
    }

    /// The steps after createSecret.
    pub async fn goes_on(&self, token: &str) {
        for step in &STEPS[1..] {
            self.answer(step, token).await;
        }
    }

    /// Calls one step and expects an error of this type; gives its message.
    pub async fn error(&self, step: &str, token: &str, expected: &str) -> String {
        refused(step, self.step(step, token).await, expected)
    }

    /// Calls one step, which must be refused with an error of this type and these words, and must change nothing; gives its
    /// message.
    pub async fn refused(&self, step: &str, token: &str, expected: &str, words: &[&str]) -> String {
        let before = self.aws.snapshot();
        let message = self.error(step, token, expected).await;
        assert!(self.aws.snapshot() == before, "a refused {step} changed something: {message}");
        assert_says(&message, words);
        message
    }

    /// Sends any event to a function with this timeout.
    pub async fn send_within(&self, event: &Value, timeout: Duration) -> Outcome {
        let outcome = self.function.invoke(event, timeout).await.unwrap();
        self.heard(&format!("{outcome:?}"));
        outcome
    }

    /// Sends any event.
    pub async fn send(&self, event: &Value) -> Outcome {
        self.send_within(event, TIMEOUT).await
    }

    /// Asks for an operator's action on the secret and expects an answer.
    pub async fn action(&self, name: &str) -> Value {
        answered(name, self.send(&json!({"Action": name, "SecretId": self.arn})).await)
    }

    /// Asks for an operator's action on the secret and expects an error of this type; gives its message.
    pub async fn action_error(&self, name: &str, expected: &str) -> String {
        refused(name, self.send(&json!({"Action": name, "SecretId": self.arn})).await, expected)
    }

    /// Replaces the content under a label in place.
    pub fn overwrite(&self, label: &str, content: Content) {
        let version = self.aws.holder(&self.arn, label).unwrap();
        self.aws
            .with_secret(&self.arn, |secret| secret.versions.get_mut(&version).unwrap().content = Some(content))
            .unwrap();
    }

    /// Asserts that a rotation has ended, as the labels have it, and gives when AWSCURRENT moved.
    pub fn assert_labels(&self, token: &str) -> Duration {
        let stages = self.aws.stages(&self.arn);
        assert_eq!(self.aws.holder(&self.arn, "AWSCURRENT").as_deref(), Some(token), "{stages:?}");
        assert_eq!(self.aws.holder(&self.arn, "KEYROLL_ROLLOUT"), None, "{stages:?}");
        assert!(self.aws.holder(&self.arn, "AWSPENDING").is_none_or(|holder| holder == token), "{stages:?}");
        self.aws.secret(&self.arn).unwrap().versions[token].promoted.unwrap()
    }

    /// How many deployments a service has had.
    pub fn deployments(&self, service: &str) -> usize {
        self.aws.service("prod", service).unwrap().deployments.len()
    }

    /// The operations that the function called, in their order.
    pub fn operations(&self) -> Vec<String> {
        self.aws.function_calls().into_iter().map(|call| call.operation).collect()
    }

    /// How many calls of an operation the function made.
    pub fn calls(&self, operation: &str) -> usize {
        self.operations().iter().filter(|called| *called == operation).count()
    }

    /// A text that must not show up anywhere.
    pub fn secret_text(&self, text: &str) {
        self.strangers.lock().unwrap().push(text.to_owned());
    }

    /// For the tests of the leak check: this stage leaks on purpose.
    pub fn expect_leaks(&self) {
        self.leaks_expected.store(true, Ordering::Relaxed);
    }

    /// Notes a text that the leak check is to look through.
    pub fn heard(&self, text: &str) {
        self.heard.lock().unwrap().push_str(text);
    }

    /// Where the function speaks.
    pub fn spoken(&self) -> [Place; 2] {
        [("the function's output", self.function.output()), ("an answer", self.heard.lock().unwrap().clone())]
    }

    /// The texts that must not show up anywhere.
    pub fn secret_texts(&self) -> Vec<String> {
        self.strangers.lock().unwrap().clone()
    }

    /// The text of every version of the secret.
    pub fn texts(&self) -> Vec<String> {
        let versions = self.aws.secret(&self.arn).unwrap().versions.into_values();
        let text = |content| if let Some(Content::Text(text)) = content { Some(text) } else { None };
        versions.filter_map(|version| text(version.content)).collect()
    }

    /// Where a secret of a value without a database shows up, in any of its spellings.
    pub fn leaks(&self) -> Vec<String> {
        let mut secrets: Vec<Vec<String>> = self.texts().iter().flat_map(|text| leaks::spelt_out(text)).collect();
        secrets.extend(self.secret_texts().into_iter().map(|text| vec![text]));
        leaks::found(&self.spoken(), &secrets)
    }

    /// What a stage asserts when it is dropped: that none of this shows up.
    pub fn assert_no(&self, leaks: impl FnOnce() -> Vec<String>) {
        if !std::thread::panicking() && !self.leaks_expected.load(Ordering::Relaxed) {
            assert_eq!(leaks(), Vec::<String>::new());
        }
    }
}

/// The answer.
pub fn answered(what: &str, outcome: Outcome) -> Value {
    match outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("{what}: {other:?}"),
    }
}

/// The message of an error of this type, which says what to do.
pub fn refused(what: &str, outcome: Outcome, expected: &str) -> String {
    match outcome {
        Outcome::Error { error_type, message } => {
            assert_eq!(error_type, expected, "{what}: {message}");
            assert!(message.contains("Remedy: "), "{what}: {message}");
            message
        }
        other => panic!("{what}: {other:?}, expected {expected}"),
    }
}

/// Asserts that a message has all of these words.
pub fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "expected {word:?}: {message}");
    }
}

/// A password nobody has seen before.
pub fn random_password() -> String {
    format!("Stage-{}", random::uuid())
}

/// What is driven. Cargo builds it together with a test program of its package, and tells the program where it is: so it is
/// never an older one.
pub fn bootstrap() -> PathBuf {
    let function = lambda::under_test(&std::env::var("CARGO_BIN_EXE_bootstrap").unwrap_or_default());
    assert!(function.is_file(), "run this by cargo test or cargo nextest, which build the function");
    function
}
