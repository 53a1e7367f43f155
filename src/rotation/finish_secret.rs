//! finishSecret, in two rounds. *Promote*: prove the pending value once more and move AWSCURRENT, with nothing but Secrets
//! Manager and a login in the way. *Roll*: redeploy what depends on the secret and take the mark off.

use super::apply::{self, Promote};
use super::keys;
use super::login::prove::prove;
use super::overlap::Until;
use super::overview::overview;
use super::versions::{credential, pending_version};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::context::{Context, Overview, log};
use crate::dependents::Since;
use crate::error::Result;
use crate::plan::{Plan, Proof};
use crate::rollout::{self, Rollout};
use crate::rotation::target::Target;
use crate::secret::stages::{self, ValueSeen, Work};
use crate::secret::{AWSCURRENT, Labels, ROLLOUT, Standing};

pub(super) async fn finish_secret(context: &Context<'_>, event: &Rotation) -> Result<Report> {
    let seen = overview(context, event).await?;
    let marked = seen.labels.has(&event.version, ROLLOUT);
    let mut rollout = Rollout { arn: &seen.arn, version: &event.version, settings: &seen.settings, marked };
    match task(event, &seen)? {
        Work::Roll if marked => rollout::roll(context, &rollout, Since::Changed(seen.last_changed)).await,
        // No mark, nothing to do, ever: the dates that tell which service needs a deployment mean something only under it.
        Work::Roll => Ok(context.report(&seen.arn, &event.version, &Proof::nothing(Standing::Current))),
        _ => {
            let (mut report, since, overlaps) = promote(context, event, &seen).await?;
            if overlaps {
                report.previous_credential_valid_until = Some(tell_overlap(context, &seen));
            }
            rollout.marked = true;
            report.append(rollout::roll(context, &rollout, since).await?);
            Ok(report)
        }
    }
}

/// Says until when the credential before goes on working, for the report, and in the log for an alarm.
fn tell_overlap(context: &Context<'_>, seen: &Overview) -> String {
    let now = context.clock.now();
    let until = Until::from_now(seen.rules.as_ref(), seen.next_rotation, now);
    if let Some(time) = until.time() {
        log::previous_valid_until(&seen.arn, time, now);
    }
    until.text()
}

/// The task by the labels. An AWSPENDING version that nobody marked may have a value all the same (AWS's function stores
/// none of our marks): the promotion reads it, and refuses if there is none.
fn task(event: &Rotation, seen: &Overview) -> Result<Work> {
    let value = if seen.labels.has(&event.version, ROLLOUT) { ValueSeen::NotRead } else { ValueSeen::Present };
    stages::task(event.step, stages::standing(&seen.labels, &event.version, value))
}

/// Round *promote*. Also tells since when the version is current, and whether the credential before goes on working.
pub(super) async fn promote(context: &Context<'_>, event: &Rotation, seen: &Overview) -> Result<(Report, Since, bool)> {
    let version = pending_version(context, event).await?;
    if let Target::Keys(kind) = Target::of(&seen.settings) {
        let current = seen.labels.holder(AWSCURRENT);
        let (plan, overlaps) =
            keys::test_secret::prove(context, kind, version, &seen.settings, current.as_ref()).await?;
        let (report, since) = move_current(context, event, seen, plan).await?;
        return Ok((report, since, overlaps));
    }
    let credential = credential(context, version, &seen.settings)?;
    let proof = prove(context, &credential, &seen.settings).await?;
    let proven = Proof::nothing(Standing::Pending).proving(proof.line).warning(credential.warnings());
    let (report, since) = move_current(context, event, seen, proven).await?;
    Ok((report, since, credential.alternates() || proof.overlaps))
}

/// Moves AWSCURRENT to what was just proven.
pub(super) async fn move_current(
    context: &Context<'_>,
    event: &Rotation,
    seen: &Overview,
    proven: Proof,
) -> Result<(Report, Since)> {
    let plan = Plan {
        proven: proven.proven,
        warnings: proven.warnings,
        ..plan(&seen.labels, seen.labels.has(&event.version, ROLLOUT))
    };
    apply::promote(context, event, &seen.arn, &plan).await
}

/// The plan of the round. A version that another function stored gets the mark first, or a crash after the move would
/// leave its services behind for good.
pub(super) fn plan(labels: &Labels, marked: bool) -> Plan<Promote> {
    let mut actions = vec![Promote::MoveCurrent { from: labels.holder(AWSCURRENT) }];
    if !marked {
        actions.insert(0, Promote::OpenMark { from: labels.holder(ROLLOUT) });
    }
    Plan::of(Standing::Current, actions)
}
