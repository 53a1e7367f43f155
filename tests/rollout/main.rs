//! What comes after the move of AWSCURRENT: which services depend on a secret, and how they are redeployed. The built
//! `bootstrap`, driven as Lambda drives it, against a faithful Secrets Manager and ECS.
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output, in an answer or in the
//! server's log.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, reason = "in a test, what must not happen ends the test")]

mod discovery;
mod gaps;
mod hazards;
mod leftovers;
mod mismatched;
mod rollbacks;
mod search;
mod services;
mod side_by_side;
