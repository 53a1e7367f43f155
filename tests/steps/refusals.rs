//! Input that cannot be rotated: events, stored values, tags, variables. Each is refused by name, nothing changes, and the
//! same process goes on to rotate.

use rehearsal::aws::Content;
use rehearsal::driver::STEPS;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};
use support::rig::{TIMEOUT, random_password};
use support::stage::{ACCOUNT, Stage};

/// Calls a step that must be refused with this type and these words, and must change nothing.
async fn refused(stage: &Stage, step: &str, token: &str, expected: &str, words: &str) {
    let before = stage.state();
    let message = stage.error(step, token, expected).await;
    assert!(message.contains(words), "expected {words:?}: {message}");
    assert_eq!(stage.state(), before, "a refused {step} changed something: {message}");
}

/// The four steps, in the process that has refused everything before.
async fn then_rotates(stage: &Stage, token: &str) {
    for step in STEPS {
        stage.answer(step, token).await;
    }
    stage.assert_finished(token);
    assert_eq!(stage.function.cold_starts(), 1, "a refusal ended the process");
}

#[tokio::test]
async fn malformed_events_are_refused_with_what_was_expected() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let rotation = |key: &str, value: Value| {
        let mut event = json!({"Step": "createSecret", "SecretId": stage.arn, "ClientRequestToken": token});
        event[key] = value;
        event
    };
    let without = |key: &str| {
        let mut event = rotation("RotationToken", json!("t"));
        event.as_object_mut().unwrap().remove(key);
        event
    };
    let before = stage.state();
    for (event, words) in [
        (json!(null), "not a JSON object"),
        (json!(true), "not a JSON object"),
        (json!("createSecret"), "not a JSON object"),
        (json!([{"Step": "createSecret"}]), "not a JSON object"),
        (json!({}), "none of the known shapes"),
        (json!({"step": "createSecret", "secretId": stage.arn}), "none of the known shapes"),
        (without("Step"), "lacks Step"),
        (without("SecretId"), "lacks SecretId"),
        (without("ClientRequestToken"), "lacks ClientRequestToken"),
        (rotation("Step", json!(1)), "Step is not a string"),
        (rotation("SecretId", json!({"Ref": "x"})), "SecretId is not a string"),
        (rotation("SecretId", json!("")), "SecretId is empty"),
        (rotation("SecretId", json!("x".repeat(2049))), "too long"),
        (rotation("ClientRequestToken", json!(null)), "ClientRequestToken is not a string"),
        (rotation("ClientRequestToken", json!("a\u{0}b")), "not printable"),
        (rotation("RotationToken", json!(["t"])), "RotationToken is not a string"),
        (rotation("Step", json!("deleteSecret")), "\"deleteSecret\""),
        (rotation("Step", json!("CreateSecret")), "createSecret, setSecret, testSecret and finishSecret"),
        (json!({"Action": "Explode", "SecretId": stage.arn}), "Status, DryRun, Redeploy"),
        (json!({"Action": 7}), "Status, DryRun, Redeploy"),
        (json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}), "aws.ecs"),
    ] {
        let Outcome::Error { error_type, message } = stage.send(&event).await else { panic!("{event} was accepted") };
        assert_eq!(error_type, "RefusedEvent", "{event}: {message}");
        assert!(message.contains(words) && message.contains("Remedy: "), "{event}: {message}");
    }
    assert_eq!(stage.state(), before);
    then_rotates(&stage, &token).await;
}

#[tokio::test]
async fn bytes_that_are_no_json_are_an_error_and_the_process_lives_on() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let before = stage.state();
    for bytes in [&b""[..], b"{", b"{\"Step\": \"createSecret\"", b"\xff\xfe", b"Step=createSecret"] {
        let outcome = stage.function.invoke_raw(bytes.to_vec(), TIMEOUT).await.unwrap();
        stage.heard(&format!("{outcome:?}"));
        assert!(matches!(outcome, Outcome::Error { .. }), "{bytes:?}: {outcome:?}");
    }
    assert_eq!(stage.state(), before);
    then_rotates(&stage, &token).await;
}

#[tokio::test]
async fn values_that_are_no_json_object_are_refused_without_quoting_them() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let good = stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap();
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    let url = format!("postgres://{ACCOUNT}:{password}@localhost:5432/orders");
    for (content, words) in [
        (Content::Text(password.clone()), "not a JSON object"),
        (Content::Text(url), "not a JSON object"),
        (Content::Text(json!(password).to_string()), "not a JSON object"),
        (Content::Text(json!([password]).to_string()), "not a JSON object"),
        (Content::Text(good[..good.len() - 1].to_owned()), "not a JSON object"),
        (Content::Text(format!("{good}x")), "not a JSON object"),
        (Content::Text(good.replacen('{', "{\"password\":\"1\",", 1)), "\"password\" stands in the value twice"),
        (Content::Binary("aHVudGVyMg==".to_owned()), "SecretBinary"),
    ] {
        stage.overwrite("AWSCURRENT", content);
        refused(&stage, "createSecret", &token, "RefusedValue", words).await;
    }
    stage.overwrite("AWSCURRENT", Content::Text(good));
    then_rotates(&stage, &token).await;
}

