//! What a step of a rotation or an operator's action works with.

use std::fmt;
use std::time::Duration;

use super::{Clock, Memory, Scene, Share};
use crate::api::{Doing, Report, RotationRules};
use crate::aws::Clients;
use crate::aws::secrets::{Described, Lookup, Version};
use crate::config::{Config, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::secret::{AWSCURRENT, Labels, SecretId, VersionId};
use crate::timestamp::Timestamp;

/// What a step or an action works with, for one secret.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
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
    pub(crate) last_changed: Option<Timestamp>,
    pub(crate) last_rotated: Option<Timestamp>,
    pub(crate) rules: Option<RotationRules>,
    pub(crate) next_rotation: Option<Timestamp>,
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

impl Context<'_> {
    /// This context with a deadline that is earlier by this reserve.
    pub(crate) fn leaving(self, reserve: Duration) -> Self {
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

    /// The report of a plan that is about to be carried out.
    pub(crate) fn report<A: fmt::Display>(&self, arn: &str, version: &VersionId, plan: &Plan<A>) -> Report {
        tracing::debug!(secret = arn, doing = self.doing.name(), "plan: {plan}");
        Report {
            secret_arn: arn.to_owned(),
            version_id: version.as_str().to_owned(),
            doing: self.doing,
            standing: plan.standing,
            done: plan.proven.clone(),
            previous_credential_valid_until: None,
            services: plan.services.clone(),
            warnings: plan.warnings.clone(),
        }
    }
}

/// Time that a rollout keeps back to answer with its verdicts.
pub(crate) const ANSWER: Duration = Duration::from_millis(750);

/// Makes a call to ECS within its share of the time. The error says so where ECS throttled the call until its time was over.
pub(crate) async fn in_time<T>(
    context: &Context<'_>,
    clock: Clock,
    share: Share,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    let throttled = context.clients.ecs.throttled();
    let answer = clock.share(share, what, Box::pin(call)).await;
    let times = context.clients.ecs.throttled() - throttled;
    answer.map_err(|error| match error.kind() {
        ErrorKind::FailedDeadline if times > 0 => Error::new(
            ErrorKind::FailedDeadline,
            format!("ECS throttled {what} ({times} times) until its time was over"),
            "find out who else calls ECS in this account and Region; what is left is done when it answers again",
        ),
        _ => error,
    })
}
