//! What one version has to know of another one's keys: whether tasks with the one accept what tasks with the other sign.

use super::{GIVE_UP, KeyKind};
use crate::error::{Error, ErrorKind, Result};

/// Which keys a value signs with and accepts, by digests: enough to hold two versions against each other, and nothing to sign
/// with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// None where nobody can sign with it yet.
    pub signs: Option<[u8; 32]>,
    /// What a task that holds it verifies with.
    pub accepts: Vec<[u8; 32]>,
}

impl Fingerprint {
    pub(super) fn refuse_unrelated(&self, before: &Self, kind: KeyKind) -> Result<()> {
        let (Some(new), Some(old)) = (self.signs, before.signs) else { return Ok(()) };
        let refused = |cause: &str| Err(Error::new(ErrorKind::RefusedChanged, cause, GIVE_UP));
        match kind {
            KeyKind::KeyRing if !before.accepts.contains(&new) => refused(
                "tasks that hold AWSCURRENT do not know the key that AWSPENDING signs with: AWSCURRENT has been replaced since \
                 this rotation began",
            ),
            KeyKind::KeyRing if !self.accepts.contains(&old) => refused(
                "AWSPENDING does not hold the key that tasks with AWSCURRENT sign with: AWSCURRENT has been replaced since this \
                 rotation began",
            ),
            KeyKind::Jwt | KeyKind::Token | KeyKind::SigningKey if new == old => {
                refused("AWSPENDING holds the same secret as AWSCURRENT")
            }
            _ => Ok(()),
        }
    }
}
