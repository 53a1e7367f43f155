//! Containers that take the previous value beside the current one. A service that verifies with both accepts what was signed before the
//! rotation; one that takes AWSCURRENT alone refuses it.

use std::fmt;

use super::{Found, Reference, Revision};
use crate::api::{ServiceName, short};
use crate::secret::{AWSCURRENT, AWSPREVIOUS};

/// A container that takes the secret by a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    service: ServiceName,
    revision: String,
    container: String,
    /// Whether it takes AWSCURRENT.
    pub current: bool,
    /// Whether it takes AWSPREVIOUS.
    pub previous: bool,
}

/// The containers of a service's own revisions that take the secret of this ARN by AWSCURRENT or AWSPREVIOUS.
#[must_use]
pub fn reads<'a>(
    service: &ServiceName,
    found: &Found,
    arn: &str,
    revision: impl Fn(&str) -> Option<&'a Revision>,
) -> Vec<Reads> {
    let mut all = Vec::new();
    if !found.active {
        return all;
    }
    let (staying, _) = found.revisions();
    for name in staying {
        for container in revision(name).into_iter().flat_map(|known| &known.containers) {
            let takes: Vec<&Reference> = container.takes.iter().filter(|one| one.is_of(arn)).collect();
            let by = |label: &str| takes.iter().any(|one| one.version.moving() == Some(label));
            let reads = Reads {
                service: service.clone(),
                revision: short(name).to_owned(),
                container: container.name.clone(),
                current: by(AWSCURRENT),
                previous: by(AWSPREVIOUS),
            };
            if reads.current || reads.previous {
                all.push(reads);
            }
        }
    }
    all
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the container {} of {}", self.service, self.container, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::sample::{deployment, found};
    use crate::dependents::{Container, Deployment, DeploymentState};

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:auth/jwt-AbCdEf";

    #[test]
    fn each_container_is_told_with_the_labels_that_it_takes() {
        for (takes, expected) in [
            (vec![""], Some((true, false))),
            (vec!["", "::AWSPREVIOUS:"], Some((true, true))),
            (vec![":key::", ":key:AWSPREVIOUS:"], Some((true, true))),
            (vec!["::AWSPREVIOUS:"], Some((false, true))),
            (vec![":::v1"], None),
            (vec!["::BLUE:"], None),
            (vec!["2"], None),
            (vec![], None),
        ] {
            let takes = takes.iter().filter_map(|take| Reference::value_from(&format!("{ARN}{take}"))).collect();
            let containers = vec![Container { name: "app".to_owned(), takes }];
            let revision = Revision { containers, ..Revision::default() };
            let running = Deployment {
                revision: "arn:aws:ecs:eu-west-1:000000000000:task-definition/api:7".to_owned(),
                ..deployment(Some(1000), true, DeploymentState::Completed)
            };
            let service = ServiceName::known("prod", "api");
            let read = reads(&service, &found(vec![running]), ARN, |_| Some(&revision));
            assert_eq!(read.first().map(|one| (one.current, one.previous)), expected);
            assert!(read.iter().all(|one| one.to_string() == "prod/api: the container app of api:7"), "{read:?}");
        }
    }
}
