//! createSecret: draw a new value and store it as AWSPENDING, before anything else changes anywhere.

use super::roll::{self, Left};
use super::{Overview, Run};
use crate::apply;
use crate::config::Config;
use crate::error::Result;
use crate::event::VersionId;
use crate::kind::Credential;
use crate::plan::{Action, Plan};
use crate::report::Report;
use crate::rollout::Since;
use crate::secret::Document;
use crate::stages::{self, AWSCURRENT, Labels, ROLLOUT, Seen, Standing, Task};

pub(super) async fn run(run: &Run<'_>) -> Result<Report> {
    let overview = run.overview().await?;
    let standing = stages::standing(&overview.labels, &run.event.version, Seen::NotRead);
    if stages::task(run.event.step, standing)? != Task::Write {
        return Ok(run.report(&overview.arn, &Plan::nothing(standing)));
    }
    overview.settings.refuse_on_hold(run.clock.seconds())?;
    finish_the_last_rotation(run, &overview).await?;
    let current = Document::parse(run.current().await?.text()?)?;
    let plan = plan(&Credential::read(&current, &overview.settings, run.config)?, run.config)?;
    apply::store(run, &overview.arn, &current, &plan).await
}

/// The plan of createSecret: whatever could stop the rotation without asking the server stops it here, before a value is
/// stored.
fn plan(current: &Credential, config: &Config) -> Result<Plan> {
    current.check_policy(&config.policy)?;
    Ok(Plan::one(Standing::Pending, Action::StoreValue).warning(current.warnings()))
}

/// Storing the new value takes an open mark with it, and a second rotation would cut off tasks that still hold the value
/// before: so what the last rotation left is rolled first, or nothing begins.
async fn finish_the_last_rotation(run: &Run<'_>, seen: &Overview) -> Result<()> {
    let Some(version) = open_mark(&seen.labels) else { return Ok(()) };
    let left = Left { arn: &seen.arn, version: &version, settings: &seen.settings, marked: true };
    roll::run(run, &left, Since::Changed(seen.last_changed)).await.map(drop)
}

/// The version on which an earlier rotation left its mark open, if there is one.
fn open_mark(labels: &Labels) -> Option<VersionId> {
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
