//! The stage with a MariaDB: an account with one password over TCP, and an administrator like the one that RDS makes.

use rehearsal::mariadb::{MariaDb, MariaDbOptions, identifier, literal, native_hash};
use rehearsal::tls::Tls;
use serde_json::{Value, json};

use crate::estate;
use crate::relay::Relay;
use crate::rig::random_password;
use crate::server::Server;
use crate::stage::{ACCOUNT, DATABASE, Stage};

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
pub const RIGHTS: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, \
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
    stage.store_administrator(ADMIN, &password)
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
