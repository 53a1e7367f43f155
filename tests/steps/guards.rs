//! Rotations that must not begin or go on: other people's versions, managed secrets, accounts and servers that take no
//! change, too little time.

use std::time::Duration;

use rehearsal::aws::random::uuid;
use rehearsal::aws::{Content, Secret};
use rehearsal::driver::{Driver, Options, STEPS};
use rehearsal::lambda::Outcome;
use rehearsal::postgres::Postgres;
use serde_json::json;
use support::refusals::{Row, Wrong};
use support::rig::{self, assert_says, random_password};
use support::stage::{ACCOUNT, Stage};

#[tokio::test]
async fn a_token_of_another_secret_or_of_none_is_refused_by_every_step() {
    let stage = Stage::start().await;
    let other = stage.aws.create_secret("billing/db", &stage.value("AWSCURRENT").to_string(), &[]).unwrap();
    let foreign = uuid();
    stage.aws.stage_pending(&other, &foreign).unwrap();
    let token = stage.created().await;
    for unknown in [foreign.as_str(), &uuid(), "x"] {
        for step in STEPS {
            stage.refused(step, unknown, "RefusedVersion", &["no staging label"]).await;
        }
    }
    stage.finishes(&token).await;
    assert_eq!(stage.function.cold_starts(), 1);
}

#[tokio::test]
async fn a_secret_that_does_not_exist_is_refused_by_every_step() {
    let stage = Stage::start().await;
    let before = stage.state();
    for step in STEPS {
        let event = Driver::event(step, "orders/typo", &uuid(), &uuid());
        let Outcome::Error { error_type, message } = stage.send(&event).await else { panic!("{step} was answered") };
        assert!(error_type.starts_with("Refused") && message.contains("orders/typo"), "{error_type}: {message}");
    }
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn what_is_switched_off_or_managed_is_refused_and_one_never_configured_is_allowed() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let off = |secret: &mut Secret| secret.rotation.as_mut().unwrap().enabled = false;
    let managed = |secret: &mut Secret| secret.owning_service = Some("rds".to_owned());
    let rows: [Row<'_>; 2] = [
        (Wrong::Secret("is not enabled", off), "RefusedNotEnabled", &["rotate-secret"]),
        (Wrong::Secret("is managed", managed), "RefusedManaged", &["managed by rds"]),
    ];
    stage.refuses(&STEPS, &token, &rows).await;
    // By its name alone.
    let name = stage.aws.create_secret("rds!db-0f5a", &stage.value("AWSCURRENT").to_string(), &[]).unwrap();
    stage.aws.stage_pending(&name, &token).unwrap();
    let before = stage.state();
    for step in STEPS {
        rig::refused(step, stage.send(&Driver::event(step, &name, &token, &uuid())).await, "RefusedManaged");
    }
    assert_eq!(stage.state(), before);
    // AWS's templates go on where RotationEnabled is absent.
    stage.aws.with_secret(&stage.arn, |secret| secret.rotation = None).unwrap();
    stage.answer("createSecret", &token).await;
    stage.finishes(&token).await;
    assert_eq!(stage.function.cold_starts(), 1);
}

#[tokio::test]
async fn accounts_that_log_in_by_iam_and_read_only_servers_are_refused() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let rows: [Row<'_>; 2] = [
        (
            Wrong::Server("CREATE ROLE rds_iam; GRANT rds_iam TO orders_app", "REVOKE rds_iam FROM orders_app"),
            "RefusedAccount",
            &["rds_iam"],
        ),
        (
            Wrong::World("is read-only", |stage| read_only(stage, "on"), |stage| read_only(stage, "off")),
            "RefusedServer",
            &["default_transaction_read_only"],
        ),
    ];
    stage.refuses(&["setSecret"], &token, &rows).await;
    stage.finishes(&token).await;
}

