//! `Revoke` of keys: everything that a holder of the value could sign with is replaced at once. A leaked ring contains its next
//! key, so that an ordinary rotation would cure nothing: no key of the old value goes on in the new one, and none verifies.
//!
//! Two values are stored and made current, one right after the other: moving AWSCURRENT makes the value before AWSPREVIOUS,
//! and services that take AWSPREVIOUS would go on accepting what has leaked. So AWSPREVIOUS ends on a value that nobody has
//! ever had. For each the order is that of a rotation: store it as AWSPENDING, prove it, move AWSCURRENT. Then the public
//! halves are published and every dependent is redeployed, whatever became of the second value.

use std::time::Duration;

use super::{create_secret, read};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::{Lookup, NewValue, Version};
use crate::context::{Context, Overview, Scene, random};
use crate::copies;
use crate::dependents::Since;
use crate::error::{Error, ErrorKind, Result};
use crate::jose::{KeyKind, Keys};
use crate::plan::{Plan, Proof};
use crate::rollout::{self, Rollout};
use crate::rotation::apply::{self, Source, StoreValue};
use crate::rotation::finish_secret;
use crate::rotation::overview::look;
use crate::rotation::revoke::{overtaken, rotation};
use crate::secret::{AWSCURRENT, Labels, Standing, Step, VersionId};

/// The least time for all of it but the rollout, once the keys are made.
const ENOUGH: Duration = Duration::from_secs(10);
/// How long a value may stay invisible that was stored a moment ago.
const VISIBLE: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(200), Duration::from_millis(400), Duration::from_secs(1)];

/// Replaces everything old.
///
/// Safe to repeat: each time draws new values, and ends those of the time before. Where it breaks off, AWSCURRENT is on the old
/// value or on a new one that works. The second value takes the mark only right before it becomes current, so that the services
/// of the first are redeployed by Reconcile wherever it broke off, but for the moment between those two calls.
pub(in crate::rotation) async fn revoke(context: &Context<'_>, kind: KeyKind) -> Result<Report> {
    let seen = look(context).await?;
    seen.settings.refuse_on_hold(context.clock.now())?;
    seen.settings.sound()?;
    let current = context.current().await?;
    let mut before = current.id.clone();
    let keys = read(kind, current, &seen.settings)?;
    copies::planned_for(&keys, &seen.settings).refuse()?;
    let mut plan = create_secret::plan_of(keys.replacement()).warning(overtaken(&seen.labels));
    // Making keys may take a while: all of them before anything is changed.
    let first = apply::draw(context, &Source::Replaced(keys), None)?;
    let second = Source::Replaced(Keys::read(kind, first.clone(), &seen.settings)?);
    let second = apply::draw(context, &second, None)?;
    context.clock.require(ENOUGH, "revoke a key", "nothing was changed")?;

    let (mut done, mut last): (Option<Report>, Option<(VersionId, Since)>) = (None, None);
    let mut errors = Vec::new();
    for new in [NewValue { value: &first, marked: true }, NewValue { value: &second, marked: false }] {
        match replace(context, kind, &seen, &before, new, &plan).await {
            Ok((report, version, since)) => {
                done = Some(match done {
                    Some(earlier) => report.after(earlier),
                    None => report,
                });
                before = version.clone();
                last = Some((version, since));
            }
            Err(error) => {
                errors.push(again(&error, last.is_some()));
                break;
            }
        }
        plan.warnings.clear();
    }
    let (Some(mut report), Some((version, since))) = (done, last) else {
        return Err(Error::join(errors).unwrap_or_else(nothing));
    };
    report.warnings.push(told(kind).to_owned());
    // Tasks sign with what has leaked until they are replaced: whatever failed.
    let rollout = Rollout { arn: &seen.arn, version: &version, settings: &seen.settings, marked: true };
    let scene = Scene::new(context.clock);
    match rollout::roll(&Context { scene: &scene, ..*context }, &rollout, since).await {
        Ok(rolled) => report.append(rolled),
        Err(error) => errors.push(error),
    }
    Error::join(errors).map_or(Ok(report), Err)
}

/// One value in the place of another.
async fn replace(
    context: &Context<'_>,
    kind: KeyKind,
    seen: &Overview,
    before: &VersionId,
    new: NewValue<'_>,
    plan: &Plan<StoreValue>,
) -> Result<(Report, VersionId, Since)> {
    unmoved(&look(context).await?.labels, before)?;
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let mut event = rotation(context, Step::Create, VersionId::drawn(bytes));
    let mut report = apply::store(context, &event, &seen.arn, new, plan).await?;
    event.step = Step::Finish;
    let pending = read(kind, stored(context, &event).await?, &seen.settings)?;
    let proven = Proof::nothing(Standing::Pending).proving(pending.prove(context.clock.now())?);
    let now = look(context).await?;
    unmoved(&now.labels, before)?;
    let (moved, since) = finish_secret::move_current(context, &event, &now, proven).await?;
    report.append(moved);
    Ok((report, event.version, since))
}

/// The new value was made of the one under AWSCURRENT, and takes its place.
fn unmoved(labels: &Labels, before: &VersionId) -> Result<()> {
    if labels.has(before, AWSCURRENT) {
        return Ok(());
    }
    let cause = "AWSCURRENT has moved to a version of another rotation meanwhile";
    Err(Error::new(ErrorKind::FailedAws, cause, "wait until that rotation has ended"))
}

async fn stored(context: &Context<'_>, event: &Rotation) -> Result<Version> {
    for pause in VISIBLE {
        tokio::time::sleep(pause).await;
        if let Lookup::Found(version) = context.clients.secrets.version(context.secret, &event.version).await? {
            return Ok(version);
        }
    }
    Err(Error::new(ErrorKind::FailedAws, "the new version cannot be read yet", "wait a moment"))
}

fn told(kind: KeyKind) -> &'static str {
    if kind.signs() {
        "every token that was signed before is refused as soon as tasks are replaced: users will be logged out"
    } else {
        "the old value is refused as soon as tasks are replaced: every client needs a new token, and what was encrypted with the \
         old value can no longer be read"
    }
}

fn again(error: &Error, begun: bool) -> Error {
    let error = error.clone().map_remedy(|remedy| format!("{remedy}; then invoke the action Revoke again"));
    if !begun {
        return error;
    }
    error.map_cause(|cause| {
        format!("AWSCURRENT is new, but AWSPREVIOUS may still be the value that has leaked: {cause}")
    })
}

fn nothing() -> Error {
    Error::new(ErrorKind::FailedDefect, "keyroll replaced nothing", "report this defect")
}
