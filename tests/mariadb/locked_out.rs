//! MariaDB: accounts that do not get in as the secret says, or not for long. Each is told by what is in the way.

use rehearsal::driver::STEPS;
use rehearsal::mariadb::{MariaDbOptions, native_hash};
use rehearsal::tls::Tls;
use serde_json::{Value, json};
use support::dry_run::finds;
use support::maria;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

async fn tuned(settings: &[(&str, &str)], plugins: &[&str], keys: &Value, administrator: bool) -> Stage {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let plugins = plugins.iter().map(|name| (*name).to_owned()).collect();
    let stage = maria::with(&MariaDbOptions { settings, plugins, ..MariaDbOptions::default() }, ACCOUNT, keys).await;
    if administrator {
        maria::appoint_by_tag(&stage);
    }
    stage
}

fn alter(stage: &Stage, rule: &str) {
    stage.mariadb().sql(&format!("ALTER USER {ACCOUNT}@'%' {rule}")).unwrap();
}

/// setSecret is refused with nothing changed; the dry run says so first, and all of it goes on once it is mended.
async fn refused(stage: &Stage, error: &str, words: &[&str], mend: impl FnOnce(&Stage)) {
    finds(stage, error, words).await;
    let token = stage.stage();
    stage.answer("createSecret", &token).await;
    let before = stage.state();
    let message = stage.error("setSecret", &token, error).await;
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
    assert_eq!(stage.state(), before);
    mend(stage);
    for step in &STEPS[1..] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn an_expired_account_changes_itself() {
    let stage = maria::stage().await;
    for expiry in ["PASSWORD EXPIRE DEFAULT", "PASSWORD EXPIRE INTERVAL 9 DAY"] {
        alter(&stage, expiry);
        alter(&stage, "PASSWORD EXPIRE");
        let rotation = stage.rotate().await;
        stage.assert_finished(&rotation.token);
        let shown = stage.mariadb().sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
        assert!(!shown.contains("EXPIRE\n") && !shown.ends_with("EXPIRE"), "{shown}");
        assert_eq!(shown.contains("INTERVAL 9 DAY"), expiry.contains("INTERVAL"), "{shown}");
    }
}

#[tokio::test]
async fn an_administrator_heals_an_expired_account() {
    let stage = maria::overlapping().await;
    stage.rotate().await;
    alter(&stage, "PASSWORD EXPIRE");
    let rotation = stage.rotate().await;
    stage.assert_finished(&rotation.token);
    let mut session = stage.hold("AWSPREVIOUS");
    assert_eq!(session.ask("SELECT 1").unwrap(), "1");
}

#[tokio::test]
async fn where_an_expired_account_does_not_get_in_somebody_has_to_help() {
    let stage = tuned(&[("disconnect_on_expired_password", "1")], &[], &json!({}), true).await;
    alter(&stage, "PASSWORD EXPIRE");
    let mend = |stage: &Stage| drop(stage.mariadb().sql("SET GLOBAL disconnect_on_expired_password = 0").unwrap());
    refused(&stage, "RefusedAccount", &["expired", "disconnect_on_expired_password"], mend).await;
}

#[tokio::test]
async fn a_locked_account_is_told_as_one() {
    for administrator in [false, true] {
        let stage = tuned(&[], &[], &json!({}), administrator).await;
        alter(&stage, "ACCOUNT LOCK");
        refused(&stage, "RefusedAccount", &["4151", "ACCOUNT UNLOCK"], |stage| alter(stage, "ACCOUNT UNLOCK")).await;
    }
}

#[tokio::test]
async fn an_account_that_was_blocked_for_wrong_passwords_is_told_as_one() {
    let stage = tuned(&[("max_password_errors", "2")], &[], &json!({}), true).await;
    for _ in 0..2 {
        stage.accepts(ACCOUNT, "wrong");
    }
    let mend = |stage: &Stage| drop(stage.mariadb().sql("FLUSH PRIVILEGES").unwrap());
    refused(&stage, "RefusedAccount", &["max_password_errors", "FLUSH PRIVILEGES"], mend).await;
}

#[tokio::test]
async fn too_many_connections_are_no_verdict_on_the_password() {
    let stage = maria::overlapping().await;
    alter(&stage, "WITH MAX_USER_CONNECTIONS 1");
    let session = stage.hold("AWSCURRENT");
    refused(&stage, "FailedDatabase", &["1226"], |_| drop(session)).await;
    let shown = stage.mariadb().sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
    assert!(shown.contains("MAX_USER_CONNECTIONS 1"), "{shown}");
}

#[tokio::test]
async fn an_account_that_demands_tls_and_a_secret_that_does_without_do_not_meet() {
    for (rule, word) in [("REQUIRE SSL", "REQUIRE"), ("REQUIRE X509", "REQUIRE")] {
        let stage = tuned(&[], &[], &json!({"ssl": false}), true).await;
        alter(&stage, rule);
        refused(&stage, "RefusedLogin", &[word], |stage| alter(stage, "REQUIRE NONE")).await;
    }
    // By TLS it is at home.
    let stage = maria::overlapping().await;
    alter(&stage, "REQUIRE SSL");
    let rotation = stage.rotate().await;
    stage.assert_finished(&rotation.token);
    let shown = stage.mariadb().sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
    assert!(shown.contains("REQUIRE SSL"), "{shown}");
}

#[tokio::test]
async fn accounts_of_other_plugins_are_told_with_what_to_do() {
    let stage = tuned(&[], &["auth_ed25519"], &json!({}), true).await;
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    let native = format!("IDENTIFIED VIA mysql_native_password USING '{}'", native_hash(&password));
    alter(&stage, "IDENTIFIED VIA unix_socket");
    refused(&stage, "RefusedLogin", &["unix_socket"], |stage| alter(stage, &native)).await;
    alter(&stage, &format!("IDENTIFIED VIA ed25519 USING PASSWORD('{}')", random_password()));
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    let native = format!("IDENTIFIED VIA mysql_native_password USING '{}'", native_hash(&password));
    refused(&stage, "RefusedAccount", &["client_ed25519", "mysql_native_password"], |stage| {
        let previous = stage.value("AWSPREVIOUS")["password"].as_str().unwrap().to_owned();
        alter(stage, &format!("{native} OR mysql_native_password USING '{}'", native_hash(&previous)));
    })
    .await;
}

#[tokio::test]
async fn databases_that_are_not_there_or_not_open_are_told() {
    let stage = maria::overlapping().await;
    let grant = |stage: &Stage| {
        let rights = format!("GRANT SELECT ON orders.* TO {ACCOUNT}@'%'");
        stage.mariadb().sql(&rights).map(drop).unwrap();
    };
    stage.mariadb().sql(&format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ACCOUNT}@'%'")).unwrap();
    refused(&stage, "RefusedAccount", &["1044", "dbname"], grant).await;
    stage.mariadb().sql("DROP DATABASE orders").unwrap();
    let create = |stage: &Stage| drop(stage.mariadb().sql("CREATE DATABASE orders").unwrap());
    refused(&stage, "RefusedValue", &["1049", "dbname"], create).await;
}

#[tokio::test]
async fn a_server_that_shows_another_certificate_or_none_gets_no_password() {
    for tls in [Tls::OtherHost, Tls::OtherAuthority, Tls::Off] {
        let options = MariaDbOptions { tls, ..MariaDbOptions::default() };
        let stage = maria::with(&options, ACCOUNT, &json!({})).await;
        let token = stage.stage();
        stage.answer("createSecret", &token).await;
        let (before, mark) = (stage.state(), stage.server.mark());
        let message = stage.error("setSecret", &token, "RefusedTls").await;
        assert_eq!(stage.state(), before);
        let logins = stage.server.logins_since(mark);
        assert!(logins.accepted.is_empty(), "{tls:?}: {message}");
    }
}

#[tokio::test]
async fn mysql_is_refused_by_name() {
    let stage = maria::stage().await;
    stage.edit_current(&json!({"engine": "mysql"}));
    let token = stage.stage();
    let message = stage.error("createSecret", &token, "RefusedNotBuilt").await;
    assert!(message.contains("mysql"), "{message}");
    assert_eq!(stage.aws.value(&stage.arn, &token), None);
    stage.edit_current(&json!({"engine": "mariadb"}));
}
