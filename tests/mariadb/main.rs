//! The built `bootstrap` with accounts of a MariaDB, driven as Lambda and Secrets Manager drive it: real events over the
//! Runtime API, the real SDK against a faithful Secrets Manager and ECS, a real server with TLS and every statement logged.
//! One account alone, one that has two passwords at once (`overlap`), and two that take turns (`pair`, `alternating`).
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output, in an answer or in the
//! server's log.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what must not happen ends the test")]
#![expect(unreachable_pub, reason = "modules of one test program")]

mod alone;
mod alternating;
mod budgets;
mod clients;
mod crashes;
mod deputies;
mod drivers;
mod guessed;
mod locked_out;
mod locks;
mod logs;
mod names;
mod overlap;
mod overlap_foreign;
mod overlap_heals;
mod overlap_repeats;
mod pair_aws;
mod pair_budgets;
mod pair_deputies;
mod pair_hosts;
mod pair_kept;
mod pair_recipe;
mod pair_retire_revoke;
mod pair_rights;
mod quoted;
mod replicas;
mod retire_revoke;
mod revoke_crashes;
mod rows;
mod sequences;
mod statements;
mod statements_pair;
mod validators;
