//! testSecret: prove that the pending value works. Called alone (`RotateImmediately=false`), it is a preflight.

use super::login::prove::prove;
use super::overview::{overview, settings};
use super::versions::{FIND_OUT, credential, pending_version, unchanged};
use super::{keys, preflight};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::{Lookup, Version};
use crate::config::Settings;
use crate::context::Context;
use crate::database::{Credential, Probe};
use crate::error::Result;
use crate::plan::Proof;
use crate::rotation::target::Target;
use crate::secret::stages::{self, ValueSeen, Work};
use crate::secret::{AWSCURRENT, ROLLOUT, Standing};

pub(super) async fn test_secret(context: &Context<'_>, event: &Rotation) -> Result<Report> {
    let settings = settings(context, event).await?;
    match context.clients.secrets.pending(&event.secret, &event.version).await? {
        Lookup::Found(version) if version.has(AWSCURRENT) => {
            Ok(context.report(&version.arn, &event.version, &Proof::nothing(Standing::Current)))
        }
        Lookup::Found(version) if version.has(ROLLOUT) => prove_version(context, event, version, &settings).await,
        // Not stored by our createSecret: the temporary version of a preflight, or one that another function made.
        Lookup::Found(version) => foreign(context, event, version, &settings).await,
        Lookup::Absent | Lookup::Elsewhere => without_value(context, event).await,
    }
}

async fn prove_version(
    context: &Context<'_>,
    event: &Rotation,
    version: Version,
    settings: &Settings,
) -> Result<Report> {
    let arn = version.arn.clone();
    if let Target::Keys(kind) = Target::of(settings) {
        let (plan, _) = keys::test_secret::prove(context, kind, version, settings, None).await?;
        return Ok(context.report(&arn, &event.version, &plan));
    }
    let credential = credential(context, version, settings)?;
    let plan = prove_both(context, &credential, settings).await?.warning(credential.warnings());
    Ok(context.report(&arn, &event.version, &plan))
}

/// Proves the pending credential, and that AWSCURRENT works as well where the account accepts two passwords.
async fn prove_both(context: &Context<'_>, pending: &Credential, settings: &Settings) -> Result<Proof> {
    let proof = prove(context, pending, settings).await?;
    let plan = Proof::nothing(Standing::Pending).proving(proof.line);
    if !proof.overlaps {
        return Ok(plan);
    }
    let current = credential(context, context.current().await?, settings)?;
    match current.log_in(context).await {
        Probe::Accepted(session) => {
            session.close().await;
            Ok(plan.proving(format!("proved that the password in AWSCURRENT lets {:?} in as well", current.account())))
        }
        // Going on heals that, and staying would not.
        Probe::Rejected => {
            let warning = format!(
                "{:?} accepts two passwords, and that in AWSCURRENT is neither of them: a service that holds AWSCURRENT is locked \
                 out until AWSCURRENT moves to this version",
                current.account()
            );
            Ok(plan.warning(vec![warning]))
        }
        Probe::Unreachable(error) => Err(error),
    }
}

/// A pending value without our mark: where it opens the same as AWSCURRENT with the same password there is nothing to
/// prove, and Secrets Manager asks whether a rotation would succeed.
async fn foreign(context: &Context<'_>, event: &Rotation, version: Version, settings: &Settings) -> Result<Report> {
    let arn = version.arn.clone();
    if let Target::Keys(kind) = Target::of(settings) {
        return match keys::test_secret::foreign(context, kind, version, settings).await? {
            Some((plan, _)) => Ok(context.report(&arn, &event.version, &plan)),
            None => preflight::preflight(context, event, Standing::Pending).await,
        };
    }
    let current = credential(context, context.current().await?, settings)?;
    let pending = credential(context, version, settings)?;
    unchanged(&current, &pending, "AWSPENDING", FIND_OUT)?;
    if pending.holds_the_same_as(&current) {
        return preflight::preflight(context, event, Standing::Pending).await;
    }
    let plan = prove_both(context, &pending, settings).await?;
    Ok(context.report(&arn, &event.version, &plan))
}

async fn without_value(context: &Context<'_>, event: &Rotation) -> Result<Report> {
    let seen = overview(context, event).await?;
    let standing = stages::standing(&seen.labels, &event.version, ValueSeen::NotRead);
    match stages::task(event.step, standing)? {
        Work::Preflight => preflight::preflight(context, event, standing).await,
        Work::Prove => prove_version(context, event, pending_version(context, event).await?, &seen.settings).await,
        _ => Ok(context.report(&seen.arn, &event.version, &Proof::nothing(standing))),
    }
}
