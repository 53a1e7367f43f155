//! MariaDB: what stands in the way of a change that anybody else is about to make, and administrators who cannot.

use std::time::Duration;

use rehearsal::mariadb::{MariaDb, MariaDbOptions};
use rehearsal::postgres::Held;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use support::dry_run::{dry_run, finds};
use support::maria::{self, ADMIN, overlapping};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

/// setSecret fails with nothing changed, and AWSCURRENT goes on to work; gives its message.
async fn fails(stage: &Stage, token: &str, error: &str, words: &[&str]) -> String {
    let message = stage.refused("setSecret", token, error, words).await;
    assert!(stage.logs_in("AWSCURRENT"));
    message
}

/// A session of the administrator.
fn administrator(stage: &Stage, admin: &Value) -> Held {
    stage.server.hold(ADMIN, admin["password"].as_str().unwrap(), "")
}

/// A session that lets nobody write.
fn backup(stage: &Stage) -> Held {
    let password = random_password();
    stage.secret_text(&password);
    maria::make_account(stage.mariadb(), "backup", &password);
    stage.mariadb().sql("GRANT RELOAD ON *.* TO backup@'%'").unwrap();
    let mut session = stage.server.hold("backup", &password, "");
    session.ask("FLUSH TABLES WITH READ LOCK; SELECT 1").unwrap();
    session
}

#[tokio::test]
async fn another_rotation_of_the_same_account_is_waited_for_and_told() {
    let stage = maria::stage().await;
    let admin = maria::appoint_by_tag(&stage);
    let digest = Sha1::digest(ACCOUNT);
    let name = digest.iter().fold(String::from("keyroll:"), |name, byte| format!("{name}{byte:02X}"));
    let mut session = administrator(&stage, &admin);
    assert_eq!(session.ask(&format!("SELECT GET_LOCK('{name}', 1)")).unwrap(), "1");
    let token = stage.created().await;
    fails(&stage, &token, "FailedDatabase", &["another rotation", "nothing was changed"]).await;
    // Without an administrator it is the same lock.
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    fails(&stage, &token, "FailedDatabase", &["another rotation"]).await;
    drop(session);
    stage.goes_on(&token).await;
}

#[tokio::test]
async fn a_backup_that_holds_everybodys_writes_is_told() {
    for administered in [true, false] {
        let stage = if administered { overlapping().await } else { maria::stage().await };
        let mut session = backup(&stage);
        let token = stage.created().await;
        let begun = std::time::Instant::now();
        let message = fails(&stage, &token, "FailedDatabase", &["lock"]).await;
        let waited = begun.elapsed();
        support::told::told(&format!("administered {administered}, after {waited:.1?}: {message}"));
        assert!(waited < Duration::from_secs(15));
        session.ask("UNLOCK TABLES; SELECT 1").unwrap();
        stage.finishes(&token).await;
    }
}

#[tokio::test]
async fn with_many_rows_a_lock_is_waited_for_once() {
    let stage = overlapping().await;
    for number in 0..6 {
        stage.mariadb().sql(&format!("CREATE USER {ACCOUNT}@'10.{number}.%' IDENTIFIED BY 'x'")).unwrap();
    }
    let session = backup(&stage);
    let token = stage.created().await;
    let begun = std::time::Instant::now();
    fails(&stage, &token, "FailedDatabase", &["lock"]).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop(session);
    stage.finishes(&token).await;
}

#[tokio::test]
async fn a_read_only_server_is_told_apart_from_a_strict_one() {
    for administered in [true, false] {
        let stage = if administered { overlapping().await } else { maria::stage().await };
        let token = stage.created().await;
        stage.mariadb().sql("SET GLOBAL read_only = 1").unwrap();
        let message = fails(&stage, &token, "RefusedServer", &["read-only", "primary"]).await;
        assert!(!message.contains("strict"), "{message}");
        stage.mariadb().sql("SET GLOBAL read_only = 0").unwrap();
        stage.finishes(&token).await;
    }
}

