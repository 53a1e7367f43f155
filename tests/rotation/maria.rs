//! The stage with a MariaDB: an account with one password over TCP, and an administrator like the one that RDS makes.

use rehearsal::mariadb::{MariaDb, MariaDbOptions, identifier, literal, native_hash};
use rehearsal::tls::Tls;
use serde_json::{Value, json};

use crate::clients::door;
use crate::estate;
use crate::relay::Relay;
use crate::server::Server;
use crate::support::{ACCOUNT, DATABASE, Stage, random_password};

/// Who may change the passwords of others.
pub const ADMIN: &str = "orders_admin";
/// The second account, where two take turns.
pub const PARTNER: &str = "orders_app_clone";

/// What the master user of RDS for MariaDB has, all on `*.*` and `WITH GRANT OPTION`: no SUPER, and nothing that reads or
/// ends what others do but PROCESS.
const MASTER: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, \
    SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, \
    CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, REPLICATION SLAVE";

/// What the account may do in its database: everything that such a master can pass on. `ALL` would be one more, DELETE
/// HISTORY, which a master lacks.
const RIGHTS: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, \
    LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER";

/// The ordinary stage: one account, and nobody who could help it.
pub async fn stage() -> Stage {
    with(&MariaDbOptions::default(), ACCOUNT, &json!({})).await
}

/// A stage with another kind of MariaDB, another account's name, or other keys in the secret (null takes one away).
pub async fn with(options: &MariaDbOptions, account: &str, keys: &Value) -> Stage {
    let mariadb = MariaDb::start_with(options).unwrap();
    let password = random_password();
    make_account(&mariadb, account, &password);
    let name = identifier(account);
    mariadb.sql(&format!("CREATE DATABASE {DATABASE}; GRANT {RIGHTS} ON {DATABASE}.* TO {name}@'%'")).unwrap();
    Stage::on(Server::MariaDb(mariadb), (account, password), keys).await
}

/// A stage whose account an administrator can give two passwords: the secret's tag names that one.
pub async fn overlapping() -> Stage {
    let stage = stage().await;
    appoint_by_tag(&stage);
    stage
}

/// A stage whose secret AWS's multi-user function could have rotated: `masterarn` names an administrator.
pub async fn alternating() -> Stage {
    let stage = stage().await;
    appoint_by_masterarn(&stage);
    stage
}

/// A stage with an estate to be found (see [`estate`]), whose function comes to the server by a relay that reads along; an
/// administrator who is appointed now comes the same way.
pub async fn by_relay() -> (Stage, Relay) {
    let options = MariaDbOptions { tls: Tls::Off, ..MariaDbOptions::default() };
    let stage = estate::on(with(&options, ACCOUNT, &json!({"ssl": false})).await);
    let relay = Relay::to_mariadb(stage.mariadb().port());
    stage.edit_current(&json!({"port": relay.port()}));
    (stage, relay)
}

/// Makes an administrator and names it in the secret's tag. Gives the value of the administrator's own secret.
pub fn appoint_by_tag(stage: &Stage) -> Value {
    let admin = appoint(stage);
    stage.aws.set_tag(&stage.arn, "keyroll:admin-secret", "orders/admin").unwrap();
    admin
}

/// Makes an administrator and names it in the secret's value. Gives the value of the administrator's own secret.
pub fn appoint_by_masterarn(stage: &Stage) -> Value {
    let admin = appoint(stage);
    stage.edit_current(&json!({"masterarn": stage.aws.secret("orders/admin").unwrap().arn}));
    admin
}

/// Makes an administrator, who comes to the server as the account does, with a secret that nothing names yet. Gives its
/// value.
pub fn appoint(stage: &Stage) -> Value {
    let password = random_password();
    make_account(stage.mariadb(), ADMIN, &password);
    stage.mariadb().sql(&format!("GRANT {MASTER} ON *.* TO {ADMIN}@'%' WITH GRANT OPTION")).unwrap();
    let mut admin = json!({"username": ADMIN, "password": password});
    for (key, value) in stage.value("AWSCURRENT").as_object().unwrap() {
        if ["engine", "host", "port", "ssl"].contains(&key.as_str()) {
            admin[key] = value.clone();
        }
    }
    stage.aws.create_secret("orders/admin", &admin.to_string(), &[]).unwrap();
    stage.secret_text(&password);
    admin
}

