//! What work on one secret needs, be it a step of a rotation or an operator's action.

use crate::aws::Clients;
use crate::aws::secrets::{Described, Lookup, RotationRules, Version};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{SecretId, VersionId};
use crate::kind::{Credential, Session};
use crate::memory::Memory;
use crate::plan::Plan;
use crate::probe::Probe;
use crate::report::{Doing, Report};
use crate::rollout::Scene;
use crate::settings::Settings;
use crate::stages::{AWSCURRENT, Labels};

/// Everything that work on one secret needs.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) config: &'a Config,
    pub(crate) clients: &'a Clients,
    pub(crate) memory: &'a Memory,
    pub(crate) clock: Clock,
    pub(crate) secret: &'a SecretId,
    pub(crate) doing: Doing,
    pub(crate) scene: &'a Scene,
}

/// A secret as a whole, without its values.
pub(crate) struct Overview {
    pub(crate) arn: String,
    pub(crate) labels: Labels,
    pub(crate) settings: Settings,
    pub(crate) last_changed: Option<i64>,
    pub(crate) last_rotated: Option<i64>,
    pub(crate) rules: Option<RotationRules>,
    pub(crate) next_rotation: Option<i64>,
}

impl From<Described> for Overview {
    fn from(described: Described) -> Self {
        let settings = Settings::read(described.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        Self {
            arn: described.arn,
            labels: described.labels,
            settings,
            last_changed: described.last_changed,
            last_rotated: described.last_rotated,
            rules: described.rules,
            next_rotation: described.next_rotation,
        }
    }
}

impl Run<'_> {
    /// The same work, which has to be done so much earlier.
    pub(crate) fn leaving(self, reserve: std::time::Duration) -> Self {
        Self { clock: self.clock.leaving(reserve), ..self }
    }

    /// Looks at the secret as a whole.
    pub(crate) async fn describe(&self) -> Result<Described> {
        self.clients.secrets.describe(self.secret).await
    }

    /// The version that clients read now.
    pub(crate) async fn current(&self) -> Result<Version> {
        match self.clients.secrets.labelled(self.secret, AWSCURRENT).await? {
            Lookup::Found(version) => Ok(version),
            Lookup::Absent | Lookup::Elsewhere => Err(Error::new(
                ErrorKind::RefusedValue,
                "the secret has no AWSCURRENT value to rotate, or does not exist",
                "check the secret's name and Region, and store a first value with put-secret-value",
            )),
        }
    }

    /// Logs in with a credential.
    pub(crate) async fn log_in(&self, credential: &Credential) -> Probe<Session> {
        credential.probe(&self.config.ca_bundle, self.clock).await
    }

    /// The report of a plan that is about to be carried out.
    pub(crate) fn report(&self, arn: &str, version: &VersionId, plan: &Plan) -> Report {
        tracing::debug!(secret = arn, doing = self.doing.name(), "plan: {plan}");
        Report::of(arn, version, self.doing, plan)
    }
}
