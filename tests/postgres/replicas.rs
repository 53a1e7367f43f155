//! An account that logs in at another host than its administrator: a read replica, or another endpoint of one cluster. Here
//! that is a standby at 127.0.0.1, with the administrator at `localhost`; RDS is asked for what those two names call.

use rehearsal::aws::{ACCOUNT as AWS_ACCOUNT, DbInstance, Fault, REGION, Rule};
use rehearsal::driver::STEPS;
use rehearsal::lambda::Outcome;
use rehearsal::postgres::{Mark, Postgres};
use serde_json::json;
use support::pair::ADMIN;
use support::stage::{ACCOUNT, Stage};

use crate::administrator;

/// Gives the stage's server a standby at 127.0.0.1, where the account is to log in from now on.
pub fn log_in_at_a_standby(stage: &Stage) -> Postgres {
    let standby = Postgres::start_standby_of(stage.postgres()).unwrap();
    let both = [stage.postgres(), &standby].map(|server| std::fs::read_to_string(server.ca_pem_path()).unwrap());
    let bundle = standby.ca_pem_path().with_file_name("both.pem");
    std::fs::write(&bundle, both.concat()).unwrap();
    stage.function.set_env("KEYROLL_CA_BUNDLE", &bundle.display().to_string());
    stage.edit_current(&json!({"host": "127.0.0.1", "port": standby.port()}));
    standby
}

/// A stage whose account logs in at 127.0.0.1, with the administrator at `localhost`. RDS knows nothing yet.
pub struct TwoHosts {
    pub stage: Stage,
    /// The account's server, where it is another one.
    standby: Option<Postgres>,
}

impl TwoHosts {
    /// Both names lead to one server.
    pub async fn of_one_server() -> Self {
        let (stage, _) = administrator::stage("CREATEROLE").await;
        stage.edit_current(&json!({"host": "127.0.0.1"}));
        Self { stage, standby: None }
    }

    /// The account logs in at a standby of the administrator's server.
    pub async fn with_standby() -> Self {
        let Self { stage, .. } = Self::of_one_server().await;
        let standby = log_in_at_a_standby(&stage);
        // What is committed is on the standby, too: this is not about waiting for it.
        for setting in ["synchronous_standby_names = '*'", "synchronous_commit = 'remote_apply'"] {
            stage.postgres().sql(&format!("ALTER SYSTEM SET {setting}")).unwrap();
        }
        stage.postgres().sql("SELECT pg_reload_conf()").unwrap();
        Self { stage, standby: Some(standby) }
    }

    /// The administrator's server as an instance.
    pub fn primary(&self) -> DbInstance {
        DbInstance::new("localhost", "localhost", self.stage.postgres().port())
    }

    /// Where the account logs in, as a replica of that.
    pub fn replica(&self) -> DbInstance {
        DbInstance::new("127", "127.0.0.1", self.standby().port()).replica_of("localhost")
    }

    /// Rotates through the administrator and gives how often RDS was asked for an instance, and for a cluster.
    pub async fn rotates(&self) -> [usize; 2] {
        self.stage.aws.clear();
        let since = self.marks();
        let rotation = self.stage.rotate().await;
        self.stage.assert_finished(&rotation.token);
        assert_eq!(self.tried(&since), [true, false][..since.len()]);
        let report = rotation.last("setSecret").unwrap().answer().unwrap();
        assert!(report["done"].to_string().contains(ADMIN) && report.get("warnings").is_none(), "{report}");
        ["DescribeDBInstances", "DescribeDBClusters"].map(|operation| self.stage.calls(operation))
    }

    /// Lets setSecret be refused, with nothing changed and the administrator's login sent nowhere.
    pub async fn refused(&self, token: &str, error: &str, expected: &str) -> String {
        let (since, before) = (self.marks(), self.stage.state());
        let message = self.stage.error("setSecret", token, error).await;
        assert!(message.contains(expected) && message.contains("orders/admin"), "{expected}: {message}");
        assert!(!self.tried(&since).contains(&true), "{message}");
        assert_eq!(self.stage.state(), before, "{message}");
        message
    }

    /// Stages a version and has it written.
    pub async fn created(&self) -> String {
        let token = self.stage.stage();
        self.stage.answer("createSecret", &token).await;
        token
    }

    /// Carries on to the end.
    pub async fn finishes(&self, token: &str) {
        for step in &STEPS[1..] {
            self.stage.answer(step, token).await;
        }
        self.stage.assert_finished(token);
    }

    fn standby(&self) -> &Postgres {
        self.standby.as_ref().unwrap()
    }

    fn servers(&self) -> impl Iterator<Item = &Postgres> {
        std::iter::once(self.stage.postgres()).chain(&self.standby)
    }

    fn marks(&self) -> Vec<Mark> {
        self.servers().map(Postgres::mark).collect()
    }

    /// Whether the administrator has tried to log in since, server by server, the own one first.
    fn tried(&self, since: &[Mark]) -> Vec<bool> {
        let logins = self.servers().zip(since).map(|(server, mark)| server.logins_since(*mark));
        logins.map(|seen| seen.accepted.iter().chain(&seen.failed).any(|name| name == ADMIN)).collect()
    }
}

