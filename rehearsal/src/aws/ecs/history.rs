//! Service deployments: what `ListServiceDeployments` tells of those that are over, for ninety days.

use serde_json::{Value, json};

use super::super::wire::{Answer, ApiError, Fields as _, date, page, strings};
use super::state::{Rollout, Service};
use super::{Ecs, with_next};

impl Service {
    /// A new one begins, and replaces the one that is going on.
    pub(super) fn begin_rollout(&mut self) {
        self.end_rollout("STOPPED", "STOPPED");
        self.history.push(Rollout { created: self.clock.now(), finished: None, status: "IN_PROGRESS" });
    }

    /// The one that is going on is over: as what, or as what if it was rolled back.
    pub(super) fn end_rollout(&mut self, status: &'static str, rolled_back: &'static str) {
        if let Some(rollout) = self.history.iter_mut().find(|rollout| rollout.finished.is_none()) {
            rollout.status = if rollout.status == "ROLLBACK_IN_PROGRESS" { rolled_back } else { status };
            rollout.finished = Some(self.clock.now());
        }
    }

    /// The one that is going on goes back.
    pub(super) fn roll_back_rollout(&mut self) {
        if let Some(rollout) = self.history.iter_mut().find(|rollout| rollout.finished.is_none()) {
            rollout.status = "ROLLBACK_IN_PROGRESS";
        }
    }
}

impl Ecs {
    pub(super) fn list_service_deployments(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let service = self.service(&cluster, request.require("service")?);
        let service = service.ok_or_else(|| ApiError::new("ServiceNotFoundException", "Service not found."))?;
        if !service.is_of_ecs() {
            return Err(ApiError::new("UnsupportedFeatureException", "The service is not deployed by ECS."));
        }
        let statuses = strings(request, "status");
        let limit = |name: &str| request.get("createdAt").and_then(|range| range.get(name)?.as_f64());
        let (after, before) = (limit("after").unwrap_or(f64::MIN), limit("before").unwrap_or(f64::MAX));
        let asked = |rollout: &&Rollout| {
            let in_range = (after..=before).contains(&rollout.created.as_secs_f64());
            in_range && statuses.as_ref().is_none_or(|all| all.iter().any(|status| status == rollout.status))
        };
        let shown = |rollout: &Rollout| {
            let mut shown = json!({
                "serviceArn": service.arn, "clusterArn": self.arn("cluster", &cluster), "status": rollout.status,
                "createdAt": date(rollout.created), "startedAt": date(rollout.created),
            });
            if let Some(finished) = rollout.finished {
                shown["finishedAt"] = date(finished);
            }
            shown
        };
        // The newest first.
        let all: Vec<Value> = service.history.iter().rev().filter(asked).map(shown).collect();
        let (all, next) = page(all, self.size(request, 20)?, request.text("nextToken"))?;
        Ok(with_next(json!({ "serviceDeployments": all }), next))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ecs;
    use super::*;

    #[test]
    fn deployments_that_are_over_are_told_with_how_they_ended() {
        let mut ecs = ecs();
        let statuses = |ecs: &mut Ecs, request: Value| {
            let answer = ecs.ok("ListServiceDeployments", request);
            let all = answer["serviceDeployments"].as_array().unwrap().clone();
            all.iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let asked = || json!({"cluster": "main", "service": "web"});
        assert_eq!(statuses(&mut ecs, asked()), ["SUCCESSFUL"]);
        let service = ecs.service_mut("main", "web").unwrap();
        service.deploy();
        service.deploy();
        service.roll_back("tasks failed to start");
        service.settle();
        service.deploy();
        let expected = ["IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "STOPPED", "SUCCESSFUL"];
        assert_eq!(statuses(&mut ecs, asked()), expected);
        let mut successful = asked();
        successful["status"] = json!(["SUCCESSFUL"]);
        assert_eq!(statuses(&mut ecs, successful.clone()), ["SUCCESSFUL"]);
        successful["createdAt"] = json!({"after": super::super::super::wire::now().as_secs_f64() + 1.0});
        assert_eq!(statuses(&mut ecs, successful), [""; 0]);
        let unknown = json!({"cluster": "main", "service": "other"});
        assert_eq!(ecs.refused("ListServiceDeployments", unknown).0, "ServiceNotFoundException");
    }
}
