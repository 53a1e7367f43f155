//! Crashes. The function dies, an answer is lost, or a call fails, at every call of a rotation. Secrets Manager retries, or
//! nobody calls but the schedule's Reconcile. It always ends finished: one value further, published, every service redeployed
//! once; and at no moment would tasks refuse each other's tokens that did not before.

use support::blow::{Blow, is_the_move};
use tokio::task::JoinSet;

use crate::theatre::{After, Theatre, What};

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_a_rotation_of_a_bare_secret_ends_finished() {
    sweep(What::Bare).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_a_rotation_of_a_token_ends_finished() {
    sweep(What::Token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_a_rotation_of_a_key_ring_ends_finished_and_one_key_further() {
    sweep(What::Ring).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_a_rotation_of_a_signing_key_ends_finished_and_published() {
    sweep(What::Document).await;
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
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    let mut runs = 0;
    for nth in blow.struck(&Blow::ALL, calls.len(), moved) {
        theatre.rotation(&calls, nth, blow, After::Retry).await;
        runs += 1;
        // Before the label moves, Secrets Manager retries in any case.
        if nth >= moved {
            theatre.rotation(&calls, nth, blow, After::Reconcile).await;
            runs += 1;
        }
    }
    theatre.close(&format!("{blow:?}, {runs} rotations over {} calls", calls.len()));
}
