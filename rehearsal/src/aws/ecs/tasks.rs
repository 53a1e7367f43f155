//! The calls about tasks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::wire::{Answer, ApiError, Fields as _, page, strings};
use super::task::{Phase, Task};
use super::{Ecs, short, with_next};

impl Ecs {
    /// Starts a task that belongs to no service, as `RunTask`, a schedule or a rule does; `started_by` tells which.
    ///
    /// # Errors
    ///
    /// If there is no such cluster or task definition.
    pub fn run_task(&mut self, cluster: &str, task_definition: &str, started_by: &str) -> Result<&mut Task, ApiError> {
        let cluster = self.cluster(&json!({ "cluster": cluster }))?;
        let definition = self.definition(task_definition)?;
        let group = format!("family:{}", definition.text("family").unwrap_or_default());
        let arn = definition.text("taskDefinitionArn").unwrap_or_default().to_owned();
        self.standalone.push(Task::new(&cluster, group, started_by, &arn, self.clock.now()));
        self.standalone.last_mut().ok_or_else(|| ApiError::parameter("no task"))
    }

    /// Every task that ECS still shows.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.services.values().flat_map(|service| &service.tasks).chain(&self.standalone)
    }

    /// Every task, to change.
    pub fn tasks_mut(&mut self) -> impl Iterator<Item = &mut Task> {
        self.services.values_mut().flat_map(|service| &mut service.tasks).chain(&mut self.standalone)
    }

    /// A task has read its secrets. One of a service with a pace fails where it could not.
    pub(crate) fn has_read(&mut self, id: &str, values: BTreeMap<String, String>, failed: Option<String>) {
        let now = self.clock.now();
        let paced: Vec<String> =
            self.services.values().filter(|one| one.pace.is_some()).map(|one| one.name.clone()).collect();
        let Some(task) = self.tasks_mut().find(|task| task.id == id) else { return };
        task.values = Some(values);
        if let Some(reason) = failed.filter(|_| paced.iter().any(|name| task.group == format!("service:{name}"))) {
            task.fail(&reason, now);
        }
    }

    /// The `valueFrom`s of the containers of a revision.
    #[must_use]
    pub fn takes(&self, task_definition: &str) -> Vec<String> {
        let containers =
            self.definition(task_definition).ok().and_then(|found| found["containerDefinitions"].as_array());
        let secrets =
            containers.into_iter().flatten().filter_map(|container| container["secrets"].as_array()).flatten();
        secrets.filter_map(|secret| secret.text("valueFrom").map(str::to_owned)).collect()
    }

    pub(super) fn list_tasks(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let desired = request.text("desiredStatus").unwrap_or("RUNNING");
        if !["RUNNING", "STOPPED", "PENDING"].contains(&desired) {
            return Err(ApiError::parameter("desiredStatus must be RUNNING, PENDING or STOPPED."));
        }
        if request.text("startedBy").is_some()
            && (request.text("serviceName").is_some() || request.text("family").is_some())
        {
            return Err(ApiError::parameter("cannot specify startedBy and another filter"));
        }
        let group = request.text("serviceName").map(|name| format!("service:{}", short(name)));
        let family = request.text("family");
        let listed = |task: &&Task| {
            let of_family = |family: &str| short(&task.task_definition).split(':').next() == Some(family);
            task.cluster == cluster
                && task.desired_status() == desired
                && group.as_ref().is_none_or(|group| task.group == *group)
                && family.is_none_or(of_family)
                && request.text("startedBy").is_none_or(|by| task.started_by == by)
        };
        let arns: Vec<String> =
            self.tasks().filter(listed).map(|task| task.arn(|kind, name| self.arn(kind, name))).collect();
        let (arns, next) = page(arns, self.size(request, 100)?, request.text("nextToken"))?;
        Ok(with_next(json!({ "taskArns": arns }), next))
    }

    pub(super) fn describe_tasks(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let asked = strings(request, "tasks").unwrap_or_default();
        if asked.is_empty() {
            return Err(ApiError::parameter("Tasks cannot be empty."));
        }
        if asked.len() > 100 {
            return Err(ApiError::parameter("Cannot describe more than 100 tasks."));
        }
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for id in &asked {
            match self.tasks().find(|task| task.cluster == cluster && task.id == short(id)) {
                Some(task) => tasks.push(task.show(|kind, name| self.arn(kind, name))),
                None => failures.push(json!({ "arn": id, "reason": "MISSING" })),
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    }

    /// `runningTasksCount` and `pendingTasksCount` of a cluster: neither counts tasks that are being stopped.
    pub(super) fn counts(&self, cluster: &str) -> (usize, usize) {
        let of = |phase: Phase| self.tasks().filter(|task| task.cluster == cluster && task.phase == phase).count();
        (of(Phase::Running), of(Phase::Pending))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ecs;
    use super::*;

    fn listed(ecs: &mut Ecs, fields: &Value) -> usize {
        let mut request = json!({ "cluster": "main" });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ecs.ok("ListTasks", request)["taskArns"].as_array().unwrap().len()
    }

    #[test]
    fn tasks_that_are_being_stopped_are_listed_only_when_asked_for() {
        let mut ecs = ecs();
        assert_eq!((listed(&mut ecs, &json!({})), ecs.counts("main")), (2, (2, 0)));
        let now = ecs.clock.now();
        ecs.service_mut("main", "web").unwrap().tasks[0].drain(now);
        assert_eq!((listed(&mut ecs, &json!({})), ecs.counts("main")), (1, (1, 0)));
        assert_eq!(listed(&mut ecs, &json!({"desiredStatus": "STOPPED"})), 1);
        ecs.service_mut("main", "web").unwrap().tasks[1].stop(now);
        assert_eq!(listed(&mut ecs, &json!({"desiredStatus": "STOPPED"})), 2);
        let statuses: Vec<&str> = ecs.tasks().map(Task::desired_status).collect();
        assert_eq!(statuses, ["STOPPED", "STOPPED"]);
    }

    #[test]
    fn tasks_are_found_by_service_family_and_starter() {
        let mut ecs = ecs();
        ecs.service_named("other");
        ecs.run_task("main", "web", "chronos-schedule/nightly").unwrap();
        assert_eq!(listed(&mut ecs, &json!({})), 5);
        assert_eq!(listed(&mut ecs, &json!({"serviceName": "other"})), 2);
        assert_eq!(listed(&mut ecs, &json!({"family": "web"})), 5);
        assert_eq!(listed(&mut ecs, &json!({"family": "we"})), 0);
        assert_eq!(listed(&mut ecs, &json!({"startedBy": "chronos-schedule/nightly"})), 1);
        let both = json!({"cluster": "main", "startedBy": "x", "family": "web"});
        assert_eq!(ecs.refused("ListTasks", both).0, "InvalidParameterException");
        assert_eq!(ecs.refused("ListTasks", json!({"cluster": "no"})).0, "ClusterNotFoundException");
        assert_eq!(ecs.run_task("main", "no", "x").unwrap_err().code, "ClientException");
    }

    #[test]
    fn a_task_is_described_with_its_dates_and_what_started_it() {
        let mut ecs = ecs();
        let arns = ecs.ok("ListTasks", json!({"cluster": "main"}))["taskArns"].clone();
        let asked = json!({"cluster": "main", "tasks": [arns[0], "none"]});
        let answer = ecs.ok("DescribeTasks", asked);
        let [task] = &answer["tasks"].as_array().unwrap()[..] else { panic!("{answer}") };
        assert_eq!(
            (&task["taskArn"], &task["group"], &task["lastStatus"]),
            (&arns[0], &json!("service:web"), &json!("RUNNING"))
        );
        let deployment = ecs.service("main", "web").unwrap().deployments[0].id.clone();
        assert_eq!(task["startedBy"], deployment.as_str());
        assert!(task["createdAt"].is_f64() && task["startedAt"].is_f64() && task.get("stoppedAt").is_none());
        assert_eq!(answer["failures"][0]["reason"], "MISSING");
        let many = json!({"cluster": "main", "tasks": vec!["x"; 101]});
        assert_eq!(ecs.refused("DescribeTasks", many).0, "InvalidParameterException");
    }

    #[test]
    fn a_revision_tells_what_its_tasks_take() {
        let ecs = ecs();
        assert_eq!(ecs.takes("web:1"), ["arn:aws:secretsmanager:us-east-1:1:secret:app/db-AbCdEf"]);
        assert!(ecs.takes("none:1").is_empty());
    }
}
