//! `Revoke`: a credential is in wrong hands, and everything old is replaced at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::STEPS;
use rehearsal::postgres::Held;
use serde_json::{Value, json};
use support::pair::{PARTNER, account, stage};
use support::revokes::logins;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// What a report says, in one text.
fn told(report: &Value) -> String {
    format!("{} {}", report["done"], report["warnings"])
}

/// Asserts that Revoke has done all it is for; gives the version.
fn assert_revoked(stage: &Stage, report: &Value, old: &[(String, String)]) -> String {
    let version = report["versionId"].as_str().unwrap().to_owned();
    assert_eq!((&report["action"], &report["standing"]), (&json!("Revoke"), &json!("Current")), "{report:#}");
    assert_eq!(report.get("previousCredentialValidUntil"), None);
    stage.assert_revoked(&version);
    for (account, password) in old {
        assert!(!stage.accepts(account, password), "an old password of {account} still works");
    }
    version
}

#[tokio::test]
async fn with_two_accounts_both_passwords_and_all_sessions_end() {
    let stage = stage().await;
    for rotations in 0..3 {
        if rotations > 0 {
            stage.rotate().await;
        }
        let old = logins(&stage);
        let mut sessions = vec![stage.hold("AWSCURRENT"), stage.hold("AWSCURRENT")];
        if rotations > 0 {
            sessions.push(stage.hold("AWSPREVIOUS"));
        }
        let before = account(&stage, "AWSCURRENT");
        let report = stage.action("Revoke").await;
        assert_revoked(&stage, &report, &old);
        assert_ne!(account(&stage, "AWSCURRENT"), before);
        assert!(!sessions.iter_mut().any(Held::is_open));
        let told = told(&report);
        assert!(told.contains(&format!("ended the sessions of \\\"{before}\\\": 2")), "{report:#}");
        assert!(
            told.contains(&format!("replaced the password of \\\"{before}\\\" by one that nobody knows")),
            "{report:#}"
        );
        assert!(told.contains("closed the rollout"), "{report:#}");
    }
    // Secrets Manager goes on as if nothing had been.
    stage.rotate().await;
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
}

#[tokio::test]
async fn with_one_account_its_password_is_replaced_and_all_sessions_end() {
    let stage = Stage::start().await;
    for _ in 0..2 {
        let old = logins(&stage);
        let mut sessions = [stage.hold("AWSCURRENT"), stage.hold("AWSCURRENT")];
        let report = stage.action("Revoke").await;
        assert_revoked(&stage, &report, &old);
        assert!(!sessions.iter_mut().any(Held::is_open));
        let ended = format!("ended the sessions of \\\"{ACCOUNT}\\\" that began before its new password: 2");
        assert!(told(&report).contains(&ended), "{report:#}");
        assert!(!told(&report).contains("nobody knows"));
    }
    let rotation = stage.rotate().await;
    stage.assert_revoked(&rotation.token);
}

#[tokio::test]
async fn it_waits_for_no_age_and_takes_the_open_rollout_with_it() {
    let stage = stage().await;
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "60").unwrap();
    stage.rotate().await;
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    stage.aws.move_label(&stage.arn, "KEYROLL_ROLLOUT", &current).unwrap();
    let old = logins(&stage);
    let report = stage.action("Revoke").await;
    assert_revoked(&stage, &report, &old);
    assert!(told(&report).contains(&format!("the rollout of version {current} was not finished")), "{report:#}");
}

#[tokio::test]
async fn a_value_that_was_drawn_before_is_never_used() {
    for two in [true, false] {
        let stage = if two { stage().await } else { Stage::start().await };
        let token = stage.created().await;
        if two {
            stage.answer("setSecret", &token).await;
        }
        let old = logins(&stage);
        let report = stage.action("Revoke").await;
        let version = assert_revoked(&stage, &report, &old);
        assert!(version != token && told(&report).contains(&format!("version {token} of a rotation that had begun")));
        // The steps of the rotation that it overtook find their version without a label.
        let after = stage.state();
        for step in STEPS {
            stage.error(step, &token, "RefusedVersion").await;
        }
        assert_eq!(stage.state(), after);
    }
}

#[tokio::test]
async fn the_only_version_that_logs_in_becomes_current_before_it_is_replaced() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    stage.answer("setSecret", &token).await;
    assert!(!stage.logs_in("AWSCURRENT"));
    let old = logins(&stage);
    let report = stage.action("Revoke").await;
    let version = assert_revoked(&stage, &report, &old);
    assert!(version != token && stage.aws.holder(&stage.arn, "AWSPREVIOUS") == Some(token));
    assert!(told(&report).contains("was the only one that logged in"), "{report:#}");
}

#[tokio::test]
async fn secrets_manager_goes_on_with_a_version_that_a_dead_revoke_has_left() {
    for two in [true, false] {
        let stage = if two { stage().await } else { Stage::start().await };
        let kill = stage.function.kill_handle();
        stage.aws.fault(Rule::on("PutSecretValue", Fault::after(move || kill.kill())));
        assert!(!stage.send(&json!({"Action": "Revoke", "SecretId": stage.arn})).await.is_answer());
        stage.aws.clear_faults();
        let left = stage.aws.holder(&stage.arn, "AWSPENDING").unwrap();
        let rotation = stage.driver.resume(&stage.arn).await.unwrap();
        assert!(rotation.succeeded() && rotation.token == left, "{rotation:#?}");
        assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(left));
        assert!(stage.logs_in("AWSCURRENT"));
    }
}

