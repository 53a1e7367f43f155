//! The calls about services.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::wire::{Answer, ApiError, Fields as _, page, strings};
use super::{Ecs, Service, short, with_next};

impl Ecs {
    pub(super) fn create_service(&mut self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let name = request.require("serviceName")?.to_owned();
        let key = (cluster.clone(), name.clone());
        if self.services.get(&key).is_some_and(|service| service.status == "ACTIVE") {
            return Err(ApiError::parameter("Creation of service was not idempotent."));
        }
        let controller = request.get("deploymentController").and_then(|controller| controller.text("type"));
        let task_definition = match request.text("taskDefinition") {
            Some(id) => self.definition(id)?["taskDefinitionArn"].as_str().unwrap_or_default().to_owned(),
            // Only an EXTERNAL service has its task definitions in task sets.
            None if controller == Some("EXTERNAL") => String::new(),
            None => return Err(ApiError::parameter("TaskDefinition cannot be blank.")),
        };
        let tags = request.get("tags").and_then(Value::as_array).into_iter().flatten();
        let tags: BTreeMap<String, String> = tags
            .filter_map(|tag| Some((tag.text("key")?.to_owned(), tag.text("value").unwrap_or_default().to_owned())))
            .collect();
        let scheduling = request.text("schedulingStrategy").unwrap_or("REPLICA");
        if scheduling == "DAEMON" && request.get("desiredCount").is_some() {
            return Err(ApiError::parameter(
                "The daemon scheduling strategy does not support a desired count for services. Remove the desired count \
                 value and try again",
            ));
        }
        // The API's own defaults; the console proposes others for daemons.
        let (most, least) = if scheduling == "DAEMON" { (100, 0) } else { (200, 100) };
        let configuration = request.get("deploymentConfiguration");
        let percent = |key| configuration.and_then(|given| given.get(key)?.as_u64());
        let mut service = Service {
            arn: self.arn("service", &format!("{cluster}/{name}")),
            cluster,
            name,
            status: "ACTIVE".to_owned(),
            task_definition,
            desired_count: request.get("desiredCount").and_then(Value::as_u64).unwrap_or(1),
            controller: controller.unwrap_or("ECS").to_owned(),
            scheduling: scheduling.to_owned(),
            maximum_percent: percent("maximumPercent").unwrap_or(most),
            minimum_healthy_percent: percent("minimumHealthyPercent").unwrap_or(least),
            strategy: configuration.and_then(|given| given.text("strategy")).unwrap_or("ROLLING").to_owned(),
            service_connect: request.get("serviceConnectConfiguration").cloned(),
            deployments: Vec::new(),
            history: Vec::new(),
            events: Vec::new(),
            tasks: Vec::new(),
            pace: None,
            tags,
            created: self.clock.now(),
            settles_at_once: false,
            clock: self.clock.clone(),
        };
        // An EXTERNAL service begins without a task set: its deployer makes one.
        if !service.task_definition.is_empty() {
            service.deploy();
            service.settle();
        }
        let shown = service.show(true, |kind, name| self.arn(kind, name));
        self.services.insert(key, service);
        Ok(json!({ "service": shown }))
    }

    pub(super) fn list_services(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let listed =
            self.services.values().filter(|service| service.cluster == cluster && service.status != "INACTIVE");
        let arns: Vec<&str> = listed.map(|service| service.arn.as_str()).collect();
        let (arns, next) = page(arns, self.size(request, 10)?, request.text("nextToken"))?;
        Ok(with_next(json!({ "serviceArns": arns }), next))
    }

