//! What AWS knows: clusters, services and revisions, and one secret whose rollout is open.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

pub const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";
pub const VERSION: &str = "6f6e2d7a-1b5c-4c7e-9b0a-000000000001";
/// When the secret last changed, in seconds since 1970; the model's time begins a second later.
pub const CHANGED: f64 = 1_700_000_000.0;
const ECS: &str = "arn:aws:ecs:eu-west-1:000000000000";

/// Status and body.
pub type Answer = (u16, Value);

#[derive(Default)]
pub struct Ecs {
    /// By cluster and name, as `DescribeServices` shows them.
    services: BTreeMap<String, BTreeMap<String, Value>>,
    /// By ARN: their containers.
    revisions: BTreeMap<String, Value>,
    /// Whether the secret's mark has been taken off.
    pub closed: bool,
    /// The secret's tags.
    pub tags: Vec<(String, String)>,
    /// Whether ARNs of services leave the cluster out, as they did until 2018.
    pub short_arns: bool,
    deployments: usize,
}

pub fn revision(family: &str) -> String {
    format!("{ECS}:task-definition/{family}:1")
}

impl Ecs {
    /// So many clusters with so many services each, every one with a revision of its own that takes another secret.
    pub fn with(clusters: usize, services: usize) -> Self {
        let mut ecs = Self::default();
        for cluster in 0..clusters {
            ecs.services.entry(format!("c{cluster:03}")).or_default();
            for service in 0..services {
                ecs.add(&format!("c{cluster:03}"), &format!("s{service:03}"), "arn:aws:ssm:::parameter/other");
            }
        }
        ecs
    }

    /// A service whose tasks take this.
    pub fn add(&mut self, cluster: &str, name: &str, value_from: &str) {
        self.add_task(cluster, name, &[("app", &[value_from])]);
    }

    /// A service whose tasks are of these containers, each of which takes this.
    pub fn add_task(&mut self, cluster: &str, name: &str, containers: &[(&str, &[&str])]) {
        let secret = |value_from: &&str| json!({ "name": "DB", "valueFrom": value_from });
        let container = |(name, takes): &(&str, &[&str])| json!({ "name": name, "image": "app:1", "secrets": takes.iter().map(secret).collect::<Vec<_>>() });
        let revision = revision(&format!("{cluster}-{name}"));
        self.revisions.insert(revision.clone(), containers.iter().map(container).collect());
        let service = json!({
            "serviceArn": format!("{ECS}:service/{cluster}/{name}"), "serviceName": name, "status": "ACTIVE",
            "desiredCount": 2, "taskDefinition": revision, "tags": [],
            "deploymentController": { "type": "ECS" },
            "deployments": [deployment("ecs-svc/0", &revision, CHANGED - 1000.0)],
        });
        self.services.entry(cluster.to_owned()).or_default().insert(name.to_owned(), service);
    }

    /// One that takes the secret.
    pub fn add_dependent(&mut self, cluster: &str, name: &str) {
        self.add(cluster, name, &format!("{SECRET}:password::"));
    }

    pub fn service(&mut self, cluster: &str, name: &str) -> &mut Value {
        self.services.get_mut(cluster).unwrap().get_mut(name).unwrap()
    }

