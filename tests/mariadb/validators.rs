//! Validators of MariaDB look at passwords and refuse hashes. keyroll says so before anything is written, and shows them the
//! password where the secret's tag allows it.

use rehearsal::driver::STEPS;
use rehearsal::mariadb::{MariaDbOptions, native_hash};
use serde_json::json;
use support::dry_run::{dry_run, finds};
use support::maria;
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

const TAG: &str = "keyroll:plaintext-statements";

async fn stage(plugin: &str, strict: bool, administrator: bool) -> Stage {
    let settings = vec![("strict_password_validation".to_owned(), u8::from(strict).to_string())];
    // The stage makes its accounts before a validator is there, as an operator turned it on later.
    let options = MariaDbOptions { settings, plugins: vec![plugin.to_owned()], ..MariaDbOptions::default() };
    let stage = maria::with(&options, ACCOUNT, &json!({})).await;
    if administrator {
        maria::appoint_by_tag(&stage);
    }
    stage
}

#[tokio::test]
async fn a_hash_that_no_validator_takes_is_refused_before_anything_is_written() {
    for administrator in [false, true] {
        let stage = stage("simple_password_check", true, administrator).await;
        finds(&stage, "RefusedServer", &["strict_password_validation", "simple_password_check", TAG]).await;
        let token = stage.created().await;
        let (before, mark) = (stage.state(), stage.server.mark());
        stage.refused("setSecret", &token, "RefusedServer", &["simple_password_check", TAG]).await;
        assert_eq!(stage.state(), before);
        let log = stage.server.log_since(mark);
        assert!(!log.contains("ALTER USER") && !log.contains("SET PASSWORD"), "a statement was tried");
        // Both remedies.
        stage.mariadb().sql("SET GLOBAL strict_password_validation = 0").unwrap();
        stage.finishes(&token).await;
    }
}

#[tokio::test]
async fn with_the_tag_the_validator_is_shown_the_password() {
    for administrator in [false, true] {
        let stage = stage("simple_password_check", true, administrator).await;
        stage.aws.set_tag(&stage.arn, TAG, "true").unwrap();
        for _ in 0..2 {
            stage.rotated().await;
        }
        if administrator {
            assert_eq!(rules(&stage, "%"), BOTH);
            let token = stage.created().await;
            for step in &STEPS[1..] {
                stage.answer(step, &token).await;
                stage.answer(step, &token).await;
            }
            stage.action("Retire").await;
            assert!(!stage.logs_in("AWSPREVIOUS"));
            stage.action("Revoke").await;
        }
        // By consent.
        assert_eq!(stage.leaks().iter().filter(|leak| !leak.contains("in the server's log")).count(), 0);
        assert!(!stage.leaks().is_empty());
        stage.expect_leaks();
    }
}

#[tokio::test]
async fn a_validator_that_is_not_strict_takes_hashes() {
    for administrator in [false, true] {
        let stage = stage("simple_password_check", false, administrator).await;
        stage.rotated().await;
    }
}

#[tokio::test]
async fn a_validator_that_remembers_leaves_no_room_for_two_passwords() {
    let stage = stage("password_reuse_check", true, true).await;
    stage.aws.set_tag(&stage.arn, TAG, "true").unwrap();
    let foretold = dry_run(&stage, false).await;
    assert!(foretold["warnings"].to_string().contains("ends with this change: password_reuse_check"), "{foretold:#}");
    for _ in 0..2 {
        let old = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
        let rotation = stage.rotate().await;
        let set = rotation.last("setSecret").unwrap().answer().unwrap();
        assert!(set["warnings"].to_string().contains("ends with this change: password_reuse_check"), "{set:#}");
        assert!(rules(&stage, "%").ends_with("'AWSCURRENT'") && !stage.accepts(ACCOUNT, &old));
        let finish = rotation.last("finishSecret").unwrap().answer().unwrap();
        assert!(finish["previousCredentialValidUntil"].is_null(), "{finish:#}");
    }
    stage.expect_leaks();
}

#[tokio::test]
async fn a_value_that_a_validator_has_seen_is_burnt_and_the_remedy_works() {
    for administrator in [false, true] {
        let stage = stage("password_reuse_check", true, administrator).await;
        stage.aws.set_tag(&stage.arn, TAG, "true").unwrap();
        let token = stage.created().await;
        // An attempt whose statement failed after the validator had looked.
        let pending = stage.value("AWSPENDING")["password"].as_str().unwrap().to_owned();
        let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
        let burn = format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED BY '{pending}'");
        stage.mariadb().sql(&burn).unwrap();
        stage.mariadb().sql("SET GLOBAL strict_password_validation = 0").unwrap();
        let back = format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED BY PASSWORD '{hash}'");
        stage.mariadb().sql(&back).unwrap();
        stage.mariadb().sql("SET GLOBAL strict_password_validation = 1").unwrap();
        stage.refused("setSecret", &token, "RefusedValue", &["1819", "clear AWSPENDING"]).await;
        stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
        let rotation = stage.rotate().await;
        assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(rotation.token));
        assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
        stage.expect_leaks();
    }
}

#[tokio::test]
async fn a_tag_that_says_neither_yes_nor_no_is_refused() {
    let stage = stage("simple_password_check", true, true).await;
    stage.aws.set_tag(&stage.arn, TAG, "maybe").unwrap();
    let token = stage.stage();
    stage.refused("createSecret", &token, "RefusedSetting", &[TAG, "true or false"]).await;
    assert_eq!(stage.aws.value(&stage.arn, &token), None);
    stage.aws.set_tag(&stage.arn, TAG, "false").unwrap();
    finds(&stage, "RefusedServer", &[TAG]).await;
}
