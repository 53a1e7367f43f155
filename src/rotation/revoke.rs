//! `Revoke`: a credential is in wrong hands. Everything old is replaced at once, nothing overlaps, and whoever is in with it
//! is put out. The writes in order:
//!
//! 1. store a new value as AWSPENDING, drawn now: what was staged before loses the label, and is never used;
//! 2. set its password, as setSecret does;
//! 3. prove it and move AWSCURRENT, as finishSecret does;
//! 4. with two accounts, replace the password of the one that was current by one that nobody knows;
//! 5. end the sessions of both: all of the old account's, and the other's that began before its new password;
//! 6. redeploy every dependent and take the mark off.
//!
//! Up to 3 this is a rotation that begins and ends in one invocation, and breaks off as harmlessly: some stored version logs
//! in at every moment, and Secrets Manager may go on with the version where Revoke left it. After a crash anywhere Revoke
//! begins again, with another value, and replaces both passwords whatever was done before.
//!
//! Two things are out of reach. A login that was begun before its password changed and lets the server wait for its proof
//! opens a session up to `authentication_timeout` (a minute) later: Revoke again ends that, too. And a server shows and ends
//! its own sessions only: those on its replicas have to be ended there.

mod put_out;
mod store;

use std::time::Duration;

use self::put_out::{Insiders, put_out};
use self::store::{Stored, store};
use super::logins::Account;
use super::{credential, finish, look, pending_version, set, test};
use crate::error::{Error, Result};
use crate::event::{Rotation, Step};
use crate::kind::Session;
use crate::report::Report;
use crate::rollout::{self, Left};
use crate::run::{Overview, Run};
use crate::stages::{self, Seen};

/// The least time for all of it but the rollout, which Reconcile can finish.
const ENOUGH: Duration = Duration::from_secs(15);

/// Replaces everything old.
///
/// Safe to repeat: each time ends the credential of the time before. See the order above for where it may break off.
pub(crate) async fn revoke(run: &Run<'_>) -> Result<Report> {
    run.clock.require(ENOUGH, "revoke a credential", "nothing was changed")?;
    let Stored { mut event, account, mut session, mut report } = store(run).await?;
    if !account.current.alternates()
        && let Some(same) = session.take()
    {
        // It would be one of those to be ended.
        same.close().await;
    }
    let done = replace(run, &mut event, &account, session, &mut report).await;
    done.map_err(|error| error.at(format!("version {}", event.version.as_str())))?;
    Ok(report)
}

/// Steps 2 to 6.
async fn replace(
    run: &Run<'_>,
    event: &mut Rotation,
    before: &Account,
    session: Option<Session>,
    report: &mut Report,
) -> Result<()> {
    event.step = Step::Set;
    report.append(set::run(run, event).await?);
    event.step = Step::Finish;
    let pending = credential(run, pending_version(run, event).await?, &before.settings)?;
    let (proof, line) = test::prove_and_stay(run, &pending, &before.settings).await?;
    // From now on the server rejects the old password, with one account, so that nothing stands in the way of the move.
    let seen = look(run).await?;
    stages::task(event.step, stages::standing(&seen.labels, &event.version, Seen::Present))?;
    let (moved, since) = finish::move_current(run, event, &seen, &pending, line).await?;
    report.append(moved);
    let Overview { arn, settings, .. } = seen;
    let after = Account { arn, settings, current: pending };
    // Services that hold the old credential may be locked out from here on: whatever fails, they are redeployed.
    let mut errors = Vec::new();
    let insiders = Insiders { proof, old: session };
    errors.extend(put_out(run, (&after, &event.version), before, insiders, report).await.err());
    let left = Left { arn: &after.arn, version: &event.version, settings: &after.settings, marked: true };
    match rollout::run(run, &left, since).await {
        Ok(rolled) => report.append(rolled),
        Err(error) => errors.push(error),
    }
    Error::join(errors).map_or(Ok(()), Err)
}
