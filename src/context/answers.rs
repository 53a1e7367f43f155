//! Answers as lines of the log.

use crate::api::{Answer, DryRun, Report, listed};

/// Logs an answer.
pub(crate) fn answer(answer: &Answer) {
    match answer {
        Answer::Report(told) => report(told),
        Answer::Status(status) => {
            tracing::info!(secret = status.secret_arn, step = "Status", left = status.left.join("; "), "done");
        }
        Answer::DryRun(told) => dry_run(told),
        // Each secret has told its own.
        Answer::Reconciled(all) => {
            tracing::info!(step = "Reconcile", secrets = all.secrets.len(), warnings = all.warnings.join("; "), "done");
        }
    }
}

/// Logs a report.
pub(crate) fn report(report: &Report) {
    tracing::info!(
        secret = report.secret_arn,
        version = report.version_id,
        step = report.doing.name(),
        standing = ?report.standing,
        done = listed(&report.done),
        services = listed(&report.services),
        warnings = report.warnings.join("; "),
        "done"
    );
}

/// Logs a dry run, louder where a rotation would fail: a dry run on a schedule is read in the log.
fn dry_run(told: &DryRun) {
    let (secret, verdict) = (&told.secret_arn, told.verdict.name());
    let reasons: Vec<&str> = told.reasons.iter().map(|reason| reason.cause.as_str()).collect();
    let (reasons, warnings) = (listed(&reasons), listed(&told.warnings));
    if told.reasons.is_empty() {
        tracing::info!(secret, step = "DryRun", verdict, warnings, "done");
    } else {
        tracing::warn!(secret, step = "DryRun", verdict, reasons, warnings, "done");
    }
}
