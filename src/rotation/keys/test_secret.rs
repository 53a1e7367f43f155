//! testSecret, and the proof in finishSecret: sign with what will sign, verify with what every task holds.

use super::{current, read};
use crate::aws::secrets::Version;
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::jose::{Fingerprint, KeyKind, Keys};
use crate::plan::Proof;
use crate::secret::{Standing, VersionId};
use crate::timestamp::Timestamp;

/// Proves a pending value; see [`proof`]. `holder` is the version under AWSCURRENT, where that is known.
///
/// What this process remembers of AWSCURRENT spares a call. It counts where it is of that very version; where nobody knows
/// which one it is, it may say yes, and is asked again before it says no: another process may have rotated since.
pub(in crate::rotation) async fn prove(
    context: &Context<'_>,
    kind: KeyKind,
    pending: Version,
    settings: &Settings,
    holder: Option<&VersionId>,
) -> Result<(Proof, bool)> {
    let pending = read(kind, pending, settings)?;
    let now = context.clock.now();
    if let Some((version, known)) = context.memory.fingerprint(context.secret) {
        let is_holder = holder == Some(&version);
        let proven = proof(&pending, &known, now);
        if is_holder || (holder.is_none() && proven.is_ok()) {
            return proven;
        }
    }
    let before = current(context, kind, context.current().await?, settings)?.fingerprint();
    proof(&pending, &before, now)
}

/// A pending value without our mark: nothing to prove where it is what AWSCURRENT holds, as in a preflight.
pub(in crate::rotation) async fn foreign(
    context: &Context<'_>,
    kind: KeyKind,
    pending: Version,
    settings: &Settings,
) -> Result<Option<(Proof, bool)>> {
    let (before, pending) = (context.current().await?.text()?, pending.text()?);
    if before.same(&pending) {
        return Ok(None);
    }
    let (before, pending) = (Keys::read(kind, before, settings)?, Keys::read(kind, pending, settings)?);
    proof(&pending, &before.fingerprint(), context.clock.now()).map(Some)
}

/// Also says whether what AWSCURRENT signs goes on being verified. In a bare secret's services it is only where they take
/// AWSPREVIOUS, which nobody has asked them.
pub(super) fn proof(pending: &Keys, before: &Fingerprint, now: Timestamp) -> Result<(Proof, bool)> {
    let at = |error: Error| match error.kind() {
        ErrorKind::FailedDefect => error,
        _ => error.at("the pending value"),
    };
    let line = pending.prove(now).map_err(at)?;
    pending.refuse_unrelated(before)?;
    let plan = Proof::nothing(Standing::Pending).proving(line);
    Ok(match (pending.kind, &before.signs) {
        (KeyKind::KeyRing, Some(_)) => (
            plan.proving(
                "tasks with AWSCURRENT verify what tasks with this version sign, and the other way round: each holds the other's \
                 key",
            ),
            true,
        ),
        _ => (plan, false),
    })
}
