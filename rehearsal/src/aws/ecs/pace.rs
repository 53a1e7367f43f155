//! How fast a service replaces its tasks, and what goes wrong on the way: the clocks of a rollout are apart, as ECS's are.
//!
//! A service without a pace moves only where a test says so. One with a pace moves whenever somebody looks.

use std::time::Duration;

/// The delays of a service, and what its deployments do besides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    /// From a task's creation until it runs.
    pub start: Duration,
    /// From there until it is healthy.
    pub health: Duration,
    /// From there until old tasks may go: the bake time of blue/green deployments, or of an alarm.
    pub bake: Duration,
    /// How long an old task is taken from its load balancer, still working.
    pub deregistration: Duration,
    /// How long it then takes to end.
    pub stop: Duration,
    /// Whether a circuit breaker ends a deployment whose tasks fail, and with a rollback.
    pub breaker: Option<Rollback>,
    /// Whether a deployment ends while old tasks live on, for as long as `deferred` says (early success, DEFERRED).
    pub deferred: Option<Duration>,
    /// Whether a hook waits for a person.
    pub paused: bool,
    /// Why new tasks fail to start, as long as they do.
    pub broken: Option<String>,
}

/// What a circuit breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollback {
    /// Goes back to the deployment before.
    Yes,
    /// Leaves everything as it is.
    No,
}
