//! Proving a pending login: a session that is what the stored value says.

use std::time::Duration;

use crate::config::Settings;
use crate::context::Context;
use crate::database::{Credential, Probe, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::rotation::versions::credential;

/// How long to wait between two looks at a replica.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// What is kept for the rest of the step.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// What logging in has shown.
pub(in crate::rotation) struct LoginProof {
    /// A line for the report.
    pub(in crate::rotation) line: String,
    /// Whether the credential before this one goes on working.
    pub(in crate::rotation) overlaps: bool,
}

/// Logs in with a credential and makes sure that the session is what it should be.
///
/// Unchanged rights are an unchanged `current_user`: that of the one account, or that which both of two act as.
pub(in crate::rotation) async fn prove(
    context: &Context<'_>,
    credential: &Credential,
    settings: &Settings,
) -> Result<LoginProof> {
    let (mut session, line) = prove_and_stay(context, credential, settings).await?;
    let overlaps = session.overlaps().await;
    session.close().await;
    Ok(LoginProof { line, overlaps: overlaps? })
}

/// Proves the login, and leaves the session open.
pub(in crate::rotation) async fn prove_and_stay(
    context: &Context<'_>,
    credential: &Credential,
    settings: &Settings,
) -> Result<(Session, String)> {
    let mut probe = credential.log_in(context).await;
    if matches!(probe, Probe::Rejected) && on_a_replica(context, credential, settings).await {
        probe = once_replayed(context, credential).await;
    }
    match probe {
        Probe::Accepted(mut session) => match session.prove(credential).await {
            Ok(identity) => Ok((session, format!("proved the pending login: {identity}"))),
            Err(error) => {
                session.close().await;
                Err(error)
            }
        },
        Probe::Rejected => Err(Error::new(
            ErrorKind::FailedProof,
            format!("the server rejects the pending password of {:?}", credential.account()),
            format!(
                "let Secrets Manager try again from createSecret: setSecret sets the password anew; if that does not help, {}; a \
                 replica may be far behind",
                credential.kind.rejected_also_where()
            ),
        )),
        Probe::Unreachable(error) => Err(error),
    }
}

/// Whether the secret's host is a replica, as AWSCURRENT shows that still gets in: then a rejection may only mean that the
/// change has not come through.
async fn on_a_replica(context: &Context<'_>, pending: &Credential, settings: &Settings) -> bool {
    let Ok(current) = context.current().await.and_then(|version| credential(context, version, settings)) else {
        return false;
    };
    if current.difference(pending).is_some() {
        return false;
    }
    let Probe::Accepted(mut session) = current.log_in(context).await else { return false };
    let replica = session.is_replica().await;
    session.close().await;
    replica.unwrap_or(false)
}

/// Tries until the replica has replayed the change, or until there is only time left for what comes after the proof.
async fn once_replayed(context: &Context<'_>, credential: &Credential) -> Probe<Session> {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        let probe = credential.log_in(context).await;
        if !matches!(probe, Probe::Rejected) || context.clock.left() < AFTERWARDS + pause {
            return probe;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