#[tokio::test]
async fn an_account_on_a_read_replica_is_changed_on_its_primary() {
    let hosts = TwoHosts::with_standby().await;
    hosts.stage.aws.put_db_instance(hosts.replica());
    hosts.stage.aws.put_db_instance(hosts.primary());
    let since = hosts.marks();
    let dry = hosts.stage.send(&json!({"Action": "DryRun", "SecretId": hosts.stage.arn})).await;
    let Outcome::Answer(dry) = dry else { panic!("{dry:?}") };
    assert_eq!(dry["verdict"], "wouldSucceed", "{dry}");
    assert_eq!(hosts.tried(&since), [true, false]);
    let mark = hosts.standby().mark();
    assert_eq!(hosts.rotates().await, [2, 0]);
    assert_eq!(hosts.standby().logins_since(mark).accepted, [ACCOUNT; 3]);
    // A source in this Region may also be told by its ARN.
    let arn = format!("arn:aws:rds:{REGION}:{AWS_ACCOUNT}:db:localhost");
    hosts.stage.aws.put_db_instance(hosts.replica().replica_of(&arn));
    assert_eq!(hosts.rotates().await, [2, 0]);
    // The name in another spelling is the same host.
    hosts.stage.aws.put_db_instance(DbInstance {
        endpoint: Some(("LOCALHOST".to_owned(), hosts.stage.postgres().port())),
        ..hosts.primary()
    });
    assert_eq!(hosts.rotates().await, [2, 0]);
}

#[tokio::test]
async fn what_is_no_replica_of_the_administrators_server_is_refused() {
    let hosts = TwoHosts::with_standby().await;
    let (aws, token) = (&hosts.stage.aws, hosts.created().await);
    hosts.refused(&token, "RefusedSetting", "RDS knows no instance \"127\"").await;
    // Where a name could not even be an identifier, RDS says it so.
    let unfit = Fault::error("InvalidParameterValue", 400, "Invalid database identifier:  127");
    aws.fault(Rule::on("DescribeDBInstances", unfit).times(1));
    hosts.refused(&token, "RefusedSetting", "RDS knows no instance \"127\"").await;
    aws.put_db_instance(hosts.replica());
    hosts.refused(&token, "RefusedSetting", "RDS knows no instance \"localhost\"").await;
    aws.put_db_instance(hosts.primary());

    let at = |host: &str, port: u16| Some((host.to_owned(), port));
    let port = hosts.standby().port();
    for (replica, expected) in [
        (DbInstance { source: None, ..hosts.replica() }, "\"127\" as no read replica"),
        (hosts.replica().replica_of("billing"), "a read replica of \"billing\""),
        (hosts.replica().replica_of("arn:aws:rds:eu-west-1:123456789012:db:localhost"), "in another Region"),
        // The same first label, and another server.
        (
            DbInstance { endpoint: at("127.abc.us-east-1.rds.amazonaws.com", port), ..hosts.replica() },
            "not at 127.0.0.1:",
        ),
        (DbInstance { endpoint: at("127.0.0.1", 1), ..hosts.replica() }, "at 127.0.0.1:1, not at"),
    ] {
        aws.put_db_instance(replica);
        hosts.refused(&token, "RefusedSetting", expected).await;
    }
    aws.put_db_instance(DbInstance { endpoint: None, ..hosts.replica() });
    hosts.refused(&token, "FailedAws", "no endpoint").await;
    aws.put_db_instance(hosts.replica());
    for endpoint in [at("localhost.abc.us-east-1.rds.amazonaws.com", hosts.stage.postgres().port()), at("localhost", 1)]
    {
        aws.put_db_instance(DbInstance { endpoint, ..hosts.primary() });
        hosts.refused(&token, "RefusedSetting", "not at localhost:").await;
    }

    aws.put_db_instance(hosts.primary());
    hosts.finishes(&token).await;
}

#[tokio::test]
async fn a_question_that_rds_does_not_answer_is_no_yes() {
    let hosts = TwoHosts::with_standby().await;
    let (aws, token) = (&hosts.stage.aws, hosts.created().await);
    aws.put_db_instance(hosts.replica());
    aws.put_db_instance(hosts.primary());
    for id in ["127", "localhost"] {
        aws.fault(Rule::on("DescribeDBInstances", Fault::Denied).about(id));
        let message = hosts.refused(&token, "RefusedPermission", "rds:DescribeDBInstances").await;
        assert!(
            message.contains(&format!("\"Resource\": \"arn:aws:rds:{REGION}:{AWS_ACCOUNT}:db:{id}\"")),
            "{message}"
        );
        aws.clear_faults();
    }
    aws.fault(Rule::on("DescribeDBInstances", Fault::Reset));
    hosts.refused(&token, "FailedAws", "rds:DescribeDBInstances on 127 got no answer").await;
    aws.clear_faults();
    hosts.finishes(&token).await;
}
