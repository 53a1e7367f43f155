//! testSecret: prove that the pending value works. Called alone (`RotateImmediately=false`), it is a preflight.

use super::{FIND_OUT, Run, credential, preflight, unchanged};
use crate::aws::secrets::{Lookup, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::kind::Credential;
use crate::plan::Plan;
use crate::probe::Probe;
use crate::report::Report;
use crate::settings::Settings;
use crate::stages::{self, AWSCURRENT, ROLLOUT, Seen, Standing, Task};

pub(super) async fn run(run: &Run<'_>) -> Result<Report> {
    let settings = run.settings().await?;
    match run.clients.secrets.pending(&run.event.secret, &run.event.version).await? {
        Lookup::Found(version) if version.has(AWSCURRENT) => {
            Ok(run.report(&version.arn, &Plan::nothing(Standing::Current)))
        }
        Lookup::Found(version) if version.has(ROLLOUT) => prove(run, version, &settings).await,
        // Not stored by our createSecret: the temporary version of a preflight, or one that another function made.
        Lookup::Found(version) => foreign(run, version, &settings).await,
        Lookup::Absent | Lookup::Elsewhere => without_value(run).await,
    }
}

async fn prove(run: &Run<'_>, version: Version, settings: &Settings) -> Result<Report> {
    let arn = version.arn.clone();
    let credential = credential(version, settings)?;
    let plan = Plan::nothing(Standing::Pending).proving(run.prove(&credential).await?).warning(credential.warnings());
    Ok(run.report(&arn, &plan))
}

/// A pending value without our mark: where it opens the same as AWSCURRENT with the same password there is nothing to
/// prove, and Secrets Manager asks whether a rotation would succeed.
async fn foreign(run: &Run<'_>, version: Version, settings: &Settings) -> Result<Report> {
    let arn = version.arn.clone();
    let current = credential(run.current().await?, settings)?;
    let pending = credential(version, settings)?;
    unchanged(&current, &pending, "AWSPENDING", FIND_OUT)?;
    if pending.holds_the_same_as(&current) {
        return preflight::run(run, Standing::Pending).await;
    }
    Ok(run.report(&arn, &Plan::nothing(Standing::Pending).proving(run.prove(&pending).await?)))
}

async fn without_value(run: &Run<'_>) -> Result<Report> {
    let seen = run.overview().await?;
    let standing = stages::standing(&seen.labels, &run.event.version, Seen::NotRead);
    match stages::task(run.event.step, standing)? {
        Task::Preflight => preflight::run(run, standing).await,
        Task::Prove => prove(run, run.pending_version().await?, &seen.settings).await,
        _ => Ok(run.report(&seen.arn, &Plan::nothing(standing))),
    }
}

impl Run<'_> {
    /// Logs in with a credential and makes sure that the session is what it should be; the answer is a line for the
    /// report.
    ///
    /// Single user has one account, so that the same `session_user` is the same rights: nothing else need be compared.
    pub(super) async fn prove(&self, credential: &Credential) -> Result<String> {
        match self.log_in(credential).await {
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
}
