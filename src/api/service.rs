//! A service's name, and its line in a report.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

impl ServiceName {
    /// A service of which ECS gave the ARN: it ends with the service's name, after the cluster's or, in the old form,
    /// directly.
    #[must_use]
    pub fn known(cluster: &str, service: &str) -> Self {
        Self { cluster: short(cluster).to_owned(), service: short(service).to_owned() }
    }
}

/// The last part of an ECS ARN; a name is itself.
#[must_use]
pub fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
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

/// What became of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// A service's line in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// The cluster.
    pub cluster: String,
    /// The service.
    pub service: String,
    /// What became of it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{same_both_ways, service};

    #[test]
    fn a_line_is_written_with_the_name_of_its_verdict() {
        for verdict in [Verdict::Redeployed, Verdict::AlreadyCurrent, Verdict::Skipped, Verdict::Failed] {
            let name = verdict.name();
            let json = format!(r#"{{"cluster":"prod","service":"api","verdict":"{name}","reason":"because"}}"#);
            same_both_ways(&service(verdict), &json);
        }
    }

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

    #[test]
    fn both_forms_of_arns_give_the_same_name() {
        let root = "arn:aws:ecs:eu-west-1:000000000000";
        let cluster = format!("{root}:cluster/prod");
        for service in [format!("{root}:service/prod/api"), format!("{root}:service/api"), "api".to_owned()] {
            assert_eq!(ServiceName::known(&cluster, &service).to_string(), "prod/api");
        }
    }
}
