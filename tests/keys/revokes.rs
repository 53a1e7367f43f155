//! Crashes of Revoke: struck at any of its calls it is invoked again, and then no key of before is left anywhere: not under
//! AWSCURRENT, nor under AWSPREVIOUS, which services may take beside it, nor among what is published.

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::Options;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};
use support::blow::{Blow, Look as _};
use support::rig::SERVICES;
use support::told::Shown;
use tokio::task::JoinSet;

use crate::theatre::{Theatre, What};
use crate::verifiers::{BUCKET, KEY};
use crate::witness::kids;

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_the_next_revoke_leaves_no_bare_secret_of_before() {
    sweep(What::Bare).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_the_next_revoke_leaves_no_token_of_before() {
    sweep(What::Token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_the_next_revoke_leaves_no_key_of_the_ring_before() {
    sweep(What::Ring).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_the_next_revoke_leaves_no_signing_key_of_before() {
    sweep(What::Document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_way_ends_with_revoke_and_brings_nothing_back() {
    for what in What::ALL {
        let theatre = Theatre::open(what).await;
        let stage = &theatre.stage;
        theatre.witness.revoking();
        for done in 1..=3 {
            let _shown = Shown(format!("{what:?}, {done} steps"));
            let token = stage.stage();
            for step in &rehearsal::driver::STEPS[..done] {
                stage.answer(step, &token).await;
            }
            let old = keys(&theatre);
            stage.action("Revoke").await;
            let revoked = stage.aws.snapshot();
            for step in rehearsal::driver::STEPS {
                stage.error(step, &token, "RefusedVersion").await;
            }
            assert_eq!(stage.aws.snapshot(), revoked);
            assert_revoked(&theatre, &old);
            stage.settle();
        }
        // And the ring, say, moves on as before.
        let before = stage.value("AWSCURRENT");
        let first = stage.try_rotate(Options::default()).await;
        assert!(first.succeeded() && first.failures().is_empty(), "{first:#?}");
        assert_eq!(stage.value("AWSPREVIOUS"), before);
        stage.settle();
        let before = stage.value("AWSCURRENT");
        let second = stage.try_rotate(Options::default()).await;
        theatre.assert_finished(&before, &second.token, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_that_broke_off_before_the_move_stops_rotations_until_repeated() {
    let theatre = Theatre::open(What::Ring).await;
    let stage = &theatre.stage;
    theatre.witness.revoking();
    let (before, old) = (stage.value("AWSCURRENT"), keys(&theatre));
    let kill = stage.function.kill_handle();
    stage.aws.fault(Rule::on("UpdateSecretVersionStage", Fault::before(move || kill.kill())).nth(1));
    assert!(!stage.send(&revoke(&theatre)).await.is_answer());
    stage.aws.clear_faults();
    // Its tasks would refuse all that the new one signs.
    let rotation = stage.driver.resume(&stage.arn).await.unwrap();
    stage.heard(&format!("{:?}", rotation.timeline));
    let Some(Outcome::Error { error_type, message }) = rotation.last("testSecret") else { panic!("{rotation:#?}") };
    assert_eq!(error_type, "RefusedChanged", "{message}");
    assert_eq!(stage.value("AWSCURRENT"), before);
    // In the meantime tokens of the old one are verified again.
    let published = kids(&stage.aws.object(BUCKET, KEY).unwrap().body);
    assert!(kids(&before).iter().all(|kid| published.contains(kid)));
    stage.action("Revoke").await;
    assert_revoked(&theatre, &old);
}

/// Each blow on a stage of its own, all at once: most of the time goes by before a client repeats a call.
async fn sweep(what: What) {
    let mut sweeps = JoinSet::new();
    for blow in Blow::ALL {
        sweeps.spawn(sweep_of(what, blow));
    }
    while let Some(ended) = sweeps.join_next().await {
        ended.unwrap();
    }
}

async fn sweep_of(what: What, blow: Blow) {
    let theatre = Theatre::open(what).await;
    theatre.witness.revoking();
    theatre.set().await;
    theatre.stage.action("Revoke").await;
    let calls: Vec<String> = theatre.stage.aws.function_calls().into_iter().map(|call| call.operation).collect();
    let mut runs = 0;
    for (nth, operation) in calls.iter().enumerate().filter(|(nth, _)| blow.way(&Blow::ALL).strikes(*nth)) {
        let _shown = Shown(format!("{operation} as call {nth}, {blow:?}"));
        theatre.set().await;
        let mut old = keys(&theatre);
        theatre.stage.arm(nth, blow, &theatre.witness);
        let outcome = theatre.stage.send(&revoke(&theatre)).await;
        theatre.stage.disarm(operation);
        theatre.witness.look("after a Revoke that was struck");
        if outcome.is_answer() {
            assert_revoked(&theatre, &old);
        }
        // What the first one has drawn may have been read by whoever reads the secret: it goes, too.
        old.extend(keys(&theatre));
        theatre.stage.action("Revoke").await;
        assert_revoked(&theatre, &old);
        runs += 1;
    }
    theatre.close(&format!("{blow:?}, {runs} revokes over {} calls", calls.len()));
}

fn revoke(theatre: &Theatre) -> Value {
    json!({ "Action": "Revoke", "SecretId": theatre.stage.arn })
}

/// What whoever has read the secret could sign with, under any label, and the names of published keys.
fn keys(theatre: &Theatre) -> Vec<String> {
    let stage = &theatre.stage;
    let labels = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"];
    let texts = labels.iter().filter_map(|label| stage.aws.value_of(&stage.arn, label));
    texts.flat_map(|text| parts(&text)).collect()
}

fn parts(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let string = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(keys) = value["keys"].as_array() {
        return keys.iter().flat_map(|key| [string(&key["d"]), string(&key["kid"])]).flatten().collect();
    }
    let parts: Vec<String> = [&value["private_key"], &value["key_id"]].into_iter().filter_map(string).collect();
    if parts.is_empty() { vec![text.to_owned()] } else { parts }
}

fn assert_revoked(theatre: &Theatre, old: &[String]) {
    let stage = &theatre.stage;
    let [current, previous] = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| parts(&stage.value(label)));
    let left = current.iter().chain(&previous).filter(|part| old.contains(part)).count();
    assert_eq!(left, 0, "so many parts of before are left: {:?}", stage.aws.stages(&stage.arn));
    assert!(current.iter().all(|part| !previous.contains(part)), "AWSPREVIOUS has a part of AWSCURRENT");
    let version = stage.aws.holder(&stage.arn, "AWSCURRENT").unwrap();
    stage.assert_finished(&version);
    if let Some(object) = stage.aws.object(BUCKET, KEY) {
        assert!(old.iter().all(|part| !object.body.contains(part.as_str())), "an old key is published");
    }
    for service in SERVICES {
        assert!(stage.aws.service("prod", service).unwrap().deployments.len() > 1, "{service} was not redeployed");
    }
    theatre.witness.assert_content();
}
