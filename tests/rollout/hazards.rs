//! What a deployment meets: one that failed is told and not repeated, and what a forced one may do is a warning.

use std::time::Duration;

use rehearsal::aws::Service;
use serde_json::{Value, json};
use support::scene::{Scene, a_moment_later, verdict, warnings, with_verdict};

#[tokio::test]
async fn tasks_that_stay_because_their_successors_fail_keep_the_rollout_open() {
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
    assert!(scene.is_open() && scene.calls("UpdateService") == 0);
    scene.aws.with_service("prod", "api", Service::settle).unwrap();
    assert_eq!(scene.reconcile().await["services"], json!([]));
    assert!(!scene.is_open());
}

#[tokio::test]
async fn a_deployment_that_failed_after_the_move_is_told_and_not_repeated() {
    let scene = Scene::start().await;
    for name in ["stuck", "failed-before", "fine"] {
        scene.service(name, &[&scene.arn]);
    }
    let why = "ECS deployment circuit breaker: tasks failed to start.";
    scene.aws.with_service("prod", "failed-before", |service| service.fail_rollout(why)).unwrap();
    scene
        .aws
        .with_service("prod", "stuck", |service| {
            service.deploy();
            service.fail_rollout(why);
        })
        .unwrap();
    for event in [scene.action("Reconcile"), scene.finish()] {
        let message = scene.error(&event, "FailedRollout").await;
        let told =
            format!("prod/stuck failed (its deployment {} FAILED ({why})", scene.seen("stuck").deployments[0].id);
        assert!(message.contains(&told), "{message}");
        assert!(message.contains("see why its tasks do not start"), "{message}");
        assert!(scene.is_open() && scene.redeployed("stuck") == 1);
    }
    assert_eq!((scene.redeployed("fine"), scene.redeployed("failed-before")), (1, 1));

    // Somebody mends it and deploys.
    scene
        .aws
        .with_service("prod", "stuck", |service| {
            service.deploy();
            service.settle();
        })
        .unwrap();
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "alreadyCurrent"), ["failed-before", "fine", "stuck"]);
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
    assert_eq!(scene.calls("DescribeTaskDefinition") + scene.calls("ListClusters") + scene.calls("ListServices"), 0);
}

#[tokio::test]
async fn an_image_is_warned_of_once_however_many_containers_start_it() {
    let scene = Scene::start().await;
    let mut second = Scene::container(&[]);
    second["image"] = json!("team/app:latest");
    let mut first = Scene::container(&[&scene.arn]);
    first["image"] = second["image"].clone();
    let containers =
        json!([first, second, {"name": "side", "image": "envoy:main"}, {"name": "log", "image": "fluent:3"}]);
    scene.service_of("api", json!({"containerDefinitions": containers}));
    let report = scene.reconcile().await;
    let told: Vec<&str> = report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let about = |image: &str| told.iter().filter(|line| line.contains(image)).count();
    assert_eq!((about("team/app:latest"), about("envoy:main"), told.len()), (1, 1, 2), "{report:#}");
}

#[tokio::test]
async fn a_blue_green_service_is_warned_of_its_bake_time_and_not_of_its_percentages() {
    let scene = Scene::start().await;
    let percent = |strategy: &str| json!({"strategy": strategy, "maximumPercent": 100, "minimumHealthyPercent": 100});
    let revision = scene.revision("app", &[&scene.arn]);
    for (name, strategy) in
        [("rolling", "ROLLING"), ("blue-green", "BLUE_GREEN"), ("linear", "LINEAR"), ("canary", "CANARY")]
    {
        scene.service_with(name, json!({"taskDefinition": revision, "deploymentConfiguration": percent(strategy)}));
    }
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "redeployed"), ["blue-green", "canary", "linear", "rolling"], "{report:#}");
    let told = |name: &str| {
        let lines = report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str);
        let lines: Vec<&str> = lines.filter(|line| line.starts_with(&format!("prod/{name}: "))).collect();
        let [line] = lines[..] else { panic!("{name}: {report:#}") };
        line
    };
    assert!(told("rolling").contains("maximumPercent 100"), "{report:#}");
    for name in ["blue-green", "linear", "canary"] {
        let line = told(name);
        assert!(line.contains("bake time") && !line.contains("Percent"), "{line}");
    }
}
