//! What stands beside a private key in a document and belongs to it: renewed with the key, or refused before anything changes.

use serde_json::{Value, json};

use crate::documents::{ec, public_half};
use crate::stage::Stage;

async fn rotated(document: &Value) -> Value {
    let stage = Stage::start("signing-key", &document.to_string()).await;
    let rotation = stage.rotate().await;
    stage.assert_finished(&rotation.token);
    serde_json::from_str(&stage.value("AWSCURRENT")).unwrap()
}

#[tokio::test]
async fn names_public_halves_and_dates_are_renewed_under_any_spelling() {
    let pem = ec("P-256");
    let document = json!({
        "private-key-id": "auth-2025", "publicKey": public_half(&pem), "private_key": pem, "issuer": "https://auth.example",
        "notBefore": "2025-01-01", "notAfter": "2026-01-01",
    });
    let new = rotated(&document).await;
    let text = |key: &str| new[key].as_str().unwrap();
    assert!(text("private-key-id").starts_with("auth-") && text("private-key-id") != "auth-2025");
    assert_eq!(text("publicKey").trim(), public_half(text("private_key")).trim());
    assert!(text("notAfter") > "2026-01-01" && text("notBefore") > "2025-01-01");
    assert_eq!(text("issuer"), "https://auth.example");
}

#[tokio::test]
async fn what_a_new_key_would_make_wrong_is_refused_and_foretold() {
    for (member, value, word) in [
        ("certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "certificate"),
        ("fingerprint", "ab:cd:ef", "fingerprint"),
        ("rotate_on", "2027-01-01", "rotate_on"),
        ("client_email", "x@project.example", "Google"),
        ("alg", "RS256", "RS256"),
    ] {
        let document = json!({"private_key": ec("P-256"), "key_id": "auth-2025", member: value});
        let stage = Stage::start("signing-key", &document.to_string()).await;
        let before = stage.aws.snapshot();
        let foretold = stage.action("DryRun").await;
        assert!(foretold["verdict"] == "wouldFail" && foretold["reasons"].to_string().contains(word), "{foretold:#}");
        assert_eq!(stage.aws.snapshot(), before);
        let error = stage.error("createSecret", &stage.stage(), "RefusedValue").await;
        assert!(error.contains(word), "{error}");
    }
}
