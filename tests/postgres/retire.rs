//! `Retire`: the previous credential ends now.

use rehearsal::aws::{Fault, Rule, Service};
use serde_json::{Value, json};
use support::pair::{ADMIN, PARTNER, account, stage};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

fn lines(report: &Value, key: &str) -> String {
    report[key].as_array().map(|lines| serde_json::to_string(lines).unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn the_previous_password_ends_and_its_sessions_go_on_and_are_counted() {
    let stage = stage().await;
    stage.rotate().await;
    for (current, previous) in [(PARTNER, ACCOUNT), (ACCOUNT, PARTNER)] {
        assert_eq!([account(&stage, "AWSCURRENT"), account(&stage, "AWSPREVIOUS")], [current, previous]);
        let mut sessions = [stage.hold("AWSPREVIOUS"), stage.hold("AWSPREVIOUS"), stage.hold("AWSCURRENT")];
        let before = stage.aws.snapshot();
        let report = stage.action("Retire").await;
        assert_eq!((&report["action"], &report["standing"]), (&json!("Retire"), &json!("Current")));
        assert_eq!(report["versionId"], json!(stage.aws.holder(&stage.arn, "AWSCURRENT")));
        assert_eq!(report.get("previousCredentialValidUntil"), None);
        let done = lines(&report, "done");
        assert!(done.contains(&format!("replaced the password of \\\"{previous}\\\"")), "{report:#}");
        assert!(done.contains(ADMIN) && done.contains("AWSCURRENT logs in"), "{report:#}");
        let warnings = lines(&report, "warnings");
        assert!(warnings.contains("2: 2 of \\\"keyroll-rehearsal\\\" from 127.0.0.1"), "{report:#}");
        assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
        assert!(sessions.iter_mut().all(rehearsal::postgres::Held::is_open));
        assert_eq!(stage.aws.snapshot(), before);

        // Once more there is nothing to do.
        let before = stage.state();
        let report = stage.action("Retire").await;
        assert!(lines(&report, "done").contains("already") && report.get("warnings").is_none(), "{report:#}");
        assert_eq!(stage.state(), before);

        // The next rotation sets a new password of that account.
        stage.rotate().await;
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
    }
}

#[tokio::test]
async fn services_whose_old_tasks_may_hold_the_previous_login_are_told() {
    let stage = stage().await;
    stage.rotate().await;
    let warnings = lines(&stage.action("Retire").await, "warnings");
    assert!(warnings.contains("may still hold the previous credential") && warnings.contains("prod/api"), "{warnings}");
    stage.rotate().await;
    for service in support::rig::SERVICES {
        stage.aws.with_service("prod", service, Service::settle).unwrap();
    }
    let warnings = lines(&stage.action("Retire").await, "warnings");
    assert!(!warnings.contains("prod/"), "{warnings}");
}

#[tokio::test]
async fn one_account_has_no_previous_password_to_end() {
    let stage = Stage::start().await;
    stage.rotate().await;
    let before = stage.state();
    let mark = stage.postgres().mark();
    let report = stage.action("Retire").await;
    assert_eq!(report["done"], json!([]));
    assert!(lines(&report, "warnings").contains("one account has one password"), "{report:#}");
    assert_eq!((stage.state(), stage.postgres().logins_since(mark).accepted.len()), (before, 0));
}

#[tokio::test]
async fn before_the_first_rotation_there_is_nothing_to_end() {
    let stage = stage().await;
    let before = stage.state();
    let report = stage.action("Retire").await;
    assert_eq!(report["done"], json!([]));
    assert!(lines(&report, "warnings").contains("no version is labelled AWSPREVIOUS"), "{report:#}");
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn while_the_previous_password_may_be_wanted_it_stays() {
    let stage = stage().await;
    stage.rotate().await;
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    stage.aws.move_label(&stage.arn, "KEYROLL_ROLLOUT", &current).unwrap();
    let message = stage.action_error("Retire", "RefusedVersion").await;
    assert!(message.contains("KEYROLL_ROLLOUT") && message.contains("Reconcile first"), "{message}");
    stage.action("Reconcile").await;

    let hold = [("keyroll:hold", "a migration")];
    stage.aws.set_tag(&stage.arn, hold[0].0, hold[0].1).unwrap();
    assert!(stage.action_error("Retire", "RefusedHold").await.contains("a migration"));
    stage.aws.remove_tag(&stage.arn, hold[0].0).unwrap();

    let token = stage.stage();
    let message = stage.action_error("Retire", "RefusedVersion").await;
    assert!(message.contains(&token) && message.contains("rotate-secret"), "{message}");
    assert!(stage.logs_in("AWSPREVIOUS"));
}

#[tokio::test]
async fn a_rotation_that_begins_meanwhile_is_seen_under_the_lock() {
    let stage = stage().await;
    stage.rotate().await;
    let passwords = stage.state().1;
    let (aws, arn) = (stage.aws.clone(), stage.arn.clone());
    let begin = move || aws.stage_pending(&arn, &rehearsal::aws::random::uuid()).unwrap();
    stage.aws.fault(Rule::on("DescribeSecret", Fault::before(begin)).nth(2));
    let message = stage.action_error("Retire", "RefusedVersion").await;
    assert!(message.contains("AWSPENDING is on version"), "{message}");
    assert_eq!((stage.state().1, stage.logs_in("AWSPREVIOUS")), (passwords, true));
}

#[tokio::test]
async fn without_a_current_login_nobody_elses_password_is_changed() {
    let stage = stage().await;
    stage.rotate().await;
    let password = random_password();
    stage.secret_text(&password);
    stage.postgres().sql(&format!("ALTER ROLE {PARTNER} PASSWORD '{password}'")).unwrap();
    let before = stage.state();
    let mark = stage.postgres().mark();
    let message = stage.action_error("Retire", "RefusedLogin").await;
    assert!(message.contains("AWSPREVIOUS may be needed"), "{message}");
    assert!(!stage.postgres().logins_since(mark).accepted.contains(&ADMIN.to_owned()));
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn a_previous_version_of_another_account_is_left_alone() {
    let stage = stage().await;
    stage.rotate().await;
    let mut value = stage.value("AWSPREVIOUS");
    value["username"] = json!("somebody_else");
    stage.overwrite("AWSPREVIOUS", rehearsal::aws::Content::Text(value.to_string()));
    let before = stage.state();
    let message = stage.action_error("Retire", "RefusedChanged").await;
    assert!(message.contains("username"), "{message}");
    assert_eq!(stage.state(), before);
}
