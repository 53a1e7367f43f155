//! A service for tests: two tasks, one deployment of one revision, nothing else.

use super::{Controller, Deployment, DeploymentState, Found};
use crate::timestamp::Timestamp;

/// A time in milliseconds since 1970.
#[expect(clippy::unnecessary_wraps, reason = "dates of AWS may be absent")]
pub(crate) fn at(millis: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(millis))
}

pub(crate) fn deployment(created: Option<i64>, primary: bool, state: DeploymentState) -> Deployment {
    let (id, revision) = (format!("ecs-svc/{}", created.unwrap_or_default()), "api:1".to_owned());
    let created = created.map(Timestamp::from_millis);
    Deployment { id, primary, created, updated: created, state, reason: "told by ECS".to_owned(), revision }
}

pub(crate) fn found(deployments: Vec<Deployment>) -> Found {
    Found {
        active: true,
        desired: 2,
        running: 2,
        controller: Controller::Ecs,
        revision: None,
        deployments,
        tagged: Vec::new(),
        connect: Vec::new(),
        percent: None,
        rolling: true,
    }
}

pub(crate) fn running(created: Option<i64>) -> Found {
    found(vec![deployment(created, true, DeploymentState::Completed)])
}
