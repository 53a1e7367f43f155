//! Input that cannot be rotated: events, stored values, tags, variables. Each is refused by name, nothing changes, and the
//! same process goes on to rotate.

use rehearsal::aws::Content;
use rehearsal::driver::STEPS;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};
use support::refusals::{Row, Wrong};
use support::rig::{TIMEOUT, random_password};
use support::stage::{ACCOUNT, Stage};

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

/// Contents that are no JSON object, made of the good one; no message quotes them.
fn contents(good: &str) -> Vec<Row<'static>> {
    let value: Value = serde_json::from_str(good).unwrap();
    let password = value["password"].as_str().unwrap();
    let no_object = [
        password.to_owned(),
        format!("postgres://{ACCOUNT}:{password}@localhost:5432/orders"),
        json!(password).to_string(),
        json!([password]).to_string(),
        good[..good.len() - 1].to_owned(),
        format!("{good}x"),
    ];
    let twice = good.replacen('{', "{\"password\":\"1\",", 1);
    let mut rows: Vec<Row<'_>> =
        no_object.map(|text| (Wrong::Content(Content::Text(text)), "RefusedValue", &["not a JSON object"][..])).into();
    rows.push((Wrong::Content(Content::Text(twice)), "RefusedValue", &["\"password\" stands in the value twice"]));
    rows.push((Wrong::Content(Content::Binary("aHVudGVyMg==".to_owned())), "RefusedValue", &["SecretBinary"]));
    rows
}

#[tokio::test]
async fn contents_and_tags_that_cannot_be_rotated_are_refused_by_name() {
    let stage = Stage::start().await;
    let token = stage.stage();
    stage.refuses(&["createSecret"], &token, &contents(&stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap())).await;
    for (tag, value, error) in [
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
        let words = [if tag == "keyroll:kind" { value } else { tag }];
        stage.refuses(&["createSecret"], &token, &[(Wrong::Tag(tag, value), error, &words)]).await;
    }
    stage.aws.set_tag(&stage.arn, "keyrolling", "of somebody else").unwrap();
    // What is no JSON at all may be of a kind that a tag names; of these it is not.
    let good = stage.aws.value_of(&stage.arn, "AWSCURRENT").unwrap();
    stage.overwrite("AWSCURRENT", Content::Text(random_password()));
    stage.refused("createSecret", &token, "RefusedValue", &["keyroll:kind (jwt, jwt-keyring"]).await;
    let kinds = [("mysql", "RefusedNotBuilt"), ("signing-key", "RefusedValue"), ("postgres", "RefusedValue")];
    let kinds = kinds.map(|(kind, error)| (Wrong::Tag("keyroll:kind", kind), error, &[][..]));
    stage.refuses(&["createSecret"], &token, &kinds).await;
    stage.overwrite("AWSCURRENT", Content::Text(good));
    then_rotates(&stage, &token).await;
}

#[tokio::test]
async fn keys_that_are_missing_or_wrong_are_refused_by_name() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let mut rows: Vec<(&str, Value, &str, String)> = Vec::new();
    let mut refused = |key, value, words: String| rows.push((key, value, "RefusedValue", words));
    for key in ["engine", "host", "username", "password"] {
        refused(key, Value::Null, format!("key {key} is missing"));
        refused(key, json!(""), format!("key {key} is empty"));
        refused(key, json!({"a": 1}), format!("key {key} is not a string"));
    }
    for port in [json!("five"), json!(0), json!(65536), json!(-1), json!(54.5), json!(true), json!([5432]), json!("")] {
        refused("port", port, "port is not a number from 1 to 65535".to_owned());
    }
    for host in ["/var/run/postgresql", "a b", "db.example:5432", "h/../x", "münchen"] {
        refused("host", json!(host), "key host".to_owned());
    }
    for engine in ["oracle", "pgsql", "postgresql\u{0}"] {
        refused("engine", json!(engine), format!("{engine:?}"));
    }
    for key in ["username", "dbname"] {
        refused(key, json!("a\u{0}b"), format!("key {key} contains a NUL"));
        refused(key, json!("n".repeat(64)), format!("key {key} is 64 bytes long"));
        refused(key, json!("ä".repeat(32)), format!("key {key} is 64 bytes long"));
    }
    refused("masterarn", json!(7), "key masterarn is empty, or no string".to_owned());
    for engine in ["mysql", "aurora-mysql"] {
        rows.push(("engine", json!(engine), "RefusedNotBuilt", engine.to_owned()));
    }
    for (key, value, error, words) in rows {
        let row: Row<'_> = (Wrong::Keys(json!({ key: value })), error, &[&words]);
        stage.refuses(&["createSecret"], &token, &[row]).await;
    }
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
    stage.refused("createSecret", &stage.stage(), "RefusedValue", &["65537 bytes"]).await;
}

#[tokio::test]
async fn masterarn_rotates_as_single_user_where_the_tag_or_the_function_says_so() {
    let stage = Stage::start().await;
    stage.edit_current(&json!({"masterarn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf"}));
    stage.function.set_env("KEYROLL_STRATEGY", "single-user");
    stage.function.cold().await;
    stage.rotated().await;
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
    stage.created().await;
    assert_eq!(stage.value("AWSPENDING")["username"], format!("{ACCOUNT}_clone"));
}
