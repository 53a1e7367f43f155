//! testSecret: prove that the pending value works. Called alone (`RotateImmediately=false`), it is a preflight.

use super::{FIND_OUT, credential, overview, pending_version, preflight, settings, unchanged};
use crate::aws::secrets::{Lookup, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Rotation;
use crate::kind::Credential;
use crate::plan::Plan;
use crate::probe::Probe;
use crate::report::Report;
use crate::run::Run;
use crate::settings::Settings;
use crate::stages::{self, AWSCURRENT, ROLLOUT, Seen, Standing, Task};

pub(super) async fn run(run: &Run<'_>, event: &Rotation) -> Result<Report> {
    let settings = settings(run, event).await?;
    match run.clients.secrets.pending(&event.secret, &event.version).await? {
        Lookup::Found(version) if version.has(AWSCURRENT) => {
            Ok(run.report(&version.arn, &event.version, &Plan::nothing(Standing::Current)))
        }
        Lookup::Found(version) if version.has(ROLLOUT) => prove_version(run, event, version, &settings).await,
        // Not stored by our createSecret: the temporary version of a preflight, or one that another function made.
        Lookup::Found(version) => foreign(run, event, version, &settings).await,
        Lookup::Absent | Lookup::Elsewhere => without_value(run, event).await,
    }
}

async fn prove_version(run: &Run<'_>, event: &Rotation, version: Version, settings: &Settings) -> Result<Report> {
    let arn = version.arn.clone();
    let credential = credential(version, settings)?;
    let plan = Plan::nothing(Standing::Pending).proving(prove(run, &credential).await?).warning(credential.warnings());
    Ok(run.report(&arn, &event.version, &plan))
}

/// A pending value without our mark: where it opens the same as AWSCURRENT with the same password there is nothing to
/// prove, and Secrets Manager asks whether a rotation would succeed.
async fn foreign(run: &Run<'_>, event: &Rotation, version: Version, settings: &Settings) -> Result<Report> {
    let arn = version.arn.clone();
    let current = credential(run.current().await?, settings)?;
    let pending = credential(version, settings)?;
    unchanged(&current, &pending, "AWSPENDING", FIND_OUT)?;
    if pending.holds_the_same_as(&current) {
        return preflight::run(run, event, Standing::Pending).await;
    }
    let plan = Plan::nothing(Standing::Pending).proving(prove(run, &pending).await?);
    Ok(run.report(&arn, &event.version, &plan))
}

async fn without_value(run: &Run<'_>, event: &Rotation) -> Result<Report> {
    let seen = overview(run, event).await?;
    let standing = stages::standing(&seen.labels, &event.version, Seen::NotRead);
    match stages::task(event.step, standing)? {
        Task::Preflight => preflight::run(run, event, standing).await,
        Task::Prove => prove_version(run, event, pending_version(run, event).await?, &seen.settings).await,
        _ => Ok(run.report(&seen.arn, &event.version, &Plan::nothing(standing))),
    }
}

/// Logs in with a credential and makes sure that the session is what it should be; the answer is a line for the
/// report.
///
/// Single user has one account, so that the same `session_user` is the same rights: nothing else need be compared.
pub(super) async fn prove(run: &Run<'_>, credential: &Credential) -> Result<String> {
    match run.log_in(credential).await {
        Probe::Accepted(mut session) => {
            let identity = session.prove(credential).await;
            session.close().await;
            Ok(format!("proved the pending login: {}", identity?))
        }
        Probe::Rejected => Err(Error::new(
            ErrorKind::FailedProof,
            format!("the server rejects the pending password of {:?}", credential.account()),
            "let Secrets Manager try again from createSecret: setSecret sets the password anew; if that does not help, see \
             whether the account has expired (VALID UNTIL) or is gone, which the server tells in the same words",
        )),
        Probe::Unreachable(error) => Err(error),
    }
}
