//! The dry run of a secret whose last rotation broke off: with the password half changed, or with services left to roll.

use rehearsal::aws::{Content, Fault, Rule, Service};
use rehearsal::postgres::{PostgresOptions, literal};
use serde_json::{Value, json};
use support::dry_run::{discovering, dry_run, finds};
use support::scene::{a_moment_later, statement, verdict, warnings};
use support::stage::{ACCOUNT, Stage};

async fn stage() -> Stage {
    discovering(&PostgresOptions::default(), &json!({})).await
}

/// Each step's name and its plan, as one text.
fn steps(report: &Value) -> Vec<(&str, String)> {
    let steps = report["steps"].as_array().unwrap().iter();
    let line = |line: &Value| line.as_str().unwrap().to_owned();
    let plan = |step: &Value| step["plan"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("; ");
    steps.map(|step| (step["step"].as_str().unwrap(), plan(step))).collect()
}

/// A rotation that left its rollout open, a moment ago.
pub async fn left_open(stage: &Stage) {
    stage.leave_open().await;
    a_moment_later();
}

#[tokio::test]
async fn a_rotation_that_broke_off_after_set_secret_is_known_by_awspending_logging_in() {
    let stage = stage().await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret"] {
        stage.answer(step, &token).await;
    }
    for prove in [false, true] {
        let report = dry_run(&stage, prove).await;
        assert_eq!((&report["verdict"], &report["reasons"]), (&json!("wouldSucceed"), &json!([])), "{report:#}");
        assert!(report["proven"].to_string().contains("AWSPENDING logs in"), "{report:#}");
        assert!(!report["proven"].to_string().contains("AWSCURRENT logs in"), "{report:#}");
        let steps = steps(&report);
        assert_eq!(steps[..2], [("createSecret", String::new()), ("setSecret", String::new())], "{report:#}");
        assert_eq!(steps[2], ("testSecret", "log in with the pending value".to_owned()));
        let (name, finish) = &steps[3];
        assert_eq!((*name, steps.len()), ("finishSecret", 4));
        assert!(finish.contains("move AWSCURRENT") && finish.contains("redeploy prod/api"), "{finish}");
        assert!(warnings(&report).contains(&format!("AWSPENDING is on version {token}")), "{report:#}");
    }
    // And so it is.
    assert_eq!(stage.answer("createSecret", &token).await["done"], json!([]));
    let done = stage.answer("setSecret", &token).await["done"].clone();
    assert!(matches!(&done.as_array().unwrap()[..], [line] if line.to_string().contains("works already")), "{done}");
    for step in ["testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn a_database_gone_back_to_awsprevious_is_a_warning_and_the_rotation_mends_it() {
    let stage = stage().await;
    stage.rotate().await;
    let previous = stage.value("AWSPREVIOUS")["password"].as_str().unwrap().to_owned();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD {}", literal(&previous))).unwrap();
    for prove in [false, true] {
        let report = dry_run(&stage, prove).await;
        assert_eq!((&report["verdict"], &report["reasons"]), (&json!("wouldSucceed"), &json!([])), "{report:#}");
        assert!(report["proven"].to_string().contains("AWSPREVIOUS logs in"), "{report:#}");
        let told = warnings(&report);
        for word in ["the server rejects AWSCURRENT", "lets AWSPREVIOUS in", "locked out"] {
            assert!(told.contains(word), "{report:#}");
        }
        assert!(steps(&report)[1].1.contains("set the password"), "{report:#}");
    }
    stage.rotated().await;
    assert!(!warnings(&dry_run(&stage, false).await).contains("AWSPREVIOUS"));
}

#[tokio::test]
async fn a_pending_version_of_another_account_is_found_also_while_awscurrent_works() {
    let stage = stage().await;
    let token = stage.created().await;
    let mut pending = stage.value("AWSPENDING");
    pending["username"] = json!("somebody_else");
    stage.overwrite("AWSPENDING", Content::Text(pending.to_string()));
    finds(&stage, "RefusedChanged", &["AWSPENDING differs from AWSCURRENT in", "username"]).await;
    let report = dry_run(&stage, false).await;
    assert!(report["proven"].to_string().contains("AWSCURRENT logs in"), "{report:#}");
    let remedy = report["reasons"][0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("AWSCURRENT works: give this version up"), "{remedy}");
    // The rotation says the same.
    stage.refused("setSecret", &token, "RefusedChanged", &["username"]).await;
}

#[tokio::test]
async fn what_an_open_rollout_has_left_is_skipped_now_and_redeployed_by_create_secret() {
    let stage = stage().await;
    left_open(&stage).await;
    stage.aws.with_service("prod", "worker", Service::deploy).unwrap();
    let report = dry_run(&stage, false).await;
    assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
    let (given, reason) = verdict(&report, "api");
    assert_eq!(given, "skipped", "{report:#}");
    assert!(reason.contains("nothing is changed now; createSecret would first redeploy it"), "{reason}");
    // Staging its version takes the proof from the secret's date that worker has the value.
    assert_eq!(verdict(&report, "worker").0, "skipped", "{report:#}");
    let create = &steps(&report)[0].1;
    assert!(create.find("redeploy prod/api") < create.find("store a new value"), "{create}");
    let done = stage.answer("createSecret", &stage.stage()).await["done"].to_string();
    assert!(done.contains("redeployed prod/api") && done.contains("stored a new value"), "{done}");
}

#[tokio::test]
async fn an_open_rollout_with_a_failed_deployment_stops_the_next_rotation_by_name() {
    let stage = stage().await;
    left_open(&stage).await;
    let fail = |service: &mut Service| {
        service.deploy();
        service.fail_rollout("ECS deployment circuit breaker: tasks failed to start.");
    };
    stage.aws.with_service("prod", "api", fail).unwrap();
    finds(&stage, "FailedRollout", &["the service prod/api could not be rolled", "tasks failed to start"]).await;
    let report = dry_run(&stage, false).await;
    assert_eq!((verdict(&report, "api").0, verdict(&report, "worker").0), ("failed", "skipped"), "{report:#}");
    assert_eq!(report["reasons"].as_array().unwrap().len(), 1, "{report:#}");
    assert!(!steps(&report)[0].1.contains("close the rollout"), "{report:#}");
    // Mended.
    stage.aws.with_service("prod", "api", Service::deploy).unwrap();
    assert_eq!(dry_run(&stage, false).await["verdict"], "wouldSucceed");
}

#[tokio::test]
async fn a_list_of_secrets_that_may_not_be_read_stops_no_rotation_and_is_a_warning() {
    let stage = stage().await;
    stage.aws.fault(Rule::on("ListSecrets", Fault::Denied));
    let report = dry_run(&stage, false).await;
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("wouldSucceed"), &json!([])), "{report:#}");
    let lines = report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str);
    let lines: Vec<&str> = lines.filter(|line| line.contains("ListSecrets")).collect();
    let [line] = lines[..] else { panic!("{report:#}") };
    assert!(line.starts_with("Reconcile could not find this secret by itself: "), "{line}");
    assert_eq!(statement(line)["Action"], "secretsmanager:ListSecrets", "{line}");
    stage.rotated().await;
}
