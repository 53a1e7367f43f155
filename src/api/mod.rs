//! What comes in and what goes out: events, and the reports that answer them.

pub mod event;
mod report;
mod service;

pub(crate) use report::listed;
pub use report::{Doing, Report};
pub use service::{ServiceName, ServiceReport, Verdict, batches, short};
