//! What an operator may ask for: a dry run, the status, and the end of an old key.

use rehearsal::driver::STEPS;
use serde_json::{Value, json};
use support::rig::SERVICES;

use crate::stage::Stage;
use crate::values::{dry_run, hex, kinds, reasons, warnings};

const RING: &str = r#"{"alg":"ES256","keys":[]}"#;

fn lines(list: &Value) -> String {
    list.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_dry_run_tells_each_steps_plan_and_what_it_has_proven() {
    for (kind, value) in kinds() {
        let stage = Stage::start(kind, &value).await;
        stage.rotate().await;
        let report = dry_run(&stage).await;
        assert_eq!((report["verdict"].as_str(), reasons(&report)), (Some("wouldSucceed"), String::new()), "{report:#}");
        let steps: Vec<&str> =
            report["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(steps, STEPS, "{kind}");
        let plan = |step: usize| lines(&report["steps"][step]["plan"]);
        assert!(plan(0).contains("store a new value as AWSPENDING"), "{report:#}");
        assert!(plan(1).contains("nothing outside the secret has to be set"), "{report:#}");
        assert!(plan(3).contains("move AWSCURRENT") && plan(3).contains("redeploy prod/api"), "{report:#}");
        let proven = lines(&report["proven"]);
        assert!(proven.contains("drawn and thrown away"), "{report:#}");
        assert_eq!(proven.contains("signed a token"), kind != "token", "{report:#}");
        assert!(report["notChecked"].to_string().contains("secretsmanager:PutSecretValue"), "{report:#}");
        assert_eq!(report["services"].as_array().unwrap().len(), SERVICES.len());
        stage.rotate().await;
    }
}

#[tokio::test]
async fn a_dry_run_of_a_ring_names_the_keys_and_what_becomes_of_them() {
    let stage = Stage::start("jwt-keyring", RING).await;
    for _ in 0..2 {
        stage.rotate().await;
    }
    let before = stage.json("AWSCURRENT");
    let plan = lines(&dry_run(&stage).await["steps"][0]["plan"]);
    for member in ["current", "next", "previous"] {
        assert!(plan.contains(before[member].as_str().unwrap()), "{member}: {plan}");
    }
    stage.rotate().await;
    let after = stage.json("AWSCURRENT");
    assert_eq!((&after["current"], &after["previous"]), (&before["next"], &before["current"]));
}

#[tokio::test]
async fn a_dry_run_names_containers_that_take_awscurrent_alone_or_awsprevious_early() {
    let stage = Stage::start("jwt", &hex(64)).await;
    let previous = format!("{}::AWSPREVIOUS:", stage.arn);
    let both = stage.aws.register_with_secrets("both", &[&stage.arn, &previous]).unwrap();
    // Seen from before the first rotation: there is no AWSPREVIOUS, and ECS starts no task that takes it.
    stage
        .aws
        .with_service("prod", "worker", |service| {
            service.deploy_revision(&both);
            service.settle();
        })
        .unwrap();
    let told = warnings(&dry_run(&stage).await);
    let about =
        |words: &str| told.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {told}"));
    let alone = about("AWSCURRENT without AWSPREVIOUS");
    assert!(alone.contains("prod/api: the container app of auth:1") && !alone.contains("prod/worker"), "{alone}");
    assert!(alone.contains("once this rotation has ended, and not before"), "{alone}");
    let early = about("no version is labelled so yet");
    assert!(early.contains("prod/worker: the container app of both:1") && !early.contains("prod/api"), "{early}");

    stage.rotate().await;
    let told = warnings(&dry_run(&stage).await);
    assert!(told.contains(&format!("add \"valueFrom\": \"{}::AWSPREVIOUS:\"", stage.arn)), "{told}");
    assert!(!told.contains("no version is labelled so yet"), "{told}");
    // createSecret says the same to whoever reads the rotation's reports.
    let answer = stage.answer("createSecret", &stage.stage()).await;
    assert!(warnings(&answer).contains("prod/api: the container app of auth:1"), "{answer:#}");
}

#[tokio::test]
async fn a_ring_needs_no_awsprevious_and_is_not_told_so() {
    let stage = Stage::start("jwt-keyring", RING).await;
    stage.rotate().await;
    assert!(!warnings(&dry_run(&stage).await).contains("AWSPREVIOUS"));
}

#[tokio::test]
async fn a_dry_run_of_a_rotation_that_has_broken_off_goes_on_with_its_value() {
    for (kind, value) in kinds() {
        let stage = Stage::start(kind, &value).await;
        stage.rotate().await;
        let token = stage.created().await;
        let report = dry_run(&stage).await;
        assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
        assert!(lines(&report["checked"]).contains("a rotation has broken off"), "{report:#}");
        assert!(!lines(&report["steps"][0]["plan"]).contains("store a new value"), "{report:#}");
        assert!(warnings(&report).contains("rotate-secret"), "{report:#}");
        let resumed = stage.driver.resume(&stage.arn).await.unwrap();
        assert!(resumed.succeeded() && resumed.token == token, "{resumed:#?}");
        stage.assert_finished(&token);
    }
}

#[tokio::test]
async fn status_reads_no_value_and_says_nothing_of_the_key_before() {
    for (kind, value) in kinds() {
        let stage = Stage::start(kind, &value).await;
        stage.rotate().await;
        stage.aws.clear();
        let before = stage.aws.snapshot();
        let status = stage.action("Status").await;
        assert!(
            stage.aws.snapshot() == before
                && stage.aws.function_calls().iter().all(|it| it.operation != "GetSecretValue")
        );
        // Whether the key before verifies stands in the values.
        assert!(status.get("previousCredentialValidUntil").is_none(), "{kind}: {status:#}");
        assert_eq!(status["left"], json!([]), "{status:#}");
    }
}

#[tokio::test]
async fn retire_is_refused_and_points_at_revoke() {
    for (kind, value) in kinds() {
        let stage = Stage::start(kind, &value).await;
        stage.rotate().await;
        let before = stage.aws.snapshot();
        let message = stage.action_error("Retire", "RefusedNotBuilt").await;
        assert!(message.contains("Revoke") && stage.aws.snapshot() == before, "{message}");
    }
}
