//! `Revoke` of keys: everything that whoever has the value could sign with is replaced at once. A leaked ring contains its next
//! key, so that an ordinary rotation would cure nothing: no key of the old value goes on in the new one, and none verifies.
//!
//! Two values are stored and made current, one right after the other: moving AWSCURRENT makes the value before AWSPREVIOUS,
//! and services that take AWSPREVIOUS would go on accepting what has leaked. So AWSPREVIOUS ends on a value that nobody has
//! ever had. For each the order is that of a rotation: store it as AWSPENDING, publish the public halves, prove it, move
//! AWSCURRENT. Then every dependent is redeployed.

use super::{create, read, set};
use crate::apply::{self, Source};
use crate::aws::secrets::{Lookup, Version};
use crate::dependents::Since;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Rotation, Step, VersionId};
use crate::kind::{KeyKind, Keys};
use crate::plan::Plan;
use crate::report::Report;
use crate::rollout::{self, Left, Scene};
use crate::rotation::revoke::{overtaken, rotation};
use crate::rotation::{finish, look};
use crate::run::{Overview, Run};
use crate::stages::{AWSCURRENT, Standing};

/// How many values are made current: the last one, and the one that becomes AWSPREVIOUS.
const VALUES: usize = 2;

/// Replaces everything old.
///
/// Safe to repeat: each time draws new values, and ends those of the time before. Where it breaks off, AWSCURRENT is on the old
/// value or on a new one that works, and its mark is open.
pub(in crate::rotation) async fn run(run: &Run<'_>, kind: KeyKind) -> Result<Report> {
    let mut report: Option<Report> = None;
    let mut last = None;
    for _ in 0..VALUES {
        let replaced = replace(run, kind).await.map_err(|error| again(&error, report.is_some()))?;
        report = Some(match report {
            Some(before) => replaced.report.after(before),
            None => replaced.report,
        });
        last = Some((replaced.seen, replaced.version, replaced.since));
    }
    let (Some(mut report), Some((seen, version, since))) = (report, last) else {
        return Err(Error::new(ErrorKind::FailedDefect, "keyroll replaced nothing", "report this defect"));
    };
    report.warnings.push(told(kind).to_owned());
    let left = Left { arn: &seen.arn, version: &version, settings: &seen.settings, marked: true };
    let scene = Scene::new(run.clock);
    report.append(rollout::run(&Run { scene: &scene, ..*run }, &left, since).await?);
    Ok(report)
}

/// One value in the place of another.
struct Replaced {
    seen: Overview,
    version: VersionId,
    since: Since,
    report: Report,
}

async fn replace(run: &Run<'_>, kind: KeyKind) -> Result<Replaced> {
    let seen = look(run).await?;
    seen.settings.refuse_on_hold(run.clock.seconds())?;
    seen.settings.sound()?;
    let current = run.current().await?;
    let before = current.id.clone();
    let keys = read(kind, current, &seen.settings)?;
    create::refuse_places(&keys, &seen.settings)?;
    let renewal = keys.replacement();
    let plan = create::plan_of(renewal).warning(overtaken(&seen.labels));
    let mut bytes = [0; 16];
    apply::random(&mut bytes)?;
    let mut event = rotation(run, Step::Create, VersionId::drawn(bytes));
    let mut report = apply::store(run, &event, &seen.arn, &Source::Replaced(keys), &plan).await?;
    event.step = Step::Finish;
    let pending = read(kind, stored(run, &event).await?, &seen.settings)?;
    report.append(publish(run, &event, &seen, &pending).await?);
    let proven = Plan::nothing(Standing::Pending).proving(pending.prove(run.clock.seconds())?);
    let now = look(run).await?;
    if !now.labels.has(&before, AWSCURRENT) {
        return Err(Error::new(
            ErrorKind::FailedAws,
            "AWSCURRENT has moved to a version of another rotation meanwhile",
            "wait",
        ));
    }
    let (moved, since) = finish::move_current(run, &event, &now, proven).await?;
    report.append(moved);
    Ok(Replaced { seen: now, version: event.version, since, report })
}

async fn publish(run: &Run<'_>, event: &Rotation, seen: &Overview, pending: &Keys) -> Result<Report> {
    let plan = set::publishing(&seen.settings);
    let report = run.report(&seen.arn, &event.version, &plan);
    let public = pending.public(&[]).unwrap_or_default();
    apply::publish(run, report, &plan, &public).await
}

async fn stored(run: &Run<'_>, event: &Rotation) -> Result<Version> {
    match run.clients.secrets.version(run.secret, &event.version).await? {
        Lookup::Found(version) => Ok(version),
        Lookup::Absent | Lookup::Elsewhere => {
            Err(Error::new(ErrorKind::FailedAws, "the new version cannot be read yet", "wait a moment"))
        }
    }
}

fn told(kind: KeyKind) -> &'static str {
    if kind.signs() {
        "every token that was signed before is refused as soon as tasks are replaced: users will be logged out"
    } else {
        "the old value is refused as soon as tasks are replaced: whoever was given a token needs a new one, and what was encrypted \
         with it can no longer be read"
    }
}

fn again(error: &Error, begun: bool) -> Error {
    let cause = if begun {
        format!("AWSCURRENT is new, but AWSPREVIOUS may still be the value that has leaked: {}", error.cause())
    } else {
        error.cause().to_owned()
    };
    Error::new(error.kind(), cause, format!("{}; then invoke the action Revoke again", error.remedy()))
}