fn read_only(stage: &Stage, value: &str) {
    stage.server.sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}; SELECT pg_reload_conf()"));
    while stage.postgres().sql("SHOW default_transaction_read_only").unwrap() != value {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn versions_that_differ_in_more_than_the_password_are_refused() {
    let stage = Stage::start().await;
    let other = Postgres::start().unwrap();
    let token = stage.created().await;
    let good = stage.value("AWSPENDING");
    for (key, value) in [
        ("username", json!("postgres")),
        ("host", json!("127.0.0.1")),
        ("port", json!(other.port())),
        ("dbname", json!("postgres")),
        ("engine", json!("aurora-postgresql")),
    ] {
        let mut changed = good.clone();
        changed[key] = value;
        stage.overwrite("AWSPENDING", Content::Text(changed.to_string()));
        let mark = other.mark();
        stage.refused("setSecret", &token, "RefusedChanged", &[key]).await;
        assert_eq!(other.logins_since(mark), rehearsal::postgres::Logins::default());
    }
    stage.overwrite("AWSPENDING", Content::Text(good.to_string()));
    stage.finishes(&token).await;
}

#[tokio::test]
async fn nobody_is_healed_from_a_previous_version_of_another_account() {
    let stage = Stage::start().await;
    stage.rotate().await;
    let mut previous = stage.value("AWSPREVIOUS");
    previous["username"] = json!("somebody_else");
    stage.overwrite("AWSPREVIOUS", Content::Text(previous.to_string()));
    let token = stage.created().await;
    let lost = random_password();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{lost}'")).unwrap();
    stage.refused("setSecret", &token, "RefusedLogin", &["AWSPREVIOUS differs from AWSCURRENT in \"username\""]).await;
}

#[tokio::test]
async fn a_replica_as_host_is_refused() {
    let stage = Stage::start().await;
    let standby = Postgres::start_standby_of(stage.postgres()).unwrap();
    let primary = stage.postgres().port();
    stage.function.set_env("KEYROLL_CA_BUNDLE", &standby.ca_pem_path().display().to_string());
    stage.edit_current(&json!({"port": standby.port()}));
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedServer", &["pg_is_in_recovery"]).await;
    // The preflight says so too, before anybody begins.
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    let tested = stage.driver.clone().with(Options::default()).test_only(&stage.arn).await.unwrap();
    let Some(Outcome::Error { error_type, .. }) = tested.last("testSecret") else { panic!("{tested:?}") };
    assert_eq!(error_type, "RefusedServer");
    stage.function.set_env("KEYROLL_CA_BUNDLE", &stage.postgres().ca_pem_path().display().to_string());
    stage.function.cold().await;
    stage.edit_current(&json!({"port": primary}));
    stage.rotated().await;
}

#[tokio::test]
async fn password_lengths_that_the_server_would_not_take_are_refused() {
    let stage = Stage::start().await;
    for (length, cluster, allowed) in
        [(7, false, false), (129, false, false), (42, true, false), (41, true, true), (128, false, true)]
    {
        stage.function.set_env("PASSWORD_LENGTH", &length.to_string());
        stage.function.cold().await;
        stage.edit_current(&json!({"dbClusterIdentifier": cluster.then_some("orders")}));
        if !cluster {
            let mut value = stage.value("AWSCURRENT");
            value.as_object_mut().unwrap().remove("dbClusterIdentifier");
            stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
        }
        if allowed {
            stage.rotate().await;
            assert_eq!(stage.value("AWSCURRENT")["password"].as_str().unwrap().len(), length);
        } else {
            stage.refused("createSecret", &stage.stage(), "RefusedSetting", &["PASSWORD_LENGTH"]).await;
            stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
        }
    }
}

#[tokio::test]
async fn nothing_irreversible_begins_with_too_little_time_left() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let (before, mark) = (stage.state(), stage.postgres().mark());
    let event = Driver::event("setSecret", &stage.arn, &token, &uuid());
    let outcome = stage.send_within(&event, Duration::from_secs(2)).await;
    assert_says(&rig::refused("setSecret", outcome, "FailedDeadline"), &["timeout"]);
    assert!(!stage.postgres().log_since(mark).contains("pg_advisory_xact_lock"), "the lock was taken");
    assert_eq!(stage.state(), before);
    stage.finishes(&token).await;
    assert_eq!(stage.function.cold_starts(), 1);
}

