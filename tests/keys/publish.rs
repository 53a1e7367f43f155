//! The public halves of asymmetric keys, in S3: there before anybody signs with a new key, and never with a private member.

use rehearsal::aws::{Fault, Object, Rule};
use rehearsal::driver::Options;
use serde_json::{Value, json};
use support::rig::assert_says;

use crate::stage::Stage;
use crate::values::{dry_run, reasons, warnings};

const BUCKET: &str = "auth-keys";
const KEY: &str = ".well-known/jwks.json";
/// RFC 7518, section 6: members that only a private or a symmetric key has.
const PRIVATE: [&str; 8] = ["k", "d", "p", "q", "dp", "dq", "qi", "oth"];

/// A stage that publishes.
async fn stage(kind: &str, value: &str) -> Stage {
    let place = format!("s3://{BUCKET}/{KEY}");
    let stage = Stage::with(kind, value, &[("keyroll:token-lifetime", "0"), ("keyroll:copies", &place)]).await;
    stage.aws.create_bucket(BUCKET);
    stage
}

async fn ring(alg: &str) -> Stage {
    stage("jwt-keyring", &json!({"alg": alg, "keys": []}).to_string()).await
}

async fn document() -> Stage {
    stage("signing-key", r#"{"private_key":"placeholder","key_id":"signing-1"}"#).await
}

fn object(stage: &Stage) -> Object {
    stage.aws.object(BUCKET, KEY).unwrap_or_else(|| panic!("nothing was published"))
}

/// The published keys; none of them has a private member, at any depth.
fn published(stage: &Stage) -> Vec<Value> {
    let set: Value = serde_json::from_str(&object(stage).body).unwrap();
    assert_eq!(set.as_object().unwrap().len(), 1, "{set}");
    let keys = set["keys"].as_array().unwrap().clone();
    for key in &keys {
        let members: Vec<&String> = key.as_object().unwrap().keys().collect();
        assert!(members.iter().all(|member| !PRIVATE.contains(&member.as_str())), "{members:?}");
        assert!(key.as_object().unwrap().values().all(Value::is_string), "{key}");
        assert_ne!(key["kty"], "oct");
    }
    keys
}

fn kids(keys: &[Value]) -> Vec<&str> {
    let mut kids: Vec<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    kids.sort_unstable();
    kids
}

/// A public key by what it is, without its name.
fn material(keys: &[Value], kid: &str) -> Value {
    let key = keys.iter().find(|key| key["kid"] == kid).unwrap_or_else(|| panic!("{kid} is not there"));
    json!([key["kty"], key["crv"], key["x"], key["y"], key["n"], key["e"]])
}

#[tokio::test]
async fn a_ring_publishes_all_its_keys_before_awscurrent_moves_and_none_privately() {
    for alg in ["RS256", "ES256", "EdDSA"] {
        let stage = ring(alg).await;
        for number in 0..3 {
            stage.aws.clear();
            stage.rotate().await;
            let called = stage.operations();
            let at = |operation: &str| called.iter().position(|it| it == operation).unwrap();
            assert!(at("PutSecretValue") < at("PutObject") && at("PutObject") < at("UpdateSecretVersionStage"));
            // And once more after the move, before tasks sign with it: what was written late is made good.
            assert_eq!(called.iter().filter(|it| *it == "PutObject").count(), 2, "{called:?}");
            let last = called.iter().rposition(|it| it == "PutObject").unwrap();
            assert!(at("UpdateSecretVersionStage") < last && last < at("UpdateService"), "{called:?}");
            let (keys, ring) = (published(&stage), stage.json("AWSCURRENT"));
            let members = ring["keys"].as_array().unwrap();
            for member in members {
                let kid = member["kid"].as_str().unwrap();
                assert_eq!(material(&keys, kid), material(members, kid), "{alg}");
                let published = keys.iter().find(|key| key["kid"] == kid).unwrap();
                assert_eq!((&published["alg"], &published["use"]), (&json!(alg), &json!("sig")));
            }
            // Those of the ring and those of the ring before: next, current, previous.
            assert!(keys.len() >= members.len() && members.len() == [2, 3, 3][number], "{alg}: {}", keys.len());
        }
    }
}

#[tokio::test]
async fn the_object_has_its_media_type_and_says_for_how_long_it_may_be_kept() {
    let stage = ring("ES256").await;
    stage.rotate().await;
    let object = object(&stage);
    assert_eq!(object.content_type.as_deref(), Some("application/jwk-set+json"));
    assert_eq!(object.cache_control.as_deref(), Some("public, max-age=300"));
}

#[tokio::test]
async fn a_document_publishes_the_old_and_the_new_key() {
    let stage = document().await;
    stage.rotate().await;
    for _ in 0..2 {
        let before = stage.json("AWSCURRENT")["key_id"].as_str().unwrap().to_owned();
        let known = published(&stage);
        stage.rotate().await;
        let after = stage.json("AWSCURRENT")["key_id"].as_str().unwrap().to_owned();
        let keys = published(&stage);
        let mut expected = vec![before.as_str(), after.as_str()];
        expected.sort_unstable();
        assert_eq!(kids(&keys), expected);
        assert_eq!(material(&keys, &before), material(&known, &before), "the key under the old name");
    }
}

#[tokio::test]
async fn a_document_tells_for_how_long_verifiers_may_refuse_its_new_key() {
    let published = document().await;
    let unpublished = Stage::start("signing-key", r#"{"private_key":"placeholder","key_id":"signing-1"}"#).await;
    for (stage, words) in [(&published, "300 s by the object's Cache-Control"), (&unpublished, "published nowhere")] {
        stage.rotate().await;
        let report = dry_run(stage).await;
        assert!(warnings(&report).contains(words), "{report:#}");
        let token = stage.created().await;
        let answer = stage.answer("setSecret", &token).await;
        assert!(warnings(&answer).contains(words), "{answer:#}");
    }
}

#[tokio::test]
async fn while_s3_fails_awscurrent_stays_and_the_next_try_goes_through() {
    for (fault, error_type, words) in [
        (Fault::Denied, "RefusedPermission", "s3:PutObject"),
        (Fault::error("NoSuchBucket", 404, "The specified bucket does not exist"), "RefusedSetting", "no bucket"),
        (Fault::error("InternalError", 500, "We encountered an internal error."), "FailedAws", "InternalError"),
    ] {
        let stage = ring("ES256").await;
        stage.rotate().await;
        let (current, before) = (stage.aws.holder(&stage.arn, "AWSCURRENT"), object(&stage));
        stage.aws.fault(Rule::on("PutObject", fault));
        let token = stage.created().await;
        let message = stage.error("setSecret", &token, error_type).await;
        assert!(message.contains(words) && message.contains(BUCKET), "{message}");
        assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), current);
        assert_eq!(object(&stage), before);
        stage.aws.clear_faults();
        let resumed = stage.driver.resume(&stage.arn).await.unwrap();
        assert!(resumed.succeeded() && resumed.failures().is_empty() && resumed.token == token, "{resumed:#?}");
        stage.assert_finished(&token);
        assert_eq!(published(&stage).len(), 3);
    }
}

