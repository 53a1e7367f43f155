//! The dry run: it tells what a rotation would do and all that would stop it, and it changes nothing that outlives it.

use std::time::{Duration, Instant};

use rehearsal::aws::{Fault, Rule};
use rehearsal::lambda::Outcome;
use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::dry_run::{discovering, dry_run, finds};
use support::rig::random_password;
use support::stage::ACCOUNT;

const ADMIN: &str = "orders_admin";
#[tokio::test]
async fn a_dry_run_tells_each_steps_plan_and_the_rotation_then_does_just_that() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    for prove in [false, true] {
        let report = dry_run(&stage, prove).await;
        assert_eq!((&report["verdict"], &report["reasons"]), (&json!("wouldSucceed"), &json!([])), "{report:#}");
        let current = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
        assert_eq!((&report["secretArn"], &report["versionId"]), (&json!(stage.arn), &json!(current)));
        let steps: Vec<&str> =
            report["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(steps, ["createSecret", "setSecret", "testSecret", "finishSecret"]);
        let plan = |step: usize| report["steps"][step]["plan"].to_string();
        assert!(plan(0).contains("store a new value as AWSPENDING"), "{report:#}");
        assert!(plan(1).contains(&format!("set the password of \\\"{ACCOUNT}\\\"")), "{report:#}");
        assert!(plan(3).contains("move AWSCURRENT") && plan(3).contains("redeploy prod/api"), "{report:#}");
        assert!(plan(3).contains("close the rollout"), "{report:#}");
        assert_eq!(report["proven"].to_string().contains("took it back"), prove, "{report:#}");
        assert!(report["checked"].to_string().contains("may change the password"), "{report:#}");
        assert!(report["notChecked"].to_string().contains("secretsmanager:PutSecretValue"), "{report:#}");
        assert_eq!(report["services"].as_array().unwrap().len(), 2);
        assert_eq!(report["rotation"]["byThisFunction"], true);
    }
    let rotation = stage.rotate().await;
    stage.assert_finished(&rotation.token);
}

#[tokio::test]
async fn proving_runs_the_real_statement_with_a_verifier_nobody_has_the_password_of() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let mark = stage.postgres().mark();
    dry_run(&stage, true).await;
    let log = stage.postgres().log_since(mark);
    assert!(log.contains(&format!("ALTER ROLE \"{ACCOUNT}\" PASSWORD 'SCRAM-SHA-256$4096:")), "{log}");
    assert!(log.contains("ROLLBACK") && !log.contains("COMMIT"), "{log}");
    assert!(stage.logs_in("AWSCURRENT"));
    let mark = stage.postgres().mark();
    dry_run(&stage, false).await;
    assert!(!stage.postgres().log_since(mark).contains("ALTER ROLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_somebody_else_holds_is_waited_for_a_moment_only() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let event = json!({"Action": "DryRun", "SecretId": stage.arn, "Prove": true});
    let hold = format!("BEGIN; ALTER ROLE {ACCOUNT} CONNECTION LIMIT 50; SELECT pg_sleep(5); ROLLBACK");
    std::thread::scope(|scope| {
        scope.spawn(|| stage.postgres().sql(&hold));
        std::thread::sleep(Duration::from_millis(300));
        let begun = Instant::now();
        let outcome = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(stage.send(&event)));
        assert!(begun.elapsed() < Duration::from_millis(4500), "{:?}", begun.elapsed());
        let Outcome::Answer(report) = outcome else { panic!("{outcome:?}") };
        assert_eq!(report["verdict"], "wouldFail", "{report:#}");
        assert!(report["reasons"].to_string().contains("55P03"), "{report:#}");
    });
    assert_eq!(dry_run(&stage, true).await["verdict"], "wouldSucceed");
}

#[tokio::test]
async fn wrong_passwords_and_missing_rights_are_found() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let password = random_password();
    stage.secret_text(&password);
    stage.postgres().sql(&format!("CREATE ROLE {ADMIN} LOGIN NOCREATEROLE PASSWORD '{password}'")).unwrap();
    let admin = |password: &str| {
        json!({
            "engine": "postgres", "host": "localhost", "port": stage.postgres().port(), "username": ADMIN,
            "password": password
        })
        .to_string()
    };
    stage.aws.create_secret("orders/admin", &admin(&password), &[]).unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:admin-secret", "orders/admin").unwrap();
    finds(&stage, "RefusedAccount", &[ADMIN, "CREATEROLE"]).await;

    let wrong = random_password();
    stage.secret_text(&wrong);
    stage.aws.put_value("orders/admin", &admin(&wrong), &["AWSCURRENT"]).unwrap();
    finds(&stage, "RefusedLogin", &["rejects the administrator", ADMIN]).await;

    stage.aws.set_tag(&stage.arn, "keyroll:admin-secret", "orders/nobody").unwrap();
    finds(&stage, "RefusedSetting", &["orders/nobody"]).await;

    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{}'", random_password())).unwrap();
    finds(&stage, "RefusedLogin", &["rejects the password", "in AWSCURRENT;", ACCOUNT]).await;
}

