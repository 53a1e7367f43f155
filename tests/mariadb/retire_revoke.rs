//! MariaDB, one account: Retire ends the password before, Revoke everything old, and Status says what there is.

use std::sync::{Arc, Mutex};

use rehearsal::aws::{Fault, Rule};
use rehearsal::postgres::Held;
use serde_json::{Value, json};
use support::maria::{self, ADMIN, overlapping};
use support::revokes::logins;
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

fn told(report: &Value) -> String {
    format!("{} {}", report["done"], report["warnings"])
}

fn ends_with_one(stage: &Stage) {
    let rules = rules(stage, "%");
    assert!(rules.ends_with("'AWSCURRENT'") && !rules.contains(" OR "), "{rules}");
}

#[tokio::test]
async fn retire_ends_the_password_before_and_no_session() {
    let stage = overlapping().await;
    for _ in 0..2 {
        stage.rotate().await;
        let mut sessions = [stage.hold("AWSPREVIOUS"), stage.hold("AWSCURRENT")];
        let secrets = stage.aws.snapshot();
        let report = stage.action("Retire").await;
        assert!(told(&report).contains(ADMIN) && told(&report).contains("AWSCURRENT logs in"), "{report:#}");
        assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
        ends_with_one(&stage);
        assert!(sessions.iter_mut().all(Held::is_open));
        assert_eq!(stage.aws.snapshot(), secrets);
        let before = stage.state();
        let report = stage.action("Retire").await;
        assert!(told(&report).contains("already"), "{report:#}");
        assert_eq!(stage.state(), before);
    }
    stage.rotated().await;
}

#[tokio::test]
async fn retire_is_refused_while_the_password_before_may_be_wanted() {
    let stage = overlapping().await;
    let before = stage.state();
    assert!(told(&stage.action("Retire").await).contains("no version is labelled AWSPREVIOUS"));
    assert_eq!(stage.state(), before);
    stage.leave_open().await;
    let message = stage.action_error("Retire", "RefusedVersion").await;
    assert!(message.contains("KEYROLL_ROLLOUT"), "{message}");
    stage.action("Reconcile").await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret"] {
        stage.answer(step, &token).await;
        let before = stage.state();
        let message = stage.action_error("Retire", "RefusedVersion").await;
        assert!(message.contains(&token), "{message}");
        assert_eq!(stage.state(), before);
    }
    for step in ["testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn without_an_administrator_a_second_password_can_neither_end_nor_stay() {
    let stage = overlapping().await;
    stage.rotate().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    let before = stage.state();
    let message = stage.action_error("Retire", "RefusedSetting").await;
    assert!(message.contains("second password"), "{message}");
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["two passwords", "keyroll:admin-secret"]).await;
    assert_eq!(stage.state().1, before.1);
    let message = stage.action_error("Revoke", "RefusedAccount").await;
    assert!(message.contains("two passwords") && message.contains("Revoke again"), "{message}");
    assert_eq!(stage.state().1, before.1);

    // One account that changed itself has one password.
    let stage = maria::stage().await;
    stage.rotate().await;
    let before = stage.state();
    let report = stage.action("Retire").await;
    assert!(told(&report).contains("already"), "{report:#}");
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn revoke_leaves_one_password_and_ends_the_sessions_of_before() {
    for administered in [true, false] {
        let stage = if administered { overlapping().await } else { maria::stage().await };
        for rotations in 0..2 {
            if rotations > 0 {
                stage.rotate().await;
            }
            let old = logins(&stage);
            let mut sessions = vec![stage.hold("AWSCURRENT"), stage.hold("AWSCURRENT")];
            if administered && rotations > 0 {
                sessions.push(stage.hold("AWSPREVIOUS"));
            }
            let expected = sessions.len();
            let report = stage.action("Revoke").await;
            stage.assert_revoked(report["versionId"].as_str().unwrap());
            ends_with_one(&stage);
            assert!(old.iter().all(|(account, password)| !stage.accepts(account, password)));
            assert!(!sessions.iter_mut().any(Held::is_open));
            assert!(told(&report).contains(&format!(": {expected}")), "{report:#}");
            assert!(report["previousCredentialValidUntil"].is_null(), "{report:#}");
        }
        stage.rotated().await;
    }
}

#[tokio::test]
async fn revoke_ends_no_session_of_the_administrator() {
    let stage = maria::stage().await;
    let admin = maria::appoint_by_tag(&stage);
    let mut session = stage.server.hold(ADMIN, admin["password"].as_str().unwrap(), "");
    stage.rotate().await;
    stage.action("Revoke").await;
    assert!(session.is_open());
    assert_eq!(session.ask("SELECT 1").unwrap(), "1");
}

#[tokio::test]
async fn nobody_comes_by_the_old_password_once_revoke_has_set_the_new_one() {
    let stage = Arc::new(overlapping().await);
    stage.rotate().await;
    // Between the proof of the new password and what follows on it.
    let (tried, coming) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(&stage));
    let answers = Arc::clone(&tried);
    let old = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| stage.value(label)["password"].as_str().unwrap().to_owned());
    let come = move || answers.lock().unwrap().extend(old.each_ref().map(|password| coming.accepts(ACCOUNT, password)));
    stage.aws.fault(Rule::on("UpdateSecretVersionStage", Fault::after(come)).about("AWSCURRENT").nth(1));
    let report = stage.action("Revoke").await;
    stage.aws.clear_faults();
    assert_eq!(*tried.lock().unwrap(), [false, false], "{report:#}");
    stage.assert_revoked(report["versionId"].as_str().unwrap());
}

#[tokio::test]
async fn revoke_goes_on_where_it_broke_off() {
    for operation in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let stage = overlapping().await;
        stage.rotate().await;
        let old = logins(&stage);
        let kill = stage.function.kill_handle();
        stage.aws.fault(Rule::on(operation, Fault::after(move || kill.kill())));
        assert!(!stage.send(&json!({"Action": "Revoke", "SecretId": stage.arn})).await.is_answer());
        stage.aws.clear_faults();
        assert!(stage.logs_in("AWSCURRENT"), "{operation}");
        let report = stage.action("Revoke").await;
        stage.assert_revoked(report["versionId"].as_str().unwrap());
        assert!(old.iter().all(|(account, password)| !stage.accepts(account, password)));
        ends_with_one(&stage);
    }
}

#[tokio::test]
async fn status_knows_what_the_secret_is_and_changes_nothing() {
    for administered in [true, false] {
        let stage = if administered { overlapping().await } else { maria::stage().await };
        let before = stage.state();
        let first = stage.action("Status").await;
        assert_eq!(stage.state(), before);
        stage.rotate().await;
        let settled = stage.action("Status").await;
        let token = stage.stage();
        for step in ["createSecret", "setSecret"] {
            stage.answer(step, &token).await;
        }
        let halfway = stage.action("Status").await;
        assert!(halfway.to_string().contains(&token), "{halfway:#}");
        support::told::told(&format!("administered {administered}: {first:#}\n{settled:#}\n{halfway:#}"));
        if administered {
            assert_ne!(rules(&stage, "%"), BOTH);
        }
    }
}