#[tokio::test]
async fn keys_that_are_missing_or_wrong_are_refused_by_name() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let good = stage.value("AWSCURRENT");
    let absent = Value::Null;
    let mut cases: Vec<(&str, Value, &str, String)> = Vec::new();
    for key in ["engine", "host", "username", "password"] {
        cases.push((key, absent.clone(), "RefusedValue", format!("key {key} is missing")));
        cases.push((key, json!(""), "RefusedValue", format!("key {key} is empty")));
        cases.push((key, json!({"a": 1}), "RefusedValue", format!("key {key} is not a string")));
    }
    for port in [json!("five"), json!(0), json!(65536), json!(-1), json!(54.5), json!(true), json!([5432]), json!("")] {
        cases.push(("port", port, "RefusedValue", "port is not a number from 1 to 65535".to_owned()));
    }
    for host in ["/var/run/postgresql", "a b", "db.example:5432", "h/../x", "münchen"] {
        cases.push(("host", json!(host), "RefusedValue", "key host".to_owned()));
    }
    for engine in ["oracle", "Postgres", "postgresql\u{0}"] {
        cases.push(("engine", json!(engine), "RefusedValue", format!("{engine:?}")));
    }
    for engine in ["mysql", "aurora-mysql"] {
        cases.push(("engine", json!(engine), "RefusedNotBuilt", engine.to_owned()));
    }
    for key in ["username", "dbname"] {
        cases.push((key, json!("a\u{0}b"), "RefusedValue", format!("key {key} contains a NUL")));
        cases.push((key, json!("n".repeat(64)), "RefusedValue", format!("key {key} is 64 bytes long")));
        cases.push((key, json!("ä".repeat(32)), "RefusedValue", format!("key {key} is 64 bytes long")));
    }
    cases.push(("masterarn", json!(7), "RefusedValue", "key masterarn is not a string".to_owned()));
    for (key, value, kind, words) in cases {
        let mut bad = good.clone();
        if value == absent {
            bad.as_object_mut().unwrap().remove(key);
        } else {
            bad[key] = value;
        }
        stage.overwrite("AWSCURRENT", Content::Text(bad.to_string()));
        refused(&stage, "createSecret", &token, kind, &words).await;
    }
    stage.overwrite("AWSCURRENT", Content::Text(good.to_string()));
    then_rotates(&stage, &token).await;
}

#[tokio::test]
async fn a_value_at_the_limit_of_65536_bytes_rotates_and_may_not_grow_over_it() {
    let stage = Stage::start().await;
    // From here on the password has the length of a generated one.
    stage.rotate().await;
    let filled = |value: &mut Value| {
        value["filler"] = json!("");
        let missing = 65_536 - value.to_string().len();
        value["filler"] = json!("x".repeat(missing));
        value.to_string()
    };
    let mut full = stage.value("AWSCURRENT");
    stage.overwrite("AWSCURRENT", Content::Text(filled(&mut full)));
    stage.rotate().await;
    assert_eq!(stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap().len(), 65_536);

    let short = random_password()[..31].to_owned();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{short}'")).unwrap();
    full["password"] = json!(short);
    stage.overwrite("AWSCURRENT", Content::Text(filled(&mut full)));
    refused(&stage, "createSecret", &stage.stage(), "RefusedValue", "65537 bytes").await;
}

#[tokio::test]
async fn tags_that_ask_for_what_cannot_be_done_are_refused_by_name() {
    let stage = Stage::start().await;
    let token = stage.stage();
    for (tag, value, kind) in [
        ("keyroll:kind", "oracle", "RefusedValue"),
        ("keyroll:kind", "mysql", "RefusedNotBuilt"),
        ("keyroll:kind", "jwt", "RefusedValue"),
        ("keyroll:strategy", "two-users", "RefusedSetting"),
        ("keyroll:strategy", "alternating-users", "RefusedSetting"),
        ("keyroll:field", "token", "RefusedSetting"),
        ("keyroll:services", "api", "RefusedSetting"),
        ("keyroll:services-10", "prod/api", "RefusedSetting"),
        ("keyroll:copies", "ssm:/orders/db", "RefusedNotBuilt"),
        ("keyroll:copies-2", "s3://bucket/key", "RefusedNotBuilt"),
        ("keyroll:copies-3", "s3://bucket", "RefusedSetting"),
        ("keyroll:service", "prod/api", "RefusedSetting"),
        ("keyroll:", "", "RefusedSetting"),
    ] {
        let before = stage.aws.secret(&stage.arn).unwrap().tags;
        stage.aws.set_tag(&stage.arn, tag, value).unwrap();
        refused(&stage, "createSecret", &token, kind, if tag == "keyroll:kind" { value } else { tag }).await;
        stage.aws.with_secret(&stage.arn, |secret| secret.tags = before).unwrap();
    }
    stage.aws.set_tag(&stage.arn, "keyrolling", "of somebody else").unwrap();
    then_rotates(&stage, &token).await;
}

#[tokio::test]
async fn a_bare_string_is_refused_without_a_tag_that_says_what_it_is() {
    let stage = Stage::start().await;
    let good = stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap();
    stage.overwrite("AWSCURRENT", Content::Text(random_password()));
    refused(&stage, "createSecret", &stage.stage(), "RefusedValue", "keyroll:kind (jwt, jwt-keyring").await;
    for (kind, error) in [("mysql", "RefusedNotBuilt"), ("signing-key", "RefusedValue"), ("postgres", "RefusedValue")] {
        stage.aws.set_tag(&stage.arn, "keyroll:kind", kind).unwrap();
        refused(&stage, "createSecret", &stage.stage(), error, "").await;
    }
    stage.overwrite("AWSCURRENT", Content::Text(good));
}

#[tokio::test]
async fn masterarn_rotates_as_single_user_where_the_tag_or_the_function_says_so() {
    let stage = Stage::start().await;
    stage.edit_current(&json!({"masterarn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf"}));
    stage.function.set_env("KEYROLL_STRATEGY", "single-user");
    stage.function.cold().await;
    let rotation = stage.rotate().await;
    stage.assert_finished(&rotation.token);
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
    let token = stage.stage();
    stage.answer("createSecret", &token).await;
    assert_eq!(stage.value("AWSPENDING")["username"], format!("{ACCOUNT}_clone"));
}
