//! The stage of two accounts that take turns: an administrator's secret beside the ordinary one.

use rehearsal::postgres::{PostgresOptions, identifier};
use serde_json::json;

use crate::support::{ACCOUNT, DATABASE, Stage, random_password};

/// The second account.
pub const PARTNER: &str = "orders_app_clone";
/// Who sets the passwords of both.
pub const ADMIN: &str = "orders_admin";

/// A stage whose secret AWS's multi-user function could have rotated: `masterarn` names an administrator.
pub async fn stage() -> Stage {
    stage_with(&PostgresOptions::default(), ACCOUNT).await
}

/// The same, with another kind of server or another first account.
pub async fn stage_with(options: &PostgresOptions, account: &str) -> Stage {
    let stage = Stage::with(options, account, &json!({})).await;
    let password = random_password();
    let sql = |statement: &str| stage.postgres.sql(statement).unwrap();
    sql(&format!("CREATE ROLE {ADMIN} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'"));
    if sql("SELECT current_setting('server_version_num')::int >= 160000") == "t" {
        sql(&format!("GRANT {} TO {ADMIN} WITH ADMIN OPTION", identifier(account)));
    }
    let admin = json!({
        "engine": "postgres", "host": "localhost", "port": stage.postgres.port(), "username": ADMIN, "password": password
    });
    let arn = stage.aws.create_secret("orders/admin", &admin.to_string(), &[]).unwrap();
    stage.secret_text(&password);
    stage.edit_current(&json!({"masterarn": arn}));
    stage
}

/// Whose login the value under a label is.
pub fn account(stage: &Stage, label: &str) -> String {
    stage.value(label)["username"].as_str().unwrap().to_owned()
}

/// Runs a statement as the account of the value under a label, over TCP and with its password.
pub fn run_as(stage: &Stage, label: &str, statement: &str) -> String {
    try_as(stage, label, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
}

/// The same, which may fail.
pub fn try_as(stage: &Stage, label: &str, statement: &str) -> Result<String, String> {
    let value = stage.value(label);
    let text = |key: &str| value[key].as_str().unwrap().to_owned();
    let answer = stage.postgres.sql_as(&text("username"), &text("password"), DATABASE, statement);
    answer.map_err(|error| error.to_string())
}