    pub fn answer(&mut self, operation: &str, request: &Value, at: Duration) -> Answer {
        match operation {
            "ListClusters" => {
                let arns = self.services.keys().map(|name| format!("{ECS}:cluster/{name}")).collect();
                page("clusterArns", arns, request)
            }
            "ListServices" => {
                let Some(services) = self.services.get(cluster(request)) else { return no_cluster() };
                let arn = |service: &Value| service["serviceArn"].as_str().unwrap().to_owned();
                let middle = format!("/{}/", cluster(request));
                let shown = |arn: String| if self.short_arns { arn.replace(&middle, "/") } else { arn };
                page("serviceArns", services.values().map(arn).map(shown).collect(), request)
            }
            "DescribeServices" => self.describe(request),
            "DescribeTaskDefinition" => {
                let arn = request["taskDefinition"].as_str().unwrap();
                let Some(containers) = self.revisions.get(arn) else {
                    return refusal("ClientException", "Unable to describe task definition.");
                };
                (200, json!({ "taskDefinition": { "taskDefinitionArn": arn, "containerDefinitions": containers } }))
            }
            "UpdateService" => self.update(request, at),
            "DescribeSecret" => {
                let labels = if self.closed { json!(["AWSCURRENT"]) } else { json!(["AWSCURRENT", "KEYROLL_ROLLOUT"]) };
                let tags: Vec<Value> =
                    self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
                let versions = json!({ VERSION: labels });
                (
                    200,
                    json!({ "ARN": SECRET, "VersionIdsToStages": versions, "LastChangedDate": CHANGED, "Tags": tags }),
                )
            }
            "UpdateSecretVersionStage" => {
                assert_eq!(request["VersionStage"], "KEYROLL_ROLLOUT");
                self.closed = true;
                (200, json!({ "ARN": SECRET }))
            }
            unknown => refusal("UnknownOperationException", unknown),
        }
    }

    fn describe(&self, request: &Value) -> Answer {
        let Some(known) = self.services.get(cluster(request)) else { return no_cluster() };
        let asked = request["services"].as_array().unwrap();
        if !(1..=10).contains(&asked.len()) {
            return refusal("InvalidParameterException", "The maximum number of services to describe is 10.");
        }
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in asked.iter().map(|name| name.as_str().unwrap()) {
            match known.get(name) {
                Some(service) => {
                    let mut service = service.clone();
                    if self.short_arns {
                        service["serviceArn"] = json!(format!("{ECS}:service/{name}"));
                    }
                    services.push(service);
                }
                None => failures.push(json!({ "arn": format!("{ECS}:service/{name}"), "reason": "MISSING" })),
            }
        }
        (200, json!({ "services": services, "failures": failures }))
    }

    fn update(&mut self, request: &Value, at: Duration) -> Answer {
        let fields: Vec<&String> = request.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["cluster", "forceNewDeployment", "service"], "a redeploy must change nothing else");
        self.deployments += 1;
        let id = format!("ecs-svc/{}", self.deployments);
        let service = self.service(cluster(request), request["service"].as_str().unwrap());
        let revision = service["taskDefinition"].as_str().unwrap();
        let new = deployment(&id, revision, CHANGED + 1.0 + at.as_secs_f64());
        let deployments = service["deployments"].as_array_mut().unwrap();
        for old in deployments.iter_mut() {
            old["status"] = json!("ACTIVE");
        }
        deployments.insert(0, new);
        (200, json!({ "service": service }))
    }
}

pub fn deployment(id: &str, revision: &str, created: f64) -> Value {
    json!({
        "id": id, "status": "PRIMARY", "taskDefinition": revision, "createdAt": created, "rolloutState": "COMPLETED",
    })
}

fn cluster(request: &Value) -> &str {
    request["cluster"].as_str().unwrap().rsplit('/').next().unwrap()
}

pub fn refusal(code: &str, message: &str) -> Answer {
    (400, json!({ "__type": code, "message": message }))
}

fn no_cluster() -> Answer {
    refusal("ClusterNotFoundException", "Cluster not found.")
}

/// AWS gives ten where nothing is asked for, and never more than a hundred.
fn page(field: &str, all: Vec<String>, request: &Value) -> Answer {
    let size = usize::try_from(request["maxResults"].as_u64().unwrap_or(10)).unwrap();
    if !(1..=100).contains(&size) {
        return refusal("InvalidParameterException", "maxResults must be between 1 and 100.");
    }
    let token = request["nextToken"].as_str().map(|token| token.strip_prefix("from ").unwrap().parse().unwrap());
    let from: usize = token.unwrap_or(0);
    let more = all.len() > from + size;
    let mut answer = json!({ field: all.into_iter().skip(from).take(size).collect::<Vec<_>>() });
    if more {
        answer["nextToken"] = json!(format!("from {}", from + size));
    }
    (200, answer)
}
