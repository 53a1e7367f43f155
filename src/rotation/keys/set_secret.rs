//! setSecret: nothing outside the secret has to be set, but for the public halves of asymmetric keys. Those are published
//! before AWSCURRENT moves: a verifier that fetches them then knows every key that anybody signs with.

use super::read;
use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::s3::CACHE_SECONDS;
use crate::aws::secrets::{Lookup, Version};
use crate::config::Settings;
use crate::context::Context;
use crate::copies;
use crate::copies::publish::{self, Publish};
use crate::error::Result;
use crate::jose::{KeyKind, Keys};
use crate::plan::{Plan, Proof};
use crate::rotation::overview::overview;
use crate::rotation::versions::pending_version;
use crate::secret::stages::{self, ValueSeen, Work};
use crate::secret::{AWSCURRENT, Standing};

pub(in crate::rotation) async fn set_secret(
    context: &Context<'_>,
    event: &Rotation,
    kind: KeyKind,
    settings: Settings,
) -> Result<Report> {
    let nothing = |arn: &str| context.report(arn, &event.version, &Proof::nothing(Standing::Current));
    let version = match context.clients.secrets.pending(&event.secret, &event.version).await? {
        Lookup::Found(version) => version,
        Lookup::Absent | Lookup::Elsewhere => {
            let seen = overview(context, event).await?;
            let standing = stages::standing(&seen.labels, &event.version, ValueSeen::NotRead);
            match stages::task(event.step, standing)? {
                Work::Nothing => return Ok(nothing(&seen.arn)),
                _ => pending_version(context, event).await?,
            }
        }
    };
    if version.has(AWSCURRENT) {
        return Ok(nothing(&version.arn));
    }
    write(context, event, kind, version, &settings).await
}

async fn write(
    context: &Context<'_>,
    event: &Rotation,
    kind: KeyKind,
    version: Version,
    settings: &Settings,
) -> Result<Report> {
    let arn = version.arn.clone();
    let pending = read(kind, version, settings)?;
    let plan = plan(&pending, settings);
    let report = context.report(&arn, &event.version, &plan);
    if plan.actions.is_empty() {
        return Ok(report);
    }
    settings.refuse_on_hold(context.clock.now())?;
    settings.sound()?;
    let report = publish::carry_out(context, report, &plan, &publish::now(context, kind, settings).await?).await?;
    // A call that has overtaken this one has published more than this one knew of.
    if let Lookup::Absent | Lookup::Elsewhere = context.clients.secrets.pending(&event.secret, &event.version).await? {
        publish::carry_out(context, report.clone(), &plan, &publish::now(context, kind, settings).await?).await?;
    }
    Ok(report)
}

/// The plan of the step.
pub(super) fn plan(pending: &Keys, settings: &Settings) -> Plan<Publish> {
    let plan = Plan::of(Standing::Pending, copies::planned(settings).publishes);
    match (&plan.actions[..], pending.kind) {
        ([], KeyKind::SigningKey) => {
            plan.proving("nothing outside the secret has to be set").warning(vec![
                "the public half of the new key is published nowhere (keyroll:copies names no s3:// place): every verifier must learn \
                 it in another way, and refuses tokens of the new key until then"
                    .to_owned(),
            ])
        }
        ([], _) => plan.proving("nothing outside the secret has to be set"),
        ([_, ..], KeyKind::SigningKey) => plan.warning(vec![format!(
            "tasks sign with the new key as soon as they are replaced: a verifier that keeps the published keys refuses its \
             tokens until it fetches them again, which its library does for an unknown kid, or after its own time ({CACHE_SECONDS} s \
             by the object's Cache-Control); a key ring (keyroll:kind = jwt-keyring) publishes each key a rotation ahead"
        )]),
        _ => plan,
    }
}
