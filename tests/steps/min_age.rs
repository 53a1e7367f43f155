//! keyroll:min-age. Two accounts hold two passwords: a second rotation replaces the one that tasks may still hold since before
//! the first. So it is put off for a while, and Secrets Manager tries again by itself.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::{Options, STEPS};
use support::blow::persistent;
use support::pair;
use support::stage::Stage;

const MINUTE: Duration = Duration::from_mins(1);

/// A stage of two accounts, and the function as it is without a variable of ours.
async fn stage() -> Stage {
    let stage = pair::stage().await;
    stage.function.remove_env("KEYROLL_MIN_AGE");
    stage.function.cold().await;
    stage
}

/// createSecret puts the rotation off, and has stored and changed nothing.
async fn put_off(stage: &Stage, token: &str) -> String {
    let before = stage.state();
    let message = stage.error("createSecret", token, "FailedTooSoon").await;
    assert!(message.contains("keyroll:min-age"), "{message}");
    assert!(stage.state() == before && stage.aws.value(&stage.arn, token).is_none(), "something was changed");
    message
}

async fn goes_on(stage: &Stage, token: &str) {
    for step in STEPS {
        stage.answer(step, token).await;
    }
    stage.assert_finished(token);
}

/// What Secrets Manager does after a rotation that it has put off: it tries again with the same token.
async fn resumes(stage: &Stage, token: &str) {
    let rotation = stage.driver.resume(&stage.arn).await.unwrap();
    assert!(rotation.succeeded() && rotation.failures().is_empty() && rotation.token == token, "{rotation:#?}");
    stage.secret_text(&rotation.rotation_token);
    stage.assert_finished(token);
}

#[tokio::test]
async fn the_first_rotation_is_exempt_and_the_second_waits_ten_minutes() {
    let stage = stage().await;
    // However young the secret is.
    stage.aws.with_secret(&stage.arn, |secret| assert_eq!(secret.rotated, None)).unwrap();
    stage.rotate().await;
    let rotation = stage.try_rotate(Options { attempts: 2, ..Options::default() }).await;
    assert_eq!(rotation.steps(), ["createSecret", "createSecret"]);
    let message = put_off(&stage, &rotation.token).await;
    assert!(message.contains("current for 0 minutes, and keyroll:min-age is 10"), "{message}");
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));

    stage.aws.age_secret(&stage.arn, 9 * MINUTE).unwrap();
    let message = put_off(&stage, &rotation.token).await;
    assert!(message.contains("current for 9 minutes"), "{message}");
    stage.aws.age_secret(&stage.arn, MINUTE).unwrap();
    resumes(&stage, &rotation.token).await;
}

#[tokio::test]
async fn zero_turns_it_off_and_the_tag_counts_before_the_variable() {
    let stage = stage().await;
    stage.rotate().await;
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "0").unwrap();
    stage.rotate().await;
    stage.function.set_env("KEYROLL_MIN_AGE", "60");
    stage.function.cold().await;
    stage.rotate().await;

    stage.aws.remove_tag(&stage.arn, "keyroll:min-age").unwrap();
    let token = stage.stage();
    assert!(put_off(&stage, &token).await.contains("is 60"));
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "5").unwrap();
    assert!(put_off(&stage, &token).await.contains("is 5"));
    stage.aws.age_secret(&stage.arn, 6 * MINUTE).unwrap();
    goes_on(&stage, &token).await;
    stage.function.set_env("KEYROLL_MIN_AGE", "0");
    stage.function.cold().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:min-age").unwrap();
    stage.rotate().await;
}

#[tokio::test]
async fn a_rotation_that_is_tried_again_is_not_put_off_by_itself() {
    let stage = stage().await;
    stage.rotate().await;
    stage.aws.age_secret(&stage.arn, 10 * MINUTE).unwrap();
    // Every step once more, and all from the beginning after each.
    let token = stage.stage();
    for number in 0..STEPS.len() {
        for step in &STEPS[..=number] {
            stage.answer(step, &token).await;
            stage.answer(step, &token).await;
        }
    }
    stage.assert_finished(&token);

    // One whose process dies: as it stores the value, at the password, and as AWSCURRENT moves.
    for operation in ["PutSecretValue", "GetSecretValue", "UpdateSecretVersionStage"] {
        stage.aws.age_secret(&stage.arn, 10 * MINUTE).unwrap();
        let kill = stage.function.kill_handle();
        let nth = if operation == "GetSecretValue" { 4 } else { 1 };
        stage.aws.fault(Rule::on(operation, Fault::after(move || kill.kill())).nth(nth));
        let rotation = stage.try_rotate(persistent()).await;
        assert!(rotation.succeeded() && rotation.failures().len() == 1, "{operation}: {rotation:#?}");
        stage.aws.clear_faults();
        stage.assert_finished(&rotation.token);
    }
}

#[tokio::test]
async fn a_rotation_of_which_secrets_manager_never_heard_the_end_counts_all_the_same() {
    let stage = stage().await;
    stage.rotate().await;
    stage.aws.age_secret(&stage.arn, 20 * MINUTE).unwrap();
    // Steps alone leave the secret's date of the last rotation where it was.
    goes_on(&stage, &stage.stage()).await;
    let token = stage.stage();
    put_off(&stage, &token).await;
    stage.aws.age_secret(&stage.arn, 10 * MINUTE).unwrap();
    goes_on(&stage, &token).await;
}

#[tokio::test]
async fn one_account_has_no_overlap_to_keep_and_is_never_put_off() {
    let stage = Stage::start().await;
    stage.function.remove_env("KEYROLL_MIN_AGE");
    stage.function.cold().await;
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "600").unwrap();
    stage.rotate().await;
    stage.rotate().await;
}

#[tokio::test]
async fn a_first_rotation_of_which_nobody_heard_the_end_counts_too() {
    let stage = stage().await;
    stage.leave_open().await;
    stage.aws.with_secret(&stage.arn, |secret| assert_eq!(secret.rotated, None)).unwrap();
    // Its rollout is finished first, so that tasks are only now being replaced.
    let second = stage.stage();
    let message = stage.error("createSecret", &second, "FailedTooSoon").await;
    assert!(message.contains("keyroll:min-age"), "{message}");
    assert_eq!(stage.aws.value(&stage.arn, &second), None);
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
}
