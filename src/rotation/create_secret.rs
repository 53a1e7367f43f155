//! createSecret: draw a new value and store it as AWSPENDING, before anything else changes anywhere.

use std::time::Duration;

use super::apply::{self, Source, StoreValue};
use super::keys;
use super::login::turn;
use super::overview::overview;
use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::{NewValue, Version};
use crate::config::Settings;
use crate::context::{Context, Overview};
use crate::copies;
use crate::database::Credential;
use crate::dependents::Since;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Plan, Proof};
use crate::rollout::{self, Rollout};
use crate::rotation::target::Target;
use crate::secret::stages::{self, ValueSeen, Work};
use crate::secret::{AWSCURRENT, Labels, ROLLOUT, Standing, VersionId};
use crate::timestamp::Timestamp;

/// How old the labels may be when the value is stored. Looking at ECS may take longer.
const STALE: Duration = Duration::from_secs(1);
/// What is kept of the time for the step's own calls when an earlier rollout has to be finished first.
const TO_STORE: Duration = Duration::from_secs(10);

pub(super) async fn create_secret(context: &Context<'_>, event: &Rotation) -> Result<Report> {
    // The labels are read last, right before the value is stored: see the order in `rotation`.
    let current = context.current().await?;
    let mut seen = overview(context, event).await?;
    let standing = stages::standing(&seen.labels, &event.version, ValueSeen::NotRead);
    if stages::task(event.step, standing)? != Work::Write {
        return Ok(context.report(&seen.arn, &event.version, &Proof::nothing(standing)));
    }
    seen.settings.refuse_on_hold(context.clock.now())?;
    seen.settings.sound()?;
    copies::planned(&seen.settings).refuse()?;
    let before = finish_the_last_rotation(context, &seen, current.created).await?;
    let last = last_rotation(&seen, current.created, before.is_some());
    let (id, begun) = (current.id.clone(), context.clock.left());
    let (source, plan) = match Target::of(&seen.settings) {
        Target::Keys(kind) => keys::create_secret::plan(context, &seen, kind, current, last, before.as_ref()).await?,
        Target::Login => login(context, &seen, current, last).await?,
    };
    // Making a key may take a while: before the last look, too.
    let value = apply::draw(context, &source, plan.account())?;
    if before.is_some() || begun.saturating_sub(context.clock.left()) > STALE {
        seen = overview(context, event).await?;
        // Where a duplicate of this call has stored a value meanwhile, that one stays.
        stages::task(event.step, stages::standing(&seen.labels, &event.version, ValueSeen::NotRead))?;
    }
    refuse_moved(&id, &seen.labels)?;
    let report = apply::store(context, event, &seen.arn, NewValue { value: &value, marked: true }, &plan).await?;
    Ok(match before {
        Some(before) => report.after(before),
        None => report,
    })
}

/// What the next login is made of, and the plan of it.
async fn login(
    context: &Context<'_>,
    seen: &Overview,
    current: Version,
    last: Option<Timestamp>,
) -> Result<(Source, Plan<StoreValue>)> {
    let (form, current) = Credential::read(current.text()?, &seen.settings, context.config.strategy)?;
    form.refuse_copies(&current.login)?;
    let account = turn::next(context, &current, &seen.settings).await?;
    let renamed = account.is_some();
    let plan = plan(&current, account, last, seen, context)?;
    let plan = if renamed { plan.warning(refuse_apart(context, seen).await?) } else { plan };
    Ok((Source::Login(form, current), plan))
}

/// Refuses to change the user name where a service would go on with the old one. What could not be looked at is a warning:
/// nothing of ECS may keep a rotation from being made.
pub(super) async fn refuse_apart(context: &Context<'_>, seen: &Overview) -> Result<Vec<String>> {
    match rollout::apart::find(context, &seen.arn, &seen.settings).await {
        (Some(error), _) => Err(error),
        (None, warnings) => Ok(warnings),
    }
}

/// The new value is made from AWSCURRENT: one that somebody replaced meanwhile must not come back with it.
fn refuse_moved(current: &VersionId, labels: &Labels) -> Result<()> {
    match labels.holder(AWSCURRENT) {
        Some(holder) if holder != *current => Err(Error::new(
            ErrorKind::FailedAws,
            "AWSCURRENT moved while this step looked at it",
            "run the step again; Secrets Manager does so by itself",
        )),
        _ => Ok(()),
    }
}

/// The plan of createSecret: whatever could stop the rotation without asking the server stops it here, before a value is
/// stored.
pub(super) fn plan(
    current: &Credential,
    account: Option<String>,
    last: Option<Timestamp>,
    seen: &Overview,
    context: &Context<'_>,
) -> Result<Plan<StoreValue>> {
    let plan = plan_at_any_age(current, account, &seen.settings, context)?;
    if current.scheme.overlaps() {
        seen.settings.refuse_too_soon(context.config.min_age, last, context.clock.now())?;
    }
    Ok(plan)
}

/// When the last rotation was, if there was one. One of which Secrets Manager never heard the end
/// leaves no date but that of its version, and its mark.
pub(super) fn last_rotation(seen: &Overview, created: Option<Timestamp>, open: bool) -> Option<Timestamp> {
    if seen.last_rotated.is_some() || open { seen.last_rotated.max(created) } else { None }
}

/// The plan of createSecret for a login, without the check of `keyroll:min-age`.
pub(super) fn plan_at_any_age(
    current: &Credential,
    account: Option<String>,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<Plan<StoreValue>> {
    current.rotatable(settings)?;
    current.check_policy(&context.config.policy)?;
    Ok(Plan::of(Standing::Pending, vec![StoreValue { account, what: None }]).warning(current.warnings()))
}

/// Storing the new value takes an open mark with it, and a second rotation would cut off tasks that still hold the value
/// before: so what the last rotation left is rolled first, or nothing begins. Gives the report of that, if there was
/// anything.
///
/// Staging AWSPENDING has changed the secret's date, so that dates no longer show which deployments are young enough. Therefore
/// every dependent is redeployed, some of them twice. A service whose deployment failed since the version was made stops the rotation.
async fn finish_the_last_rotation(
    context: &Context<'_>,
    seen: &Overview,
    created: Option<Timestamp>,
) -> Result<Option<Report>> {
    let Some(version) = open_mark(&seen.labels) else { return Ok(None) };
    let rollout = Rollout { arn: &seen.arn, version: &version, settings: &seen.settings, marked: true };
    let rolled = rollout::roll(&context.leaving(TO_STORE), &rollout, Since::Staged(created)).await;
    rolled.map(Some).map_err(|error| {
        error.map_cause(|cause| {
            format!("this rotation has not begun and nothing was stored, as the last one is not finished: {cause}")
        })
    })
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
