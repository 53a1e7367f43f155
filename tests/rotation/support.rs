//! The stage of every test: a server with one account, a secret for it, two services that use it, and the function.

use std::path::PathBuf;
use std::time::Duration;

use rehearsal::aws::{Content, Fault, LocalAws, Rule, Snapshot};
use rehearsal::driver::{self, Driver, Options, RotationOutcome};
use rehearsal::lambda::{self, Function, Outcome};
use rehearsal::mariadb::MariaDb;
use rehearsal::postgres::{Held, Login, Postgres, PostgresOptions, identifier, literal};
use serde_json::{Value, json};

use crate::leaks;
use crate::server::{Mark, Server};

/// The account whose password rotates.
pub const ACCOUNT: &str = "orders_app";
/// Its database.
pub const DATABASE: &str = "orders";
/// The function's timeout.
pub const TIMEOUT: Duration = Duration::from_mins(1);
/// What the secret's tag names.
pub const SERVICES: [&str; 2] = ["api", "worker"];

/// One stage. Dropping it looks for secrets where none may be.
pub struct Stage {
    pub server: Server,
    pub aws: LocalAws,
    pub function: Function,
    pub driver: Driver,
    pub arn: String,
    since: Mark,
    answers: std::sync::Mutex<String>,
    strangers: std::sync::Mutex<Vec<String>>,
    leaks_expected: std::sync::atomic::AtomicBool,
}

impl Stage {
    /// The ordinary stage.
    pub async fn start() -> Self {
        Self::with(&PostgresOptions::default(), ACCOUNT, &json!({})).await
    }

    /// A stage with another kind of PostgreSQL, another account's name, or other keys in the secret (null takes one away).
    pub async fn with(options: &PostgresOptions, account: &str, keys: &Value) -> Self {
        let postgres = Postgres::start_with(options).unwrap();
        let password = random_password();
        let role = identifier(account);
        postgres.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD {}", literal(&password))).unwrap();
        postgres.sql(&format!("CREATE DATABASE {DATABASE} OWNER {role}")).unwrap();
        Self::on(Server::Postgres(postgres), (account, password), keys).await
    }

