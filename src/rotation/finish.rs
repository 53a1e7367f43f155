//! finishSecret, in two rounds. *Promote*: prove the pending value once more and move AWSCURRENT, with nothing but Secrets
//! Manager and a login in the way. *Roll*: redeploy what depends on the secret and take the mark off.

use super::roll::{self, Left};
use super::{Overview, Run, credential};
use crate::apply;
use crate::error::Result;
use crate::plan::{Action, Plan};
use crate::report::Report;
use crate::rollout::Since;
use crate::stages::{self, AWSCURRENT, ROLLOUT, Seen, Standing, Task};

pub(super) async fn run(run: &Run<'_>) -> Result<Report> {
    let seen = run.overview().await?;
    let marked = seen.labels.has(&run.event.version, ROLLOUT);
    let mut left = Left { arn: &seen.arn, version: &run.event.version, settings: &seen.settings, marked };
    match task(run, &seen)? {
        Task::Roll if marked => roll::run(run, &left, Since::Changed(seen.last_changed)).await,
        // No mark, nothing to do, ever: the dates that tell which service needs a deployment mean something only under it.
        Task::Roll => Ok(run.report(&seen.arn, &Plan::nothing(Standing::Current))),
        _ => {
            let (mut report, since) = promote(run, &seen).await?;
            left.marked = true;
            report.append(roll::run(run, &left, since).await?);
            Ok(report)
        }
    }
}

/// The task by the labels. An AWSPENDING version that nobody marked may have a value all the same (AWS's function stores
/// none of our marks): the promotion reads it, and refuses if there is none.
fn task(run: &Run<'_>, seen: &Overview) -> Result<Task> {
    let value = if seen.labels.has(&run.event.version, ROLLOUT) { Seen::NotRead } else { Seen::Present };
    stages::task(run.event.step, stages::standing(&seen.labels, &run.event.version, value))
}

/// Round *promote*.
async fn promote(run: &Run<'_>, seen: &Overview) -> Result<(Report, Since)> {
    let credential = credential(run.pending_version().await?, &seen.settings)?;
    let proven = run.prove(&credential).await?;
    let plan = plan(run, seen).proving(proven).warning(credential.warnings());
    apply::promote(run, &seen.arn, &plan).await
}

/// The plan of the round. A version that another function stored gets the mark first, or a crash after the move would
/// leave its services behind for good.
fn plan(run: &Run<'_>, seen: &Overview) -> Plan {
    let mut actions = vec![Action::MoveCurrent { from: seen.labels.holder(AWSCURRENT) }];
    if !seen.labels.has(&run.event.version, ROLLOUT) {
        actions.insert(0, Action::OpenMark { from: seen.labels.holder(ROLLOUT) });
    }
    Plan::of(Standing::Current, actions)
}
