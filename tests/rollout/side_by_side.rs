//! A service with several deployments or task sets side by side: which of them makes it a dependent.

use std::time::Duration;

use rehearsal::aws::Service;
use serde_json::json;
use support::scene::{Scene, a_moment_later, verdict, with_verdict};

#[tokio::test]
async fn of_two_deployments_side_by_side_the_one_that_stays_decides() {
    let scene = Scene::start().await;
    let (with, without) = (scene.revision("app", &[&scene.arn]), scene.revision("app", &[]));
    for (name, old, new) in
        [("leaving", &with, &without), ("arriving", &without, &with), ("neither", &without, &without)]
    {
        scene.service_with(name, json!({"taskDefinition": old}));
        scene.aws.with_service("prod", name, |service| service.deploy_revision(new)).unwrap();
        scene.aws.age_service("prod", name, Duration::from_hours(3)).unwrap();
    }
    let report = scene.reconcile().await;
    let (given, reason) = verdict(&report, "leaving");
    assert_eq!((given, scene.redeployed("leaving")), ("skipped", 1), "{reason}");
    assert!(reason.contains("only tasks that are being replaced take the secret"), "{reason}");
    assert_eq!((verdict(&report, "arriving").0, scene.redeployed("arriving")), ("redeployed", 2));
    assert_eq!(report["services"].as_array().unwrap().len(), 2, "{report:#}");
    assert!(!scene.is_open());
}

#[tokio::test]
async fn services_of_other_deployers_are_found_by_their_task_sets() {
    let scene = Scene::start().await;
    let revision = scene.revision("app", &[&scene.arn]);
    let other = scene.revision("app", &[]);
    scene.service_with("blue-green", json!({"taskDefinition": other, "deploymentController": {"type": "CODE_DEPLOY"}}));
    scene.service_with("external", json!({"deploymentController": {"type": "EXTERNAL"}}));
    scene.service_with("empty", json!({"deploymentController": {"type": "EXTERNAL"}}));
    for name in ["blue-green", "external"] {
        scene.aws.with_service("prod", name, |service| service.deploy_revision(&revision)).unwrap();
        scene.aws.age_service("prod", name, Duration::from_hours(5)).unwrap();
    }
    // CodeDeploy's task sets move on without the service's own revision.
    scene.aws.with_service("prod", "blue-green", |service| service.task_definition.clone_from(&other)).unwrap();
    let report = scene.reconcile().await;
    for (name, word) in [("external", "is EXTERNAL"), ("blue-green", "start a CodeDeploy deployment")] {
        let (given, reason) = verdict(&report, name);
        assert_eq!(given, "skipped", "{reason}");
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(report["services"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!((scene.calls("UpdateService"), scene.is_open()), (0, false));

    scene.promote(&scene.arn);
    a_moment_later();
    for name in ["blue-green", "external"] {
        scene.aws.with_service("prod", name, |service| service.deploy_revision(&revision)).unwrap();
    }
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "alreadyCurrent"), ["blue-green", "external"], "{report:#}");
}

#[tokio::test]
async fn a_task_set_that_comes_is_not_taken_for_one_that_goes() {
    let scene = Scene::start().await;
    let (with, without) = (scene.revision("app", &[&scene.arn]), scene.revision("app", &[]));
    // CodeDeploy: the new task set is ACTIVE until the traffic is on it; then the old one drains.
    for (name, of_new, of_old, [new, old]) in [
        ("coming", &with, &without, ["ACTIVE", "PRIMARY"]),
        ("staying", &without, &with, ["ACTIVE", "PRIMARY"]),
        ("gone", &without, &with, ["PRIMARY", "DRAINING"]),
    ] {
        let controller = json!({"type": "CODE_DEPLOY"});
        scene.service_with(name, json!({"taskDefinition": of_old, "deploymentController": controller}));
        let shift = |service: &mut Service| {
            service.deploy_revision(of_new);
            new.clone_into(&mut service.deployments[0].status);
            old.clone_into(&mut service.deployments[1].status);
            service.task_definition = service.primary().unwrap().task_definition.clone();
        };
        scene.aws.with_service("prod", name, shift).unwrap();
        scene.aws.age_service("prod", name, Duration::from_hours(5)).unwrap();
    }
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "skipped"), ["coming", "staying"], "{report:#}");
    for name in ["coming", "staying"] {
        let reason = verdict(&report, name).1;
        assert!(reason.contains("CODE_DEPLOY; start a CodeDeploy deployment"), "{name}: {reason}");
    }
    assert_eq!(report["services"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!((scene.calls("UpdateService"), scene.is_open()), (0, false));
}

#[tokio::test]
async fn a_log_driver_of_service_connect_counts_in_the_deployment_that_stays_only() {
    let scene = Scene::start().await;
    let revision = scene.revision("app", &[]);
    let options = json!([{"name": "token", "valueFrom": scene.arn}]);
    let connect = json!({"enabled": true, "logConfiguration": {"logDriver": "splunk", "secretOptions": options}});
    for (name, before, after) in [("leaving", Some(&connect), None), ("arriving", None, Some(&connect))] {
        scene.service_with(name, json!({"taskDefinition": revision, "serviceConnectConfiguration": before}));
        scene
            .aws
            .with_service("prod", name, |service| {
                service.service_connect = after.cloned();
                service.deploy();
            })
            .unwrap();
        scene.aws.age_service("prod", name, Duration::from_hours(3)).unwrap();
    }
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "redeployed"), ["arriving"], "{report:#}");
    assert_eq!((report["services"].as_array().unwrap().len(), scene.redeployed("leaving")), (1, 1), "{report:#}");
    assert!(!scene.is_open());
}
