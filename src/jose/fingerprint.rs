//! What one version has to know of another one's keys: whether tasks with the one accept what tasks with the other sign.

use super::KeyKind;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::give_up_command;

/// Which keys a value signs with and accepts, by digests: enough to hold two versions against each other, and nothing to sign
/// with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// None where nobody can sign with it yet.
    pub signs: Option<KeyPrint>,
    /// What a task that holds it verifies with.
    pub accepts: Vec<KeyPrint>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrint {
    /// The digest of the key itself.
    pub digest: [u8; 32],
    /// By what verifiers choose it, where it has a name: its `kid`, and its algorithm or what else has to stay.
    pub name: Option<(String, String)>,
}

const REMEDY: &str = concat!(
    "if a Revoke broke off, invoke the action Revoke again and do not rotate; else give this version up with `",
    give_up_command!(),
    "`, then rotate again"
);

impl Fingerprint {
    /// Refuses a pending value that was not made from the one of `before`.
    pub(super) fn refuse_unrelated(&self, before: &Self, kind: KeyKind) -> Result<()> {
        let (Some(new), Some(old)) = (&self.signs, &before.signs) else { return Ok(()) };
        let refused = |cause: &str| Err(Error::new(ErrorKind::RefusedChanged, cause, REMEDY));
        match kind {
            KeyKind::KeyRing if !before.accepts.iter().any(|key| key.is(new)) => refused(
                "tasks that hold AWSCURRENT do not know the key that AWSPENDING signs with: AWSPENDING was made by a Revoke, or \
                 AWSCURRENT has been replaced since this rotation began",
            ),
            KeyKind::KeyRing if !self.accepts.iter().any(|key| key.is(old)) => refused(
                "AWSPENDING does not hold the key that tasks with AWSCURRENT sign with: AWSCURRENT has been replaced since this \
                 rotation began",
            ),
            KeyKind::Jwt | KeyKind::Token | KeyKind::TokenList | KeyKind::SigningKey if new.digest == old.digest => {
                refused("AWSPENDING holds the same secret as AWSCURRENT")
            }
            KeyKind::TokenList if before.accepts.len() > 1 && !self.accepts.iter().any(|key| key.is(old)) => refused(
                "AWSPENDING does not hold the newest entry of the list in AWSCURRENT: AWSCURRENT has been replaced since this \
                 rotation began",
            ),
            KeyKind::SigningKey => match (&new.name, &old.name) {
                (Some((new, _)), Some((old, _))) if !new.is_empty() && new == old => refused(
                    "AWSPENDING holds another key under the key_id of AWSCURRENT: verifiers would take the one for the other",
                ),
                (Some((_, new)), Some((_, old))) if new != old => {
                    refused("AWSPENDING holds a key of another type or size than AWSCURRENT")
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl KeyPrint {
    /// Whether verifiers take both for the same key. A bare secret has no name, and takes none for its own.
    fn is(&self, other: &Self) -> bool {
        let same_name = match (&self.name, &other.name) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        self.digest == other.digest && same_name
    }
}
