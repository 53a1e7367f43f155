//! The search for dependents: what it costs, how far it looks, and that a redeploy is asked for once.

use std::collections::BTreeMap;
use std::time::Duration;

use rehearsal::aws::{Fault, Rule, Service};
use serde_json::{Value, json};
use support::rig::SERVICES;
use support::scene::{Scene, verdict, warnings, with_verdict};
use support::stage::Stage;

fn counted(scene: &Scene) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in scene.operations() {
        *counts.entry(call).or_insert(0) += 1;
    }
    counts
}

fn expected(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().filter(|(_, count)| *count > 0).map(|(call, count)| ((*call).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_search_makes_the_fewest_calls_that_ecs_allows() {
    let scene = Scene::start().await;
    // With `prod`, 101 clusters; `prod` has 101 services, two others have one and eleven.
    for number in 0..100 {
        scene.aws.create_cluster(&format!("cluster-{number:03}")).unwrap();
    }
    let (with, without) = (scene.revision("app", &[&scene.arn]), scene.revision("app", &[]));
    for number in 0..101 {
        let revision = if number % 20 == 0 { &with } else { &without };
        scene.service_with(&format!("s{number}"), json!({"taskDefinition": revision}));
    }
    scene.aws.create_service("cluster-007", "far", &with).unwrap();
    for number in 0..11 {
        scene.aws.create_service("cluster-042", &format!("t{number}"), &without).unwrap();
    }
    scene.aws.age_service("cluster-007", "far", Duration::from_hours(24)).unwrap();
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "redeployed"), ["far", "s0", "s100", "s20", "s40", "s60", "s80"], "{report:#}");
    let counts = [
        ("DescribeSecret", 1),
        ("ListClusters", 2),
        ("ListServices", 99 + 2 + 1),
        ("DescribeServices", 11 + 1 + 2),
        ("DescribeTaskDefinition", 2),
        ("UpdateService", 7),
        ("UpdateSecretVersionStage", 1),
    ];
    assert_eq!(counted(&scene), expected(&counts));
    for call in scene.aws.function_calls() {
        if call.operation.starts_with("List") {
            assert_eq!(call.request["maxResults"], 100, "{call:?}");
        }
    }
    // Four lanes; a connection that is not back in its pool yet may cost one more now and then.
    assert!(scene.aws.connections() <= 8, "{} connections", scene.aws.connections());
}

#[tokio::test]
async fn pages_that_end_early_are_followed_to_the_last_one() {
    let scene = Scene::start().await;
    for number in 0..5 {
        let cluster = format!("z{number}");
        scene.aws.create_cluster(&cluster).unwrap();
        scene.service(&format!("s{number}"), &[&scene.arn]);
    }
    scene.aws.create_service("z4", "last", &scene.revision("last", &[&scene.arn])).unwrap();
    scene.aws.age_service("z4", "last", Duration::from_hours(24)).unwrap();
    scene.aws.limit_pages(2);
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "redeployed"), ["last", "s0", "s1", "s2", "s3", "s4"], "{report:#}");
    assert_eq!((scene.calls("ListClusters"), scene.calls("ListServices")), (3, 5 + 3));
}

#[tokio::test]
async fn a_revision_is_read_once_in_the_life_of_a_process() {
    let stage = Stage::start().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    let other = stage.aws.register_with_secrets("other", &["/plain"]).unwrap();
    stage.aws.create_service("prod", "other", &other).unwrap();
    for (reads, deployments) in [(2, 2), (0, 3)] {
        stage.aws.clear();
        stage.rotated().await;
        assert_eq!(stage.calls("DescribeTaskDefinition"), reads);
        assert!(SERVICES.iter().all(|service| stage.deployments(service) == deployments));
    }
    // Only the new one of a service that was changed meanwhile.
    let next = stage.aws.register_with_secrets("other", &["/plain", &stage.arn]).unwrap();
    stage.aws.with_service("prod", "other", |service| service.deploy_revision(&next)).unwrap();
    stage.aws.with_service("prod", "other", Service::settle).unwrap();
    stage.aws.clear();
    stage.rotate().await;
    assert_eq!((stage.calls("DescribeTaskDefinition"), stage.deployments("other")), (1, 2));
    stage.function.cold().await;
    stage.aws.clear();
    stage.rotate().await;
    assert_eq!(stage.calls("DescribeTaskDefinition"), 2);
}

