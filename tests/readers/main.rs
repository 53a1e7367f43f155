//! The readers in `examples/key-ring`, with the libraries that services use: each signs what all verify, and none takes
//! what it must not. Rings and attacks are made by somebody else, with Node's own cryptography.
#![expect(clippy::disallowed_methods, reason = "tests have a clock and an environment")]
#![expect(clippy::unwrap_used, reason = "in a test, what must not happen ends the test")]

mod conversion;
mod public;
mod refusals;
mod ring;
mod support;
