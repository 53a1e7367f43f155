//! How a service with a pace moves on by itself.

use std::time::Duration;

use super::pace::{Pace, Rollback};
use super::state::Service;
use super::task::{Phase, Task};

/// So many failed starts in a row end a deployment under a circuit breaker.
const BREAKER: u64 = 3;

impl Service {
    /// Moves on to where the service is by now.
    pub(super) fn tick(&mut self) {
        let Some(pace) = self.pace.clone() else { return };
        let now = self.clock.now();
        let primary = self.primary().map(|primary| primary.id.clone()).unwrap_or_default();
        let mut failed = 0;
        for task in &mut self.tasks {
            let fails = pace.broken.as_deref().filter(|_| task.started_by == primary);
            match (task.phase, fails) {
                (Phase::Pending, Some(reason)) if now >= task.created + pace.start => {
                    task.fail(reason, now);
                    failed += 1;
                }
                (Phase::Pending, None) if now >= task.created + pace.start => task.run(now),
                _ => {}
            }
            let since = task.stopping.unwrap_or(now);
            if task.phase == Phase::Deactivating && now >= since + pace.deregistration {
                task.phase = Phase::Stopping;
            }
            if task.phase == Phase::Stopping && now >= since + pace.deregistration + pace.stop {
                task.stop(now);
            }
        }
        self.count_failures(&primary, failed);
        self.start_missing(&primary);
        self.replace_old(&pace, &primary, now);
    }

    fn count_failures(&mut self, primary: &str, failed: u64) {
        let runs = self.tasks.iter().any(|task| task.started_by == primary && task.phase == Phase::Running);
        if let Some(deployment) = self.deployments.iter_mut().find(|one| one.id == primary) {
            // Consecutive ones: a task that runs makes up for all.
            deployment.failed_tasks = if runs { 0 } else { deployment.failed_tasks + failed };
        }
        let is_over =
            self.primary().is_some_and(|one| one.failed_tasks >= BREAKER && one.rollout_state == "IN_PROGRESS");
        if is_over && let Some(rollback) = self.pace.as_ref().and_then(|pace| pace.breaker) {
            let why = "ECS deployment circuit breaker: tasks failed to start.";
            match rollback {
                Rollback::Yes => self.roll_back(why),
                Rollback::No => self.fail_rollout(why),
            }
        }
    }

    /// As many tasks of the PRIMARY deployment as are wanted, unless it was given up.
    fn start_missing(&mut self, primary: &str) {
        let Some(deployment) = self.primary().filter(|one| one.id == primary && one.rollout_state != "FAILED").cloned()
        else {
            return;
        };
        let wanted = usize::try_from(self.desired_count).unwrap_or(usize::MAX);
        let have = self.tasks.iter().filter(|task| task.started_by == primary && task.is_wanted()).count();
        for _ in have..wanted {
            self.start_task(&deployment.id);
        }
        let now = self.clock.now();
        let surplus = have.saturating_sub(wanted);
        let is_of_it = |task: &&mut Task| task.started_by == primary && task.is_wanted();
        self.tasks.iter_mut().filter(is_of_it).take(surplus).for_each(|task| task.drain(now));
    }

    /// Lets old tasks go once the new ones are healthy, and ends the deployment.
    fn replace_old(&mut self, pace: &Pace, primary: &str, now: Duration) {
        let is_going = self.primary().is_some_and(|one| one.id == primary && one.rollout_state == "IN_PROGRESS");
        let healthy = |task: &&Task| task.started.is_some_and(|at| now >= at + pace.health + pace.bake);
        let new = self.tasks.iter().filter(|task| task.started_by == primary && task.phase == Phase::Running);
        let enough = u64::try_from(new.filter(healthy).count()).unwrap_or(u64::MAX) >= self.desired_count;
        if !is_going || pace.paused || !enough {
            return self.let_deferred_go(pace, primary, now);
        }
        if pace.deferred.is_none() {
            let is_free = |task: &Task| task.protected.is_none_or(|until| now >= until);
            let old = self.tasks.iter_mut().filter(|task| task.started_by != primary);
            old.filter(|task| is_free(task)).for_each(|task| task.drain(now));
        }
        // SUCCESSFUL comes when old tasks begin to drain, COMPLETED when none is behind a load balancer any more.
        let kept = self.tasks.iter().any(|task| task.started_by != primary && task.is_wanted());
        if pace.deferred.is_none() && kept {
            return;
        }
        self.end_rollout("SUCCESSFUL", "ROLLBACK_SUCCESSFUL");
        let drains = self.tasks.iter().any(|task| task.started_by != primary && task.phase == Phase::Deactivating);
        if !drains {
            self.complete();
        }
    }

    /// Old tasks that a deployment left behind as it ended.
    fn let_deferred_go(&mut self, pace: &Pace, primary: &str, now: Duration) {
        let Some(deferred) = pace.deferred else { return };
        let is_done =
            self.primary().is_some_and(|one| one.rollout_state == "COMPLETED" && now >= one.updated + deferred);
        if is_done {
            self.tasks.iter_mut().filter(|task| task.started_by != primary).for_each(|task| task.drain(now));
        }
    }
}

#[cfg(test)]
mod tests;
