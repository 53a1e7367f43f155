//! MariaDB, two accounts: Retire and Revoke, a second password that one of them has, and servers that look at passwords.

use rehearsal::aws::{Fault, Rule};
use rehearsal::mariadb::{MariaDbOptions, native_hash};
use rehearsal::postgres::Held;
use serde_json::json;
use support::maria::{self, ADMIN, PARTNER, let_in_by_either};
use support::pair::{account, warnings_of};
use support::revokes::logins;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

use crate::alternating::{assert_alike, goes_on, sql};

#[tokio::test]
async fn retire_ends_the_previous_account_and_its_sessions_go_on() {
    let stage = maria::alternating().await;
    stage.rotate().await;
    for (current, previous) in [(PARTNER, ACCOUNT), (ACCOUNT, PARTNER)] {
        assert_eq!([account(&stage, "AWSCURRENT"), account(&stage, "AWSPREVIOUS")], [current, previous]);
        let mut sessions = [stage.hold("AWSPREVIOUS"), stage.hold("AWSPREVIOUS"), stage.hold("AWSCURRENT")];
        let report = stage.action("Retire").await;
        let done = report["done"].to_string();
        assert!(
            done.contains(&format!("replaced the password of \\\"{previous}\\\"")) && done.contains(ADMIN),
            "{report:#}"
        );
        assert!(report["warnings"].to_string().contains("2 of "), "{report:#}");
        assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
        assert!(sessions.iter_mut().all(Held::is_open));
        let before = stage.state();
        let report = stage.action("Retire").await;
        assert!(report["done"].to_string().contains("already") && report["warnings"].is_null(), "{report:#}");
        assert_eq!(stage.state(), before);
        stage.rotate().await;
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn after_retire_rights_that_change_are_followed_or_refused_with_what_to_do() {
    for (change, turn, refused) in [
        ("GRANT SELECT ON mysql.help_topic TO orders_app", PARTNER, false),
        ("REVOKE TRIGGER ON orders.* FROM orders_app", PARTNER, true),
        ("GRANT SELECT ON mysql.help_topic TO orders_app", ACCOUNT, true),
        ("REVOKE TRIGGER ON orders.* FROM orders_app", ACCOUNT, true),
    ] {
        let stage = maria::alternating().await;
        while account(&stage, "AWSCURRENT") == turn || stage.aws.holder(&stage.arn, "AWSPREVIOUS").is_none() {
            stage.rotate().await;
        }
        stage.action("Retire").await;
        sql(&stage, change);
        let token = stage.created().await;
        if refused {
            let message = stage.error("setSecret", &token, "RefusedAccount").await;
            sql(&stage, &change.replace("orders_app", PARTNER));
            assert!(message.contains(PARTNER) && message.contains(" ON "), "{message}");
        }
        goes_on(&stage, &token).await;
        assert_eq!(account(&stage, "AWSCURRENT"), turn);
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn revoke_replaces_both_passwords_and_ends_all_sessions() {
    let stage = maria::alternating().await;
    stage.aws.set_tag(&stage.arn, "keyroll:min-age", "60").unwrap();
    for rotations in 0..3 {
        if rotations > 0 {
            stage.aws.age_secret(&stage.arn, std::time::Duration::from_hours(2)).unwrap();
            stage.rotate().await;
        }
        let old = logins(&stage);
        let mut sessions = vec![stage.hold("AWSCURRENT"), stage.hold("AWSCURRENT")];
        if rotations > 0 {
            sessions.push(stage.hold("AWSPREVIOUS"));
        }
        let before = account(&stage, "AWSCURRENT");
        let report = stage.action("Revoke").await;
        stage.assert_revoked(report["versionId"].as_str().unwrap());
        assert!(old.iter().all(|(account, password)| !stage.accepts(account, password)));
        assert_ne!(account(&stage, "AWSCURRENT"), before);
        assert!(!sessions.iter_mut().any(Held::is_open), "{report:#}");
        let told = report["done"].to_string();
        assert!(
            told.contains(&format!("replaced the password of \\\"{before}\\\" by one that nobody knows")),
            "{report:#}"
        );
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn from_overlap_to_two_accounts_and_back() {
    let stage = maria::alternating().await;
    let strategy = |name: &str| stage.aws.set_tag(&stage.arn, "keyroll:strategy", name).unwrap();
    strategy("single-user");
    for _ in 0..2 {
        stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    }
    let rules =
        |user: &str| sql(&stage, &format!("SHOW CREATE USER {user}@'%'")).matches("mysql_native_password").count();
    assert_eq!(rules(ACCOUNT), 2);
    strategy("alternating-users");
    for (current, count) in [(PARTNER, 2), (ACCOUNT, 0), (PARTNER, 0)] {
        let rotation = stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
        assert_eq!(rules(ACCOUNT), count, "{rotation:#?}");
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        assert_alike(&stage);
    }
    strategy("single-user");
    for count in [2, 2] {
        stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), PARTNER);
        assert_eq!(rules(PARTNER), count);
    }
    strategy("alternating-users");
    for current in [ACCOUNT, PARTNER, ACCOUNT] {
        stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
    }
}

#[tokio::test]
async fn a_second_password_that_nobody_knows_is_not_destroyed() {
    let stage = maria::alternating().await;
    stage.rotate().await;
    let theirs = random_password();
    stage.secret_text(&theirs);
    let ours = stage.value("AWSPREVIOUS")["password"].as_str().unwrap().to_owned();
    let token = stage.created().await;
    let_in_by_either(stage.mariadb(), ACCOUNT, [&ours, &theirs]);
    stage
        .refused("setSecret", &token, "RefusedAccount", &["second password that no version of this secret holds"])
        .await;
    assert!(stage.accepts(ACCOUNT, &theirs) && stage.logs_in("AWSCURRENT"));
    // What the message tells: the stored password alone.
    sql(&stage, &format!("ALTER USER {ACCOUNT} IDENTIFIED BY PASSWORD '{}'", native_hash(&ours)));
    goes_on(&stage, &token).await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    assert!(!warnings_of(&stage.rotate().await).contains("second"));
}

/// A server that looks at passwords.
async fn validated(plugins: &[&str], strict: bool) -> Stage {
    let options = MariaDbOptions {
        plugins: plugins.iter().map(|plugin| (*plugin).to_owned()).collect(),
        settings: vec![("strict_password_validation".to_owned(), u8::from(strict).to_string())],
        ..MariaDbOptions::default()
    };
    let stage = maria::with(&options, ACCOUNT, &json!({})).await;
    maria::appoint_by_masterarn(&stage);
    stage
}

#[tokio::test]
async fn a_server_that_looks_at_passwords_is_shown_them_only_where_the_tag_says_so() {
    for plugin in ["simple_password_check", "password_reuse_check"] {
        let stage = validated(&[plugin], true).await;
        let token = stage.created().await;
        stage.refused("setSecret", &token, "RefusedServer", &["keyroll:plaintext-statements", plugin]).await;
        stage.aws.set_tag(&stage.arn, "keyroll:plaintext-statements", "true").unwrap();
        stage.function.cold().await;
        stage.expect_leaks();
        goes_on(&stage, &token).await;
        for current in [ACCOUNT, PARTNER, ACCOUNT] {
            stage.rotated().await;
            assert_eq!(account(&stage, "AWSCURRENT"), current);
            assert_alike(&stage);
        }
        stage.action("Retire").await;
        assert!(!stage.logs_in("AWSPREVIOUS"));
        stage.rotate().await;
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        let report = stage.action("Revoke").await;
        stage.assert_revoked(report["versionId"].as_str().unwrap());
    }
    let lenient = validated(&["simple_password_check", "password_reuse_check"], false).await;
    for _ in 0..3 {
        lenient.rotate().await;
    }
    assert_alike(&lenient);
}

#[tokio::test]
async fn a_validator_that_remembers_does_not_stop_a_step_whose_answer_was_lost() {
    let stage = validated(&["simple_password_check", "password_reuse_check"], true).await;
    stage.aws.set_tag(&stage.arn, "keyroll:plaintext-statements", "true").unwrap();
    stage.expect_leaks();
    for host in ["10.%", "localhost"] {
        let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
        // The same password in another account is remembered, too, unless it is put there by its hash.
        sql(
            &stage,
            &format!(
                "SET GLOBAL strict_password_validation = 0; CREATE USER {ACCOUNT}@'{host}' IDENTIFIED BY PASSWORD '{}';
                 SET GLOBAL strict_password_validation = 1",
                native_hash(&password)
            ),
        );
    }
    for _ in 0..3 {
        let token = stage.created().await;
        for _ in 0..3 {
            stage.answer("setSecret", &token).await;
        }
        for step in ["testSecret", "finishSecret"] {
            stage.answer(step, &token).await;
        }
        assert_alike(&stage);
    }
    let kill = stage.function.kill_handle();
    stage.aws.fault(Rule::on("GetSecretValue", Fault::after(move || kill.kill())).nth(3));
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "setSecret"] {
        stage.step(step, &token).await;
    }
    stage.aws.clear_faults();
    let rotation = stage.driver.resume(&stage.arn).await.unwrap();
    assert!(rotation.succeeded(), "{rotation:#?}");
    assert_alike(&stage);
}
