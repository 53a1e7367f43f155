//! Crashes. The function dies, an answer is lost, or a refusal, at every call it makes (discovery and the rollout with
//! them) and at the statement that counts. Secrets Manager retries, or nobody calls but the schedule's Reconcile, to which
//! the same happens. The rotation always ends finished: a stored version logs in at every moment, and every dependent was
//! redeployed, once.

use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::blow::{Blow, CUTS, is_the_move, persistent};
use support::estate;
use support::relay::{At, Relay, Strike, When};
use support::theatre::{After, BLOWS, Scope, Theatre};
use support::told::Shown;

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(Blow::KilledBeforeTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(Blow::KilledAfterTheCall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_answer_to_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(Blow::AnswerLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(Blow::ConnectionReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_a_rotation_ends_finished_and_locks_nobody_out() {
    sweep(Blow::Refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_a_reconcile_is_finished_by_the_next() {
    sweep_reconcile(&[Blow::KilledBeforeTheCall, Blow::KilledAfterTheCall]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_any_call_a_reconcile_does_all_the_same() {
    sweep_reconcile(&CUTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_any_call_a_reconcile_is_finished_by_the_next() {
    sweep_reconcile(&[Blow::Refused]).await;
}

async fn sweep(blow: Blow) {
    let theatre = Theatre::open(estate::stage().await).await.watched();
    let calls = theatre.calls_of_a_rotation().await;
    let moved = calls.iter().position(is_the_move).unwrap();
    let mut runs = 0;
    for nth in blow.struck(&BLOWS, calls.len(), moved) {
        theatre.rotation(&calls, nth, blow, After::Retry).await;
        runs += 1;
        // Before the label moves, Secrets Manager retries in any case.
        if nth >= moved {
            theatre.rotation(&calls, nth, blow, After::Reconcile(Scope::of(nth))).await;
            runs += 1;
        }
    }
    theatre.close(&format!("{runs} rotations over {} calls", calls.len()));
}

/// Nothing here comes near the database but the rotations before, so that the looks at each blow are enough.
async fn sweep_reconcile(blows: &[Blow]) {
    let theatre = Theatre::open(estate::stage().await).await;
    let mut runs = 0;
    for scope in [Scope::ThisSecret, Scope::EverySecret] {
        let calls = theatre.calls_of_a_reconcile(scope).await;
        for (nth, call) in calls.iter().enumerate() {
            for blow in blows.iter().filter(|blow| blow.way(&BLOWS).strikes(nth)) {
                theatre.reconcile(nth, call, *blow, scope).await;
                runs += 1;
            }
        }
    }
    theatre.close(&format!("{runs} reconciles"));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_or_cut_off_at_the_change_of_the_password_a_rotation_ends_finished() {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = estate::with(&options, &json!({"ssl": false})).await;
    let relay = Relay::start(stage.postgres().port());
    stage.edit_current(&json!({"port": relay.port()}));
    let theatre = Theatre::open(stage).await.watched();
    let mut runs = 0;
    for statement in ["ALTER ROLE", "COMMIT"] {
        for when in [When::Before, When::After] {
            for kills in [true, false] {
                let _shown = Shown(format!("{statement}, {when:?}, kills: {kills}"));
                let hook = theatre.blow(kills);
                theatre.set();
                relay.arm(Strike { at: At::Text(statement), when, hook });
                let rotation = theatre.stage.try_rotate(persistent()).await;
                assert!(!relay.is_armed(), "the statement never came");
                assert!(rotation.succeeded() && rotation.failures().len() == 1, "{rotation:#?}");
                theatre.assert_finished(&rotation);
                runs += 1;
            }
        }
    }
    theatre.close(&format!("{runs} rotations cut off at the statement"));
}
