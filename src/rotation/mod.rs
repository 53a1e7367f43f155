//! The four steps of a rotation. Each observes, plans and applies; the order of the writes over all of them is the whole
//! safety argument and stands here, once:
//!
//! 1. store the new value as AWSPENDING (createSecret): from now on a crash anywhere loses nothing;
//! 2. change the database (setSecret): the stored version AWSPENDING logs in from that moment on; of signing keys, publish
//!    the public halves;
//! 3. prove it (testSecret, and again in finishSecret);
//! 4. move AWSCURRENT (finishSecret, round *promote*): nothing of ECS is read or written between 1 and this;
//! 5. redeploy the services, then take the mark off (finishSecret, round *roll*).
//!
//! At every moment one stored version logs in; every step may be repeated; and what is left after 4 is remembered by the
//! mark on the version itself. One window is Secrets Manager's own: storing a value has no precondition, so a createSecret
//! that is delayed between its last look and its one write could take AWSPENDING back from a rotation that began in
//! between. The look is therefore the last thing before the write.

mod beside;
mod create;
mod ending;
mod finish;
mod keys;
mod logins;
mod overview;
mod preflight;
mod retire;
mod revoke;
mod set;
mod test;
mod turn;

use std::time::Duration;

use crate::aws::secrets::{Lookup, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Rotation, Step};
use crate::kind::{self, Credential};
use crate::report::Report;
use crate::run::Run;
use crate::settings::Settings;
use crate::stages::{self, Seen, Standing};

use self::overview::{look, overview, settings};

pub(crate) use self::overview::{refuse_managed, refuse_not_enabled};
pub(crate) use self::preflight::{Findings, examine};
pub(crate) use self::retire::retire;
pub(crate) use self::revoke::revoke;

/// Does one step.
pub(crate) async fn step(run: &Run<'_>, event: &Rotation) -> Result<Report> {
    match event.step {
        Step::Create => create::run(run, event).await,
        Step::Set => set::run(run, event).await,
        Step::Test => test::run(run, event).await,
        Step::Finish => finish::run(run, event).await,
    }
}

/// The event's version with its value, where it stands as Pending; otherwise the refusal of the table.
///
/// A value can stay invisible for a moment after it was stored. The labels say whether there is one: then, and only
/// then, the read is repeated.
async fn pending_version(run: &Run<'_>, event: &Rotation) -> Result<Version> {
    let mut pause = Duration::from_millis(200);
    loop {
        let seen = match run.clients.secrets.pending(&event.secret, &event.version).await? {
            Lookup::Found(version) => return Ok(version),
            Lookup::Absent | Lookup::Elsewhere => overview(run, event).await?,
        };
        match stages::standing(&seen.labels, &event.version, Seen::NotRead) {
            Standing::Pending if pause < Duration::from_secs(2) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            standing => {
                stages::task(event.step, standing)?;
                return Err(Error::new(
                    ErrorKind::FailedAws,
                    "the version's labels and its value do not fit together yet",
                    "run the step again; Secrets Manager does so by itself",
                ));
            }
        }
    }
}

/// The credential that a version holds.
fn credential(run: &Run<'_>, version: Version, settings: &Settings) -> Result<Credential> {
    Credential::read(&kind::document(version.text()?, settings)?, settings, run.config.strategy)
}

/// Refuses two versions of a secret that differ in more than the password, and the account where two take turns. A value is
/// written once, so no retry can make them agree: `remedy` says what can. For the same reason setSecret, the step that
/// writes, compares for all that follow.
fn unchanged(base: &Credential, other: &Credential, name: &str, remedy: &str) -> Result<()> {
    match base.difference(other) {
        None => Ok(()),
        Some(key) => Err(Error::new(
            ErrorKind::RefusedChanged,
            format!(
                "the version {name} differs from AWSCURRENT in {key:?}; a rotation changes the password, and with alternating \
                 users the username to that of the partner, and nothing else"
            ),
            remedy,
        )),
    }
}

/// The remedy while AWSCURRENT is known to log in: giving the pending version up loses nothing.
const GIVE_UP: &str = "AWSCURRENT works: give this version up with `aws secretsmanager update-secret-version-stage \
     --secret-id SECRET --version-stage AWSPENDING --remove-from-version-id VERSION`, then rotate again";
/// The remedy while nobody knows which of the two logs in: the pending version may be the only one that does.
const FIND_OUT: &str = "keep both versions; find out by hand which of them the server accepts, and store that login, \
     with the change, as AWSCURRENT before anything else";
