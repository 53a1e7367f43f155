//! The dry run: it tells what a rotation would do and all that would stop it, and it changes nothing that outlives it.

use std::time::{Duration, Instant};

use rehearsal::aws::{Fault, Rule};
use rehearsal::lambda::Outcome;
use rehearsal::postgres::PostgresOptions;
use serde_json::json;
use support::dry_run::{discovering, dry_run};
use support::refusals::Wrong;
use support::stage::ACCOUNT;

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
    stage.rotated().await;
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
async fn what_may_not_be_read_and_what_is_set_wrong_is_found() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let services = ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition"];
    for operation in ["DescribeSecret", "GetSecretValue"].into_iter().chain(services) {
        let words: &[&str] = &[&format!(":{operation}"), "\"Effect\": \"Allow\""];
        stage.finds(&[(Wrong::Denied(operation), "RefusedPermission", words)]).await;
    }
    let nowhere = Wrong::Keys(json!({"dbname": "nowhere"}));
    let held = Wrong::Tag("keyroll:hold", "black friday");
    stage.finds(&[(nowhere, "RefusedValue", &["nowhere"]), (held, "RefusedHold", &["black friday"])]).await;
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "2001-01-01").unwrap();
    assert_eq!(dry_run(&stage, false).await["verdict"], "wouldSucceed");
}

#[tokio::test]
async fn what_a_rotation_would_stumble_over_and_go_on_is_told() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let version = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    let pinned = stage.aws.register_with_secrets("pinned", &[&format!("{}:password::{version}", stage.arn)]).unwrap();
    stage.aws.create_service("prod", "pinned", &pinned).unwrap();
    stage.aws.with_secret(&stage.arn, |secret| secret.rotation = None).unwrap();
    let report = dry_run(&stage, false).await;
    assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
    let line = report["services"].as_array().unwrap().iter().find(|line| line["service"] == "pinned").unwrap();
    assert_eq!(line["verdict"], "skipped");
    assert!(line["reason"].as_str().unwrap().contains(&version), "{line}");
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
