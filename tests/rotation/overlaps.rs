//! What two accounts that take turns are for: the one that a rotation leaves behind goes on working until the next one, so
//! that nobody is turned away, however long it takes to notice the new value. The same clients as in [`crate::lock_outs`],
//! where one account has to do.

use std::sync::Arc;

use rehearsal::driver::RotationOutcome;

use crate::clients::Clients;
use crate::clients::seen::{CLIENTS, Client, Seen, When};
use crate::pair;
use crate::witness::told;

/// More than anybody needs who only looks whether it works.
pub const ENOUGH: usize = 30;

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

/// That nobody failed shows nothing unless somebody tried: in each rotation, values were used after another had replaced
/// them, and logins were made while setSecret was at work.
pub fn assert_the_old_value_was_used_to_the_end(seen: &Seen) {
    for (number, turn) in seen.turns.iter().enumerate() {
        let late = |client: Client| {
            let of = seen.attempts.iter().filter(|it| it.client == client && it.version == turn.replaced);
            of.filter(|it| turn.when(it) == When::AfterTheMove).count()
        };
        let during = seen.attempts.iter().filter(|it| turn.when(it) == When::DuringSetSecret).count();
        let [caching, tasks] = [Client::Caching, Client::Task].map(late);
        told(&format!(
            "rotation {}: {during} logins during setSecret; with the value before, after the move: {caching} by the caching \
             reader, {tasks} by tasks",
            number + 1
        ));
        assert!(during > 0 && tasks > 0, "nobody was watched");
    }
}
