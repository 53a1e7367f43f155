//! The function dies, or is cut off, at everything it says to the database server: every login and every statement, before
//! the server hears it or after it has done it. Secrets Manager retries. The rotation always ends finished, and at every
//! moment some stored version logs in.

use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::estate;
use support::relay::{Relay, When};
use support::statements::{Undisturbed, sweep};
use support::theatre::Theatre;

use crate::administrator;

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_statement_a_rotation_through_the_administrator_ends_finished() {
    through_the_administrator(When::Before, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_a_rotation_through_the_administrator_ends_finished() {
    through_the_administrator(When::After, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_statement_a_rotation_through_the_administrator_ends_finished() {
    through_the_administrator(When::Before, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_a_rotation_through_the_administrator_ends_finished() {
    through_the_administrator(When::After, false).await;
}

async fn through_the_administrator(when: When, kills: bool) {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = estate::with(&options, &json!({"ssl": false})).await;
    let relay = Relay::start(stage.postgres().port());
    stage.edit_current(&json!({"port": relay.port()}));
    administrator::appoint(&stage, "CREATEROLE");
    let theatre = Theatre::open(stage).await.watched();
    let swept = sweep(&theatre, &relay, (when, kills), &Undisturbed).await;
    let all: Vec<&str> = swept.said.values().flatten().map(String::as_str).collect();
    let words =
        ["a login", "a login", "SELECT", "BEGIN", "ALTER ROLE", "COMMIT", "a login", "SELECT", "a login", "SELECT"];
    let as_expected = all.len() == words.len() && all.iter().zip(words).all(|(said, word)| said.contains(word));
    assert!(as_expected, "{all:#?}");
    theatre.close(&format!("{} rotations struck, each at another statement", swept.struck));
}