    /// A stage on a server that has the database and an account with this name and password.
    pub async fn on(server: Server, (account, password): (&str, String), keys: &Value) -> Self {
        let aws = LocalAws::start().await.unwrap();
        let mut value = json!({
            "engine": server.engine(), "host": "localhost", "port": server.port(), "username": account,
            "password": password, "dbname": DATABASE, "team": "orders", "pool": {"size": 4.0}
        });
        for (key, new) in keys.as_object().unwrap() {
            if new.is_null() {
                value.as_object_mut().unwrap().remove(key);
            } else {
                value[key] = new.clone();
            }
        }
        let arn = aws
            .create_secret("orders/db", &value.to_string(), &[("keyroll:services", "prod/api prod/worker")])
            .unwrap();
        aws.create_cluster("prod").unwrap();
        let definition = aws.register_with_secrets("orders", &[&arn]).unwrap();
        for service in SERVICES {
            aws.create_service("prod", service, &definition).unwrap();
            aws.age_service("prod", service, Duration::from_hours(24)).unwrap();
        }
        let function = Function::start(
            bootstrap(),
            [
                ("AWS_ENDPOINT_URL", aws.url()),
                ("KEYROLL_CA_BUNDLE", server.ca_pem_path().display().to_string()),
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
        aws.age_secret(&arn, Duration::from_hours(1)).unwrap();
        let since = server.mark();
        Self {
            server,
            aws,
            function,
            driver,
            arn,
            since,
            answers: std::sync::Mutex::default(),
            strangers: std::sync::Mutex::new(vec![password]),
            leaks_expected: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// The server, which is a PostgreSQL.
    pub fn postgres(&self) -> &Postgres {
        match &self.server {
            Server::Postgres(server) => server,
            Server::MariaDb(_) => panic!("the server of this stage is a MariaDB"),
        }
    }

    /// The server, which is a MariaDB.
    pub fn mariadb(&self) -> &MariaDb {
        match &self.server {
            Server::MariaDb(server) => server,
            Server::Postgres(_) => panic!("the server of this stage is a PostgreSQL"),
        }
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
        match self.step(step, token).await {
            Outcome::Answer(answer) => answer,
            other => panic!("{step}: {other:?}"),
        }
    }

    /// Calls one step and expects an error of this type; gives its message.
    pub async fn error(&self, step: &str, token: &str, expected: &str) -> String {
        match self.step(step, token).await {
            Outcome::Error { error_type, message } => {
                assert_eq!(error_type, expected, "{message}");
                assert!(message.contains("Remedy: "), "{message}");
                message
            }
            other => panic!("{step}: {other:?}, expected {expected}"),
        }
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
        match self.send(&json!({"Action": name, "SecretId": self.arn})).await {
            Outcome::Answer(answer) => answer,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Asks for an operator's action on the secret and expects an error of this type; gives its message.
    pub async fn action_error(&self, name: &str, expected: &str) -> String {
        match self.send(&json!({"Action": name, "SecretId": self.arn})).await {
            Outcome::Error { error_type, message } => {
                assert_eq!(error_type, expected, "{message}");
                assert!(message.contains("Remedy: "), "{message}");
                message
            }
            other => panic!("{name}: {other:?}, expected {expected}"),
        }
    }

    /// Rotates with every redeploy denied: AWSCURRENT has moved, and the rollout is open.
    pub async fn leave_open(&self) {
        let token = self.stage();
        for step in ["createSecret", "setSecret", "testSecret"] {
            self.answer(step, &token).await;
        }
        self.aws.fault(Rule::on("UpdateService", Fault::Denied));
        self.error("finishSecret", &token, "FailedRollout").await;
        self.aws.clear_faults();
    }

    /// Opens a session with the login under a label, which stays.
    pub fn hold(&self, label: &str) -> Held {
        let value = self.value(label);
        let text = |key: &str| value[key].as_str().unwrap();
        self.server.hold(text("username"), text("password"), DATABASE)
    }

    /// The parsed value under a label.
    pub fn value(&self, label: &str) -> Value {
        serde_json::from_str(&self.aws.value_of(&self.arn, label).unwrap()).unwrap()
    }

    /// Replaces keys of the value under AWSCURRENT in place, as if it had been stored so.
    pub fn edit_current(&self, keys: &Value) {
        let mut value = self.value("AWSCURRENT");
        for (key, new) in keys.as_object().unwrap() {
            value[key] = new.clone();
        }
        self.overwrite("AWSCURRENT", Content::Text(value.to_string()));
    }

    /// Replaces the content under a label in place.
    pub fn overwrite(&self, label: &str, content: Content) {
        let version = self.aws.holder(&self.arn, label).unwrap();
        self.aws
            .with_secret(&self.arn, |secret| secret.versions.get_mut(&version).unwrap().content = Some(content))
            .unwrap();
    }

    /// Whether the server accepts the password of the version under a label.
    pub fn logs_in(&self, label: &str) -> bool {
        let value = self.value(label);
        self.accepts(value["username"].as_str().unwrap(), value["password"].as_str().unwrap())
    }

    /// Whether the server accepts a password.
    pub fn accepts(&self, account: &str, password: &str) -> bool {
        self.server.try_login(account, password, DATABASE) == Login::Accepted
    }

    /// Asserts the end of a rotation: labels, logins, services, no open mark.
    pub fn assert_finished(&self, token: &str) {
        self.assert_rolled_since(self.assert_current(token));
    }

    /// Asserts the end of a Revoke: the same, and that nothing older logs in.
    pub fn assert_revoked(&self, token: &str) {
        self.assert_rolled_since(self.assert_moved(token));
        assert!(!self.logs_in("AWSPREVIOUS"), "the previous password still works");
    }

    fn assert_rolled_since(&self, moved: Duration) {
        for service in SERVICES {
            let service = self.aws.service("prod", service).unwrap();
            assert!(service.deployments[0].created > moved, "{} was not redeployed", service.name);
        }
    }

    /// Asserts all of that but the services, and gives when AWSCURRENT moved.
    pub fn assert_current(&self, token: &str) -> Duration {
        assert_eq!(self.logs_in("AWSPREVIOUS"), self.keeps_previous(), "whether the previous login works, and should");
        self.assert_moved(token)
    }

    /// Whether the login before the last rotation is to work until the next one: with two accounts that take turns, and
    /// where an administrator of MariaDB can let one account have two passwords.
    pub fn keeps_previous(&self) -> bool {
        let account = |label: &str| self.value(label)["username"].clone();
        self.overlaps() || account("AWSCURRENT") != account("AWSPREVIOUS")
    }

    /// Whether somebody could let the account have two passwords at once.
    pub fn overlaps(&self) -> bool {
        let tagged = || self.aws.secret(&self.arn).unwrap().tags.contains_key("keyroll:admin-secret");
        let is_mariadb = matches!(self.server, Server::MariaDb(_));
        is_mariadb && (tagged() || self.value("AWSCURRENT").get("masterarn").is_some())
    }

    fn assert_moved(&self, token: &str) -> Duration {
        let stages = self.aws.stages(&self.arn);
        assert_eq!(self.aws.holder(&self.arn, "AWSCURRENT").as_deref(), Some(token), "{stages:?}");
        assert_eq!(self.aws.holder(&self.arn, "KEYROLL_ROLLOUT"), None, "{stages:?}");
        assert!(self.aws.holder(&self.arn, "AWSPENDING").is_none_or(|holder| holder == token), "{stages:?}");
        assert!(self.logs_in("AWSCURRENT"), "the current password does not work");
        self.aws.secret(&self.arn).unwrap().versions[token].promoted.unwrap()
    }

    /// All that a refused step must leave alone: secrets and services, and what the server holds of the account.
    pub fn state(&self) -> (Snapshot, String) {
        (self.aws.snapshot(), self.server.accounts())
    }

    /// How many deployments a service has had on this stage.
    pub fn deployments(&self, service: &str) -> usize {
        self.aws.service("prod", service).unwrap().deployments.len()
    }

    /// The function's calls of one operation.
    pub fn calls(&self, operation: &str) -> usize {
        self.aws.function_calls().iter().filter(|call| call.operation == operation).count()
    }

    /// A text that must not show up anywhere.
    pub fn secret_text(&self, text: &str) {
        self.strangers.lock().unwrap().push(text.to_owned());
    }

    /// For the tests of the leak check: this stage leaks on purpose.
    pub fn expect_leaks(&self) {
        self.leaks_expected.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Notes a text that the leak check is to look through.
    pub fn heard(&self, answer: &str) {
        self.answers.lock().unwrap().push_str(answer);
    }

    /// Where a secret value shows up that should not.
    pub fn leaks(&self) -> Vec<String> {
        let spoken =
            [("the function's output", self.function.output()), ("an answer", self.answers.lock().unwrap().clone())];
        let written = ("the server's log", self.server.log_since(self.since));
        let mut secrets = self.strangers.lock().unwrap().clone();
        for version in self.aws.secret(&self.arn).unwrap().versions.into_values() {
            if let Some(Content::Text(text)) = version.content {
                let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                secrets.push(value["password"].as_str().unwrap_or(&text).to_owned());
            }
        }
        leaks::found(&spoken, &written, &secrets)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.leaks_expected.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(self.leaks(), Vec::<String>::new());
        }
    }
}

/// A password nobody has seen before.
pub fn random_password() -> String {
    format!("Stage-{}", rehearsal::aws::random::uuid())
}

/// What is driven.
pub fn bootstrap() -> PathBuf {
    lambda::under_test(env!("CARGO_BIN_EXE_bootstrap"))
}
