//! Which ECS services depend on a secret, which of them need a new deployment, and a verdict with a reason for each.

mod verdict;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::Error;

pub use verdict::{Judgement, Since, judge};

/// `DescribeServices` takes ten names of one cluster.
const PER_CALL: usize = 10;

/// A service of a cluster, as `cluster/service`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
}

impl FromStr for ServiceName {
    type Err = ();

    /// ECS: cluster and service names have up to 255 letters, digits, underscores and hyphens.
    fn from_str(text: &str) -> Result<Self, ()> {
        let fits = |name: &str| {
            (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        match text.split_once('/') {
            Some((cluster, service)) if fits(cluster) && fits(service) => {
                Ok(Self { cluster: cluster.to_owned(), service: service.to_owned() })
            }
            _ => Err(()),
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.service)
    }
}

/// Services in batches of one cluster and at most ten: what `DescribeServices` takes.
#[must_use]
pub fn batches(names: &[ServiceName]) -> Vec<Vec<ServiceName>> {
    let mut batches: Vec<Vec<ServiceName>> = Vec::new();
    for name in names {
        match batches.iter_mut().find(|batch| batch[0].cluster == name.cluster && batch.len() < PER_CALL) {
            Some(batch) => batch.push(name.clone()),
            None => batches.push(vec![name.clone()]),
        }
    }
    batches
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
    /// Who deploys it.
    pub controller: Controller,
    /// When its PRIMARY deployment was created, in milliseconds since 1970.
    pub deployed: Option<i64>,
}

/// Who deploys a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// ECS itself, rolling or blue/green.
    Ecs,
    /// `CodeDeploy`: needs a `CodeDeploy` deployment.
    CodeDeploy,
    /// A third party.
    External,
}

/// What became of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new deployment was forced.
    Redeployed,
    /// Its tasks read the current value already.
    AlreadyCurrent,
    /// It cannot or need not be redeployed, and no retry would change that.
    Skipped,
    /// It should be redeployed and was not; a retry may help.
    Failed,
}

/// A service's line in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceReport {
    /// The cluster.
    pub cluster: String,
    /// The service.
    pub service: String,
    /// What became of it.
    #[serde(serialize_with = "verdict_name")]
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

impl ServiceReport {
    /// A service's line.
    #[must_use]
    pub fn new(name: &ServiceName, verdict: Verdict, reason: String) -> Self {
        Self { cluster: name.cluster.clone(), service: name.service.clone(), verdict, reason }
    }
}

impl fmt::Display for ServiceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {} ({})", self.cluster, self.service, self.verdict.name(), self.reason)
    }
}

impl Verdict {
    /// The verdict's name in reports and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redeployed => "redeployed",
            Self::AlreadyCurrent => "alreadyCurrent",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn verdict_name<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_ten_of_one_cluster() {
        let name = |cluster: &str, n: usize| ServiceName { cluster: cluster.to_owned(), service: format!("s{n}") };
        let mut names: Vec<ServiceName> = (0..11).map(|n| name("a", n)).collect();
        names.insert(5, name("b", 0));
        let batches = batches(&names);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 1, 1]);
        assert!(batches.iter().all(|batch| batch.iter().all(|name| name.cluster == batch[0].cluster)));
    }

    #[test]
    fn service_names_are_pairs_of_ecs_names() {
        let name: ServiceName = "prod/orders_api-2".parse().unwrap();
        assert_eq!((name.cluster.as_str(), name.service.as_str()), ("prod", "orders_api-2"));
        for text in ["prod", "prod/", "/api", "prod/api/x", "prod/a b", "prod/a:1"] {
            assert!(text.parse::<ServiceName>().is_err(), "{text}");
        }
    }
}
