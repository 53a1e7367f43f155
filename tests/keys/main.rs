//! The built `bootstrap` with secrets that no server holds: signing secrets, key rings, signing keys and tokens. Driven as
//! Lambda and Secrets Manager drive it, against a faithful Secrets Manager, ECS and S3.
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output or in an answer, in any
//! form that a key has.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what must not happen ends the test")]
#![expect(unreachable_pub, reason = "modules of one test program")]

mod bare;
mod budgets;
mod crashes;
mod documents;
mod fleet;
mod forms;
mod good_path;
mod guard;
mod leaks;
mod members;
mod operators;
mod preflight;
mod proof;
mod public;
mod publish;
mod random;
mod refusals;
mod repeats;
mod revoke;
mod revokes;
mod service;
mod stage;
mod structured;
mod table;
mod theatre;
mod unheard;
mod values;
mod verifiers;
mod witness;
