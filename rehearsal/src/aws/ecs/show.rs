//! A service as `DescribeServices` shows it.

use serde_json::{Value, json};

use super::super::wire::date;
use super::{Deployment, Event, Service};

impl Service {
    pub(super) fn show(&self, with_tags: bool, arn_of: impl Fn(&str, &str) -> String) -> Value {
        let running: u64 = self.deployments.iter().map(|deployment| deployment.running).sum();
        let mut shown = json!({
            "serviceArn": self.arn, "serviceName": self.name, "clusterArn": arn_of("cluster", &self.cluster),
            "status": self.status, "desiredCount": self.desired_count, "runningCount": running, "pendingCount": 0,
            "launchType": "FARGATE", "schedulingStrategy": self.scheduling,
            "deploymentConfiguration": {
                "maximumPercent": self.maximum_percent, "minimumHealthyPercent": self.minimum_healthy_percent,
                "strategy": self.strategy,
            },
            "deploymentController": { "type": self.controller }, "createdAt": date(self.created),
            "deployments": [], "events": self.events.iter().map(Event::show).collect::<Vec<_>>(), "loadBalancers": [],
        });
        // Model of `Service$taskSets`: what CodeDeploy or an external deployer runs; ECS's own are `deployments`.
        if self.is_of_ecs() {
            let deployments = self.deployments.iter().map(|deployment| deployment.show(self));
            shown["deployments"] = deployments.collect();
        } else {
            let sets = self.deployments.iter().map(|set| set.show_as_task_set(self, &arn_of));
            shown["taskSets"] = sets.collect();
        }
        // The revisions of an EXTERNAL service stand in its task sets only.
        if self.controller != "EXTERNAL" {
            shown["taskDefinition"] = json!(self.task_definition);
        }
        if with_tags {
            let tags: Vec<Value> = self.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            shown["tags"] = json!(tags);
        }
        shown
    }
}

impl Event {
    fn show(&self) -> Value {
        json!({ "id": self.id, "createdAt": date(self.created), "message": self.message })
    }
}

impl Deployment {
    fn show(&self, service: &Service) -> Value {
        let desired = self.desired(service);
        let mut shown = json!({
            "id": self.id, "status": self.status, "taskDefinition": self.task_definition,
            "createdAt": date(self.created), "updatedAt": date(self.updated), "desiredCount": desired,
            "runningCount": self.running, "pendingCount": desired.saturating_sub(self.running),
            "failedTasks": self.failed_tasks, "launchType": "FARGATE",
        });
        // Model of `Deployment$rolloutState`: only of rolling updates.
        if service.strategy == "ROLLING" {
            shown["rolloutState"] = json!(self.rollout_state);
            shown["rolloutStateReason"] = json!(self.reason);
        }
        if let Some(connect) = &self.service_connect {
            shown["serviceConnectConfiguration"] = connect.clone();
        }
        shown
    }

    fn show_as_task_set(&self, service: &Service, arn_of: impl Fn(&str, &str) -> String) -> Value {
        let desired = self.desired(service);
        let id = self.id.rsplit('/').next().unwrap_or_default();
        let mut shown = json!({
            "id": self.id, "taskSetArn": arn_of("task-set", &format!("{}/{}/{id}", service.cluster, service.name)),
            "serviceArn": service.arn, "clusterArn": arn_of("cluster", &service.cluster), "status": self.status,
            "taskDefinition": self.task_definition, "createdAt": date(self.created), "updatedAt": date(self.updated),
            "computedDesiredCount": desired, "runningCount": self.running,
            "pendingCount": desired.saturating_sub(self.running), "launchType": "FARGATE",
            "scale": { "unit": "PERCENT", "value": 100.0 }, "stabilityStatus": "STEADY_STATE",
        });
        if service.controller == "CODE_DEPLOY" {
            shown["startedBy"] = json!("CODE_DEPLOY");
        }
        shown
    }

