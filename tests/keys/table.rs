//! The state table for keys, cell by cell where a step comes late; and a value that somebody replaced meanwhile.

use rehearsal::driver::STEPS;
use serde_json::json;

use crate::stage::Stage;
use crate::values::hex;

const RING: &str = r#"{"alg":"ES256","keys":[]}"#;

#[tokio::test]
async fn late_steps_of_the_current_version_change_nothing() {
    for (kind, value) in [("jwt", hex(64)), ("jwt-keyring", RING.to_owned()), ("token", hex(64))] {
        let stage = Stage::start(kind, &value).await;
        let token = stage.rotate().await.token;
        let before = stage.aws.snapshot();
        for cold in [false, true] {
            for step in STEPS {
                if cold {
                    stage.function.cold().await;
                }
                let answer = stage.answer(step, &token).await;
                assert_eq!(answer["standing"], "Current", "{answer:#}");
                assert!(stage.aws.snapshot() == before, "{kind}: a late {step} changed something");
            }
        }
    }
}

#[tokio::test]
async fn steps_of_a_superseded_or_unknown_version_are_refused_and_change_nothing() {
    let stage = Stage::start("jwt-keyring", RING).await;
    let first = stage.rotate().await.token;
    stage.rotate().await;
    // AWSPREVIOUS, then without any label, then never heard of.
    for number in 0..3 {
        let token = if number == 2 { rehearsal::aws::random::uuid() } else { first.clone() };
        let before = stage.aws.snapshot();
        for step in STEPS {
            stage.error(step, &token, "RefusedVersion").await;
            assert!(stage.aws.snapshot() == before, "{step} changed something");
        }
        if number == 0 {
            stage.rotate().await;
        }
    }
}

#[tokio::test]
async fn an_empty_pending_version_is_written_by_create_secret_only() {
    let stage = Stage::start("jwt", &hex(64)).await;
    let token = stage.stage();
    let before = stage.aws.snapshot();
    for step in ["setSecret", "finishSecret"] {
        stage.error(step, &token, "RefusedVersion").await;
    }
    // A preflight.
    stage.answer("testSecret", &token).await;
    assert!(stage.aws.snapshot() == before);
    stage.answer("createSecret", &token).await;
    let stored = stage.value("AWSPENDING");
    for _ in 0..2 {
        stage.function.cold().await;
        stage.answer("createSecret", &token).await;
        assert_eq!(stage.value("AWSPENDING"), stored, "the value of a version changed");
    }
}

#[tokio::test]
async fn a_ring_that_was_replaced_by_hand_meanwhile_is_found_out_before_awscurrent_moves() {
    for (from, cold) in [(2, false), (2, true), (3, false), (3, true)] {
        let stage = Stage::start("jwt-keyring", RING).await;
        stage.rotate().await;
        let other = Stage::start("jwt-keyring", RING).await;
        other.rotate().await;
        let foreign = other.value("AWSCURRENT");
        let token = stage.stage();
        for step in &STEPS[..from] {
            stage.answer(step, &token).await;
        }
        let by_hand = stage.aws.put_value(&stage.arn, &foreign, &["AWSCURRENT"]).unwrap();
        // What this process remembers of AWSCURRENT is not what counts in the end.
        if cold {
            stage.function.cold().await;
            for step in &STEPS[from..] {
                stage.error(step, &token, "RefusedChanged").await;
            }
        }
        let message = stage.error("finishSecret", &token, "RefusedChanged").await;
        assert!(message.contains("AWSCURRENT has been replaced"), "{message}");
        assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(by_hand));
        // The remedy it names; and tasks have to read by then what was stored by hand.
        stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
        stage.action("Redeploy").await;
        stage.settle();
        stage.rotate().await;
    }
}

#[tokio::test]
async fn a_pending_value_that_equals_the_current_one_is_refused_where_the_mark_is_ours() {
    for (kind, value) in [("jwt", hex(64)), ("token", hex(64))] {
        let stage = Stage::start(kind, &value).await;
        let token = stage.created().await;
        let pending = stage.value("AWSPENDING");
        stage.aws.put_value(&stage.arn, &pending, &["AWSCURRENT"]).unwrap();
        stage.error("finishSecret", &token, "RefusedChanged").await;
    }
}

#[tokio::test]
async fn a_pending_value_that_is_not_what_it_must_be_never_becomes_current() {
    let past =
        json!({"private_key": "placeholder", "valid_from": "2025-01-01", "valid_until": "2025-01-31"}).to_string();
    for (kind, value) in [("jwt", hex(64)), ("jwt-keyring", RING.to_owned()), ("signing-key", past)] {
        let stage = Stage::start(kind, &value).await;
        stage.rotate().await;
        let token = stage.stage();
        for step in ["createSecret", "setSecret"] {
            stage.answer(step, &token).await;
        }
        let broken = match kind {
            "jwt" => hex(30),
            // A ring whose next key is gone, and a key that was valid long ago.
            "jwt-keyring" => {
                let mut ring = stage.json("AWSPENDING");
                let next = ring.as_object_mut().unwrap().remove("next").unwrap();
                ring["keys"].as_array_mut().unwrap().retain(|key| key["kid"] != next);
                ring.to_string()
            }
            _ => {
                let mut document = stage.json("AWSPENDING");
                document["valid_from"] = json!("2025-01-01");
                document["valid_until"] = json!("2025-01-31");
                document.to_string()
            }
        };
        stage.overwrite("AWSPENDING", &broken);
        let before = stage.aws.snapshot();
        for step in ["testSecret", "finishSecret"] {
            stage.error(step, &token, "RefusedValue").await;
        }
        assert!(stage.aws.snapshot() == before, "{kind}");
    }
}
