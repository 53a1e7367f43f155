//! Steps in any order, twice, at the same time, of two rotations at once, with an operator's actions and crashes in between:
//! the promises hold at every moment, and the newest rotation can always be finished.

use support::sequences::play;
use support::stage::ACCOUNT;
use support::{estate, pair};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_any_order_the_promises_hold_and_the_newest_can_be_finished() {
    play(estate::stage().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_whatever_order_two_accounts_that_take_turns_keep_the_promises() {
    let stage = estate::stage().await;
    pair::appoint(&stage, ACCOUNT);
    play(stage).await;
}
