//! What every change of an account keeps to: the time that it needs, and how often it is tried.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// What changing a password may take: the server's own limit for the statement is one second less than what is left.
pub(in crate::rotation) const ENOUGH: Duration = Duration::from_secs(3);
/// How often a change that met another one is begun again, after a pause that doubles each time.
pub(in crate::rotation) const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The pause before an attempt to change an account.
pub(in crate::rotation) async fn pause(attempt: u32) {
    if let Some(doublings) = attempt.checked_sub(1) {
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(doublings)).await;
    }
}

/// The error where every attempt met somebody else's.
pub(in crate::rotation) fn in_the_way(account: &str) -> Error {
    Error::new(
        ErrorKind::FailedDatabase,
        format!("{ATTEMPTS} attempts to change {account:?} met other changes of the same account"),
        "find out what else alters this account, and run the step again; nothing was changed",
    )
}
