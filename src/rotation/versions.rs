//! The versions of a secret that a rotation works with, and how two of them may differ.

use std::time::Duration;

use super::overview::overview;
use crate::api::event::Rotation;
use crate::aws::secrets::{Lookup, Version};
use crate::config::Settings;
use crate::context::Context;
use crate::database::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::stages::{self, ValueSeen};
use crate::secret::{Standing, give_up_command};

/// The event's version with its value, where it stands as Pending; otherwise the refusal of the table.
///
/// A value can stay invisible for a moment after it was stored. The labels say whether there is one: then, and only
/// then, the read is repeated.
pub(super) async fn pending_version(context: &Context<'_>, event: &Rotation) -> Result<Version> {
    let mut pause = Duration::from_millis(200);
    loop {
        let seen = match context.clients.secrets.pending(&event.secret, &event.version).await? {
            Lookup::Found(version) => return Ok(version),
            Lookup::Absent | Lookup::Elsewhere => overview(context, event).await?,
        };
        match stages::standing(&seen.labels, &event.version, ValueSeen::NotRead) {
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
pub(super) fn credential(context: &Context<'_>, version: Version, settings: &Settings) -> Result<Credential> {
    Ok(Credential::read(version.text()?, settings, context.config.strategy)?.1)
}

/// Refuses two versions of a secret that differ in more than the password, and the account where two take turns. A value is
/// written once, so no retry can make them agree: `remedy` says what can. For the same reason setSecret, the step that
/// writes, compares for all that follow.
pub(super) fn unchanged(base: &Credential, other: &Credential, name: &str, remedy: &str) -> Result<()> {
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
pub(super) const GIVE_UP: &str =
    concat!("AWSCURRENT works: give this version up with `", give_up_command!(), "`, then rotate again");
/// The remedy while nobody knows which of the two logs in: the pending version may be the only one that does.
pub(super) const FIND_OUT: &str = "keep both versions; find out by hand which of them the server accepts, and store that login, \
     with the change, as AWSCURRENT before anything else";
