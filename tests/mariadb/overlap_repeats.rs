//! MariaDB, two passwords on one account: steps come late, twice or again from the beginning, and the rules stay the same.

use rehearsal::driver::STEPS;
use serde_json::json;
use support::maria::{self, overlapping};
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

/// What the rules look like between setSecret and finishSecret.
const PENDING: &str = "VIA mysql_native_password USING 'AWSPENDING' OR mysql_native_password USING 'AWSCURRENT'";

async fn twice(stage: &Stage, step: &str, token: &str) {
    for _ in 0..2 {
        stage.answer(step, token).await;
    }
}

#[tokio::test]
async fn every_step_may_come_again_and_all_from_the_beginning() {
    let stage = overlapping().await;
    stage.rotate().await;
    let token = stage.stage();
    for number in 0..STEPS.len() {
        for step in &STEPS[..=number] {
            twice(&stage, step, &token).await;
        }
        let halfway = [1, 2].contains(&number);
        assert_eq!(rules(&stage, "%"), if halfway { PENDING } else { BOTH });
    }
    stage.assert_finished(&token);
    let before = stage.state();
    for step in STEPS {
        twice(&stage, step, &token).await;
    }
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn a_process_that_never_rotated_knows_what_the_last_rotation_left() {
    let stage = overlapping().await;
    stage.rotate().await;
    for _ in 0..2 {
        let token = stage.stage();
        for step in STEPS {
            stage.function.cold().await;
            stage.answer(step, &token).await;
        }
        stage.assert_finished(&token);
        assert_eq!(rules(&stage, "%"), BOTH);
    }
}

#[tokio::test]
async fn a_late_step_of_an_earlier_rotation_changes_nothing() {
    let stage = overlapping().await;
    let late = stage.created().await;
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    stage.rotated().await;
    let before = stage.state();
    for step in STEPS {
        stage.error(step, &late, "RefusedVersion").await;
    }
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn the_proof_is_a_login_with_either_password() {
    let stage = overlapping().await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret"] {
        stage.answer(step, &token).await;
    }
    let mark = stage.server.mark();
    let report = stage.answer("testSecret", &token).await;
    let done = report["done"].to_string();
    assert!(done.contains("proved the pending login") && done.contains("AWSCURRENT lets"), "{report:#}");
    assert!(report.get("warnings").is_none(), "{report:#}");
    let logins = stage.server.logins_since(mark);
    assert_eq!((logins.accepted, logins.failed.len()), (vec![ACCOUNT.to_owned(); 2], 0));
}

#[tokio::test]
async fn a_second_rotation_waits_while_two_passwords_are_wanted() {
    let stage = overlapping().await;
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "30").unwrap();
    stage.rotate().await;
    let token = stage.stage();
    stage.refused("createSecret", &token, "FailedTooSoon", &["keyroll:min-age is 30"]).await;
    stage.aws.age_secret(&stage.arn, std::time::Duration::from_mins(31)).unwrap();
    for step in STEPS {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn an_account_with_one_password_is_never_put_off() {
    let stage = maria::stage().await;
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "600").unwrap();
    stage.rotate().await;
    stage.rotate().await;
}

#[tokio::test]
async fn an_administrator_whom_the_value_offers_does_as_well() {
    let stage = maria::alternating().await;
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    for _ in 0..2 {
        stage.rotated().await;
        assert_eq!(rules(&stage, "%"), BOTH);
        assert_eq!(stage.value("AWSCURRENT")["username"], json!(ACCOUNT));
    }
    // One who cannot be used is an offer that is declined, where the account may still change itself.
    let stage = maria::alternating().await;
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    stage.mariadb().sql(&format!("ALTER USER {} ACCOUNT LOCK", maria::ADMIN)).unwrap();
    let token = stage.created().await;
    let report = stage.answer("setSecret", &token).await;
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("4151") && warnings.contains("ends at once"), "{report:#}");
    assert!(!stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPENDING"));
}