/// Makes an account with one rule, by which all drivers log in.
pub fn make_account(mariadb: &MariaDb, name: &str, password: &str) {
    let (name, password) = (identifier(name), literal(password));
    let rule = format!("mysql_native_password USING PASSWORD({password})");
    mariadb.sql(&format!("CREATE USER {name}@'%' IDENTIFIED VIA {rule}")).unwrap();
}

/// Gives an account two passwords at once, and with them two rules in this order.
pub fn let_in_by_either(mariadb: &MariaDb, name: &str, passwords: [&str; 2]) {
    let rules = passwords.map(|password| format!("mysql_native_password USING '{}'", native_hash(password)));
    mariadb.sql(&format!("ALTER USER {}@'%' IDENTIFIED VIA {}", identifier(name), rules.join(" OR "))).unwrap();
}

#[tokio::test]
async fn what_is_expected_of_the_login_before_depends_on_who_can_help() {
    let alone = stage().await;
    assert!(alone.logs_in("AWSCURRENT") && !alone.accepts(ACCOUNT, &random_password()));
    for (stage, overlaps) in [(alone, false), (overlapping().await, true), (alternating().await, true)] {
        let old = stage.value("AWSCURRENT");
        stage.aws.put_value(&stage.arn, &old.to_string(), &["AWSCURRENT"]).unwrap();
        assert_eq!((stage.overlaps(), stage.keeps_previous()), (overlaps, overlaps));
        stage.edit_current(&json!({"username": PARTNER}));
        assert!(stage.keeps_previous());
    }
}

#[tokio::test]
async fn the_administrator_can_do_what_the_one_of_rds_can() {
    let stage = stage().await;
    let password = appoint(&stage)["password"].as_str().unwrap().to_owned();
    let sql = |statement: &str| stage.mariadb().sql_as(ADMIN, &password, "", statement);
    let shown = sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
    assert!(shown.contains("IDENTIFIED"), "{shown}");
    sql("SELECT Priv FROM mysql.global_priv").unwrap();
    sql(&format!("CREATE USER {PARTNER}@'%'; GRANT {RIGHTS} ON {DATABASE}.* TO {PARTNER}@'%'")).unwrap();
    let beyond = sql(&format!("GRANT ALL ON {DATABASE}.* TO {PARTNER}@'%'")).unwrap_err().to_string();
    assert!(beyond.contains("ERROR 1044"), "{beyond}");
    let beyond = sql("SET GLOBAL read_only = 1").unwrap_err().to_string();
    assert!(beyond.contains("ERROR 1227"), "{beyond}");
}

#[tokio::test]
async fn what_a_refused_step_must_leave_alone_is_in_the_state() {
    let stage = stage().await;
    let before = stage.state();
    assert_eq!(before.1, stage.state().1);
    let mariadb = stage.mariadb();
    for statement in [
        format!("CREATE USER {PARTNER}@'%'"),
        format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED BY '{}'", random_password()),
        format!("ALTER USER {ACCOUNT}@'%' WITH MAX_USER_CONNECTIONS 3"),
    ] {
        let before = stage.state();
        mariadb.sql(&statement).unwrap();
        assert_ne!(before.1, stage.state().1, "{statement}");
    }
}

#[tokio::test]
async fn a_session_is_held_with_a_stored_login() {
    let stage = stage().await;
    let mut session = stage.hold("AWSCURRENT");
    assert_eq!(session.ask("SELECT database()").unwrap(), DATABASE);
}

#[tokio::test]
async fn all_who_log_in_with_a_stored_value_come_by_the_relay() {
    let (stage, relay) = by_relay().await;
    let admin = appoint_by_tag(&stage);
    for value in [&stage.value("AWSCURRENT"), &admin] {
        assert_eq!(door::log_in(value), Ok(()));
    }
    assert_eq!(relay.said(), [format!("a login of {ACCOUNT}"), format!("a login of {ADMIN}")]);
    estate::settle(&stage);
    assert_eq!(estate::redeployed(&stage), [0, 0]);
    // The stage itself does not.
    assert!(stage.logs_in("AWSCURRENT"));
    assert_eq!(relay.said().len(), 2);
}
