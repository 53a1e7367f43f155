//! What the process remembers between invocations, to spare calls. No password is ever kept; of a secret's value only who
//! takes turns with whom, by what a server knows the password that the last rotation replaced, and digests of keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Settings;
use crate::dependents::Revision;
use crate::jose::Fingerprint;
use crate::secret::{SecretId, Sensitive, VersionId};
use crate::timestamp::Timestamp;

/// For how long tags are remembered, in seconds: a rotation takes less, and what an operator changes meanwhile counts soon.
const FRESH: i64 = 60;
/// How many revisions are remembered. ECS allows 5,000 services in a cluster; a revision takes less than a kilobyte.
const REVISIONS: usize = 10_000;

/// Of how many secrets the two accounts are remembered, and of how many what was replaced.
const SECRETS: usize = 1_000;

/// The process's memory.
#[derive(Default)]
pub(crate) struct Memory {
    settings: Mutex<Option<Remembered>>,
    revisions: Mutex<HashMap<String, Arc<Revision>>>,
    partners: Mutex<HashMap<SecretId, [String; 2]>>,
    replaced: Mutex<HashMap<SecretId, Sensitive>>,
    fingerprints: Mutex<HashMap<SecretId, (VersionId, Fingerprint)>>,
}

/// The settings of the last rotation that this process saw: setSecret and testSecret need a secret's tags, and most often
/// run a moment after createSecret in the process that has just read them.
struct Remembered {
    secret: SecretId,
    version: VersionId,
    settings: Settings,
    at: Timestamp,
}

impl Memory {
    /// The settings of a rotation, if this process read them a moment ago.
    pub(crate) fn settings(&self, secret: &SecretId, version: &VersionId, now: Timestamp) -> Option<Settings> {
        let memory = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.as_ref().filter(|known| known.secret == *secret && known.version == *version)?;
        (0..FRESH).contains(&(now.seconds_since(known.at))).then(|| known.settings.clone())
    }

    /// Remembers the settings of a rotation.
    pub(crate) fn keep_settings(&self, secret: &SecretId, version: &VersionId, settings: &Settings, now: Timestamp) {
        let (secret, version, settings) = (secret.clone(), version.clone(), settings.clone());
        let remembered = Remembered { secret, version, settings, at: now };
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Some(remembered);
    }

    /// The account that takes turns with this one, if this process has changed one of the two. setSecret looks again before
    /// it changes anything.
    pub(crate) fn partner(&self, secret: &SecretId, account: &str) -> Option<String> {
        let partners = self.partners.lock().unwrap_or_else(PoisonError::into_inner);
        match partners.get(secret)? {
            [one, other] | [other, one] if one == account => Some(other.clone()),
            _ => None,
        }
    }

    /// Remembers two accounts that take turns.
    pub(crate) fn keep_partners(&self, secret: &SecretId, accounts: [&str; 2]) {
        let mut partners = self.partners.lock().unwrap_or_else(PoisonError::into_inner);
        if partners.len() >= SECRETS {
            partners.clear();
        }
        partners.insert(secret.clone(), accounts.map(str::to_owned));
    }

    /// The verifier of the password that this process replaced last, where its kind has one.
    pub(crate) fn replaced(&self, secret: &SecretId) -> Option<Sensitive> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).get(secret).cloned()
    }

    /// Remembers the verifier of a password that was replaced.
    pub(crate) fn keep_replaced(&self, secret: &SecretId, verifier: Sensitive) {
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        if replaced.len() >= SECRETS {
            replaced.clear();
        }
        replaced.insert(secret.clone(), verifier);
    }

    /// Which keys the version that was last seen as AWSCURRENT holds. A version's value never changes.
    pub(crate) fn fingerprint(&self, secret: &SecretId) -> Option<(VersionId, Fingerprint)> {
        self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner).get(secret).cloned()
    }

    /// Remembers which keys a version holds.
    pub(crate) fn keep_fingerprint(&self, secret: &SecretId, version: &VersionId, fingerprint: Fingerprint) {
        let mut fingerprints = self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner);
        if fingerprints.len() >= SECRETS {
            fingerprints.clear();
        }
        fingerprints.insert(secret.clone(), (version.clone(), fingerprint));
    }

    /// A revision of a task definition. Revisions never change, so that one look is enough for as long as the process lives.
    pub(crate) fn revision(&self, arn: &str) -> Option<Arc<Revision>> {
        self.revisions.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    /// Remembers a revision.
    pub(crate) fn keep_revision(&self, arn: &str, revision: Arc<Revision>) {
        let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        if revisions.len() >= REVISIONS {
            revisions.clear();
        }
        revisions.insert(arn.to_owned(), revision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_of_one_rotation_and_one_minute_only() {
        let settings = Settings::read([("keyroll:kind", "postgres")]);
        let (secret, version) = (SecretId::parse("a").unwrap(), VersionId::known("v1"));
        let (memory, at) = (Memory::default(), Timestamp::from_seconds);
        assert_eq!(memory.settings(&secret, &version, at(0)), None);
        memory.keep_settings(&secret, &version, &settings, at(1000));
        assert_eq!(memory.settings(&secret, &version, at(1059)), Some(settings));
        assert_eq!(memory.settings(&secret, &version, at(1060)), None);
        assert_eq!(memory.settings(&secret, &VersionId::known("v2"), at(1000)), None);
        assert_eq!(memory.settings(&SecretId::parse("b").unwrap(), &version, at(1000)), None);
    }

    #[test]
    fn partners_are_known_from_either_side() {
        let (memory, secret) = (Memory::default(), SecretId::parse("a").unwrap());
        memory.keep_partners(&secret, ["app", "app_clone"]);
        assert_eq!(memory.partner(&secret, "app").as_deref(), Some("app_clone"));
        assert_eq!(memory.partner(&secret, "app_clone").as_deref(), Some("app"));
        assert_eq!(memory.partner(&secret, "other"), None);
        assert_eq!(memory.partner(&SecretId::parse("b").unwrap(), "app"), None);
    }

    #[test]
    fn revisions_are_kept_and_memory_stays_bounded() {
        let memory = Memory::default();
        for number in 0..REVISIONS {
            memory.keep_revision(&number.to_string(), Arc::default());
        }
        assert!(memory.revision("0").is_some() && memory.revision("x").is_none());
        memory.keep_revision("x", Arc::default());
        assert!(memory.revision("0").is_none() && memory.revision("x").is_some());
    }
}
