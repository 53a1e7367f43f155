//! Crashes of `Revoke`: the function dies before or after any of its calls, and Revoke is asked for again. A stored version
//! logs in at every moment, and in the end nothing old is left.

use support::pair::{self, PARTNER};
use support::revokes::sweep;
use support::stage::{ACCOUNT, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_with_one_account_the_next_revoke_ends_everything_old() {
    sweep(Stage::start().await, &[ACCOUNT], &[false, true], |_| ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_with_two_accounts_the_next_revoke_ends_everything_old() {
    sweep(pair::stage().await, &[ACCOUNT, PARTNER], &[false, true], |_| ()).await;
}
