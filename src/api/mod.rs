//! What comes in and what goes out: events, and what answers them. Plain data that is both written and read, so that the
//! function and its callers share the types.

mod action;
mod answer;
mod dry_run;
pub mod event;
mod reconciled;
mod report;
mod rotation;
#[cfg(test)]
pub(crate) mod sample;
mod service;
mod status;

pub use action::ActionName;
pub use answer::Answer;
pub use dry_run::{DryRun, Forecast, PlannedStep, Reason};
pub use reconciled::Reconciled;
pub(crate) use report::listed;
pub use report::{Doing, Report};
pub use rotation::{ConfiguredRotation, RotationRules};
pub use service::{ServiceName, ServiceReport, Verdict, batches, short};
pub use status::{ServiceStatus, Status, VersionStatus};
