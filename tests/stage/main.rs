//! The stage itself, which all other tests believe: the leak check finds leaks, the witness notices lock-outs, the relay
//! passes everything on and breaks in where it is told to.
#![expect(clippy::unwrap_used, reason = "in a test, what must not happen ends the test")]

mod door;
mod leaks;
mod maria;
mod relay;
mod servers;
mod witness;
