//! The stage of most tests: a server with one account, a secret for it, two services that use it, and the function.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use rehearsal::aws::{Content, Fault, LocalAws, Rule, Snapshot};
use rehearsal::driver::RotationOutcome;
use rehearsal::mariadb::MariaDb;
use rehearsal::postgres::{Held, Login, Postgres, PostgresOptions, identifier, literal};
use serde_json::{Value, json};

use crate::leaks;
use crate::rig::{Rig, SERVICES, random_password};
use crate::server::{Mark, Server};

/// The account whose password rotates.
pub const ACCOUNT: &str = "orders_app";
/// Its database.
pub const DATABASE: &str = "orders";

/// One stage. Dropping it looks for secrets where none may be.
pub struct Stage {
    pub server: Server,
    rig: Rig,
    since: Mark,
}

impl Deref for Stage {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Rig {
        &mut self.rig
    }
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
        let ca = server.ca_pem_path().display().to_string();
        let mut rig = Rig::start(aws, &[("KEYROLL_CA_BUNDLE", &ca), ("KEYROLL_MIN_AGE", "0")]);
        rig.aws.enable_rotation(&arn, rig.function.arn(), json!({})).unwrap();
        rig.aws.age_secret(&arn, Duration::from_hours(1)).unwrap();
        rig.arn = arn;
        rig.secret_text(&password);
        let since = server.mark();
        Self { server, rig, since }
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

    /// Calls one step, which must be refused with an error of this type and these words, and must change nothing, also of what
    /// the server holds; gives its message.
    pub async fn refused(&self, step: &str, token: &str, expected: &str, words: &[&str]) -> String {
        let before = self.server.accounts();
        let message = self.rig.refused(step, token, expected, words).await;
        assert_eq!(self.server.accounts(), before, "a refused {step} changed something: {message}");
        message
    }

    /// Rotates, and asserts the end.
    pub async fn rotated(&self) -> RotationOutcome {
        let rotation = self.rotate().await;
        self.assert_finished(&rotation.token);
        rotation
    }

    /// Carries a rotation whose value is stored to its end.
    pub async fn finishes(&self, token: &str) {
        self.goes_on(token).await;
        self.assert_finished(token);
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

    /// Stores the login of an administrator, who comes to the server as the account does, in a secret that nothing names yet.
    /// Gives its value.
    pub fn store_administrator(&self, name: &str, password: &str) -> Value {
        let mut admin = json!({"username": name, "password": password});
        for (key, value) in self.value("AWSCURRENT").as_object().unwrap() {
            if ["engine", "host", "port", "ssl"].contains(&key.as_str()) {
                admin[key] = value.clone();
            }
        }
        self.aws.create_secret("orders/admin", &admin.to_string(), &[]).unwrap();
        self.secret_text(password);
        admin
    }

    /// Replaces keys of the value under AWSCURRENT in place, as if it had been stored so.
    pub fn edit_current(&self, keys: &Value) {
        let mut value = self.value("AWSCURRENT");
        for (key, new) in keys.as_object().unwrap() {
            value[key] = new.clone();
        }
        self.overwrite("AWSCURRENT", Content::Text(value.to_string()));
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
        let moved = self.assert_labels(token);
        assert!(self.logs_in("AWSCURRENT"), "the current password does not work");
        moved
    }

    /// All that a refused step must leave alone: secrets and services, and what the server holds of the account.
    pub fn state(&self) -> (Snapshot, String) {
        (self.aws.snapshot(), self.server.accounts())
    }

    /// Where a secret value shows up that should not.
    pub fn leaks(&self) -> Vec<String> {
        let spoken = self.spoken();
        let mut passwords = self.secret_texts();
        for text in self.texts() {
            let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            passwords.push(value["password"].as_str().unwrap_or(&text).to_owned());
        }
        let secrets: Vec<Vec<String>> = passwords.iter().map(|password| vec![password.clone()]).collect();
        let places: Vec<_> =
            spoken.iter().cloned().chain([("the server's log", self.server.log_since(self.since))]).collect();
        let mut found = leaks::found(&places, &secrets);
        found.extend(leaks::verifiers(&spoken, &passwords));
        found
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.assert_no(|| self.leaks());
    }
}
