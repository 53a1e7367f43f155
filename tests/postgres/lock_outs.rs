//! The window of single user. One account has one password, so between its change and the move of AWSCURRENT whoever
//! logs in with AWSCURRENT is turned away, and whoever keeps an old value is until it takes the new one. Nothing but the
//! window's length can be better or worse; these tests measure it and hold that nobody else is turned away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::RotationOutcome;
use rehearsal::postgres::{PostgresOptions, literal};
use serde_json::json;
use support::clients::seen::{Attempt, Client, Seen};
use support::clients::{Clients, now};
use support::stage::{ACCOUNT, Stage};
use support::told::told;

/// A stage whose server remembers when a transaction was committed.
async fn stage() -> Stage {
    let settings = vec![("track_commit_timestamp".to_owned(), "on".to_owned())];
    Stage::with(&PostgresOptions { settings, ..PostgresOptions::default() }, ACCOUNT, &json!({})).await
}

/// When the account's password was changed, since 1970, to the microsecond.
fn changed(stage: &Stage) -> Duration {
    let committed = "round(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint";
    let account = literal(ACCOUNT);
    let row = stage.postgres().sql(&format!("SELECT {committed} FROM pg_authid WHERE rolname = {account}")).unwrap();
    Duration::from_micros(row.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn single_user_turns_away_the_old_password_and_nobody_else() {
    let stage = Arc::new(stage().await);
    let mut changes = Vec::new();
    let after = |rotation: &RotationOutcome| {
        stage.assert_finished(&rotation.token);
        changes.push(changed(&stage));
    };
    let seen = Clients::through(&stage, 3, after).await;
    seen.tell();
    let windows: Vec<_> =
        seen.turns.iter().zip(&changes).map(|(turn, changed)| turn.moved.checked_sub(*changed).unwrap()).collect();
    told(&format!("from the change of the password to the move of AWSCURRENT: {windows:.0?}"));
    assert_only_the_old_password_failed(&seen, &changes);
    assert_the_old_password_failed_until_it_was_replaced(&seen);
}

/// A login fails only with the value that a rotation has replaced or is about to, and only once the password is changed.
/// So whoever reads the secret after the move gets in, as does a task that is replaced.
fn assert_only_the_old_password_failed(seen: &Seen, changes: &[Duration]) {
    for failed in seen.failures() {
        assert_eq!(failed.refused.as_deref(), Some("28P01"), "{failed:?}");
        let turn = seen.turns.iter().position(|turn| turn.replaced == failed.version);
        let turn = turn.unwrap_or_else(|| panic!("the last value fails: {failed:?}"));
        assert!(failed.answered >= changes[turn] && failed.read <= seen.turns[turn].moved, "{failed:?}");
    }
}

/// Once setSecret has been answered the old value lets nobody in; tasks have it for as long as they take to restart.
fn assert_the_old_password_failed_until_it_was_replaced(seen: &Seen) {
    for turn in &seen.turns {
        let old = |attempt: &&Attempt| attempt.version == turn.replaced && attempt.begun > turn.set.1;
        let late: Vec<_> = seen.attempts.iter().filter(old).collect();
        assert!(late.iter().all(|attempt| attempt.refused.is_some()), "the old password still works: {turn:?}");
        assert!(late.iter().any(|attempt| attempt.client == Client::Task), "no task was watched: {turn:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn single_user_locks_the_fresh_reader_out_between_the_change_and_the_move() {
    let stage = stage().await;
    stage.rotate().await;
    let moved = Arc::new(Mutex::new(Duration::ZERO));
    let noted = Arc::clone(&moved);
    let noted = Fault::after(move || *noted.lock().unwrap() = now());
    stage.aws.fault(Rule::on("UpdateSecretVersionStage", noted).about("AWSCURRENT"));
    let mut windows = Vec::new();
    for _ in 0..9 {
        let begun = now();
        stage.rotate().await;
        let (changed, moved) = (changed(&stage), *moved.lock().unwrap());
        assert!(begun < changed, "another change is looked at");
        windows.push(moved.checked_sub(changed).unwrap());
    }
    windows.sort_unstable();
    let [least, .., most] = &windows[..] else { panic!("{windows:?}") };
    told(&format!("locked out for {least:.1?} to {most:.1?}, median {:.1?}", windows[windows.len() / 2]));
}
