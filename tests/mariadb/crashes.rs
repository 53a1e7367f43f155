//! Crashes of rotations of MariaDB. The function dies, an answer is lost, or a refusal, at every call to AWS. The rotation
//! always ends finished, as with PostgreSQL; the account has the two passwords that it should have, or the two
//! accounts are alike; and at every look AWSCURRENT let somebody in.
//!
//! Where a rotation says the same to AWS as one of PostgreSQL, from the move on, its `crashes` have the rest of it:
//! here only what is near the password is struck at in every way.

use rehearsal::soak::Way;
use support::blow::{Blow, is_the_move};
use support::maria::{self, PARTNER};
use support::stage::{ACCOUNT, Stage};
use support::theatre::{After, BLOWS, Scope, Theatre};
use support::{estate, pair};

use crate::alternating::shown;
use crate::overlap::{BOTH, rules};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_up_to_the_move_a_rotation_of_two_passwords_ends_finished() {
    overlap_up_to_the_move(&BLOWS[..2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_any_call_up_to_the_move_a_rotation_of_two_passwords_ends_finished() {
    overlap_up_to_the_move(&BLOWS[2..4]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_up_to_the_move_a_rotation_of_two_passwords_ends_finished() {
    overlap_up_to_the_move(&BLOWS[4..]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_from_the_move_on_a_rotation_of_two_passwords_ends_finished() {
    let theatre = open(maria::overlapping().await).await;
    let mut runs = 0;
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    // The move itself in every way, and who comes after it; the rest of the rollout by turns.
    for (number, nth) in (moved..calls.len()).enumerate() {
        for (turn, blow) in BLOWS.into_iter().enumerate() {
            if number == 0 || (number + turn).is_multiple_of(BLOWS.len()) {
                for after in [After::Retry, After::Reconcile(Scope::of(nth))] {
                    theatre.rotation(&calls, nth, blow, after).await;
                    assert_two_passwords(&theatre.stage);
                    runs += 1;
                }
            }
        }
    }
    theatre.close(&format!("{runs} rotations"));
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_up_to_the_move_a_rotation_to_the_partner_ends_finished() {
    pair_up_to_the_move(ACCOUNT, [Blow::KilledAfterTheCall, Blow::AnswerLost]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_up_to_the_move_a_rotation_back_to_the_base_ends_finished() {
    pair_up_to_the_move(PARTNER, [Blow::KilledAfterTheCall, Blow::Refused]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_between_the_password_and_the_move_an_account_by_itself_ends_finished() {
    let theatre = open(maria::stage().await).await;
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    // From the read under the lock on.
    let stored = calls.iter().position(|call| call.operation == "PutSecretValue").unwrap();
    let mut runs = 0;
    for nth in stored..=moved {
        for blow in [Blow::KilledAfterTheCall, Blow::AnswerLost] {
            theatre.rotation(&calls, nth, blow, After::Retry).await;
            assert_eq!(rules(&theatre.stage, "%"), "BY PASSWORD 'AWSCURRENT'");
            runs += 1;
        }
    }
    theatre.close(&format!("{runs} rotations"));
}

async fn overlap_up_to_the_move(blows: &[Blow]) {
    let theatre = open(maria::overlapping().await).await;
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    let mut runs = 0;
    for nth in 0..moved {
        for blow in blows.iter().filter(|blow| blow.way(&BLOWS).strikes(nth)) {
            theatre.rotation(&calls, nth, *blow, After::Retry).await;
            assert_two_passwords(&theatre.stage);
            runs += 1;
        }
    }
    theatre.close(&format!("{runs} rotations over {moved} calls"));
}

/// Killed after it, and in one direction without its answer, in the other one refused: the rest is left to the rotations of
/// two passwords.
async fn pair_up_to_the_move(current: &str, blows: [Blow; 2]) {
    let theatre = open(maria::alternating().await).await;
    begin(&theatre, current);
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    let mut runs = 0;
    for nth in 0..=moved {
        for (number, blow) in blows.into_iter().enumerate() {
            if nth != moved && !(Way { number, of: blows.len() }).strikes(nth) {
                continue;
            }
            begin(&theatre, current);
            theatre.rotation(&calls, nth, blow, After::Retry).await;
            assert_eq!(shown(&theatre.stage, PARTNER, "%"), shown(&theatre.stage, ACCOUNT, "%"));
            runs += 1;
        }
    }
    theatre.close(&format!("{runs} rotations from {current}"));
}

async fn open(stage: Stage) -> Theatre {
    Theatre::open(estate::on(stage)).await.watched()
}

fn assert_two_passwords(stage: &Stage) {
    assert_eq!(rules(stage, "%"), BOTH);
}

/// Has this account under AWSCURRENT, the other one under AWSPREVIOUS.
fn begin(theatre: &Theatre, current: &str) {
    if pair::account(&theatre.stage, "AWSCURRENT") != current {
        pair::turn_back(&theatre.stage);
    }
}
