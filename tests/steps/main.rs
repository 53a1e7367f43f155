//! The steps of a rotation, whatever the secret is: which events, values, tags and worlds are refused, what comes twice or
//! late, and what cannot be reached. Where a server is needed, it is a PostgreSQL.
//!
//! Whatever a test is about, its stage fails it if a secret value shows up in the function's output, in an answer or in the
//! server's log.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, reason = "in a test, what must not happen ends the test")]

mod events;
mod guards;
mod min_age;
mod preflight;
mod refusals;
mod repeats;
mod shapes;
mod unreachable;
