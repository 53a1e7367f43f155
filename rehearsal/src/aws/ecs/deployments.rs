//! Deployments of a service: the new PRIMARY, the old ACTIVE, and how a rollout ends.

use super::super::random;
use super::state::{Deployment, Event, Service};
use super::task::Task;

/// ECS, `DescribeServices`: so many events, the newest, are shown.
const EVENTS: usize = 100;

impl Service {
    /// A new PRIMARY deployment of another revision.
    pub fn deploy_revision(&mut self, arn: &str) {
        arn.clone_into(&mut self.task_definition);
        self.deploy();
    }

    /// A new PRIMARY deployment; the ones before it are being replaced. It is a task set where ECS does not deploy.
    pub fn deploy(&mut self) {
        for deployment in &mut self.deployments {
            "ACTIVE".clone_into(&mut deployment.status);
        }
        let id = random::text(&('0'..='9').collect::<Vec<_>>(), 19);
        let deployment = Deployment {
            id: format!("ecs-svc/{id}"),
            status: "PRIMARY".to_owned(),
            task_definition: self.task_definition.clone(),
            created: self.clock.now(),
            updated: self.clock.now(),
            running: 0,
            rollout_state: "IN_PROGRESS".to_owned(),
            reason: format!("ECS deployment ecs-svc/{id} in progress."),
            failed_tasks: 0,
            service_connect: self.service_connect.clone(),
        };
        self.deployments.insert(0, deployment);
        self.begin_rollout();
        for _ in 0..self.desired_count {
            self.start_task(&format!("ecs-svc/{id}"));
        }
        if self.settles_at_once {
            self.settle();
        }
    }

    /// Starts a task of a deployment: one of the many of a new one, or one in the place of another.
    pub fn start_task(&mut self, deployment: &str) {
        let revision = self.deployments.iter().find(|one| one.id == deployment).map(|one| one.task_definition.clone());
        let (group, revision) = (format!("service:{}", self.name), revision.unwrap_or_default());
        self.tasks.push(Task::new(&self.cluster, group, deployment, &revision, self.clock.now()));
    }

    /// The rollout ends well: only the PRIMARY deployment is left, with all its tasks, and every other task has stopped.
    pub fn settle(&mut self) {
        let (now, primary) = (self.clock.now(), self.primary().map(|one| one.id.clone()).unwrap_or_default());
        let (new, old): (Vec<&mut Task>, Vec<&mut Task>) =
            self.tasks.iter_mut().partition(|task| task.started_by == primary);
        for task in old {
            task.stop(now);
        }
        for task in new {
            task.run(now);
        }
        self.end_rollout("SUCCESSFUL", "ROLLBACK_SUCCESSFUL");
        self.complete();
    }

    /// COMPLETED: only the PRIMARY deployment is shown, though tasks of others may not have stopped yet.
    pub(super) fn complete(&mut self) {
        self.deployments.truncate(1);
        for deployment in &mut self.deployments {
            deployment.running = self.desired_count;
            deployment.updated = self.clock.now();
            "COMPLETED".clone_into(&mut deployment.rollout_state);
            deployment.reason = format!("ECS deployment {} completed.", deployment.id);
        }
        if let Some(done) = self.deployments.first().map(|deployment| deployment.id.clone()) {
            self.tell(&format!("(deployment {done}) deployment completed."));
            self.tell("has reached a steady state.");
        }
    }

    fn tell(&mut self, what: &str) {
        let message = format!("(service {}) {what}", self.name);
        self.events.insert(0, Event { id: random::uuid(), created: self.clock.now(), message });
        self.events.truncate(EVENTS);
    }

    /// The circuit breaker ends the rollout: FAILED, and without rollback the old tasks go on.
    pub fn fail_rollout(&mut self, reason: &str) {
        if let Some(deployment) = self.deployments.first_mut() {
            "FAILED".clone_into(&mut deployment.rollout_state);
            deployment.updated = self.clock.now();
            reason.clone_into(&mut deployment.reason);
            deployment.failed_tasks += 3;
            let (id, now) = (deployment.id.clone(), self.clock.now());
            let of_it = self.tasks.iter_mut().filter(|task| task.started_by == id);
            of_it.for_each(|task| task.fail(reason, now));
        }
    }

    /// The circuit breaker ends the rollout and goes back: the deployment before is PRIMARY again, under its old id and with
    /// a new date, and the failed one is drained. [`Service::settle`] ends that; then only what the service has told shows
    /// that there was a rollback.
    pub fn roll_back(&mut self, reason: &str) {
        self.fail_rollout(reason);
        if self.deployments.len() < 2 {
            return;
        }
        self.deployments.swap(0, 1);
        let [back, failed, ..] = &mut self.deployments[..] else { return };
        "PRIMARY".clone_into(&mut back.status);
        "IN_PROGRESS".clone_into(&mut back.rollout_state);
        back.created = self.clock.now();
        back.updated = self.clock.now();
        back.reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}", back.id);
        "ACTIVE".clone_into(&mut failed.status);
        back.task_definition.clone_into(&mut self.task_definition);
        let (back, failed) = (back.id.clone(), failed.id.clone());
        self.tell(&format!("(deployment {failed}) deployment failed: tasks failed to start."));
        self.tell(&format!("rolling back to deployment {back}."));
        self.roll_back_rollout();
    }

    /// Whether ECS itself makes its deployments, and nobody else its task sets.
    #[must_use]
    pub fn is_of_ecs(&self) -> bool {
        !["CODE_DEPLOY", "EXTERNAL"].contains(&self.controller.as_str())
    }

    /// The PRIMARY deployment.
    #[must_use]
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    #[test]
    fn a_rollback_makes_the_previous_deployment_primary_again_with_a_new_date() {
        let mut ecs = ecs();
        let service = ecs.service_mut("main", "web").unwrap();
        service.deployments[0].created -= Duration::from_secs(1);
        let (first, revision) = (service.deployments[0].clone(), service.task_definition.clone());
        service.deploy_revision("web:2");
        let (failed, begun) = (service.deployments[0].id.clone(), service.deployments[0].created);
        service.roll_back("tasks failed to start");
        let states: Vec<_> =
            service.deployments.iter().map(|d| (d.status.as_str(), d.rollout_state.as_str())).collect();
        assert_eq!(states, [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "FAILED")]);
        let [back, gone] = &service.deployments[..] else { panic!("{service:?}") };
        assert_eq!((&back.id, &gone.id, &service.task_definition), (&first.id, &failed, &revision));
        assert!(back.created >= begun && back.created > first.created, "{service:?}");
        assert!(back.reason.ends_with(&format!("rolling back to deploymentId {}", first.id)), "{}", back.reason);
        service.settle();
        let [back] = &service.deployments[..] else { panic!("{service:?}") };
        assert_eq!((&back.id, back.rollout_state.as_str()), (&first.id, "COMPLETED"));
        // Only the events still tell.
        assert!(!back.reason.contains("rolling back"), "{}", back.reason);
        let told = format!("(service web) rolling back to deployment {}.", first.id);
        assert!(service.events.iter().any(|event| event.message == told), "{:?}", service.events);
    }
}
