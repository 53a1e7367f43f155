//! The part of ECS that a redeploy meets: clusters, task definitions, services and their deployments.

mod deployments;
mod history;
mod pace;
mod services;
mod show;
mod state;
mod task;
mod tasks;
#[cfg(test)]
mod testing;
mod tick;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock::StageClock;
use super::wire::{Answer, ApiError, Fields as _, date, page};
pub use pace::{Pace, Rollback};
pub use state::{Deployment, Event, Rollout, Service};
pub use task::{Phase, Task};

/// Everything in ECS; comparable, to see whether anything changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ecs {
    region: String,
    account: String,
    clusters: BTreeMap<String, Value>,
    /// Family to revisions, each as `DescribeTaskDefinition` shows it.
    families: BTreeMap<String, Vec<Value>>,
    /// By cluster and name.
    services: BTreeMap<(String, String), Service>,
    /// Tasks of no service.
    standalone: Vec<Task>,
    /// The most that a page of a list holds, whatever was asked for.
    page: usize,
    clock: StageClock,
}

impl Ecs {
    /// An ECS in which nothing is yet, of an account, by this clock.
    #[must_use]
    pub fn new(region: &str, account: &str, clock: StageClock) -> Self {
        Self {
            clock,
            region: region.to_owned(),
            account: account.to_owned(),
            clusters: BTreeMap::new(),
            families: BTreeMap::new(),
            services: BTreeMap::new(),
            standalone: Vec::new(),
            page: 100,
        }
    }

    /// Makes every page of a list end after so many items: `maxResults` is the most that ECS gives, never the least.
    pub(crate) fn limit_pages(&mut self, items: usize) {
        self.page = items;
    }

    /// Answers one call.
    ///
    /// # Errors
    ///
    /// As ECS would; nothing has changed then.
    pub fn answer(&mut self, operation: &str, request: &Value) -> Answer {
        self.tick();
        match operation {
            "CreateCluster" => Ok(self.create_cluster(request)),
            "ListClusters" => self.list_clusters(request),
            "DescribeClusters" => Ok(self.describe_clusters(request)),
            "RegisterTaskDefinition" => self.register(request),
            "DescribeTaskDefinition" => self.describe_task_definition(request),
            "CreateService" => self.create_service(request),
            "ListServices" => self.list_services(request),
            "ListServiceDeployments" => self.list_service_deployments(request),
            "DescribeServices" => self.describe_services(request),
            "UpdateService" => self.update_service(request),
            "ListTasks" => self.list_tasks(request),
            "DescribeTasks" => self.describe_tasks(request),
            unknown => Err(ApiError::new("UnknownOperationException", format!("unknown operation {unknown}"))),
        }
    }

    /// Moves every service on to where it is by now.
    pub fn tick(&mut self) {
        self.services.values_mut().for_each(Service::tick);
    }

    /// A service by cluster and name.
    #[must_use]
    pub fn service(&self, cluster: &str, name: &str) -> Option<&Service> {
        self.services.get(&(short(cluster).to_owned(), short(name).to_owned()))
    }

    /// A service by cluster and name, to change.
    pub fn service_mut(&mut self, cluster: &str, name: &str) -> Option<&mut Service> {
        self.services.get_mut(&(short(cluster).to_owned(), short(name).to_owned()))
    }

    fn create_cluster(&mut self, request: &Value) -> Value {
        let name = request.text("clusterName").unwrap_or("default");
        let cluster = json!({ "clusterArn": self.arn("cluster", name), "clusterName": name, "status": "ACTIVE" });
        json!({ "cluster": self.clusters.entry(name.to_owned()).or_insert(cluster) })
    }

    fn list_clusters(&self, request: &Value) -> Answer {
        let arns: Vec<&Value> = self.clusters.values().map(|cluster| &cluster["clusterArn"]).collect();
        let (arns, next) = page(arns, self.size(request, 100)?, request.text("nextToken"))?;
        Ok(with_next(json!({ "clusterArns": arns }), next))
    }

    fn describe_clusters(&self, request: &Value) -> Value {
        let asked = super::wire::strings(request, "clusters").unwrap_or_else(|| vec!["default".to_owned()]);
        let shown = |(name, cluster): (&String, &Value)| {
            let (running, pending) = self.counts(name);
            let mut shown = cluster.clone();
            shown["runningTasksCount"] = json!(running);
            shown["pendingTasksCount"] = json!(pending);
            shown["activeServicesCount"] = json!(self.services.keys().filter(|(cluster, _)| cluster == name).count());
            shown
        };
        let found: Vec<Value> =
            asked.iter().filter_map(|name| self.clusters.get_key_value(short(name))).map(shown).collect();
        let missing = asked.iter().filter(|name| !self.clusters.contains_key(short(name)));
        let failures: Vec<Value> =
            missing.map(|name| json!({ "arn": self.arn("cluster", short(name)), "reason": "MISSING" })).collect();
        json!({ "clusters": found, "failures": failures })
    }