#[tokio::test]
async fn a_rotation_without_its_bucket_stops_in_set_secret_and_goes_on_once_there_is_one() {
    let tags = [("keyroll:token-lifetime", "0"), ("keyroll:copies", "s3://auth-keys/jwks.json")];
    let stage = Stage::with("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#, &tags).await;
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT");
    let rotation = stage.try_rotate(Options { attempts: 2, ..Options::default() }).await;
    assert_eq!(rotation.steps(), ["createSecret", "setSecret", "createSecret", "setSecret"]);
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), current);
    stage.aws.create_bucket(BUCKET);
    let resumed = stage.driver.resume(&stage.arn).await.unwrap();
    assert!(resumed.succeeded() && resumed.failures().is_empty(), "{resumed:#?}");
    stage.assert_finished(&rotation.token);
}

#[tokio::test]
async fn two_places_get_the_same_and_one_that_fails_is_told_by_its_name() {
    let stage = ring("ES256").await;
    stage.tag("keyroll:copies-2", "s3://other-keys/keys.json");
    let token = stage.created().await;
    assert_says(&stage.error("setSecret", &token, "RefusedSetting").await, &["other-keys"]);
    stage.aws.create_bucket("other-keys");
    stage.goes_on(&token).await;
    stage.assert_finished(&token);
    assert_eq!(stage.aws.object("other-keys", "keys.json").unwrap().body, object(&stage).body);
}

