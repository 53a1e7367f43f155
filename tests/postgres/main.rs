//! The built `bootstrap` with accounts of a PostgreSQL, driven as Lambda and Secrets Manager drive it: real events over the
//! Runtime API, the real SDK against a faithful Secrets Manager and ECS, a real server with TLS and every statement logged.
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output, in an answer or in the
//! server's log.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what must not happen ends the test")]
#![expect(unreachable_pub, reason = "modules of one test program")]

mod administrator;
mod alternating;
mod alternating_crashes;
mod alternating_statements;
mod budgets;
mod clusters;
mod crashes;
mod deputies;
mod good_path;
mod lag;
mod lock_outs;
mod overlaps;
mod parity;
mod partner_kept;
mod partner_names;
mod partner_owned;
mod partner_rights;
mod partner_roles;
mod partner_settings;
mod pooler;
mod quoting;
mod recipe;
mod replicas;
mod retire;
mod revoke;
mod revoke_crashes;
mod revoke_races;
mod sequences;
mod statements;
