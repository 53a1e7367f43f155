//! Values, tags and contents that createSecret refuses, and so says the dry run; nothing changes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rehearsal::aws::Content;
use serde_json::{Value, json};
use support::told::Shown;

use crate::documents::{document, ec, openssl, public_half, rsa};
use crate::forms::LETTERS_AND_DIGITS;
use crate::stage::Stage;
use crate::values::{bytes, characters, dry_run, hex};

/// The kind and the value of a secret, a tag besides, the type of the error, and a word of its message.
type Row<'a> = (&'a str, &'a str, Option<(&'a str, &'a str)>, &'a str, &'a str);

/// createSecret refuses, with an error of this type, and so says the dry run; nothing is changed. Gives the message.
async fn is_refused(stage: &Stage, error_type: &str, word: &str) {
    let report = dry_run(stage).await;
    assert_eq!(report["verdict"], "wouldFail", "{report:#}");
    let message = stage.refused("createSecret", &stage.stage(), error_type, &[word]).await;
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    let told = report["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .any(|reason| reason["errorType"] == error_type && message.contains(reason["cause"].as_str().unwrap()));
    assert!(told, "{message}\n{report:#}");
}

/// Each on a stage of its own.
async fn are_refused(rows: &[Row<'_>]) {
    for (kind, value, tag, error_type, word) in rows {
        let _shown = Shown(format!("{kind}, {tag:?}: {error_type}, {word}"));
        let stage = Stage::start(kind, value).await;
        if let Some((tag, value)) = tag {
            stage.tag(tag, value);
        }
        is_refused(&stage, error_type, word).await;
    }
}

#[tokio::test]
async fn what_is_no_secret_of_ours_is_refused_and_nothing_changes() {
    let drawn = characters(40, LETTERS_AND_DIGITS, "aA0");
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(bytes(48)));
    let json = format!(r#"{{"jwt":"{drawn}"}}"#);
    let issued = ["sk", "live", &drawn].join("_");
    let slack = ["xoxb", &drawn].join("-");
    let url = format!("https://user:{drawn}@auth.example/");
    let words =
        [(&pem, "a PEM file"), (&url, "a URL"), (&json, "keyroll:field"), (&issued, "Stripe"), (&slack, "Slack")];
    let bare = ["jwt", "token"].into_iter().flat_map(|kind| words.map(|(value, word)| (kind, value, word)));
    let others = ["jwt-keyring", "signing-key"].into_iter();
    let others = others.flat_map(|kind| [&pem, &url, &issued].map(|value| (kind, value, "")));
    let rows: Vec<Row<'_>> =
        bare.chain(others).map(|(kind, value, word)| (kind, value.as_str(), None, "RefusedValue", word)).collect();
    are_refused(&rows).await;
}

#[tokio::test]
async fn keys_kinds_and_copies_that_do_not_go_with_the_value_are_refused() {
    let (drawn, issued) = (hex(64), format!(r#"{{"key":"{}"}}"#, ["sk", "live", &hex(40)].join("_")));
    let object = format!(r#"{{"secret":"{drawn}","ttl":5}}"#);
    let (symmetric, ring, key) =
        (r#"{"alg":"HS256","keys":[]}"#, r#"{"alg":"ES256","keys":[]}"#, r#"{"private_key":"placeholder"}"#);
    let [s3, parameter, parameters] = ["s3://auth-keys/jwks.json", "ssm:/auth/jwt", "ssm:/auth/jwks"];
    let field = |name| Some(("keyroll:field", name));
    let copies = |place| Some(("keyroll:copies", place));
    are_refused(&[
        ("jwt", &object, field("jwt"), "RefusedSetting", "\"secret\", \"ttl\""),
        ("jwt", &object, field("secret jwt"), "RefusedSetting", "\"jwt\""),
        ("jwt", &object, field("ttl"), "RefusedSetting", "does not hold a string"),
        ("token", &issued, field("key"), "RefusedValue", "Stripe"),
        ("jwks", &drawn, None, "RefusedValue", "jwks"),
        ("jwt-keyring", symmetric, copies(s3), "RefusedNotBuilt", s3),
        ("jwt-keyring", "placeholder", copies(s3), "RefusedNotBuilt", s3),
        ("jwt", &drawn, copies(s3), "RefusedNotBuilt", s3),
        ("token", &drawn, copies(s3), "RefusedNotBuilt", s3),
        ("jwt", &drawn, copies(parameter), "RefusedNotBuilt", parameter),
        ("jwt-keyring", ring, copies(parameters), "RefusedNotBuilt", parameters),
        ("signing-key", key, copies(parameters), "RefusedNotBuilt", parameters),
    ])
    .await;
    let stage = Stage::start("jwt", &drawn).await;
    stage.aws.remove_tag(&stage.arn, "keyroll:kind").unwrap();
    is_refused(&stage, "RefusedValue", "keyroll:kind").await;
}

#[tokio::test]
async fn documents_without_a_private_key_in_the_clear_or_a_whole_window_are_refused() {
    let pem = ec("P-256");
    let password = format!("pass:{}", hex(32));
    let sealed = openssl(&["pkey", "-aes256", "-passout", &password], &pem);
    let cut = pem.lines().take(2).collect::<Vec<_>>().join("\n");
    // The last one is of a curve that no JWT algorithm is for.
    let keys = [sealed, public_half(&pem), cut, hex(64), format!("{pem}{pem}"), ec("secp256k1")];
    let mut documents: Vec<(Value, &str)> = keys.iter().map(|key| (document(key), "Remedy")).collect();
    let another = json!(public_half(&ec("P-256")));
    for (pem, key, value, word) in [
        (&pem, "valid_until", json!("2024-01-01"), "valid_"),
        (&pem, "valid_from", Value::Null, "valid_"),
        (&pem, "valid_from", json!("soon"), "valid_"),
        (&pem, "public_key", another.clone(), "public_key"),
        (&rsa(2048), "public_key", another, "public_key"),
    ] {
        let mut document = document(pem);
        document[key] = value;
        document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        documents.push((document, word));
    }
    let documents: Vec<(String, &str)> = documents.iter().map(|(value, word)| (value.to_string(), *word)).collect();
    let rows: Vec<Row<'_>> =
        documents.iter().map(|(value, word)| ("signing-key", value.as_str(), None, "RefusedValue", *word)).collect();
    are_refused(&rows).await;
}

#[tokio::test]
async fn binary_content_and_a_secret_without_a_value_are_refused() {
    for kind in ["jwt", "jwt-keyring", "signing-key", "token"] {
        let stage = Stage::start(kind, "placeholder").await;
        let version = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
        for (content, word) in [(Some(Content::Binary(BASE64_STANDARD.encode(bytes(32)))), "binary"), (None, "")] {
            stage.aws.with_secret(&stage.arn, |it| it.versions.get_mut(&version).unwrap().content = content).unwrap();
            is_refused(&stage, "RefusedValue", word).await;
        }
    }
}
