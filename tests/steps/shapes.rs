//! Shapes of a login's value: what is taken as AWS's functions take it, and what is refused before anything changes.

use rehearsal::aws::Content;
use rehearsal::driver::STEPS;
use serde_json::json;
use support::dry_run::dry_run;
use support::stage::{ACCOUNT, Stage};

#[tokio::test]
async fn a_second_copy_of_the_password_is_refused_and_foretold() {
    let stage = Stage::start().await;
    let good = stage.value("AWSCURRENT");
    let password = good["password"].as_str().unwrap().to_owned();
    let token = stage.stage();
    for (key, copy) in [
        ("url", json!(format!("postgresql://{ACCOUNT}:{password}@localhost/orders"))),
        ("DB_PASSWORD", json!(password)),
        ("pools", json!([{"dsn": format!("password={password}")}])),
    ] {
        let mut value = good.clone();
        value[key] = copy;
        stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
        let before = stage.state();
        let foretold = dry_run(&stage, false).await;
        assert_eq!(foretold["verdict"], "wouldFail");
        assert!(foretold["reasons"].to_string().contains(key), "{foretold:#}");
        let message = stage.error("createSecret", &token, "RefusedValue").await;
        assert!(message.contains(key) && message.contains("carries the password"), "{message}");
        assert_eq!(stage.state(), before);
    }
    stage.overwrite("AWSCURRENT", Content::Text(good.to_string()));
    for step in STEPS {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn a_key_that_is_nearly_one_of_awss_is_refused_by_name() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let mut value = stage.value("AWSCURRENT");
    value["masterArn"] = json!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/admin-AbCdEf");
    stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
    let message = stage.error("createSecret", &token, "RefusedValue").await;
    assert!(message.contains("masterArn") && message.contains("write it as masterarn"), "{message}");
}

#[tokio::test]
async fn what_awss_functions_take_is_taken() {
    let stage = Stage::start().await;
    let value = stage.value("AWSCURRENT");
    let port = value["port"].to_string();
    let text = value.to_string().replace(&format!("\"port\":{port}"), &format!("\"port\":{port}.0"));
    let text = text.replace("\"postgres\"", "\" Postgres\"");
    stage.overwrite("AWSCURRENT", Content::Text(text));
    stage.rotate().await;
    // The tag says what the server is.
    let mut value = stage.value("AWSCURRENT");
    value.as_object_mut().unwrap().remove("engine");
    stage.overwrite("AWSCURRENT", Content::Text(value.to_string()));
    stage.aws.set_tag(&stage.arn, "keyroll:kind", "postgres").unwrap();
    stage.rotate().await;
    assert!(stage.value("AWSCURRENT").get("engine").is_none());
}
