//! What two accounts that take turns are for: the one that a rotation leaves behind goes on working until the next one, so
//! that nobody is turned away, however long it takes to notice the new value. The same clients as in [`crate::lock_outs`],
//! where one account has to do.

use std::sync::Arc;

use rehearsal::driver::RotationOutcome;
use support::clients::Clients;
use support::clients::seen::{CLIENTS, ENOUGH, assert_the_old_value_was_used_to_the_end};
use support::pair;

#[tokio::test(flavor = "multi_thread")]
async fn alternating_users_turn_nobody_away() {
    let stage = Arc::new(pair::stage().await);
    let after = |rotation: &RotationOutcome| {
        stage.assert_finished(&rotation.token);
        pair::assert_alike(&stage);
    };
    let seen = Clients::through(&stage, 3, after).await;
    seen.tell();
    assert!(seen.failures().is_empty(), "{:#?}", seen.failures());
    for client in CLIENTS {
        assert!(seen.logins(client) > ENOUGH, "{client:?} was hardly there");
    }
    assert_the_old_value_was_used_to_the_end(&seen);
}