    fn desired(&self, service: &Service) -> u64 {
        if self.status == "PRIMARY" { service.desired_count } else { self.running }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ecs;
    use super::super::testing::ecs;
    use super::*;

    fn shown(ecs: &mut Ecs, service: &str) -> Value {
        ecs.ok("DescribeServices", json!({"cluster": "main", "services": [service]}))["services"][0].clone()
    }

    #[test]
    fn tags_are_shown_only_when_asked_for() {
        let mut ecs = ecs();
        ecs.service_mut("main", "web").unwrap().tags.insert("keyroll:secret".into(), "app/db".into());
        assert!(shown(&mut ecs, "web").get("tags").is_none());
        let request = json!({"cluster": "main", "services": ["web"], "include": ["TAGS"]});
        let tags = ecs.ok("DescribeServices", request)["services"][0]["tags"].clone();
        assert_eq!(tags, json!([{"key": "keyroll:secret", "value": "app/db"}]));
    }

    #[test]
    fn percentages_have_the_defaults_of_the_scheduling_strategy() {
        let mut ecs = ecs();
        let create = |name: &str| json!({"cluster": "main", "serviceName": name, "taskDefinition": "web"});
        let mut daemon = create("daemon");
        daemon["schedulingStrategy"] = json!("DAEMON");
        let mut own = create("own");
        own["deploymentConfiguration"] = json!({"maximumPercent": 100, "minimumHealthyPercent": 50});
        for request in [&daemon, &own] {
            ecs.ok("CreateService", request.clone());
        }
        for (name, most, least) in [("web", 200, 100), ("daemon", 100, 0), ("own", 100, 50)] {
            let percent = shown(&mut ecs, name)["deploymentConfiguration"].clone();
            let expected = json!({"maximumPercent": most, "minimumHealthyPercent": least, "strategy": "ROLLING"});
            assert_eq!(percent, expected, "{name}");
        }
        assert_eq!(shown(&mut ecs, "daemon")["schedulingStrategy"], "DAEMON");
        daemon["serviceName"] = json!("counted");
        daemon["desiredCount"] = json!(2);
        assert_eq!(ecs.refused("CreateService", daemon).0, "InvalidParameterException");
    }

    #[test]
    fn the_state_of_a_rollout_is_shown_of_rolling_updates_only() {
        let mut ecs = ecs();
        let request = json!({"cluster": "main", "serviceName": "blue", "taskDefinition": "web",
            "deploymentConfiguration": {"strategy": "BLUE_GREEN"}});
        ecs.ok("CreateService", request);
        for (name, strategy) in [("web", "ROLLING"), ("blue", "BLUE_GREEN")] {
            let service = shown(&mut ecs, name);
            assert_eq!(service["deploymentConfiguration"]["strategy"], strategy);
            let [deployment] = &service["deployments"].as_array().unwrap()[..] else { panic!("{service}") };
            let keys = ["rolloutState", "rolloutStateReason"];
            assert_eq!(keys.map(|key| deployment.get(key).is_some()), [strategy == "ROLLING"; 2], "{name}");
        }
    }

    #[test]
    fn what_a_service_tells_is_shown_newest_first() {
        let mut ecs = ecs();
        let service = ecs.service_mut("main", "web").unwrap();
        let back = service.deployments[0].id.clone();
        service.deploy();
        let failed = service.deployments[0].id.clone();
        service.roll_back("tasks failed to start");
        let service = shown(&mut ecs, "web");
        let events = service["events"].as_array().unwrap();
        let messages: Vec<&str> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
        assert_eq!(messages[0], format!("(service web) rolling back to deployment {back}."));
        let told = format!("(service web) (deployment {failed}) deployment failed: tasks failed to start.");
        assert_eq!(messages[1], told);
        assert!(events.iter().all(|event| event["id"].is_string() && event["createdAt"].is_f64()), "{service}");
    }

    #[test]
    fn the_tasks_of_other_controllers_are_task_sets() {
        let mut ecs = ecs();
        let web = ecs.service_mut("main", "web").unwrap();
        web.controller = "CODE_DEPLOY".to_owned();
        web.deploy_revision("web:2");
        let service = shown(&mut ecs, "web");
        assert_eq!((&service["deployments"], &service["taskDefinition"]), (&json!([]), &json!("web:2")));
        let [new, old] = &service["taskSets"].as_array().unwrap()[..] else { panic!("{service}") };
        assert_eq!((&new["status"], &new["taskDefinition"]), (&json!("PRIMARY"), &json!("web:2")));
        assert_eq!((&old["status"], &old["startedBy"]), (&json!("ACTIVE"), &json!("CODE_DEPLOY")));
        assert!(new["createdAt"].is_f64() && new.get("rolloutState").is_none());

        let external = json!({"cluster": "main", "serviceName": "other", "deploymentController": {"type": "EXTERNAL"}});
        ecs.ok("CreateService", external);
        let service = shown(&mut ecs, "other");
        assert_eq!((&service["taskSets"], service.get("taskDefinition")), (&json!([]), None));
        ecs.service_mut("main", "other").unwrap().deploy_revision("web:1");
        let service = shown(&mut ecs, "other");
        assert_eq!((&service["taskSets"][0]["taskDefinition"], service.get("taskDefinition")), (&json!("web:1"), None));
        assert!(service["taskSets"][0].get("startedBy").is_none());
    }

    #[test]
    fn each_deployment_shows_the_service_connect_configuration_it_was_made_with() {
        let mut ecs = ecs();
        let options = json!([{"name": "token", "valueFrom": "x"}]);
        let connect = json!({"enabled": true, "logConfiguration": {"logDriver": "splunk", "secretOptions": options}});
        let request = json!({"cluster": "main", "serviceName": "mesh", "taskDefinition": "web",
            "serviceConnectConfiguration": connect});
        ecs.ok("CreateService", request);
        let service = ecs.service_mut("main", "mesh").unwrap();
        service.service_connect = None;
        service.deploy();
        let service = shown(&mut ecs, "mesh");
        assert!(service.get("serviceConnectConfiguration").is_none());
        assert!(service["deployments"][0].get("serviceConnectConfiguration").is_none());
        assert_eq!(service["deployments"][1]["serviceConnectConfiguration"], connect);
    }
}