#[tokio::test]
async fn an_environment_that_cannot_be_read_stops_the_start_and_names_the_variable() {
    let stage = Stage::start().await;
    let before = stage.state();
    for (name, value) in [
        ("KEYROLL_CLUSTERS", "prod,stage"),
        ("KEYROLL_CA_BUNDLE", "/nowhere/ca.pem"),
        ("KEYROLL_CA_BUNDLE", "/etc/passwd"),
        ("KEYROLL_STRATEGY", "both"),
        ("KEYROLL_MIN_AGE", "soon"),
        ("PASSWORD_LENGTH", "-1"),
        ("EXCLUDE_NUMBERS", "perhaps"),
        ("REQUIRE_EACH_INCLUDED_TYPE", "2"),
        ("SECRETS_MANAGER_ENDPOINT", "secretsmanager.eu-west-1.amazonaws.com"),
    ] {
        let ca = stage.postgres().ca_pem_path().display().to_string();
        stage.function.set_env(name, value);
        stage.function.cold().await;
        match stage.send(&json!({"Action": "Status"})).await {
            Outcome::Exited { output, status } => {
                assert!(!status.success() && output.contains(name), "{name}={value}: {status}, {output}");
            }
            Outcome::Error { message, .. } => assert!(message.contains(name), "{name}={value}: {message}"),
            other => panic!("{name}={value}: {other:?}"),
        }
        stage.function.remove_env(name);
        stage.function.set_env("KEYROLL_CA_BUNDLE", &ca);
    }
    assert_eq!(stage.state(), before);
    stage.function.cold().await;
    stage.rotate().await;
}

#[tokio::test]
async fn a_value_corrected_during_a_rotation_is_refused_with_a_remedy_that_works() {
    let stage = Stage::start().await;
    stage.edit_current(&json!({"ssl": "false"}));
    let token = stage.created().await;
    stage.edit_current(&json!({"ssl": true}));
    let message = stage.refused("setSecret", &token, "RefusedChanged", &["\"ssl\""]).await;
    // The version cannot change, and Secrets Manager begins no other rotation while it is staged: the remedy says how.
    for word in ["update-secret-version-stage", "--version-stage AWSPENDING", "--remove-from-version-id", &token] {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert!(!stage.driver.rotate(&stage.arn).await.unwrap().succeeded());
    let request = json!({"SecretId": stage.arn, "VersionStage": "AWSPENDING", "RemoveFromVersionId": token});
    stage.aws.call("secretsmanager", "UpdateSecretVersionStage", request).await.unwrap();
    stage.rotated().await;
}

#[tokio::test]
async fn nobody_is_told_to_give_up_a_version_that_may_be_the_only_one_that_works() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    stage.answer("setSecret", &token).await;
    stage.edit_current(&json!({"dbname": "postgres"}));
    let message = stage.error("setSecret", &token, "RefusedChanged").await;
    assert!(message.contains("keep both versions") && !message.contains("--remove-from-version-id"), "{message}");
}

#[tokio::test]
async fn another_functions_version_for_another_database_is_refused_by_test_secret() {
    let stage = Stage::start().await;
    let token = uuid();
    let mut value = stage.value("AWSCURRENT");
    value["dbname"] = json!("postgres");
    stage.aws.put_version(&stage.arn, &token, &value.to_string(), &["AWSPENDING"]).unwrap();
    stage.refused("testSecret", &token, "RefusedChanged", &["dbname"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_irreversible_begins_when_the_lock_took_the_time() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    let before = stage.state();
    let lock = format!("SELECT pg_advisory_lock(hashtextextended('keyroll:{ACCOUNT}', 0)); SELECT pg_sleep(2.5)");
    let event = Driver::event("setSecret", &stage.arn, &token, &uuid());
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| stage.postgres().sql_in("orders", &lock));
        std::thread::sleep(Duration::from_millis(300));
        let call = stage.send_within(&event, Duration::from_secs(5));
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(call))
    });
    rig::refused("setSecret", outcome, "FailedDeadline");
    assert_eq!(stage.state(), before);
}