    pub(super) fn describe_services(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let asked = strings(request, "services").unwrap_or_default();
        if asked.is_empty() {
            return Err(ApiError::parameter("Services cannot be empty."));
        }
        if asked.len() > 10 {
            return Err(ApiError::parameter("The maximum number of services to describe is 10."));
        }
        let with_tags = strings(request, "include").unwrap_or_default().iter().any(|what| what == "TAGS");
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for id in &asked {
            if let Some(service) = self.service(&cluster, id) {
                services.push(service.show(with_tags, |kind, name| self.arn(kind, name)));
            } else {
                let arn = self.arn("service", &format!("{cluster}/{}", short(id)));
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
        Ok(json!({ "services": services, "failures": failures }))
    }

    pub(super) fn update_service(&mut self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let id = request.require("service")?;
        let Some(service) = self.service(&cluster, id) else {
            return Err(ApiError::new("ServiceNotFoundException", "Service not found."));
        };
        if service.status != "ACTIVE" {
            return Err(ApiError::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        let force = request.flag("forceNewDeployment");
        if force && !service.is_of_ecs() {
            let hint = match service.controller.as_str() {
                "CODE_DEPLOY" => " Use AWS CodeDeploy to trigger a new deployment.",
                _ => "",
            };
            return Err(ApiError::parameter(format!(
                "Cannot force a new deployment on services with a {} deployment controller.{hint}",
                service.controller
            )));
        }
        let mut service = service.clone();
        let before = service.task_definition.clone();
        // A family without a revision jumps to the latest, here as on AWS.
        if let Some(id) = request.text("taskDefinition") {
            self.definition(id)?["taskDefinitionArn"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut service.task_definition);
        }
        if let Some(count) = request.get("desiredCount").and_then(Value::as_u64) {
            service.desired_count = count;
        }
        if force || service.task_definition != before {
            service.deploy();
        }
        let shown = service.show(false, |kind, name| self.arn(kind, name));
        self.services.insert((cluster, service.name.clone()), service);
        Ok(json!({ "service": shown }))
    }

    pub(super) fn cluster(&self, request: &Value) -> Result<String, ApiError> {
        let name = short(request.text("cluster").unwrap_or("default"));
        if self.clusters.contains_key(name) {
            return Ok(name.to_owned());
        }
        Err(ApiError::new("ClusterNotFoundException", "Cluster not found."))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ecs;
    use super::*;

    fn web(fields: &Value) -> Value {
        let mut request = json!({"cluster": "main", "service": "web"});
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        request
    }

    #[test]
    fn forcing_makes_a_new_primary_and_keeps_the_old_one_active_on_the_same_revision() {
        let mut ecs = ecs();
        let old = ecs.service("main", "web").unwrap().deployments[0].id.clone();
        ecs.ok("RegisterTaskDefinition", json!({"family": "web", "containerDefinitions": []}));
        let answer = ecs.ok("UpdateService", web(&json!({"forceNewDeployment": true})));
        let deployments = answer["service"]["deployments"].as_array().unwrap();
        assert_eq!((&deployments[0]["status"], &deployments[1]["status"]), (&json!("PRIMARY"), &json!("ACTIVE")));
        assert_eq!(deployments[1]["id"], old.as_str());
        assert_ne!(deployments[0]["id"], old.as_str());
        assert!(deployments[0]["createdAt"].is_f64());
        assert!(deployments[0]["taskDefinition"].as_str().unwrap().ends_with("web:1"));
        // A family without a revision jumps to the latest; nothing new means no new deployment.
        let answer = ecs.ok("UpdateService", web(&json!({"taskDefinition": "web"})));
        assert!(answer["service"]["taskDefinition"].as_str().unwrap().ends_with("web:2"));
        assert_eq!(ecs.service("main", "web").unwrap().deployments.len(), 3);
        ecs.ok("UpdateService", web(&json!({"desiredCount": 0})));
        assert_eq!(ecs.service("main", "web").unwrap().deployments.len(), 3);
        assert_eq!(ecs.service("main", "web").unwrap().desired_count, 0);
    }

    #[test]
    fn other_controllers_and_inactive_services_refuse() {
        let mut ecs = ecs();
        let force = web(&json!({"forceNewDeployment": true}));
        ecs.service_mut("main", "web").unwrap().controller = "EXTERNAL".to_owned();
        assert_eq!(
            ecs.refused("UpdateService", force.clone()),
            (
                "InvalidParameterException".to_owned(),
                "Cannot force a new deployment on services with a EXTERNAL deployment controller.".to_owned()
            )
        );
        ecs.service_mut("main", "web").unwrap().controller = "CODE_DEPLOY".to_owned();
        assert_eq!(ecs.refused("UpdateService", force.clone()).0, "InvalidParameterException");
        ecs.service_mut("main", "web").unwrap().status = "INACTIVE".to_owned();
        assert_eq!(ecs.refused("UpdateService", force).0, "ServiceNotActiveException");
        assert_eq!(ecs.ok("ListServices", json!({"cluster": "main"}))["serviceArns"], json!([]));
        let none = json!({"cluster": "main", "service": "none", "forceNewDeployment": true});
        assert_eq!(ecs.refused("UpdateService", none).0, "ServiceNotFoundException");
    }

    #[test]
    fn services_are_described_by_name_and_arn_ten_at_a_time() {
        let mut ecs = ecs();
        let long = "arn:aws:ecs:us-east-1:123456789012:service/main/web";
        let old = "arn:aws:ecs:us-east-1:123456789012:service/web";
        let request =
            json!({"cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/main", "services": [long, old, "no"]});
        let answer = ecs.ok("DescribeServices", request);
        assert_eq!(answer["services"].as_array().unwrap().len(), 2);
        assert_eq!(answer["services"][0]["serviceArn"], long);
        assert_eq!(answer["services"][0]["desiredCount"], 2);
        let missing = json!([{"arn": "arn:aws:ecs:us-east-1:123456789012:service/main/no", "reason": "MISSING"}]);
        assert_eq!(answer["failures"], missing);
        let eleven = json!({"cluster": "main", "services": vec!["web"; 11]});
        assert_eq!(ecs.refused("DescribeServices", eleven).0, "InvalidParameterException");
        for cluster in [json!({"cluster": "no", "services": ["web"]}), json!({"services": ["web"]})] {
            assert_eq!(ecs.refused("DescribeServices", cluster).0, "ClusterNotFoundException");
        }
    }

    #[test]
    fn services_are_listed_ten_to_a_page_unless_told() {
        let mut ecs = ecs();
        for number in 0..11 {
            ecs.service_named(&format!("s{number:02}"));
        }
        let page = ecs.ok("ListServices", json!({"cluster": "main"}));
        assert_eq!(page["serviceArns"].as_array().unwrap().len(), 10);
        let rest = ecs.ok("ListServices", json!({"cluster": "main", "nextToken": page["nextToken"]}));
        assert_eq!(rest["serviceArns"].as_array().unwrap().len(), 2);
        assert!(rest.get("nextToken").is_none());
        let all = ecs.ok("ListServices", json!({"cluster": "main", "maxResults": 100}));
        assert_eq!(all["serviceArns"].as_array().unwrap().len(), 12);
        assert_eq!(
            ecs.refused("ListServices", json!({"cluster": "main", "maxResults": 101})).0,
            "InvalidParameterException"
        );
        let again = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web"});
        assert_eq!(ecs.refused("CreateService", again).0, "InvalidParameterException");
    }
}
