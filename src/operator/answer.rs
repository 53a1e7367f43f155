//! What an event is answered with.

use serde::Serialize;

use super::dry_run::DryRun;
use super::reconcile::Reconciled;
use super::status::Status;
use crate::api::Report;

/// What an event is answered with.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a step, or to an action on one secret.
    Report(Report),
    /// To `Status`.
    Status(Status),
    /// To `DryRun`.
    DryRun(DryRun),
    /// To `Reconcile` for all secrets.
    Reconciled(Reconciled),
}

impl Answer {
    pub(crate) fn log(&self) {
        match self {
            Self::Report(report) => report.log(),
            Self::Status(status) => {
                tracing::info!(secret = status.secret_arn, step = "Status", left = status.left.join("; "), "done");
            }
            Self::DryRun(told) => told.log(),
            // Each secret has told its own.
            Self::Reconciled(all) => tracing::info!(
                step = "Reconcile",
                secrets = all.secrets.len(),
                warnings = all.warnings.join("; "),
                "done"
            ),
        }
    }
}
