//! testSecret alone, as Secrets Manager calls it when rotation is configured without rotating at once.

use rehearsal::driver::Options;
use rehearsal::lambda::Outcome;
use serde_json::json;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// Runs the preflight in both forms that the temporary version may have, and expects the same of both.
async fn both(stage: &Stage) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for test_with_current in [false, true] {
        let before = stage.aws.snapshot();
        let driver = stage.driver.clone().with(Options { test_with_current, ..Options::default() });
        let tested = driver.test_only(&stage.arn).await.unwrap();
        assert_eq!(tested.steps(), ["testSecret"]);
        let mut after = stage.aws.snapshot();
        // Secrets Manager's own part: the temporary version comes and goes.
        for (arn, secret) in &mut after.secrets {
            secret.changed = before.secrets[arn].changed;
        }
        assert_eq!(after, before, "the preflight wrote something");
        outcomes.push(tested.last("testSecret").unwrap().clone());
    }
    assert_eq!(
        stage.calls("UpdateService") + stage.calls("PutSecretValue") + stage.calls("UpdateSecretVersionStage"),
        0
    );
    outcomes
}

#[tokio::test]
async fn a_preflight_passes_and_writes_nothing() {
    let stage = Stage::start().await;
    for outcome in both(&stage).await {
        let report = outcome.answer().unwrap().clone();
        assert!(report["done"].to_string().contains("a rotation would succeed"), "{report}");
        assert_eq!(report["services"].as_array().unwrap().len(), 2);
        assert_ne!(report["services"][0]["verdict"], json!("redeployed"));
    }
    assert!(stage.logs_in("AWSCURRENT"));
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    for outcome in both(&stage).await {
        let report = outcome.answer().unwrap().clone();
        let services: Vec<&str> =
            report["services"].as_array().unwrap().iter().map(|line| line["service"].as_str().unwrap()).collect();
        assert_eq!(services, ["api", "worker"], "the services are found: {report}");
    }
}

#[tokio::test]
async fn a_preflight_names_everything_a_rotation_would_lack() {
    let stage = Stage::start().await;
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{}'", random_password())).unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "freeze").unwrap();
    stage.function.set_env("PASSWORD_LENGTH", "200");
    stage.function.cold().await;
    let denied =
        rehearsal::aws::Fault::error("AccessDeniedException", 400, "not authorized to perform ecs:DescribeServices");
    stage.aws.fault(rehearsal::aws::Rule::on("DescribeServices", denied));
    for outcome in both(&stage).await {
        let Outcome::Error { error_type, message } = outcome else { panic!("{outcome:?}") };
        assert_eq!(error_type, "RefusedHold");
        for expected in ["freeze", "PASSWORD_LENGTH", "in AWSCURRENT; AWSPREVIOUS", "ecs:DescribeServices"] {
            assert!(message.contains(expected), "{expected}: {message}");
        }
    }
}
