//! Crashes of rotations of two accounts that take turns. The function dies, an answer is lost, or a refusal, at every call to
//! AWS, those with which createSecret looks at containers among them. The rotation always ends finished, as in
//! [`crate::crashes`]; and the two accounts are in step, the one before still works.

use crate::crashes::is_the_move;
use crate::estate;
use crate::pair::{self, PARTNER};
use crate::support::ACCOUNT;
use crate::theatre::{After, Blow, Scope, Theatre};

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, Blow::KilledBeforeTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, Blow::KilledBeforeTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, Blow::KilledAfterTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, Blow::KilledAfterTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_answer_to_any_call_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, Blow::AnswerLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_answer_to_any_call_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, Blow::AnswerLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_call_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, Blow::ConnectionReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_call_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, Blow::ConnectionReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, Blow::Refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, Blow::Refused).await;
}

/// Strikes once at every call of the rotations that begin with this account under AWSCURRENT.
async fn from(current: &str, blow: Blow) {
    let stage = estate::stage().await;
    pair::appoint(&stage, ACCOUNT);
    let theatre = Theatre::open(stage).await.watched();
    begin(&theatre, current);
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    let mut runs = 0;
    for nth in 0..calls.len() {
        begin(&theatre, current);
        theatre.rotation(&calls, nth, blow, After::Retry).await;
        pair::assert_alike(&theatre.stage);
        runs += 1;
        // What comes after the move is the same whosever turn it is.
        if nth >= moved && current == ACCOUNT {
            begin(&theatre, current);
            theatre.rotation(&calls, nth, blow, After::Reconcile(Scope::of(nth))).await;
            pair::assert_alike(&theatre.stage);
            runs += 1;
        }
    }
    theatre.close(&format!("{runs} rotations from {current} over {} calls", calls.len()));
}

/// Has this account under AWSCURRENT, the other one under AWSPREVIOUS.
fn begin(theatre: &Theatre, current: &str) {
    if pair::account(&theatre.stage, "AWSCURRENT") != current {
        pair::turn_back(&theatre.stage);
    }
}
