//! testSecret, and the proof in finishSecret: sign with what will sign, verify with what every task holds.

use super::{current, read};
use crate::aws::secrets::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::event::VersionId;
use crate::kind::keys::Fingerprint;
use crate::kind::{KeyKind, Keys};
use crate::plan::Plan;
use crate::run::Run;
use crate::settings::Settings;
use crate::stages::Standing;

/// Proves a pending value. `holder` is the version under AWSCURRENT, where that is known: what this process remembers of
/// another one does not count then.
pub(in crate::rotation) async fn prove(
    run: &Run<'_>,
    kind: KeyKind,
    pending: Version,
    settings: &Settings,
    holder: Option<&VersionId>,
) -> Result<Plan> {
    let pending = read(kind, pending, settings)?;
    let before = match run.memory.fingerprint(run.secret) {
        Some((version, known)) if holder.is_none_or(|holder| *holder == version) => known,
        _ => fingerprint(run, kind, settings).await?,
    };
    proof(&pending, &before, run.clock.seconds())
}

/// Of what AWSCURRENT holds.
async fn fingerprint(run: &Run<'_>, kind: KeyKind, settings: &Settings) -> Result<Fingerprint> {
    Ok(current(run, kind, run.current().await?, settings)?.fingerprint())
}

/// A pending value without our mark: nothing to prove where it is what AWSCURRENT holds, as in a preflight.
pub(in crate::rotation) async fn foreign(
    run: &Run<'_>,
    kind: KeyKind,
    pending: Version,
    settings: &Settings,
) -> Result<Option<Plan>> {
    let (before, pending) = (run.current().await?.text()?, pending.text()?);
    if before.same(&pending) {
        return Ok(None);
    }
    let (before, pending) = (Keys::read(kind, before, settings)?, Keys::read(kind, pending, settings)?);
    proof(&pending, &before.fingerprint(), run.clock.seconds()).map(Some)
}

pub(super) fn proof(pending: &Keys, before: &Fingerprint, now: i64) -> Result<Plan> {
    let at = |error: Error| match error.kind() {
        ErrorKind::FailedDefect => error,
        _ => error.at("the pending value"),
    };
    let line = pending.prove(now).map_err(at)?;
    pending.refuse_unrelated(before)?;
    let plan = Plan::nothing(Standing::Pending).proving(line);
    Ok(match (pending.kind, before.signs) {
        (KeyKind::KeyRing, Some(_)) => plan.proving(
            "tasks with AWSCURRENT verify what tasks with this version sign, and the other way round: each holds the other's key",
        ),
        _ => plan,
    })
}
