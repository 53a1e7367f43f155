//! What an operator or the schedule asks for: `Status`, `DryRun`, `Redeploy` and `Reconcile`. The built `bootstrap`, driven as
//! Lambda drives it. `Retire` and `Revoke` are of each kind of secret: see `tests/postgres`, `tests/mariadb` and `tests/keys`.
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output, in an answer or in the
//! server's log.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what must not happen ends the test")]
#![expect(unreachable_pub, reason = "modules of one test program")]

mod dry_run;
mod dry_run_halfway;
mod dry_run_pair;
mod foretold;
mod reconcile;
mod reconcile_many;
mod redeploy;
mod status;
mod status_left;
