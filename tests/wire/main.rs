//! Discovery and rollout with the real SDK over a model of AWS at the wire, for what no emulator shows: AWS's rates,
//! throttling, thousands of services, pages, answers that are lost or make no sense.
//!
//! Time is tokio's and stands still while anything runs, so that a minute of throttling takes no time.
#![expect(clippy::disallowed_methods, reason = "tests have a clock of their own")]
#![expect(clippy::unwrap_used, reason = "in a test, what must not happen ends the test")]
#![expect(unreachable_pub, reason = "modules of one test program")]

mod aws;
mod many;
mod redeploys;
mod shapes;
mod stage;
mod throttled;
mod world;