#[tokio::test]
async fn servers_that_take_no_change_or_cannot_be_trusted_are_found() {
    let everywhere = ("listen_addresses".to_owned(), "127.0.0.1, 127.0.0.2".to_owned());
    let options = PostgresOptions { settings: vec![everywhere], ..PostgresOptions::default() };
    let stage = discovering(&options, &json!({})).await;
    stage.postgres().sql("ALTER SYSTEM SET default_transaction_read_only = on").unwrap();
    stage.postgres().sql("SELECT pg_reload_conf()").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    finds(&stage, "RefusedServer", &["read-only"]).await;
    for (keys, error_type, words) in [
        (json!({"host": "no-such-host.invalid"}), "FailedDatabase", "cannot be reached"),
        (json!({"host": "127.0.0.2"}), "RefusedTls", "certificate"),
        (json!({"engine": "oracle"}), "RefusedValue", "oracle"),
        (json!({"engine": "mysql"}), "RefusedNotBuilt", "mysql"),
        (json!({"dbname": "nowhere"}), "RefusedValue", "nowhere"),
    ] {
        let good = stage.value("AWSCURRENT");
        stage.edit_current(&keys);
        finds(&stage, error_type, &[words]).await;
        stage.edit_current(&good);
    }
    for tls in [Tls::Expired, Tls::OtherHost, Tls::OtherAuthority] {
        let options = PostgresOptions { tls, ..PostgresOptions::default() };
        finds(&discovering(&options, &json!({})).await, "RefusedTls", &["certificate"]).await;
    }
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    finds(&discovering(&options, &json!({})).await, "RefusedTls", &["offers no TLS"]).await;
}

#[tokio::test]
async fn what_the_role_may_not_read_is_found_with_the_statement_to_add() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    for operation in [
        "DescribeSecret",
        "GetSecretValue",
        "ListClusters",
        "ListServices",
        "DescribeServices",
        "DescribeTaskDefinition",
    ] {
        let denied =
            Fault::error("AccessDeniedException", 400, "User: arn:aws:sts::1:x is not authorized to perform it");
        stage.aws.fault(Rule::on(operation, denied));
        finds(&stage, "RefusedPermission", &[&format!(":{operation}"), "\\\"Effect\\\": \\\"Allow\\\""]).await;
        stage.aws.clear_faults();
        stage.function.cold().await;
    }
    assert_eq!(dry_run(&stage, false).await["verdict"], "wouldSucceed");
}

#[tokio::test]
async fn services_and_settings_that_a_rotation_would_stumble_over_are_told() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let version = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    let pinned = stage.aws.register_with_secrets("pinned", &[&format!("{}:password::{version}", stage.arn)]).unwrap();
    stage.aws.create_service("prod", "pinned", &pinned).unwrap();
    let report = dry_run(&stage, false).await;
    assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
    let line = report["services"].as_array().unwrap().iter().find(|line| line["service"] == "pinned").unwrap();
    assert_eq!(line["verdict"], "skipped");
    assert!(line["reason"].as_str().unwrap().contains(&version), "{line}");

    stage.aws.set_tag(&stage.arn, "keyroll:hold", "black friday").unwrap();
    finds(&stage, "RefusedHold", &["black friday"]).await;
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "2001-01-01").unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:servces", "prod/api").unwrap();
    finds(&stage, "RefusedSetting", &["keyroll:servces"]).await;
    stage.aws.remove_tag(&stage.arn, "keyroll:servces").unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:copies", "ssm:/orders/db").unwrap();
    finds(&stage, "RefusedNotBuilt", &["keyroll:copies"]).await;
    stage.aws.remove_tag(&stage.arn, "keyroll:copies").unwrap();

    stage.aws.with_secret(&stage.arn, |secret| secret.owning_service = Some("rds".to_owned())).unwrap();
    finds(&stage, "RefusedManaged", &["rds"]).await;
    stage.aws.with_secret(&stage.arn, |secret| secret.owning_service = None).unwrap();
    stage.aws.with_secret(&stage.arn, |secret| secret.rotation.as_mut().unwrap().enabled = false).unwrap();
    finds(&stage, "RefusedNotEnabled", &["rotation is not enabled"]).await;
    stage.aws.with_secret(&stage.arn, |secret| secret.rotation = None).unwrap();
    let report = dry_run(&stage, false).await;
    assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
    assert!(report["warnings"].to_string().contains("--rotation-lambda-arn"), "{report:#}");
}

#[tokio::test]
async fn an_open_rollout_and_a_dead_rotation_are_told() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    let report = dry_run(&stage, false).await;
    assert!(report["warnings"].to_string().contains("update-secret-version-stage"), "{report:#}");
    stage.aws.fault(Rule::on("UpdateService", Fault::error("AccessDeniedException", 400, "no")));
    stage.error("finishSecret", &token, "FailedRollout").await;
    stage.aws.clear_faults();
    let report = dry_run(&stage, false).await;
    let create = report["steps"][0]["plan"].to_string();
    assert!(create.contains("redeploy prod/api") && create.contains("close the rollout"), "{report:#}");
    assert!(create.find("close the rollout") < create.find("store a new value"), "{report:#}");
}

#[tokio::test]
async fn a_function_with_too_short_a_timeout_is_told() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let event = json!({"Action": "DryRun", "SecretId": stage.arn});
    let Outcome::Answer(report) = stage.send_within(&event, Duration::from_secs(9)).await else { panic!("no answer") };
    assert_eq!(report["verdict"], "wouldFail", "{report:#}");
    assert!(report["reasons"].to_string().contains("timeout"), "{report:#}");
}
