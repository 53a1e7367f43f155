//! What AWS's multi-user function for PostgreSQL does, as SQL and moves of labels: step by step, with its checks, and with
//! no code of its. Tests compare with it, rotate after it and let it rotate after us.

use rehearsal::postgres::{identifier, literal};
use serde_json::{Value, json};
use support::pair::ADMIN;
use support::rig::random_password;
use support::stage::{DATABASE, Stage};

/// One rotation from Secrets Manager's empty version to the moved label. Gives the version.
pub async fn rotate(stage: &Stage) -> String {
    let token = stage.stage();
    create_secret(stage, &token).await;
    set_secret(stage, &token);
    test_secret(stage, &token);
    finish_secret(stage, &token).await;
    token
}

/// The account that takes turns with this one, by the name alone.
fn other(account: &str) -> String {
    account.strip_suffix("_clone").map_or_else(|| format!("{account}_clone"), str::to_owned)
}

/// AWSCURRENT with another name and a new password; everything else is kept, written anew.
async fn create_secret(stage: &Stage, token: &str) {
    assert_eq!(stage.aws.value(&stage.arn, token), None);
    let mut value = stage.value("AWSCURRENT");
    value["username"] = json!(other(value["username"].as_str().unwrap()));
    value["password"] = json!(random_password());
    let request = json!({
        "SecretId": stage.arn, "ClientRequestToken": token, "SecretString": value.to_string(), "VersionStages": ["AWSPENDING"]
    });
    call(stage, "PutSecretValue", request).await;
}

/// The other account's password, and the account where there is none: as the administrator, in one transaction.
fn set_secret(stage: &Stage, token: &str) {
    let (current, pending, master) = (stage.value("AWSCURRENT"), pending(stage, token), master(stage, token));
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let (account, partner) = (text(&current, "username"), text(&pending, "username"));
    assert!(!logs_in(stage, &pending), "AWSPENDING is set already");
    assert_eq!(other(&account), partner, "neither the current user nor its clone");
    assert_eq!(current["host"], pending["host"]);
    assert!(logs_in(stage, &current), "the current credentials do not log in");
    assert_eq!(current["host"], master["host"]);
    assert!(logs_in(stage, &master), "the master's credentials do not log in");
    let (name, password) = (identifier(&partner), literal(&text(&pending, "password")));
    let known = format!("SELECT count(*) FROM pg_roles WHERE rolname = {}", literal(&partner));
    let statements = if stage.postgres().sql(&known).unwrap() == "0" {
        format!("CREATE ROLE {name} WITH LOGIN PASSWORD {password}; GRANT {} TO {name}", identifier(&account))
    } else {
        format!("ALTER USER {name} WITH PASSWORD {password}")
    };
    // With the administrator's rights, and none of the superuser's. The password would be in the server's log otherwise.
    let session = format!("SET SESSION AUTHORIZATION {ADMIN}; BEGIN; {statements}; COMMIT");
    stage.postgres().sql_in(DATABASE, &session).unwrap();
}

/// A login, and the time of day.
fn test_secret(stage: &Stage, token: &str) {
    let pending = pending(stage, token);
    let text = |key: &str| pending[key].as_str().unwrap();
    stage.postgres().sql_as(text("username"), text("password"), text("dbname"), "SELECT NOW()").unwrap();
}

/// AWSCURRENT moves; AWSPENDING stays where it is.
async fn finish_secret(stage: &Stage, token: &str) {
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    let request = json!({
        "SecretId": stage.arn, "VersionStage": "AWSCURRENT", "MoveToVersionId": token, "RemoveFromVersionId": current
    });
    call(stage, "UpdateSecretVersionStage", request).await;
}

async fn call(stage: &Stage, operation: &str, request: Value) {
    let answer = stage.aws.call("secretsmanager", operation, request).await.unwrap();
    assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
}

/// The value of the version, which must have AWSPENDING.
fn pending(stage: &Stage, token: &str) -> Value {
    assert_eq!(stage.aws.holder(&stage.arn, "AWSPENDING").as_deref(), Some(token));
    serde_json::from_str(&stage.aws.value(&stage.arn, token).unwrap()).unwrap()
}

fn master(stage: &Stage, token: &str) -> Value {
    let arn = pending(stage, token)["masterarn"].as_str().unwrap().to_owned();
    let mut master: Value = serde_json::from_str(&stage.aws.value_of(&arn, "AWSCURRENT").unwrap()).unwrap();
    master["dbname"] = json!(DATABASE);
    master
}

fn logs_in(stage: &Stage, value: &Value) -> bool {
    stage.accepts(value["username"].as_str().unwrap(), value["password"].as_str().unwrap())
}
