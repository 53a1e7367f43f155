//! `Revoke`: a key has leaked. Everything old is replaced at once, in AWSCURRENT and in AWSPREVIOUS.

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::STEPS;
use serde_json::{Value, json};
use support::rig::SERVICES;

use crate::stage::Stage;
use crate::values::{hex, kinds, warnings};

const RING: &str = r#"{"alg":"ES256","keys":[]}"#;
const DOCUMENT: &str = r#"{"private_key":"placeholder","key_id":"signing-1"}"#;

/// What of a value verifies or opens something: each key of a ring, the one key of anything else.
fn keys(value: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(value) {
        Ok(ring) if ring["keys"].is_array() => {
            let keys = ring["keys"].as_array().unwrap().iter();
            keys.map(|key| [&key["k"], &key["d"]].map(ToString::to_string).concat()).collect()
        }
        Ok(document) if document.is_object() => vec![document["private_key"].to_string()],
        _ => vec![value.to_owned()],
    }
}

/// Neither AWSCURRENT nor AWSPREVIOUS has any key of these values, nor the same key as the other.
fn assert_clean(stage: &Stage, old: &[String]) {
    let [current, previous] = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| keys(&stage.value(label)));
    for key in old.iter().flat_map(|value| keys(value)) {
        assert!(!current.contains(&key) && !previous.contains(&key), "a key of before is left");
    }
    assert!(current.iter().all(|key| !previous.contains(key)), "the same key twice");
}

#[tokio::test]
async fn revoke_leaves_no_key_of_before_anywhere_and_replaces_every_task() {
    for (kind, value) in kinds() {
        let stage = Stage::start(kind, &value).await;
        for _ in 0..2 {
            stage.rotate().await;
        }
        let old = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| stage.value(label));
        // The guard is for rotations.
        stage.tag("keyroll:token-lifetime", "24");
        stage.tag("keyroll:min-age", "600");
        let answer = stage.action("Revoke").await;
        assert_clean(&stage, &old);
        stage.assert_finished(answer["versionId"].as_str().unwrap());
        for service in answer["services"].as_array().unwrap() {
            assert_eq!(service["verdict"], "redeployed", "{answer:#}");
        }
        assert_eq!(answer["services"].as_array().unwrap().len(), SERVICES.len());
        let told = warnings(&answer);
        assert_eq!(told.contains("users will be logged out"), kind != "token", "{told}");
        assert_eq!(told.contains("needs a new token"), kind == "token", "{told}");
        stage.settle();
        stage.tag("keyroll:token-lifetime", "0");
        stage.tag("keyroll:min-age", "0");
        stage.rotate().await;
    }
}

#[tokio::test]
async fn revoke_publishes_only_new_keys() {
    for (kind, value) in [("jwt-keyring", RING), ("signing-key", DOCUMENT)] {
        let stage = Stage::start(kind, value).await;
        stage.tag("keyroll:copies", "s3://auth-keys/jwks.json");
        stage.aws.create_bucket("auth-keys");
        stage.rotate().await;
        let body = || stage.aws.object("auth-keys", "jwks.json").unwrap().body;
        let before: Value = serde_json::from_str(&body()).unwrap();
        stage.action("Revoke").await;
        for key in before["keys"].as_array().unwrap() {
            let member = if key["kty"] == "RSA" { "n" } else { "x" };
            assert!(!body().contains(key[member].as_str().unwrap()), "{kind}: an old key is still published");
        }
    }
}

#[tokio::test]
async fn revoke_again_after_a_crash_anywhere_ends_the_same() {
    for (operation, nth) in [
        ("PutSecretValue", 1),
        ("UpdateSecretVersionStage", 1),
        ("PutSecretValue", 2),
        ("UpdateSecretVersionStage", 2),
        ("UpdateService", 1),
        ("UpdateService", 2),
    ] {
        for after in [false, true] {
            let stage = Stage::start("jwt-keyring", RING).await;
            stage.rotate().await;
            let old = [stage.value("AWSCURRENT")];
            let kill = stage.function.kill_handle();
            let kill = move || kill.kill();
            let fault = if after { Fault::after(kill) } else { Fault::before(kill) };
            stage.aws.fault(Rule::on(operation, fault).nth(nth));
            let event = json!({"Action": "Revoke", "SecretId": stage.arn});
            assert!(!stage.send(&event).await.is_answer(), "{operation} {nth}");
            stage.aws.clear_faults();
            let answer = stage.action("Revoke").await;
            assert_clean(&stage, &old);
            stage.assert_finished(answer["versionId"].as_str().unwrap());
        }
    }
}

#[tokio::test]
async fn where_revoke_breaks_off_after_its_first_move_reconcile_replaces_every_task() {
    // The second change of labels gives the mark to the second value, the third makes that current.
    for (operation, nth, after) in [
        ("UpdateSecretVersionStage", 1, true),
        ("PutSecretValue", 2, false),
        ("PutSecretValue", 2, true),
        ("UpdateSecretVersionStage", 2, false),
        ("UpdateSecretVersionStage", 3, true),
        ("UpdateService", 1, false),
        ("UpdateService", 2, false),
    ] {
        let stage = Stage::start("jwt-keyring", RING).await;
        stage.rotate().await;
        let old = keys(&stage.value("AWSCURRENT"));
        let kill = stage.function.kill_handle();
        let kill = move || kill.kill();
        let fault = if after { Fault::after(kill) } else { Fault::before(kill) };
        stage.aws.fault(Rule::on(operation, fault).nth(nth));
        let event = json!({"Action": "Revoke", "SecretId": stage.arn});
        assert!(!stage.send(&event).await.is_answer(), "{operation} {nth}");
        stage.aws.clear_faults();
        stage.action("Reconcile").await;
        let current = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
        let moved = stage.aws.secret(&stage.arn).unwrap().versions[&current].promoted.unwrap();
        for service in SERVICES {
            let service = stage.aws.service("prod", service).unwrap();
            assert!(service.deployments[0].created >= moved, "{operation} {nth} {after}: {}", service.name);
        }
        let now = keys(&stage.value("AWSCURRENT"));
        assert!(old.iter().all(|key| !now.contains(key)), "{operation} {nth} {after}");
    }
}

#[tokio::test]
async fn revoke_overtakes_a_rotation_whose_value_is_never_used() {
    let stage = Stage::start("jwt", &hex(64)).await;
    let token = stage.created().await;
    let pending = stage.value("AWSPENDING");
    let old = [stage.value("AWSCURRENT"), pending];
    stage.action("Revoke").await;
    assert_clean(&stage, &old);
    for step in &STEPS[1..] {
        stage.error(step, &token, "RefusedVersion").await;
    }
    assert_clean(&stage, &old);
}
