//! A service as ECS knows it: its deployments, what became of earlier ones, and what it has told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::super::clock::StageClock;
use super::pace::Pace;
use super::task::Task;

/// An ECS service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub name: String,
    /// The long ARN.
    pub arn: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// The revision's ARN.
    pub task_definition: String,
    /// How many tasks it should have.
    pub desired_count: u64,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// `REPLICA` or `DAEMON`.
    pub scheduling: String,
    /// `maximumPercent` of its deployments.
    pub maximum_percent: u64,
    /// `minimumHealthyPercent` of its deployments.
    pub minimum_healthy_percent: u64,
    /// `strategy` of its deployments: `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`.
    pub strategy: String,
    /// The `serviceConnectConfiguration` of its next deployment.
    pub service_connect: Option<Value>,
    /// The deployments, PRIMARY first, then those being replaced; shown as task sets where ECS does not deploy.
    pub deployments: Vec<Deployment>,
    /// Its service deployments, oldest first.
    pub history: Vec<Rollout>,
    /// What the service has told, newest first.
    pub events: Vec<Event>,
    /// Its tasks, also those that have stopped.
    pub tasks: Vec<Task>,
    /// How fast it replaces them by itself, if it does.
    pub pace: Option<Pace>,
    /// The service's tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created, since 1970.
    pub created: Duration,
    /// Whether a new deployment is COMPLETED at once, as ministack does; real ones take minutes.
    pub settles_at_once: bool,
    /// The clock of its dates.
    pub clock: StageClock,
}

/// A deployment of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// `ecs-svc/` and digits.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The revision it runs.
    pub task_definition: String,
    /// When it was made, since 1970.
    pub created: Duration,
    /// When it last changed, since 1970.
    pub updated: Duration,
    /// How many tasks run.
    pub running: u64,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
    /// Why the rollout is in that state.
    pub reason: String,
    /// How many tasks failed to start.
    pub failed_tasks: u64,
    /// The `serviceConnectConfiguration` it was made with.
    pub service_connect: Option<Value>,
}

/// What a service tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// When it was told, since 1970.
    pub created: Duration,
    /// What.
    pub message: String,
}

/// One service deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// When it was made, since 1970.
    pub created: Duration,
    /// When it was over, since 1970.
    pub finished: Option<Duration>,
    /// `IN_PROGRESS`, `SUCCESSFUL`, `STOPPED`, `ROLLBACK_IN_PROGRESS` or `ROLLBACK_SUCCESSFUL`.
    pub status: &'static str,
}
