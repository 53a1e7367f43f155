//! Deployments of a service: the new PRIMARY, the old ACTIVE, and how a rollout ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::random;
use super::super::wire::{date, now};
use super::Service;

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
    /// How many tasks run.
    pub running: u64,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
    /// Why the rollout is in that state.
    pub reason: String,
    /// How many tasks failed to start.
    pub failed_tasks: u64,
}

impl Service {
    /// A new PRIMARY deployment; the ones before it are being replaced.
    pub fn deploy(&mut self) {
        for deployment in &mut self.deployments {
            "ACTIVE".clone_into(&mut deployment.status);
        }
        let id = random::text(&('0'..='9').collect::<Vec<_>>(), 19);
        let deployment = Deployment {
            id: format!("ecs-svc/{id}"),
            status: "PRIMARY".to_owned(),
            task_definition: self.task_definition.clone(),
            created: now(),
            running: 0,
            rollout_state: "IN_PROGRESS".to_owned(),
            reason: format!("ECS deployment ecs-svc/{id} in progress."),
            failed_tasks: 0,
        };
        self.deployments.insert(0, deployment);
        if self.settles_at_once {
            self.settle();
        }
    }

    /// The rollout ends well: only the PRIMARY deployment is left, with all its tasks.
    pub fn settle(&mut self) {
        self.deployments.truncate(1);
        for deployment in &mut self.deployments {
            deployment.running = self.desired_count;
            "COMPLETED".clone_into(&mut deployment.rollout_state);
            deployment.reason = format!("ECS deployment {} completed.", deployment.id);
        }
    }

    /// The circuit breaker ends the rollout: FAILED, and without rollback the old tasks go on.
    pub fn fail_rollout(&mut self, reason: &str) {
        if let Some(deployment) = self.deployments.first_mut() {
            "FAILED".clone_into(&mut deployment.rollout_state);
            reason.clone_into(&mut deployment.reason);
            deployment.failed_tasks += 3;
        }
    }

    /// The PRIMARY deployment.
    #[must_use]
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    pub(super) fn show(&self, with_tags: bool, arn_of: impl Fn(&str, &str) -> String) -> Value {
        let running: u64 = self.deployments.iter().map(|deployment| deployment.running).sum();
        let deployments: Vec<Value> = self.deployments.iter().map(|deployment| deployment.show(self)).collect();
        let mut shown = json!({
            "serviceArn": self.arn, "serviceName": self.name, "clusterArn": arn_of("cluster", &self.cluster),
            "status": self.status, "desiredCount": self.desired_count, "runningCount": running, "pendingCount": 0,
            "launchType": "FARGATE", "schedulingStrategy": self.scheduling, "taskDefinition": self.task_definition,
            "deploymentController": { "type": self.controller }, "createdAt": date(self.created),
            "deployments": deployments, "events": [], "loadBalancers": [],
        });
        if with_tags {
            let tags: Vec<Value> = self.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            shown["tags"] = json!(tags);
        }
        shown
    }
}

impl Deployment {
    fn show(&self, service: &Service) -> Value {
        let desired = if self.status == "PRIMARY" { service.desired_count } else { self.running };
        json!({
            "id": self.id, "status": self.status, "taskDefinition": self.task_definition,
            "createdAt": date(self.created), "updatedAt": date(self.created), "desiredCount": desired,
            "runningCount": self.running, "pendingCount": desired.saturating_sub(self.running),
            "failedTasks": self.failed_tasks, "rolloutState": self.rollout_state, "rolloutStateReason": self.reason,
            "launchType": "FARGATE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ecs;

    #[test]
    fn a_rollout_ends_completed_with_one_deployment_or_failed_with_two() {
        let mut ecs = ecs();
        let service = ecs.service_mut("main", "web").unwrap();
        service.deploy();
        let states: Vec<_> =
            service.deployments.iter().map(|d| (d.status.as_str(), d.rollout_state.as_str())).collect();
        assert_eq!(states, [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")]);
        service.fail_rollout("tasks failed to start");
        assert_eq!(service.primary().unwrap().rollout_state, "FAILED");
        assert_eq!(service.deployments.len(), 2);
        service.deploy();
        service.settle();
        assert_eq!(service.deployments.len(), 1);
        assert_eq!(service.primary().unwrap().running, 2);
        service.settles_at_once = true;
        service.deploy();
        assert_eq!(service.primary().unwrap().rollout_state, "COMPLETED");
    }
}
