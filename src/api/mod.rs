//! What comes in and what goes out: events, and the reports that answer them.

mod action;
pub mod event;
mod report;
#[cfg(test)]
pub(crate) mod sample;
mod service;

pub use action::ActionName;
pub(crate) use report::listed;
pub use report::{Doing, Report};
pub use service::{ServiceName, ServiceReport, Verdict, batches, short};
