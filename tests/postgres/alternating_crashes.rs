//! Crashes of rotations of two accounts that take turns. The function dies, an answer is lost, or a refusal, at every call to
//! AWS, those with which createSecret looks at containers among them. The rotation always ends finished, as in
//! [`crate::crashes`]; and the two accounts are in step, the one before still works.

use support::blow::{Blow, is_the_move};
use support::estate;
use support::pair::{self, PARTNER};
use support::stage::ACCOUNT;
use support::theatre::{After, BLOWS, Scope, Theatre};

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_up_to_the_move_a_rotation_to_the_partner_ends_finished() {
    up_to_the_move(ACCOUNT, Blow::KilledBeforeTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_up_to_the_move_a_rotation_back_to_the_base_ends_finished() {
    up_to_the_move(PARTNER, Blow::KilledBeforeTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_from_the_move_on_a_rotation_of_two_accounts_ends_finished() {
    from_the_move_on(Blow::KilledBeforeTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_up_to_the_move_a_rotation_to_the_partner_ends_finished() {
    up_to_the_move(ACCOUNT, Blow::KilledAfterTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_up_to_the_move_a_rotation_back_to_the_base_ends_finished() {
    up_to_the_move(PARTNER, Blow::KilledAfterTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_from_the_move_on_a_rotation_of_two_accounts_ends_finished() {
    from_the_move_on(Blow::KilledAfterTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_answer_up_to_the_move_a_rotation_to_the_partner_ends_finished() {
    up_to_the_move(ACCOUNT, Blow::AnswerLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_answer_up_to_the_move_a_rotation_back_to_the_base_ends_finished() {
    up_to_the_move(PARTNER, Blow::AnswerLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_answer_from_the_move_on_two_accounts_end_finished() {
    from_the_move_on(Blow::AnswerLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_call_up_to_the_move_a_rotation_to_the_partner_ends_finished() {
    up_to_the_move(ACCOUNT, Blow::ConnectionReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_call_up_to_the_move_a_rotation_back_to_the_base_ends_finished() {
    up_to_the_move(PARTNER, Blow::ConnectionReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_call_from_the_move_on_two_accounts_end_finished() {
    from_the_move_on(Blow::ConnectionReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_up_to_the_move_a_rotation_to_the_partner_ends_finished() {
    up_to_the_move(ACCOUNT, Blow::Refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_up_to_the_move_a_rotation_back_to_the_base_ends_finished() {
    up_to_the_move(PARTNER, Blow::Refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_from_the_move_on_a_rotation_of_two_accounts_ends_finished() {
    from_the_move_on(Blow::Refused).await;
}

/// Strikes once at every call before the move of AWSCURRENT, in rotations that begin with this account under it.
async fn up_to_the_move(current: &str, blow: Blow) {
    let theatre = open().await;
    begin(&theatre, current);
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    let mut runs = 0;
    for nth in blow.struck(&BLOWS, moved, moved) {
        begin(&theatre, current);
        theatre.rotation(&calls, nth, blow, After::Retry).await;
        pair::assert_alike(&theatre.stage);
        runs += 1;
    }
    theatre.close(&format!("{runs} rotations from {current} over {moved} calls"));
}

/// Strikes twice at every other call, which are the same whosever turn it is: once Secrets Manager retries, and once only
/// the schedule comes by.
async fn from_the_move_on(blow: Blow) {
    let theatre = open().await;
    let mut runs = 0;
    for (current, reconciles) in [(ACCOUNT, false), (PARTNER, true)] {
        begin(&theatre, current);
        let calls = theatre.calls_of_a_rotation().await;
        let moved = calls.iter().position(is_the_move).unwrap();
        for nth in blow.struck(&BLOWS, calls.len(), moved).filter(|nth| *nth >= moved) {
            begin(&theatre, current);
            let after = if reconciles { After::Reconcile(Scope::of(nth)) } else { After::Retry };
            theatre.rotation(&calls, nth, blow, after).await;
            pair::assert_alike(&theatre.stage);
            runs += 1;
        }
    }
    theatre.close(&format!("{runs} rotations"));
}

async fn open() -> Theatre {
    let stage = estate::stage().await;
    pair::appoint(&stage, ACCOUNT);
    Theatre::open(stage).await.watched()
}

/// Has this account under AWSCURRENT, the other one under AWSPREVIOUS.
fn begin(theatre: &Theatre, current: &str) {
    if pair::account(&theatre.stage, "AWSCURRENT") != current {
        pair::turn_back(&theatre.stage);
    }
}
