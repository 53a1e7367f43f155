//! MariaDB, two passwords on one account: a rule that is none of this secret's is not ours to destroy, except by Revoke.

use rehearsal::mariadb::{MariaDb, MariaDbOptions, native_hash};
use serde_json::{Value, json};
use support::dry_run::{dry_run, finds};
use support::maria::{self, overlapping};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

fn password(stage: &Stage, label: &str) -> String {
    stage.value(label)["password"].as_str().unwrap().to_owned()
}

fn native(password: &str) -> String {
    format!("mysql_native_password USING '{}'", native_hash(password))
}

fn let_in_by(mariadb: &MariaDb, rules: &[String]) {
    mariadb.sql(&format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED VIA {}", rules.join(" OR "))).unwrap();
}

/// A rotation is refused with nothing changed, and the dry run says so; the words are in both.
async fn refused(stage: &Stage, words: &[&str]) {
    finds(stage, "RefusedAccount", words).await;
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", words).await;
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
}

#[tokio::test]
async fn a_strangers_password_stops_a_rotation_wherever_it_stands() {
    let stage = overlapping().await;
    stage.rotate().await;
    let (ours, strange) = (password(&stage, "AWSCURRENT"), random_password());
    stage.secret_text(&strange);
    for rules in [[&ours, &strange], [&strange, &ours]] {
        let_in_by(stage.mariadb(), &rules.map(|password| native(password)));
        refused(&stage, &["second password that no version of this secret holds", "SHOW CREATE USER"]).await;
        assert!(stage.logs_in("AWSCURRENT") && stage.accepts(ACCOUNT, &strange));
    }
    // The remedy.
    let_in_by(stage.mariadb(), &[native(&ours)]);
    stage.rotated().await;
    assert_eq!(rules(&stage, "%"), BOTH);
}

#[tokio::test]
async fn a_rule_of_another_plugin_leaves_no_room_for_two_passwords() {
    let options = MariaDbOptions { plugins: vec!["auth_ed25519".to_owned()], ..MariaDbOptions::default() };
    let stage = maria::with(&options, ACCOUNT, &json!({})).await;
    maria::appoint_by_tag(&stage);
    let ours = password(&stage, "AWSCURRENT");
    let other = random_password();
    stage.secret_text(&other);
    for (rule, plugin) in
        [("unix_socket".to_owned(), "unix_socket"), (format!("ed25519 USING PASSWORD('{other}')"), "ed25519")]
    {
        let_in_by(stage.mariadb(), &[native(&ours), rule]);
        refused(&stage, &["is also opened by", plugin]).await;
        assert!(stage.logs_in("AWSCURRENT"));
    }
}

#[tokio::test]
async fn revoke_replaces_a_strangers_password_and_says_so() {
    let stage = overlapping().await;
    stage.rotate().await;
    let (ours, strange) = (password(&stage, "AWSCURRENT"), random_password());
    stage.secret_text(&strange);
    let_in_by(stage.mariadb(), &[native(&strange), native(&ours)]);
    let report = stage.action("Revoke").await;
    assert!(report["warnings"].to_string().contains("that was replaced, too"), "{report:#}");
    stage.assert_revoked(report["versionId"].as_str().unwrap());
    assert!(!stage.accepts(ACCOUNT, &strange) && !stage.accepts(ACCOUNT, &ours));
}

#[tokio::test]
async fn retire_keeps_a_strangers_password() {
    let stage = overlapping().await;
    stage.rotate().await;
    let strange = random_password();
    stage.secret_text(&strange);
    let previous = password(&stage, "AWSPREVIOUS");
    let_in_by(stage.mariadb(), &[native(&password(&stage, "AWSCURRENT")), native(&previous), native(&strange)]);
    let before = stage.state();
    let message = stage.action_error("Retire", "RefusedAccount").await;
    assert!(message.contains("no version of this secret holds"), "{message}");
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn a_second_rule_of_ours_is_foretold_as_replaced() {
    let stage = overlapping().await;
    stage.rotate().await;
    for cold in [false, true] {
        if cold {
            stage.function.cold().await;
        }
        let report = dry_run(&stage, true).await;
        assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
        let warnings: Vec<Value> = report["warnings"].as_array().cloned().unwrap_or_default();
        assert!(warnings.iter().any(|line| line.to_string().contains("none can be rehearsed")), "{report:#}");
        assert!(report.to_string().contains("one before still valid"), "{report:#}");
    }
}