#[tokio::test]
async fn a_dry_run_names_the_place_and_what_it_could_not_check() {
    let stage = ring("ES256").await;
    stage.rotate().await;
    let report = dry_run(&stage).await;
    assert_eq!((report["verdict"].as_str(), reasons(&report)), (Some("wouldSucceed"), String::new()), "{report:#}");
    assert!(report["steps"][1]["plan"].to_string().contains(&format!("s3://{BUCKET}/{KEY}")), "{report:#}");
    assert!(report["notChecked"].to_string().contains("s3:PutObject"), "{report:#}");
}

#[tokio::test]
async fn a_late_duplicate_of_set_secret_changes_no_object() {
    for stage in [ring("ES256").await, document().await] {
        let first = stage.rotate().await.token;
        let puts = object(&stage);
        stage.answer("setSecret", &first).await;
        assert_eq!(object(&stage), puts, "of the rotation that has just ended");
        stage.rotate().await;
        let puts = object(&stage);
        stage.step("setSecret", &first).await;
        assert_eq!(object(&stage), puts, "of the one before");
        // While the next one is under way, too.
        let third = stage.stage();
        for step in ["createSecret", "setSecret"] {
            stage.answer(step, &third).await;
        }
        let puts = object(&stage);
        stage.error("setSecret", &first, "RefusedVersion").await;
        assert_eq!(object(&stage), puts);
    }
}

#[tokio::test]
async fn setting_it_twice_puts_the_same_again() {
    let stage = document().await;
    stage.rotate().await;
    let token = stage.created().await;
    stage.answer("setSecret", &token).await;
    let once = object(&stage).body;
    stage.function.cold().await;
    stage.answer("setSecret", &token).await;
    assert_eq!(object(&stage).body, once);
}

#[tokio::test]
async fn a_ring_that_changes_its_algorithm_publishes_only_keys_with_public_halves() {
    let stage = Stage::start("jwt-keyring", r#"{"alg":"HS256","keys":[]}"#).await;
    stage.rotate().await;
    let mut ring = stage.json("AWSCURRENT");
    ring["alg"] = json!("RS256");
    stage.overwrite("AWSCURRENT", &ring.to_string());
    stage.tag("keyroll:copies", &format!("s3://{BUCKET}/{KEY}"));
    stage.aws.create_bucket(BUCKET);
    for expected in 1..=3 {
        stage.rotate().await;
        assert_eq!(published(&stage).len(), expected);
    }
}

#[tokio::test]
async fn revoke_without_s3_replaces_the_keys_and_reconcile_publishes_them() {
    let stage = ring("ES256").await;
    stage.rotate().await;
    let current = stage.aws.holder(&stage.arn, "AWSCURRENT");
    stage.aws.fault(Rule::on("PutObject", Fault::Denied));
    let message = stage.action_error("Revoke", "FailedRollout").await;
    assert!(message.contains("s3:PutObject") && message.contains("Reconcile"), "{message}");
    let replaced = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    assert_ne!(Some(&replaced), current.as_ref());
    stage.aws.clear_faults();
    stage.settle();
    stage.action("Reconcile").await;
    stage.assert_finished(&replaced);
    let (keys, ring) = (published(&stage), stage.json("AWSCURRENT"));
    let members = ring["keys"].as_array().unwrap();
    assert_eq!(kids(&keys), kids(members));
}
