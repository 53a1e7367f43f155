//! What AWS's multi-user function for MariaDB does, as SQL and moves of labels: step by step, with its checks, and with no
//! code of its. Tests compare with it, rotate after it and let it rotate after us.

use rehearsal::mariadb::{identifier, native_hash};
use serde_json::{Value, json};
use support::rig::random_password;
use support::stage::Stage;

use crate::alternating::sql;

/// One rotation from Secrets Manager's empty version to the moved label. Gives the version, or what the server said.
pub async fn rotate(stage: &Stage) -> Result<String, String> {
    let token = stage.stage();
    create_secret(stage, &token).await;
    set_secret(stage, &token)?;
    assert!(logs_in(stage, &pending(stage, &token)));
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    let request = json!({
        "SecretId": stage.arn, "VersionStage": "AWSCURRENT", "MoveToVersionId": token, "RemoveFromVersionId": current
    });
    call(stage, "UpdateSecretVersionStage", request).await;
    Ok(token)
}

/// The account that takes turns with this one, by the name alone.
fn other(account: &str) -> String {
    account.strip_suffix("_clone").map_or_else(|| format!("{account}_clone"), str::to_owned)
}

async fn create_secret(stage: &Stage, token: &str) {
    let mut value = stage.value("AWSCURRENT");
    value["username"] = json!(other(value["username"].as_str().unwrap()));
    value["password"] = json!(random_password());
    let request = json!({
        "SecretId": stage.arn, "ClientRequestToken": token, "SecretString": value.to_string(), "VersionStages": ["AWSPENDING"]
    });
    call(stage, "PutSecretValue", request).await;
}

/// Every line of the current account's grants, up to its first TO, for the other one; what it demands of TLS; its password.
///
/// AWS's function says the password itself in every line. The hash does the same, and stays out of the server's logs.
fn set_secret(stage: &Stage, token: &str) -> Result<(), String> {
    let (current, pending, master) = (stage.value("AWSCURRENT"), pending(stage, token), master(stage));
    if logs_in(stage, &pending) {
        return Ok(());
    }
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let (account, partner) = (text(&current, "username"), text(&pending, "username"));
    assert_eq!(other(&account), partner, "neither the current user nor its clone");
    assert!(logs_in(stage, &current), "the current credentials do not log in");
    let run = |statement: &str| {
        let answer = stage.mariadb().sql_as(&text(&master, "username"), &text(&master, "password"), "", statement);
        answer.map_err(|error| error.to_string())
    };
    let (name, hash) = (identifier(&partner), native_hash(&text(&pending, "password")));
    for line in run(&format!("SHOW GRANTS FOR {}", identifier(&account)))?.lines() {
        let left = line.split(" TO ").next().unwrap();
        run(&format!("{left} TO {name} IDENTIFIED BY PASSWORD '{hash}'"))?;
    }
    let columns = "ssl_type, ssl_cipher, x509_issuer, x509_subject";
    let demands = sql(stage, &format!("SELECT {columns} FROM mysql.user WHERE User = '{account}' AND Host = '%'"));
    let require = match demands.split('\t').next().unwrap() {
        "" => "NONE",
        "ANY" => "SSL",
        "X509" => "X509",
        other => panic!("{other} is not in these tests"),
    };
    run(&format!("ALTER USER {name} REQUIRE {require}"))?;
    run(&format!("SET PASSWORD FOR {name} = '{hash}'")).map(drop)
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

fn master(stage: &Stage) -> Value {
    let arn = stage.value("AWSCURRENT")["masterarn"].as_str().unwrap().to_owned();
    serde_json::from_str(&stage.aws.value_of(&arn, "AWSCURRENT").unwrap()).unwrap()
}

fn logs_in(stage: &Stage, value: &Value) -> bool {
    stage.accepts(value["username"].as_str().unwrap(), value["password"].as_str().unwrap())
}