#[tokio::test]
async fn the_search_is_narrowed_to_the_clusters_that_are_configured() {
    let scene = Scene::start().await;
    let revision = scene.revision("app", &[&scene.arn]);
    for cluster in ["batch", "stage", "test"] {
        scene.aws.create_cluster(cluster).unwrap();
        scene.aws.create_service(cluster, cluster, &revision).unwrap();
        scene.aws.age_service(cluster, cluster, Duration::from_hours(24)).unwrap();
    }
    scene.service("api", &[&scene.arn]);
    let arn = |name: &str| format!("arn:aws:ecs:us-east-1:123456789012:cluster/{name}");
    scene.function.set_env("KEYROLL_CLUSTERS", &format!("prod {} gone {} {}", arn("batch"), arn("lost"), arn("prod")));
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "redeployed"), ["api", "batch"], "{report:#}");
    let told = warnings(&report);
    let missing = format!("KEYROLL_CLUSTERS names gone, {}, and ECS has no such cluster", arn("lost"));
    assert!(told.contains(&missing), "{told}");
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!((scene.calls("ListClusters"), scene.calls("ListServices")), (0, 4));
    let describes = scene.aws.function_calls().into_iter().filter(|call| call.operation == "DescribeServices");
    let mut clusters: Vec<String> = describes.map(|call| call.request["cluster"].to_string()).collect();
    clusters.sort();
    assert!(matches!(&clusters[..], [a, b] if a.contains("batch") && b.contains("prod")), "{clusters:?}");
    assert!(!scene.is_open(), "a name that is wrong for good must not keep every rollout open");
}

#[tokio::test]
async fn clusters_of_which_none_exists_keep_the_rollout_open() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.function.set_env("KEYROLL_CLUSTERS", "gone lost");
    for event in [scene.action("Reconcile"), json!({"Action": "Reconcile"}), scene.finish()] {
        let message = scene.error(&event, "FailedRollout").await;
        for word in ["KEYROLL_CLUSTERS names gone, lost, and ECS has no such cluster", "correct KEYROLL_CLUSTERS"] {
            assert!(message.contains(word), "{message}");
        }
        assert!(scene.is_open() && scene.calls("UpdateService") == 0);
    }
    scene.function.set_env("KEYROLL_CLUSTERS", "gone prod");
    scene.function.cold().await;
    let report = scene.reconcile().await;
    assert_eq!((verdict(&report, "api").0, scene.is_open()), ("redeployed", false), "{report:#}");
    assert!(warnings(&report).contains("KEYROLL_CLUSTERS names gone, and ECS"), "{report:#}");
}

#[tokio::test]
async fn a_search_that_finds_nothing_says_where_it_looked_and_closes_the_rollout() {
    let scene = Scene::start().await;
    scene.aws.create_cluster("batch").unwrap();
    for number in 0..11 {
        scene.service(&format!("s{number}"), &[]);
    }
    scene.aws.create_service("batch", "job", &scene.revision("job", &[])).unwrap();
    let told = "12 services of 2 clusters were looked at, and none depends on arn:";
    // What could not be looked at may depend on it.
    scene.aws.fault(Rule::on("DescribeServices", Fault::Denied).about("batch"));
    let message = scene.error(&scene.action("Reconcile"), "FailedRollout").await;
    assert!(!message.contains("none depends") && scene.is_open(), "{message}");
    scene.aws.clear_faults();
    let report = scene.reconcile().await;
    let lines = report["warnings"].as_array().unwrap();
    let [line] = &lines[..] else { panic!("{report:#}") };
    let line = line.as_str().unwrap();
    assert!(line.contains(told) && line.contains("keyroll:services=none"), "{line}");
    assert_eq!((&report["services"], scene.is_open()), (&json!([]), false), "{report:#}");
    // It does as it says: with the tag there is neither a search nor a warning.
    scene.promote(&scene.arn);
    scene.aws.set_tag(&scene.arn, "keyroll:services", "none").unwrap();
    scene.aws.clear();
    let report = scene.reconcile().await;
    assert_eq!((warnings(&report).as_str(), scene.calls("ListClusters"), scene.is_open()), ("", 0, false));
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_not_repeated_once_ecs_shows_a_new_deployment() {
    let internal = Fault::error("ServerException", 500, "internal");
    for (fault, updates) in [(Fault::LoseAnswer, 1), (Fault::Reset, 2), (internal, 2)] {
        let scene = Scene::start().await;
        scene.service("api", &[&scene.arn]);
        scene.service("worker", &[&scene.arn]);
        scene.aws.fault(Rule::on("UpdateService", fault.clone()).about("\"api\"").nth(1));
        let report = scene.reconcile().await;
        assert_eq!(with_verdict(&report, "redeployed"), ["api", "worker"], "{fault:?}: {report:#}");
        assert_eq!((scene.redeployed("api"), scene.redeployed("worker")), (1, 1), "{fault:?}");
        assert_eq!(scene.calls("UpdateService"), updates + 1, "{fault:?}");
        assert!(!scene.is_open());
    }
}

#[tokio::test]
async fn throttling_is_waited_out_wherever_the_search_meets_it() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    for operation in ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition", "UpdateService"] {
        scene.aws.fault(Rule::on(operation, Fault::throttle()).nth(1));
    }
    let report = scene.reconcile().await;
    assert_eq!((verdict(&report, "api").0, scene.redeployed("api")), ("redeployed", 1), "{report:#}");
    let update: Vec<Value> =
        scene.aws.function_calls().into_iter().filter(|c| c.operation == "UpdateService").map(|c| c.request).collect();
    let only = json!({"cluster": "prod", "service": "api", "forceNewDeployment": true});
    assert_eq!(update, [only.clone(), only]);
}
