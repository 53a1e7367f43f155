//! MariaDB: accounts that do not get in as the secret says, or not for long. Each is told by what is in the way.

use rehearsal::mariadb::{MariaDbOptions, native_hash};
use rehearsal::tls::Tls;
use serde_json::json;
use support::dry_run::finds;
use support::maria;
use support::refusals::{Row, Wrong};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

fn alter(stage: &Stage, rule: &str) {
    stage.server.sql(&format!("ALTER USER {ACCOUNT}@'%' {rule}"));
}

/// The rule by which the password under a label opens the account.
fn native(stage: &Stage, label: &str) -> String {
    format!("mysql_native_password USING '{}'", native_hash(stage.value(label)["password"].as_str().unwrap()))
}

/// Gives the account back the rules that a rotation has left.
fn give_back(stage: &Stage) {
    alter(stage, &format!("IDENTIFIED VIA {} OR {}", native(stage, "AWSCURRENT"), native(stage, "AWSPREVIOUS")));
}

/// What is in the way of an account, whoever helps it.
fn locked() -> Row<'static> {
    let locked = Wrong::Server("ALTER USER orders_app@'%' ACCOUNT LOCK", "ALTER USER orders_app@'%' ACCOUNT UNLOCK");
    (locked, "RefusedAccount", &["4151", "ACCOUNT UNLOCK"])
}

#[tokio::test]
async fn each_account_that_does_not_get_in_is_told_by_what_is_in_the_way() {
    maria::stage().await.finds_and_refuses(&[locked()]).await;
    let plugins = vec!["auth_ed25519".to_owned()];
    let stage = maria::with(&MariaDbOptions { plugins, ..MariaDbOptions::default() }, ACCOUNT, &json!({})).await;
    maria::appoint_by_tag(&stage);
    let rows: [Row<'_>; 9] = [
        // With two passwords the other one would open it.
        (
            Wrong::World(
                "is blocked for wrong passwords",
                |stage| {
                    stage.server.sql("SET GLOBAL max_password_errors = 2");
                    for _ in 0..2 {
                        stage.accepts(ACCOUNT, "wrong");
                    }
                },
                |stage| stage.server.sql("SET GLOBAL max_password_errors = DEFAULT; FLUSH PRIVILEGES"),
            ),
            "RefusedAccount",
            &["max_password_errors", "FLUSH PRIVILEGES"],
        ),
        locked(),
        (
            Wrong::Server(
                "SET GLOBAL disconnect_on_expired_password = 1; ALTER USER orders_app@'%' PASSWORD EXPIRE",
                "SET GLOBAL disconnect_on_expired_password = 0",
            ),
            "RefusedAccount",
            &["expired", "disconnect_on_expired_password"],
        ),
        (
            Wrong::World("logs in by unix_socket", |stage| alter(stage, "IDENTIFIED VIA unix_socket"), give_back),
            "RefusedLogin",
            &["unix_socket"],
        ),
        (
            Wrong::World(
                "logs in by ed25519",
                |stage| alter(stage, &format!("IDENTIFIED VIA ed25519 USING PASSWORD('{}')", random_password())),
                give_back,
            ),
            "RefusedAccount",
            &["client_ed25519", "mysql_native_password"],
        ),
        (
            Wrong::Server(
                "REVOKE ALL PRIVILEGES, GRANT OPTION FROM orders_app@'%'",
                "GRANT SELECT ON orders.* TO orders_app@'%'",
            ),
            "RefusedAccount",
            &["1044", "dbname"],
        ),
        (Wrong::Server("DROP DATABASE orders", "CREATE DATABASE orders"), "RefusedValue", &["1049", "dbname"]),
        // From this host the server takes everybody for nobody in particular.
        (
            Wrong::Server(
                "CREATE USER ''@'localhost' IDENTIFIED VIA mysql_native_password USING ''",
                "DROP USER ''@'localhost'",
            ),
            "RefusedLogin",
            &["anonymous"],
        ),
        (
            Wrong::Server("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"),
            "RefusedServer",
            &["read-only", "primary"],
        ),
    ];
    stage.finds_and_refuses(&rows).await;
}

#[tokio::test]
async fn too_many_connections_are_no_verdict_on_the_password() {
    let stage = maria::overlapping().await;
    alter(&stage, "WITH MAX_USER_CONNECTIONS 1");
    let session = stage.hold("AWSCURRENT");
    finds(&stage, "FailedDatabase", &["1226"]).await;
    let token = stage.created().await;
    stage.refused("setSecret", &token, "FailedDatabase", &["1226"]).await;
    drop(session);
    stage.finishes(&token).await;
    let shown = stage.mariadb().sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
    assert!(shown.contains("MAX_USER_CONNECTIONS 1"), "{shown}");
}

#[tokio::test]
async fn an_account_that_demands_tls_and_a_secret_that_does_without_do_not_meet() {
    let stage = maria::overlapping().await;
    stage.edit_current(&json!({"ssl": false}));
    let rows: [Row<'_>; 2] = ["SSL", "X509"].map(|rule| {
        let demand = if rule == "SSL" {
            "ALTER USER orders_app@'%' REQUIRE SSL"
        } else {
            "ALTER USER orders_app@'%' REQUIRE X509"
        };
        (Wrong::Server(demand, "ALTER USER orders_app@'%' REQUIRE NONE"), "RefusedLogin", &["REQUIRE"][..])
    });
    stage.finds_and_refuses(&rows).await;
    // By TLS it is at home.
    stage.edit_current(&json!({"ssl": true}));
    alter(&stage, "REQUIRE SSL");
    stage.rotated().await;
    let shown = stage.mariadb().sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
    assert!(shown.contains("REQUIRE SSL"), "{shown}");
}

#[tokio::test]
async fn an_expired_account_changes_itself() {
    let stage = maria::stage().await;
    for expiry in ["PASSWORD EXPIRE DEFAULT", "PASSWORD EXPIRE INTERVAL 9 DAY"] {
        alter(&stage, expiry);
        alter(&stage, "PASSWORD EXPIRE");
        stage.rotated().await;
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
    stage.rotated().await;
    let mut session = stage.hold("AWSPREVIOUS");
    assert_eq!(session.ask("SELECT 1").unwrap(), "1");
}

#[tokio::test]
async fn a_server_that_shows_another_certificate_or_none_gets_no_password() {
    for tls in [Tls::OtherHost, Tls::OtherAuthority, Tls::Off] {
        let options = MariaDbOptions { tls, ..MariaDbOptions::default() };
        let stage = maria::with(&options, ACCOUNT, &json!({})).await;
        let token = stage.created().await;
        let (before, mark) = (stage.state(), stage.server.mark());
        let message = stage.error("setSecret", &token, "RefusedTls").await;
        assert_eq!(stage.state(), before);
        let logins = stage.server.logins_since(mark);
        assert!(logins.accepted.is_empty(), "{tls:?}: {message}");
    }
}
