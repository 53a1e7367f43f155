//! What a test says about ECS: clusters, services and their tasks.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::super::LocalAws;
use super::super::ecs::{Service, Task};
use super::super::wire::Fields as _;
use super::told;

impl LocalAws {
    /// Creates a cluster.
    pub fn create_cluster(&self, name: &str) -> Result<()> {
        self.ecs("CreateCluster", &json!({ "clusterName": name }))?;
        Ok(())
    }

    /// Registers a task definition and gives its ARN.
    pub fn register_task_definition(&self, definition: &Value) -> Result<String> {
        let answer = self.ecs("RegisterTaskDefinition", definition)?;
        Ok(answer["taskDefinition"].text("taskDefinitionArn").context("an ARN")?.to_owned())
    }

    /// A family of one container whose secrets are these `valueFrom`s.
    pub fn register_with_secrets(&self, family: &str, value_from: &[&str]) -> Result<String> {
        let secrets =
            value_from.iter().enumerate().map(|(n, from)| json!({"name": format!("S{n}"), "valueFrom": from}));
        let container = json!({ "name": "app", "image": "app", "secrets": secrets.collect::<Vec<_>>() });
        self.register_task_definition(&json!({ "family": family, "containerDefinitions": [container] }))
    }

    /// Creates a service with one settled deployment and gives its ARN.
    pub fn create_service(&self, cluster: &str, name: &str, task_definition: &str) -> Result<String> {
        self.create_service_with(cluster, name, json!({ "taskDefinition": task_definition }))
    }

    /// Creates a service with these fields of `CreateService` and gives its ARN.
    pub fn create_service_with(&self, cluster: &str, name: &str, fields: Value) -> Result<String> {
        let mut request = fields;
        request["cluster"] = json!(cluster);
        request["serviceName"] = json!(name);
        let answer = self.ecs("CreateService", &request)?;
        Ok(answer["service"].text("serviceArn").context("an ARN")?.to_owned())
    }

    /// Makes every page of `ListClusters` and `ListServices` end after this number of items: then a few items make several pages.
    pub fn limit_pages(&self, items: usize) {
        self.model(|model| model.ecs.limit_pages(items));
    }

    /// The service as it stands.
    #[must_use]
    pub fn service(&self, cluster: &str, name: &str) -> Option<Service> {
        self.model(|model| model.ecs.service(cluster, name).cloned())
    }

    /// Changes anything about a service: its controller, status, counts, tags, deployments.
    pub fn with_service<T>(&self, cluster: &str, name: &str, change: impl FnOnce(&mut Service) -> T) -> Result<T> {
        let changed = self.model(|model| {
            let changed = model.ecs.service_mut(cluster, name).map(change);
            model.let_tasks_read();
            changed
        });
        changed.with_context(|| format!("no service {cluster}/{name}"))
    }

    /// Makes a service's deployments, and what it has told, older.
    pub fn age_service(&self, cluster: &str, name: &str, by: Duration) -> Result<()> {
        self.with_service(cluster, name, |service| {
            let deployments = service.deployments.iter_mut().flat_map(|one| [&mut one.created, &mut one.updated]);
            let history = service.history.iter_mut().flat_map(|one| [Some(&mut one.created), one.finished.as_mut()]);
            let events = service.events.iter_mut().map(|event| &mut event.created);
            let tasks = service.tasks.iter_mut().flat_map(|one| [Some(&mut one.created), one.started.as_mut()]);
            for date in deployments.chain(history.flatten()).chain(events).chain(tasks.flatten()) {
                *date = date.saturating_sub(by);
            }
        })
    }

    /// Starts a task that belongs to no service; `started_by` names who did.
    pub fn run_task(&self, cluster: &str, task_definition: &str, started_by: &str) -> Result<Task> {
        self.model(|model| {
            let id = model.ecs.run_task(cluster, task_definition, started_by).map_err(told)?.id.clone();
            model.let_tasks_read();
            model.ecs.tasks().find(|task| task.id == id).cloned().context("the task")
        })
    }

    /// Every task that is live now, each with what it read as it started.
    #[must_use]
    pub fn live_tasks(&self) -> Vec<Task> {
        self.model(|model| {
            model.let_tasks_read();
            model.ecs.tasks().filter(|task| task.is_live()).cloned().collect()
        })
    }

    /// Changes a task, of a service or by itself.
    pub fn with_task<T>(&self, id: &str, change: impl FnOnce(&mut Task) -> T) -> Result<T> {
        let changed = self.model(|model| model.ecs.tasks_mut().find(|task| task.id == id).map(change));
        changed.with_context(|| format!("no task {id}"))
    }

    fn ecs(&self, operation: &str, request: &Value) -> Result<Value> {
        let answer = self.model(|model| {
            let answer = model.ecs.answer(operation, request);
            model.let_tasks_read();
            answer
        });
        answer.map_err(told)
    }
}
