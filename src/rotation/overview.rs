//! What `DescribeSecret` tells a step: labels, tags, and whether the secret may be rotated at all.

use std::sync::Mutex;

use super::Run;
use crate::aws::secrets::Described;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{SecretId, VersionId};
use crate::settings::Settings;
use crate::stages::Labels;

/// A secret as a whole, without its values.
pub(crate) struct Overview {
    pub(crate) arn: String,
    pub(crate) labels: Labels,
    pub(crate) settings: Settings,
    pub(crate) last_changed: Option<i64>,
}

/// The settings of the last rotation that this process saw: setSecret and testSecret need a secret's tags, and most often
/// run a moment after createSecret in the process that has just read them. No value of a secret is ever kept.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Option<Remembered>>);

/// For how long tags are remembered, in seconds: a rotation takes less, and what an operator changes meanwhile counts soon.
const FRESH: i64 = 60;

struct Remembered {
    secret: SecretId,
    version: VersionId,
    settings: Settings,
    at: i64,
}

impl Memory {
    fn recall(&self, secret: &SecretId, version: &VersionId, now: i64) -> Option<Settings> {
        let memory = self.0.lock().ok()?;
        let known = memory.as_ref().filter(|known| known.secret == *secret && known.version == *version)?;
        (0..FRESH).contains(&(now - known.at)).then(|| known.settings.clone())
    }

    fn keep(&self, remembered: Remembered) {
        if let Ok(mut memory) = self.0.lock() {
            *memory = Some(remembered);
        }
    }
}

impl Run<'_> {
    /// Looks at the secret as a whole, and refuses one that may not be rotated.
    pub(super) async fn overview(&self) -> Result<Overview> {
        let described = self.clients.secrets.describe(&self.event.secret).await?;
        refuse_managed(&described)?;
        if described.rotation_enabled == Some(false) {
            return Err(Error::new(
                ErrorKind::RefusedNotEnabled,
                "rotation is not enabled for this secret",
                "turn it on with rotate-secret and a schedule; that also starts a rotation",
            ));
        }
        let settings = Settings::read(described.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        self.memory.keep(Remembered {
            secret: self.event.secret.clone(),
            version: self.event.version.clone(),
            settings: settings.clone(),
            at: self.clock.seconds(),
        });
        Ok(Overview { arn: described.arn, labels: described.labels, settings, last_changed: described.last_changed })
    }

    /// The secret's settings, from memory where an earlier step of this rotation read them.
    pub(super) async fn settings(&self) -> Result<Settings> {
        match self.memory.recall(&self.event.secret, &self.event.version, self.clock.seconds()) {
            Some(settings) => Ok(settings),
            None => Ok(self.overview().await?.settings),
        }
    }
}

/// Secrets that a service manages, above all `rds!…`, are rotated by that service.
fn refuse_managed(described: &Described) -> Result<()> {
    let by_name = described.arn.rsplit(':').next().is_some_and(|name| name.starts_with("rds!"));
    match described.owner.as_deref().or(by_name.then_some("rds")) {
        None => Ok(()),
        Some(owner) => Err(Error::new(
            ErrorKind::RefusedManaged,
            format!("the secret is managed by {owner}, which rotates it itself"),
            "leave its rotation to that service",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_of_one_rotation_and_one_minute_only() {
        let settings = Settings::read([("keyroll:kind", "postgres")]);
        let (secret, version) = (SecretId::parse("a").unwrap(), VersionId::known("v1"));
        let memory = Memory::default();
        assert_eq!(memory.recall(&secret, &version, 0), None);
        memory.keep(Remembered {
            secret: secret.clone(),
            version: version.clone(),
            settings: settings.clone(),
            at: 1000,
        });
        assert_eq!(memory.recall(&secret, &version, 1059), Some(settings));
        assert_eq!(memory.recall(&secret, &version, 1060), None);
        assert_eq!(memory.recall(&secret, &VersionId::known("v2"), 1000), None);
        assert_eq!(memory.recall(&SecretId::parse("b").unwrap(), &version, 1000), None);
    }

    #[test]
    fn managed_secrets_are_known_by_owner_and_by_name() {
        let described = |arn: &str, owner: Option<&str>| Described {
            arn: arn.to_owned(),
            labels: Labels::default(),
            tags: vec![],
            rotation_enabled: None,
            owner: owner.map(str::to_owned),
            last_changed: None,
        };
        let arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:";
        assert!(refuse_managed(&described(&format!("{arn}orders-AbCdEf"), None)).is_ok());
        assert!(refuse_managed(&described(&format!("{arn}orders-AbCdEf"), Some("rds"))).is_err());
        assert!(refuse_managed(&described(&format!("{arn}rds!db-0-AbCdEf"), None)).is_err());
        assert!(refuse_managed(&described(&format!("{arn}team/rds!db-0-AbCdEf"), None)).is_ok());
    }
}
