//! createSecret: draw a new value and store it as AWSPENDING, before anything else changes anywhere.

use super::overview;
use crate::apply;
use crate::aws::secrets::Version;
use crate::dependents::Since;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Rotation, VersionId};
use crate::kind::{self, Credential};
use crate::plan::{Action, Plan};
use crate::report::Report;
use crate::rollout::{self, Left};
use crate::run::{Overview, Run};
use crate::stages::{self, AWSCURRENT, Labels, ROLLOUT, Seen, Standing, Task};

pub(super) async fn run(run: &Run<'_>, event: &Rotation) -> Result<Report> {
    // The labels are read last, right before the value is stored: see the order in `rotation`.
    let current = run.current().await?;
    let mut seen = overview(run, event).await?;
    let standing = stages::standing(&seen.labels, &event.version, Seen::NotRead);
    if stages::task(event.step, standing)? != Task::Write {
        return Ok(run.report(&seen.arn, &event.version, &Plan::nothing(standing)));
    }
    seen.settings.refuse_on_hold(run.clock.seconds())?;
    seen.settings.sound()?;
    if finish_the_last_rotation(run, &seen).await? {
        seen = overview(run, event).await?;
        stages::task(event.step, stages::standing(&seen.labels, &event.version, Seen::NotRead))?;
    }
    refuse_moved(&current, &seen.labels)?;
    let document = kind::document(current.text()?, &seen.settings)?;
    let current = Credential::read(&document, &seen.settings)?;
    let plan = plan(&current, &seen, run)?;
    apply::store(run, event, &seen.arn, &document, &current, &plan).await
}

/// The new value is made from AWSCURRENT: one that somebody replaced meanwhile must not come back with it.
fn refuse_moved(current: &Version, labels: &Labels) -> Result<()> {
    match labels.holder(AWSCURRENT) {
        Some(holder) if holder != current.id => Err(Error::new(
            ErrorKind::FailedAws,
            "AWSCURRENT moved while this step looked at it",
            "run the step again; Secrets Manager does so by itself",
        )),
        _ => Ok(()),
    }
}

/// The plan of createSecret: whatever could stop the rotation without asking the server stops it here, before a value is
/// stored.
pub(super) fn plan(current: &Credential, seen: &Overview, run: &Run<'_>) -> Result<Plan> {
    current.rotatable(&seen.settings, run.config)?;
    current.check_policy(&run.config.policy)?;
    if current.overlaps() {
        seen.settings.refuse_too_soon(run.config.min_age, seen.last_rotated, run.clock.seconds())?;
    }
    Ok(Plan::of(Standing::Pending, vec![Action::StoreValue]).warning(current.warnings()))
}

/// Storing the new value takes an open mark with it, and a second rotation would cut off tasks that still hold the value
/// before: so what the last rotation left is rolled first, or nothing begins. Tells whether there was anything.
async fn finish_the_last_rotation(run: &Run<'_>, seen: &Overview) -> Result<bool> {
    let Some(version) = open_mark(&seen.labels) else { return Ok(false) };
    let left = Left { arn: &seen.arn, version: &version, settings: &seen.settings, marked: true };
    rollout::run(run, &left, Since::Changed(seen.last_changed)).await?;
    Ok(true)
}

/// The version on which an earlier rotation left its mark open, if there is one.
pub(super) fn open_mark(labels: &Labels) -> Option<VersionId> {
    labels.holder(ROLLOUT).filter(|version| labels.has(version, AWSCURRENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_open_only_on_the_current_version() {
        let labels = |on: &str| Labels::new([("v".to_owned(), vec![on.to_owned(), ROLLOUT.to_owned()])].into());
        assert_eq!(open_mark(&labels(AWSCURRENT)), Some(VersionId::known("v")));
        assert_eq!(open_mark(&labels("AWSPREVIOUS")), None);
        assert_eq!(open_mark(&Labels::default()), None);
    }
}
