//! `Revoke`: a credential is in wrong hands. Everything old is replaced at once, nothing overlaps, and an intruder who is in with it
//! is put out. The writes in order:
//!
//! 1. store a new value as AWSPENDING, drawn now: what was staged before loses the label, and is never used;
//! 2. set its password, as setSecret does, but with none beside it;
//! 3. prove it and move AWSCURRENT, as finishSecret does;
//! 4. with two accounts, replace the password of the one that was current by one that nobody knows; with one that still
//!    accepts two passwords, take the old one away;
//! 5. end the sessions of both: all of the old account's, and the other's that began before its new password;
//! 6. redeploy every dependent and take the mark off.
//!
//! Up to 3 this is a rotation that begins and ends in one invocation, and breaks off as harmlessly: some stored version logs
//! in at every moment, and Secrets Manager may go on with the version where Revoke left it. After a crash anywhere Revoke
//! begins again, with another value, and replaces both passwords whatever was done before.
//!
//! Two things are out of reach. A login that was begun before its password changed and lets the server wait for its proof
//! opens a session up to `authentication_timeout` (PostgreSQL: a minute) or `connect_timeout` (MariaDB: 10 s) later: Revoke again
//! ends that, too. And a server shows and ends its own sessions only: those on its replicas have to be ended there.

mod put_out;
mod store;

use std::time::Duration;

use self::put_out::{Insiders, put_out};
use self::store::{Stored, store};
pub(super) use self::store::{overtaken, rotation};
use super::login::beside::Strangers;
use super::login::logins::{Account, Promoted};
use super::login::prove::prove_and_stay;
use super::login::set_secret;
use super::overview::{look, settings};
use super::versions::credential;
use super::{finish_secret, keys};
use crate::api::event::Rotation;
use crate::api::{Report, listed};
use crate::aws::secrets::Lookup;
use crate::context::{Context, Overview, Scene};
use crate::database::{Credential, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Proof;
use crate::rollout::{self, Rollout};
use crate::rotation::target::Target;
use crate::secret::{AWSCURRENT, Standing, Step, VersionId};

/// The least time for all of it but the rollout, which Reconcile can finish.
const ENOUGH: Duration = Duration::from_secs(15);

/// Replaces everything old.
///
/// Safe to repeat: each time ends the credential of the time before. See the order above for where it may break off.
pub(crate) async fn revoke(context: &Context<'_>) -> Result<Report> {
    context.clock.require(ENOUGH, "revoke a credential", "nothing was changed")?;
    let seen = look(context).await?;
    if let Target::Keys(kind) = Target::of(&seen.settings) {
        return Box::pin(keys::revoke::revoke(context, kind)).await;
    }
    let Stored { mut event, current, account, mut session, mut report } = store(context).await?;
    if !account.current.alternates()
        && let Some(same) = session.take()
    {
        // It would be one of those to be ended.
        same.close().await;
    }
    let done = Box::pin(replace(context, &mut event, &account, &current, session, &mut report)).await;
    done.map_err(|error| told(error, &report).at(format!("version {}", event.version.as_str())))?;
    Ok(report)
}

/// An error that takes the place of a report, with what the report would have warned of: above all of who is still in.
fn told(error: Error, report: &Report) -> Error {
    if report.warnings.is_empty() {
        return error;
    }
    error.map_cause(|cause| format!("{cause}; besides: {}", listed(&report.warnings)))
}

/// What stops a rotation stops Revoke for a moment only: it begins again with another value.
fn again(error: Error) -> Error {
    match error.kind() {
        ErrorKind::RefusedVersion | ErrorKind::RefusedChanged => {
            let cause = format!("a rotation came in between: {}", error.cause());
            Error::new(ErrorKind::FailedAws, cause, "invoke the action Revoke again")
        }
        _ => error.map_remedy(|remedy| format!("{remedy}; then invoke the action Revoke again")),
    }
}

/// Steps 2 to 6.
async fn replace(
    context: &Context<'_>,
    event: &mut Rotation,
    before: &Account,
    replaced: &VersionId,
    session: Option<Session>,
    report: &mut Report,
) -> Result<()> {
    event.step = Step::Set;
    let settings = settings(context, event).await.map_err(again)?;
    report.append(set_secret::set_secret(context, event, settings, Strangers::Replace).await.map_err(again)?);
    event.step = Step::Finish;
    let pending = stored(context, event, before).await.map_err(again)?;
    let (proof, line) = prove_and_stay(context, &pending, &before.settings).await.map_err(again)?;
    // From now on the server rejects the old password, with one account: a client that has taken AWSPENDING meanwhile, as a
    // createSecret may that was just about to store its value, this version becomes current.
    let seen = look(context).await?;
    if !seen.labels.has(replaced, AWSCURRENT) && !seen.labels.has(&event.version, AWSCURRENT) {
        return Err(Error::new(
            ErrorKind::FailedAws,
            "AWSCURRENT has moved to a version of another rotation meanwhile",
            "invoke the action Revoke again",
        ));
    }
    let proven = Proof::nothing(Standing::Pending).proving(line).warning(pending.warnings());
    let (moved, since) = finish_secret::move_current(context, event, &seen, proven).await?;
    report.append(moved);
    let Overview { arn, settings, .. } = seen;
    let after = Account { arn, settings, current: pending };
    // Services that hold the old credential may be locked out from here on: whatever fails, they are redeployed.
    let mut errors = Vec::new();
    let insiders = Insiders { proof, old: session };
    errors.extend(
        put_out(context, Promoted { account: &after, version: &event.version }, before, insiders, report).await.err(),
    );
    let rollout = Rollout { arn: &after.arn, version: &event.version, settings: &after.settings, marked: true };
    // What was seen of the services before the move is too old to tell what they run with.
    let scene = Scene::new(context.clock);
    match rollout::roll(&Context { scene: &scene, ..*context }, &rollout, since).await {
        Ok(rolled) => report.append(rolled),
        Err(error) => errors.push(error),
    }
    Error::join(errors).map_or(Ok(()), Err)
}

/// The credential of the version that was stored, which may have lost its label.
async fn stored(context: &Context<'_>, event: &Rotation, before: &Account) -> Result<Credential> {
    match context.clients.secrets.version(context.secret, &event.version).await? {
        Lookup::Found(version) => credential(context, version, &before.settings),
        Lookup::Absent | Lookup::Elsewhere => {
            Err(Error::new(ErrorKind::FailedAws, "the new version cannot be read yet", "wait a moment"))
        }
    }
}
