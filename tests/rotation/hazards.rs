//! What a deployment meets: one that failed is told and not repeated, and what a forced one may do is a warning.

use std::time::Duration;

use rehearsal::aws::Service;
use serde_json::{Value, json};

use crate::scene::{Scene, a_moment_later, verdict, warnings, with_verdict};

#[tokio::test]
async fn tasks_with_the_secret_that_stay_because_their_successors_fail_keep_the_rollout_open() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    let without = scene.revision("api", &[]);
    a_moment_later();
    scene
        .aws
        .with_service("prod", "api", |service| {
            service.deploy_revision(&without);
            service.fail_rollout("ECS deployment circuit breaker: tasks failed to start.");
        })
        .unwrap();
    let message = scene.error(&scene.action("Reconcile"), "FailedRollout").await;
    assert!(message.contains("prod/api failed") && message.contains("deploy the service by hand"), "{message}");
    assert!(scene.is_open() && scene.count("UpdateService") == 0);
    scene.aws.with_service("prod", "api", Service::settle).unwrap();
    assert_eq!(scene.reconcile().await["services"], json!([]));
    assert!(!scene.is_open());
}

#[tokio::test]
async fn a_deployment_that_failed_after_the_move_is_told_and_not_repeated() {
    let scene = Scene::start().await;
    for name in ["stuck", "rolled-back", "failed-before", "fine"] {
        scene.service(name, &[&scene.arn]);
    }
    let why = "ECS deployment circuit breaker: tasks failed to start.";
    scene.aws.with_service("prod", "failed-before", |service| service.fail_rollout(why)).unwrap();
    for (name, fail) in
        [("stuck", Service::fail_rollout as fn(&mut Service, &str)), ("rolled-back", Service::roll_back)]
    {
        scene
            .aws
            .with_service("prod", name, |service| {
                service.deploy();
                fail(service, why);
            })
            .unwrap();
    }
    for event in [scene.action("Reconcile"), scene.finish()] {
        let message = scene.error(&event, "FailedRollout").await;
        for name in ["stuck", "rolled-back"] {
            let newest = scene.seen(name).deployments.into_iter().max_by_key(|one| one.created).unwrap();
            let told = format!("prod/{name} failed (its deployment {} FAILED ({why})", newest.id);
            assert!(message.contains(&told), "{message}");
            assert_eq!(scene.redeployed(name), 1);
        }
        assert!(message.contains("see why its tasks do not start"), "{message}");
        assert!(scene.is_open());
    }
    assert_eq!((scene.redeployed("fine"), scene.redeployed("failed-before")), (1, 1));

    // Somebody mends it and deploys.
    for name in ["stuck", "rolled-back"] {
        scene
            .aws
            .with_service("prod", name, |service| {
                service.deploy();
                service.settle();
            })
            .unwrap();
    }
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "alreadyCurrent"), ["failed-before", "fine", "rolled-back", "stuck"]);
    assert!(!scene.is_open());
}

#[tokio::test]
async fn what_a_forced_deployment_may_do_is_a_warning_of_the_service_that_gets_one() {
    let scene = Scene::start().await;
    let arn = scene.arn.clone();
    let image = |image: &str, from: &str| json!({"containerDefinitions": [{"name": "app", "image": image, "secrets": [{"name": "S", "valueFrom": from}]}]});
    let percent = |most: u64, least: u64| json!({"maximumPercent": most, "minimumHealthyPercent": least});
    let revision = scene.revision("app", &[&arn]);
    scene.service_with("clean", json!({"taskDefinition": revision}));
    scene.service_of("floating", image("registry.example:5000/team/app:latest", &arn));
    scene.service_with("emptied", json!({"taskDefinition": revision, "deploymentConfiguration": percent(100, 0)}));
    scene.service_with("jammed", json!({"taskDefinition": revision, "deploymentConfiguration": percent(100, 100)}));
    scene.service_with("daemon", json!({"taskDefinition": revision, "schedulingStrategy": "DAEMON"}));
    scene.service("also-pinned", &[&arn, &format!("{arn}:::some-version")]);
    scene.service_with("busy", json!({"taskDefinition": revision}));
    // Hazards of services that stay as they are concern nobody.
    scene.service_of("skipped", image("app:latest", &format!("{arn}:::some-version")));
    let all = json!({"taskDefinition": revision, "deploymentConfiguration": percent(100, 100)});
    scene.service_with("external", all);
    scene.aws.with_service("prod", "external", |service| "EXTERNAL".clone_into(&mut service.controller)).unwrap();
    scene.service_of("bystander", image("app:latest", "/orders/db"));
    for name in ["busy", "skipped", "bystander"] {
        scene.aws.with_service("prod", name, Service::deploy).unwrap();
        scene.aws.age_service("prod", name, Duration::from_hours(2)).unwrap();
    }
    let report = scene.reconcile().await;
    let redeployed = ["also-pinned", "busy", "clean", "daemon", "emptied", "floating", "jammed"];
    assert_eq!(with_verdict(&report, "redeployed"), redeployed, "{report:#}");
    let in_progress = scene.seen("busy").deployments[1].id.clone();
    for (name, word) in [
        ("floating", "the tag of its image registry.example:5000/team/app:latest names no build"),
        ("emptied", "every task may stop before a new one runs"),
        ("jammed", "the deployment cannot proceed"),
        ("also-pinned", "takes version some-version"),
        ("busy", &in_progress),
    ] {
        let told = report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str);
        let told: Vec<&str> = told.filter(|line| line.starts_with(&format!("prod/{name}: "))).collect();
        assert!(matches!(told[..], [line] if line.contains(word)), "{name}: {report:#}");
    }
    assert_eq!(report["warnings"].as_array().unwrap().len(), 5, "{}", warnings(&report));

    // Those that run with the value already get none either.
    scene.aws.move_label(&scene.arn, "KEYROLL_ROLLOUT", &scene.aws.holder(&scene.arn, "AWSCURRENT").unwrap()).unwrap();
    scene.aws.age_secret(&scene.arn, Duration::from_mins(10)).unwrap();
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "alreadyCurrent"), redeployed, "{report:#}");
    assert_eq!(warnings(&report), "");
}

#[tokio::test]
async fn named_services_are_warned_of_without_reading_their_task_definitions() {
    let scene = Scene::start().await;
    let percent = json!({"maximumPercent": 100, "minimumHealthyPercent": 0});
    let revision = scene.revision("app", &[]);
    scene.service_with("api", json!({"taskDefinition": revision, "deploymentConfiguration": percent}));
    scene.aws.set_tag(&scene.arn, "keyroll:services", "prod/api").unwrap();
    scene.aws.age_secret(&scene.arn, Duration::from_hours(1)).unwrap();
    let report = scene.reconcile().await;
    assert_eq!(verdict(&report, "api").0, "redeployed");
    assert!(warnings(&report).contains("prod/api: maximumPercent 100"), "{report:#}");
    assert_eq!(scene.count("DescribeTaskDefinition") + scene.count("ListClusters") + scene.count("ListServices"), 0);
}