#[tokio::test]
async fn a_server_that_turns_read_only_at_the_last_moment_is_told_as_one() {
    use support::relay::{At, Strike, When};
    for administered in [true, false] {
        let (stage, relay) = maria::by_relay().await;
        if administered {
            maria::appoint_by_tag(&stage);
        }
        let stage = std::sync::Arc::new(stage);
        let token = stage.created().await;
        let turning = std::sync::Arc::clone(&stage);
        let hook = move || turning.mariadb().sql("SET GLOBAL read_only = 1").map(drop).unwrap();
        // The relay cuts this connection; the look that comes before a change is by another one, and finds it.
        relay.arm(Strike { at: At::Text("GET_LOCK"), when: When::After, hook: Box::new(hook) });
        stage.error("setSecret", &token, "FailedDatabase").await;
        stage.refused("setSecret", &token, "RefusedServer", &["read-only"]).await;
        stage.mariadb().sql("SET GLOBAL read_only = 0").unwrap();
        stage.goes_on(&token).await;
        stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    }
}

#[tokio::test]
async fn an_administrator_who_may_not_is_refused_before_anything_changes() {
    let stage = maria::stage().await;
    let admin = maria::appoint_by_tag(&stage);
    let sql = |text: &str| drop(stage.mariadb().sql(text).unwrap());
    let token = stage.created().await;
    // May change, but sees no account.
    sql(&format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ADMIN}@'%'; GRANT CREATE USER ON *.* TO {ADMIN}@'%'"));
    let message = fails(&stage, &token, "RefusedAccount", &["SELECT ON mysql"]).await;
    assert!(message.contains("keyroll:admin-secret"), "{message}");
    finds(&stage, "RefusedAccount", &["SELECT ON mysql"]).await;
    // Sees them, but may not change any.
    sql(&format!("REVOKE CREATE USER ON *.* FROM {ADMIN}@'%'; GRANT SELECT ON mysql.* TO {ADMIN}@'%'"));
    fails(&stage, &token, "RefusedAccount", &["CREATE USER", ADMIN]).await;
    finds(&stage, "RefusedAccount", &["CREATE USER", ADMIN]).await;
    // By a role, as by oneself.
    sql(&format!(
        "CREATE ROLE dba; GRANT CREATE USER ON *.* TO dba; GRANT dba TO {ADMIN}@'%'; \
        SET DEFAULT ROLE dba FOR {ADMIN}@'%'"
    ));
    assert_eq!(dry_run(&stage, false).await["verdict"], "wouldSucceed");
    sql("DROP ROLE dba");
    // And where only tables of accounts may be written, which says the same.
    sql(&format!("GRANT UPDATE ON mysql.* TO {ADMIN}@'%'"));
    assert_eq!(dry_run(&stage, false).await["verdict"], "wouldSucceed");
    sql(&format!("REVOKE UPDATE ON mysql.* FROM {ADMIN}@'%'"));
    // The least that does.
    sql(&format!("GRANT CREATE USER ON *.* TO {ADMIN}@'%'"));
    // Its login is rejected.
    let mut wrong = admin.clone();
    wrong["password"] = json!(random_password());
    stage.aws.put_value("orders/admin", &wrong.to_string(), &["AWSCURRENT"]).unwrap();
    fails(&stage, &token, "RefusedLogin", &[ADMIN, "administrator"]).await;
    stage.aws.put_value("orders/admin", &admin.to_string(), &["AWSCURRENT"]).unwrap();
    stage.finishes(&token).await;
}

#[tokio::test]
async fn the_administrators_login_goes_to_its_own_server_only() {
    let stage = maria::stage().await;
    let mut admin = maria::appoint_by_tag(&stage);
    let foreign = MariaDb::start_with(&MariaDbOptions::default()).unwrap();
    admin["port"] = json!(foreign.port());
    stage.aws.put_value("orders/admin", &admin.to_string(), &["AWSCURRENT"]).unwrap();
    let token = stage.created().await;
    let mark = foreign.mark();
    let message = fails(&stage, &token, "RefusedSetting", &["orders/admin"]).await;
    let logins = foreign.logins_since(mark);
    assert!(logins.accepted.is_empty() && logins.failed.is_empty(), "{message}");
}
