//! ECS services that depend on a secret: which do, which of them need a new deployment, and a verdict with a reason for
//! each. Pure functions of what ECS shows; looking and redeploying are in `rollout`.

mod apart;
mod estate;
mod hazard;
mod judge;
mod previous;
mod progress;
mod reference;

use crate::api::ServiceName;
use crate::error::Error;
use crate::secret::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};
use crate::timestamp::Timestamp;

pub use apart::{Apart, apart};
pub(crate) use estate::{Estate, Holder, Revisions, Survey, dependent};
pub use hazard::{floating_tag, hazards};
pub use judge::{Judgement, Since, judge};
pub use previous::{Reads, reads};
pub use progress::{Age, Move, Outcome, Past, Progress, by_history, given_up, progress};
pub use reference::{Key, Reference, WantedVersion};

/// A service that depends on the secret, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// Which.
    pub name: ServiceName,
    /// In what way.
    pub how: Dependence,
    /// What ECS shows of it.
    pub sighting: Sighting,
    /// What a new deployment of it may do that nobody expects.
    pub hazards: Vec<String>,
    /// Whether this very invocation has redeployed it already, for another secret.
    pub redeployed: bool,
}

/// In what way a service depends on the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependence {
    /// A tag of the secret names it.
    Named,
    /// Its own tag `keyroll:secret` names the secret.
    Tagged,
    /// Its tasks take a label's value that a rotation moves.
    Reads,
    /// Its tasks take one version for ever.
    Pinned(String),
    /// Its tasks take a label that no rotation moves.
    OtherLabel(String),
    /// Only tasks that are being replaced anyway take it.
    Outgoing,
}

/// What ECS shows of a service that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It exists.
    Found(Found),
    /// The cluster has no such service.
    NoService,
    /// There is no such cluster.
    NoCluster,
    /// The service could not be looked at.
    Unseen(Error),
}

/// What matters about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether its status is ACTIVE; a deleted service stays visible for a while as DRAINING or INACTIVE.
    pub active: bool,
    /// How many tasks it should run.
    pub desired: i32,
    /// How many it runs.
    pub running: i32,
    /// The deployment controller.
    pub controller: Controller,
    /// The revision that a forced deployment starts.
    pub revision: Option<String>,
    /// Its deployments, or its task sets where ECS does not deploy it itself.
    pub deployments: Vec<Deployment>,
    /// The secrets that it names beside its task definition: in its tag, and for the log driver of Service Connect.
    pub tagged: Vec<Reference>,
    /// See [`Found::tagged`].
    pub connect: Vec<Reference>,
    /// `maximumPercent` and `minimumHealthyPercent` of a rolling update of replicas.
    pub percent: Option<(i32, i32)>,
    /// Whether tasks are replaced one after the other, and not by blue/green, linear or canary deployments.
    pub rolling: bool,
}

/// A deployment or task set of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Whether it is PRIMARY: the one that is to stay.
    pub primary: bool,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it last changed: once it is completed, at the latest when it was.
    pub updated: Option<Timestamp>,
    /// How far it is.
    pub state: DeploymentState,
    /// ECS's word on that.
    pub reason: String,
    /// The revision of its tasks.
    pub revision: String,
}

/// How far a deployment is. ECS shows it for rolling updates only, and FAILED only under a circuit breaker or an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// Tasks are being replaced.
    InProgress,
    /// Given up, or itself the way back from one that was.
    Failed,
    /// Done.
    Completed,
}

/// A service's deployment controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// ECS itself, rolling or blue/green.
    Ecs,
    /// `CodeDeploy`: needs a `CodeDeploy` deployment.
    CodeDeploy,
    /// A third party.
    External,
}

/// What matters of a revision of a task definition. Revisions never change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its containers that take secrets into their environment.
    pub containers: Vec<Container>,
    /// The secrets that it names elsewhere: for log drivers, registries and file systems.
    pub elsewhere: Vec<Reference>,
    /// Images whose tag names no build, so that a new deployment may start another one than the last.
    pub floating_images: Vec<String>,
}

/// What a container takes into its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// Which secrets, each form once.
    pub takes: Vec<Reference>,
}

impl Revision {
    /// Every secret that it names.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.containers.iter().flat_map(|container| &container.takes).chain(&self.elsewhere)
    }
}

impl Found {
    /// The PRIMARY deployment.
    #[must_use]
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }

    /// The revisions that new tasks run, and those of tasks that are being replaced. A task set that is not PRIMARY is not
    /// on its way out: with `CodeDeploy` it is the one that comes.
    #[must_use]
    pub fn revisions(&self) -> (Vec<&str>, Vec<&str>) {
        let stays = |one: &&Deployment| one.primary || self.controller != Controller::Ecs;
        let mut staying: Vec<&str> = self.revision.as_deref().into_iter().collect();
        staying.extend(self.deployments.iter().filter(stays).map(|one| one.revision.as_str()));
        staying.sort_unstable();
        staying.dedup();
        let outgoing = self.deployments.iter().map(|one| one.revision.as_str());
        let outgoing: Vec<&str> = outgoing.filter(|revision| !staying.contains(revision)).collect();
        (staying, outgoing)
    }

    /// In what way the service depends on the secret of this ARN, if it does. `revision` gives what is known of a
    /// revision.
    #[must_use]
    pub fn dependence<'a>(&self, arn: &str, revision: impl Fn(&str) -> Option<&'a Revision>) -> Option<Dependence> {
        let wanted = |names: &[&str]| -> Vec<WantedVersion> {
            let of_revisions = names.iter().filter_map(|name| revision(name)).flat_map(Revision::references);
            of_revisions.filter(|one| one.is_of(arn)).map(|one| one.version.clone()).collect()
        };
        let (staying, outgoing) = self.revisions();
        let mut found = wanted(&staying);
        found.extend(self.connect.iter().filter(|one| one.is_of(arn)).map(|one| one.version.clone()));
        if found.iter().any(WantedVersion::moves) {
            return Some(Dependence::Reads);
        }
        if self.tagged.iter().any(|one| one.is_of(arn)) {
            return Some(Dependence::Tagged);
        }
        match found.into_iter().next() {
            Some(WantedVersion::Version(id)) => Some(Dependence::Pinned(id)),
            Some(WantedVersion::Label(label)) => Some(Dependence::OtherLabel(label)),
            None => wanted(&outgoing).iter().any(WantedVersion::moves).then_some(Dependence::Outgoing),
        }
    }
}

impl WantedVersion {
    /// Whether a rotation changes what is read.
    fn moves(&self) -> bool {
        self.moving().is_some()
    }

    /// The label that is read, if a rotation moves it.
    fn moving(&self) -> Option<&str> {
        match self {
            Self::Label(label) => {
                Some(label.as_str()).filter(|label| [AWSCURRENT, AWSPENDING, AWSPREVIOUS].contains(label))
            }
            Self::Version(_) => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