/// Somebody who is in and sets the account's password again and again, from the moment at which AWSCURRENT has moved.
fn insider(stage: &Stage, account: &str, evil: &str) -> Arc<Mutex<Held>> {
    // By verifier, as psql's \password does, so that no password stands in the server's log.
    stage.postgres().sql(&format!("CREATE ROLE evil PASSWORD '{evil}'")).unwrap();
    let verifier = stage.postgres().sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'evil'").unwrap();
    let statement = format!(
        "SET ROLE NONE; DO $$ BEGIN FOR i IN 1..5000 LOOP BEGIN ALTER ROLE {account} PASSWORD '{verifier}'; \
         EXCEPTION WHEN OTHERS THEN NULL; END; COMMIT; PERFORM pg_sleep(0.002); END LOOP; END $$; SELECT 1"
    );
    let session = Arc::new(Mutex::new(stage.hold("AWSCURRENT")));
    let insider = Arc::clone(&session);
    let act = move || {
        let (insider, statement) = (Arc::clone(&insider), statement.clone());
        std::thread::spawn(move || insider.lock().unwrap().ask(&statement).is_ok());
        std::thread::sleep(Duration::from_millis(50));
    };
    stage.aws.fault(Rule::on("UpdateSecretVersionStage", Fault::after(act)).nth(1));
    session
}

#[tokio::test]
async fn whoever_is_in_cannot_keep_a_password_of_their_own() {
    let evil = random_password();
    let single = Stage::start().await;
    let session = insider(&single, ACCOUNT, &evil);
    let report = single.action("Revoke").await;
    assert_revoked(&single, &report, &[(ACCOUNT.to_owned(), evil.clone())]);
    assert!(told(&report).contains("was set back"), "{report:#}");
    assert!(!session.lock().unwrap().is_open());

    let pair = stage().await;
    pair.rotate().await;
    let session = insider(&pair, PARTNER, &evil);
    let report = pair.action("Revoke").await;
    assert_revoked(&pair, &report, &[(PARTNER.to_owned(), evil)]);
    assert!(!session.lock().unwrap().is_open());
}

#[tokio::test]
async fn sessions_that_nobody_may_end_are_told_with_the_statement_that_does() {
    let stage = stage().await;
    stage.rotate().await;
    let mut session = stage.hold("AWSCURRENT");
    // Nobody gets in as the current account any more, so that only others could end its session.
    let password = random_password();
    stage.secret_text(&password);
    stage.postgres().sql(&format!("ALTER ROLE {PARTNER} PASSWORD '{password}'")).unwrap();
    let report = stage.action("Revoke").await;
    assert_revoked(&stage, &report, &[(PARTNER.to_owned(), password)]);
    let told = told(&report);
    assert!(told.contains("could not be ended") && told.contains("1: 1 of \\\"keyroll-rehearsal\\\""), "{report:#}");
    let statement = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{PARTNER}'");
    assert!(told.contains(&statement), "{report:#}");
    assert!(session.is_open());
    stage.postgres().sql(&statement).unwrap();
    assert!(!session.is_open());
}

#[tokio::test]
async fn what_a_rotation_refuses_is_refused_before_anything_is_stored() {
    let stage = stage().await;
    let before = stage.state();
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "a migration").unwrap();
    assert!(stage.action_error("Revoke", "RefusedHold").await.contains("a migration"));
    stage.aws.remove_tag(&stage.arn, "keyroll:hold").unwrap();
    stage.aws.with_secret(&stage.arn, |secret| secret.rotation.as_mut().unwrap().enabled = false).unwrap();
    stage.action_error("Revoke", "RefusedNotEnabled").await;
    assert_eq!(stage.calls("PutSecretValue"), 0);
    assert_eq!(stage.state().1, before.1);
}

#[tokio::test]
async fn a_rollout_that_fails_stays_open_for_reconcile() {
    let stage = stage().await;
    let old = logins(&stage);
    stage.aws.fault(Rule::on("UpdateService", Fault::Denied).about("\"api\""));
    let message = stage.action_error("Revoke", "FailedRollout").await;
    assert!(message.contains("Reconcile") && message.contains("prod/api failed"), "{message}");
    stage.aws.clear_faults();
    for (account, password) in &old {
        assert!(!stage.accepts(account, password));
    }
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT");
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), current);
    stage.action("Reconcile").await;
    stage.assert_revoked(&current.unwrap());
}

#[tokio::test]
async fn an_old_password_that_could_not_end_is_an_error_and_services_are_rolled() {
    let stage = stage().await;
    stage.rotate().await;
    let admin = stage.aws.secret("orders/admin").unwrap().arn;
    // The administrator's secret may be read for setSecret, and not a second time.
    stage.aws.fault(Rule::on("GetSecretValue", Fault::Denied).about(&admin).nth(2));
    let message = stage.action_error("Revoke", "RefusedPermission").await;
    assert!(message.contains("may still work") && message.contains("Revoke again"), "{message}");
    stage.aws.clear_faults();
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), None);
    let old = logins(&stage);
    let report = stage.action("Revoke").await;
    assert_revoked(&stage, &report, &old);
}