    fn register(&mut self, request: &Value) -> Answer {
        let family = request.require("family")?.to_owned();
        if request.get("containerDefinitions").is_none() {
            return Err(ApiError::new("ClientException", "Container definitions should not be empty."));
        }
        let revision = self.families.get(&family).map_or(0, Vec::len) + 1;
        let mut definition = request.clone();
        let tags = definition.as_object_mut().and_then(|fields| fields.remove("tags")).unwrap_or_else(|| json!([]));
        definition["taskDefinitionArn"] = json!(self.arn("task-definition", &format!("{family}:{revision}")));
        definition["revision"] = json!(revision);
        definition["status"] = json!("ACTIVE");
        definition["registeredAt"] = date(self.clock.now());
        self.families.entry(family).or_default().push(definition.clone());
        Ok(json!({ "taskDefinition": definition, "tags": tags }))
    }

    fn describe_task_definition(&self, request: &Value) -> Answer {
        Ok(json!({ "taskDefinition": self.definition(request.require("taskDefinition")?)?, "tags": [] }))
    }

    /// By ARN, `family:revision`, or family alone for the latest.
    fn definition(&self, id: &str) -> Result<&Value, ApiError> {
        let unknown = || ApiError::new("ClientException", "Unable to describe task definition.");
        let (family, revision) = match short(id).split_once(':') {
            Some((family, revision)) => (family, Some(revision.parse::<usize>().map_err(|_| unknown())?)),
            None => (short(id), None),
        };
        let revisions = self.families.get(family).ok_or_else(unknown)?;
        let found = match revision {
            None => revisions.last(),
            Some(number) => number.checked_sub(1).and_then(|index| revisions.get(index)),
        };
        found.ok_or_else(unknown)
    }

    fn arn(&self, kind: &str, name: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{kind}/{name}", self.region, self.account)
    }

    fn size(&self, request: &Value, default: u64) -> Result<usize, ApiError> {
        let size = request.get("maxResults").and_then(Value::as_u64).unwrap_or(default);
        match usize::try_from(size) {
            Ok(size @ 1..=100) => Ok(size.min(self.page)),
            _ => Err(ApiError::parameter("maxResults must be between 1 and 100.")),
        }
    }
}

/// The last part of an ARN, long or short; a name is itself.
fn short(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn with_next(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::testing::ecs;
    use super::*;

    #[test]
    fn a_task_definition_is_found_by_arn_revision_and_family() {
        let mut ecs = ecs();
        ecs.ok("RegisterTaskDefinition", json!({"family": "web", "containerDefinitions": [{"name": "second"}]}));
        let revision = |answer: Value| answer["taskDefinition"]["revision"].clone();
        let first = ecs.ok("DescribeTaskDefinition", json!({"taskDefinition": "web:1"}));
        assert_eq!(first["taskDefinition"]["containerDefinitions"][0]["secrets"][0]["name"], "DB");
        let arn = first["taskDefinition"]["taskDefinitionArn"].clone();
        assert_eq!(arn, "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1");
        assert_eq!(revision(ecs.ok("DescribeTaskDefinition", json!({"taskDefinition": arn}))), 1);
        assert_eq!(revision(ecs.ok("DescribeTaskDefinition", json!({"taskDefinition": "web"}))), 2);
        for id in ["web:3", "web:0", "web:x", "other"] {
            let refused = ecs.refused("DescribeTaskDefinition", json!({"taskDefinition": id}));
            assert_eq!(refused.0, "ClientException", "{id}");
        }
    }

    #[test]
    fn clusters_are_listed_in_pages_and_described() {
        let mut ecs = ecs();
        ecs.ok("CreateCluster", json!({"clusterName": "other"}));
        ecs.ok("CreateCluster", json!({"clusterName": "other"}));
        let page = ecs.ok("ListClusters", json!({"maxResults": 1}));
        assert_eq!(page["clusterArns"], json!(["arn:aws:ecs:us-east-1:123456789012:cluster/main"]));
        let page = ecs.ok("ListClusters", json!({"nextToken": page["nextToken"]}));
        assert_eq!(page["clusterArns"], json!(["arn:aws:ecs:us-east-1:123456789012:cluster/other"]));
        assert!(page.get("nextToken").is_none());
        ecs.limit_pages(1);
        let page = ecs.ok("ListClusters", json!({"maxResults": 100}));
        assert_eq!((page["clusterArns"].as_array().unwrap().len(), page.get("nextToken").is_some()), (1, true));
        let described = ecs.ok("DescribeClusters", json!({"clusters": ["main", "none"]}));
        assert_eq!(described["clusters"][0]["clusterName"], "main");
        assert_eq!(described["failures"][0]["reason"], "MISSING");
    }
}
