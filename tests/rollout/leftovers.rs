//! createSecret over what the last rotation left: that is rolled first and told first, or nothing begins.

use rehearsal::aws::{Fault, Rule};
use serde_json::{Value, json};
use support::rig::SERVICES;
use support::scene::{statement, verdict, with_verdict};
use support::stage::Stage;

/// A stage on which AWSCURRENT has moved and no service was redeployed, and the token of the next rotation.
async fn left_open() -> (Stage, String) {
    let stage = Stage::start().await;
    let first = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &first).await;
    }
    stage.aws.fault(Rule::on("UpdateService", Fault::Denied));
    stage.error("finishSecret", &first, "FailedRollout").await;
    stage.aws.clear_faults();
    let token = stage.stage();
    (stage, token)
}

fn done(report: &Value) -> Vec<&str> {
    report["done"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[tokio::test]
async fn create_secret_reports_what_it_rolled_of_the_last_rotation_first() {
    for named in [true, false] {
        let (stage, token) = left_open().await;
        if !named {
            stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
        }
        let report = stage.answer("createSecret", &token).await;
        let all = [
            "redeployed prod/api",
            "redeployed prod/worker",
            "closed the rollout (removed KEYROLL_ROLLOUT)",
            "stored a new value as AWSPENDING",
        ];
        assert_eq!(done(&report), all, "{report:#}");
        assert_eq!(with_verdict(&report, "redeployed"), SERVICES, "{report:#}");
        assert_eq!((&report["versionId"], &report["standing"]), (&json!(token), &json!("Pending")), "{report:#}");
        assert_eq!(report["step"], "createSecret");
        // A duplicate has nothing to tell.
        let report = stage.answer("createSecret", &token).await;
        assert_eq!((&report["done"], &report["services"]), (&json!([]), &json!([])), "{report:#}");
        stage.finishes(&token).await;
        assert_eq!(SERVICES.map(|service| stage.deployments(service)), [3, 3]);
    }
}

#[tokio::test]
async fn create_secret_that_cannot_roll_what_is_left_says_that_nothing_has_begun() {
    let (stage, token) = left_open().await;
    stage.aws.fault(Rule::on("UpdateService", Fault::Denied).about("\"api\""));
    let (before, passwords) = (stage.aws.secret(&stage.arn), stage.state().1);
    let message = stage.error("createSecret", &token, "FailedRollout").await;
    let told = "this rotation has not begun and nothing was stored, as the last one is not finished: version ";
    assert!(message.contains(told), "{message}");
    assert!(message.contains("prod/api failed") && message.contains("prod/worker redeployed"), "{message}");
    assert_eq!(statement(&message)["Action"], "ecs:UpdateService", "{message}");
    // The secret is as it was, and so is the account; the next try begins.
    assert_eq!((stage.aws.secret(&stage.arn), stage.state().1), (before, passwords));
    assert_eq!(stage.aws.value(&stage.arn, &token), None);
    stage.aws.clear_faults();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn create_secret_that_may_not_look_at_what_is_left_says_that_nothing_has_begun() {
    let (stage, token) = left_open().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    stage.aws.fault(Rule::on("ListClusters", Fault::Denied));
    let message = stage.error("createSecret", &token, "FailedRollout").await;
    assert!(message.contains("this rotation has not begun and nothing was stored"), "{message}");
    assert_eq!(statement(&message)["Action"], "ecs:ListClusters", "{message}");
    assert_eq!((stage.aws.value(&stage.arn, &token), stage.calls("UpdateService")), (None, 2), "{message}");
    stage.aws.clear_faults();
    let report = stage.answer("createSecret", &token).await;
    assert_eq!((verdict(&report, "api").0, verdict(&report, "worker").0), ("redeployed", "redeployed"));
    assert_eq!(done(&report).last(), Some(&"stored a new value as AWSPENDING"), "{report:#}");
}
