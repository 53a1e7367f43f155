//! Pages, batches, and answers of every shape.

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::{BROKEN, DENIED, Fault};
use crate::stage::Stage;
use crate::world::{SECRET, World, revision};

/// One cluster with one dependent.
fn one() -> World {
    let mut world = World::new();
    world.add_dependent("main", "api");
    world
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read() {
    let mut world = World::with(120, 0);
    for number in 0..230 {
        world.add_other("c119", &format!("s{number}"));
    }
    world.add_dependent("c119", "zz-the-last");
    let stage = Stage::of(world).await;
    assert_eq!(stage.verdicts("redeployed").await, ["zz-the-last"]);
    let tokens = |operation: &str, of: &str| -> Vec<Value> {
        let calls = stage.aws.calls(operation).into_iter().map(|call| call.request);
        calls.filter(|request| request.to_string().contains(of)).map(|request| request["nextToken"].clone()).collect()
    };
    assert_eq!(tokens("ListClusters", ""), [Value::Null, json!("100")]);
    assert_eq!(tokens("ListServices", "c119"), [Value::Null, json!("100"), json!("200")]);
    assert_eq!(stage.aws.counts(), [2, 122, 24, 231, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_token_ends_the_pages() {
    let stage = Stage::of(one()).await;
    stage.aws.fail(|call| match call.operation.as_str() {
        "ListClusters" => Some(Fault::Instead(
            200,
            r#"{"clusterArns":["arn:aws:ecs:eu-west-1:000000000000:cluster/main"],"nextToken":""}"#,
        )),
        "ListServices" => Some(Fault::Instead(
            200,
            r#"{"serviceArns":["arn:aws:ecs:eu-west-1:000000000000:service/main/api"],"nextToken":""}"#,
        )),
        _ => None,
    });
    assert_eq!(stage.verdicts("redeployed").await, ["api"]);
    assert_eq!(stage.aws.counts(), [1, 1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn eleven_services_take_two_looks() {
    let mut world = World::new();
    for number in 0..11 {
        world.add_dependent("main", &format!("s{number:02}"));
    }
    let stage = Stage::of(world).await;
    assert_eq!(stage.verdicts("redeployed").await.len(), 11);
    let looks: Vec<usize> = stage
        .aws
        .calls("DescribeServices")
        .iter()
        .map(|call| call.request["services"].as_array().unwrap().len())
        .collect();
    assert_eq!(looks, [10, 1]);
}

#[tokio::test(start_paused = true)]
async fn eleven_services_that_a_tag_names_take_two_looks_and_no_search() {
    let mut world = World::new();
    let names: Vec<String> = (0..11).map(|number| format!("s{number:02}")).collect();
    for name in &names {
        world.add_other("main", name);
    }
    let tag: Vec<String> = names.iter().map(|name| format!("main/{name}")).collect();
    world.tag("keyroll:services", &format!("{} gone/api main/gone", tag.join(" ")));
    let stage = Stage::of(world).await;
    let outcome = stage.reconcile().await;
    assert_eq!(outcome.verdicts("redeployed"), names);
    assert_eq!(outcome.verdicts("skipped"), ["gone", "api"]);
    assert_eq!(stage.aws.counts(), [0, 0, 3, 0, 11]);
    assert!(stage.closed());
}

#[tokio::test(start_paused = true)]
async fn any_key_in_any_container_makes_a_dependent() {
    let [password, username, host, pinned] =
        [":password::", ":username::", ":host::", ":password::v1"].map(|suffix| format!("{SECRET}{suffix}"));
    let mut world = World::new();
    world.add("main", "pair", &[("app", &[&username, &password, &host, &host])]);
    world.add("main", "sidecar", &[("app", &[]), ("sidecar", &[&password])]);
    world.add("main", "split", &[("app", &[&pinned]), ("sidecar", &["/orders/db", &host])]);
    world.add("main", "whole", &[("app", &[SECRET]), ("sidecar", &[&pinned])]);
    world.add("main", "pinned", &[("app", &[&pinned, &pinned]), ("sidecar", &["/orders/db"])]);
    world.add("main", "none", &[("app", &["/orders/db"]), ("sidecar", &[])]);
    let stage = Stage::of(world).await;
    let outcome = stage.reconcile().await;
    assert_eq!(outcome.verdicts("redeployed"), ["pair", "sidecar", "split", "whole"]);
    assert_eq!(outcome.verdicts("skipped"), ["pinned"]);
    assert!(stage.closed());
}

#[tokio::test(start_paused = true)]
async fn of_two_deployments_side_by_side_the_one_that_stays_counts() {
    let mut world = World::new();
    for name in ["gains", "loses"] {
        world.add_other("main", name);
        world.add_dependent("main", &format!("{name}-2"));
    }
    let (other, reads) =
        (|name: &str| revision(&format!("main-{name}")), |name: &str| revision(&format!("main-{name}-2")));
    for (name, staying, outgoing) in
        [("gains", reads("gains"), other("gains")), ("loses", other("loses"), reads("loses"))]
    {
        let before = world.changed().checked_sub(Duration::from_secs(800)).unwrap();
        let service = world.service("main", name);
        service.deployments[0].task_definition = outgoing;
        service.deploy_revision(&staying);
        service.deployments[0].created = before;
    }
    let stage = Stage::of(world).await;
    let outcome = stage.reconcile().await;
    assert_eq!(outcome.verdicts("redeployed"), ["gains", "gains-2", "loses-2"]);
    assert_eq!(outcome.verdicts("skipped"), ["loses"]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_failed_is_told_and_not_forced_again() {
    let mut world = one();
    let service = world.service("main", "api");
    service.deploy();
    service.fail_rollout("tasks failed to start");
    "ecs-svc/7".clone_into(&mut service.deployments[0].id);
    let stage = Stage::of(world).await;
    let error = stage.reconcile().await.error();
    assert!(error.contains("ecs-svc/7 FAILED (tasks failed to start)"), "{error}");
    assert_eq!(stage.aws.counts()[4], 0);
    assert!(!stage.closed());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_gone_is_told_where_somebody_named_it() {
    let stage =
        Stage::with(one(), &[("KEYROLL_CLUSTERS", "main arn:aws:ecs:eu-west-1:000000000000:cluster/gone")]).await;
    let outcome = stage.reconcile().await;
    assert_eq!(outcome.verdicts("redeployed"), ["api"]);
    let warnings = outcome.ok()["warnings"].to_string();
    assert!(warnings.contains("KEYROLL_CLUSTERS names arn:aws:ecs:eu-west-1:000000000000:cluster/gone"), "{warnings}");
    assert!(stage.closed());

    let mut world = one();
    world.add_dependent("deleted", "api");
    let stage = Stage::of(world).await;
    let gone = Fault::Instead(400, r#"{"__type":"ClusterNotFoundException","message":"Cluster not found."}"#);
    stage.aws.fail(move |call| {
        (call.operation == "ListServices" && call.request.to_string().contains("deleted")).then(|| gone.clone())
    });
    let outcome = stage.reconcile().await;
    assert_eq!(outcome.verdicts("redeployed"), ["api"]);
    assert!(!outcome.ok()["warnings"].to_string().contains("deleted"), "{}", outcome.ok());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_nothing_leaves_the_rollout_open() {
    for body in ["<html>maintenance</html>", "[1", "", "{}", "null"] {
        for operation in ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition"] {
            let stage = Stage::of(one()).await;
            stage.aws.fail_first(usize::MAX, operation, Fault::Instead(200, body));
            let outcome = stage.reconcile().await;
            assert!(outcome.answer.is_err(), "{operation} {body:?}: {}", outcome.ok());
            assert!(outcome.error().contains(&format!("ecs:{operation}")), "{operation} {body:?}: {}", outcome.error());
            assert!(!stage.closed(), "{operation} {body:?}");
            // Nothing of it is remembered.
            stage.aws.fail(|_| None);
            assert_eq!(stage.verdicts("redeployed").await, ["api"], "{operation} {body:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_ecs_itself_is_tried_again() {
    for operation in ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition", "UpdateService"] {
        for fault in [BROKEN, Fault::LostBefore, Fault::Silence] {
            if operation == "UpdateService" && matches!(fault, Fault::Silence) {
                continue;
            }
            let stage = Stage::of(one()).await;
            stage.aws.fail_first(1, operation, fault.clone());
            assert_eq!(stage.verdicts("redeployed").await, ["api"], "{operation} {fault:?}");
            assert_eq!(stage.aws.calls(operation).len(), 2, "{operation} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_error_that_stays_hides_nothing_else() {
    let mut world = World::with(3, 30);
    world.add_dependent("c000", "s000");
    world.add_dependent("c002", "s029");
    let stage = Stage::of(world).await;
    stage.aws.fail(|call| (call.request["taskDefinition"] == revision("c001-s005")).then_some(BROKEN));
    let error = stage.reconcile().await.error();
    assert!(error.contains("1 of 90 task definitions could not be read"), "{error}");
    assert!(error.contains("c000/s000 redeployed") && error.contains("c002/s029 redeployed"), "{error}");
    assert!(!stage.closed());
}

#[tokio::test(start_paused = true)]
async fn what_the_role_may_not_read_is_asked_for_once() {
    let stage = Stage::of(World::with(1, 100)).await;
    stage.aws.fail_first(usize::MAX, "DescribeTaskDefinition", DENIED);
    let error = stage.reconcile().await.error();
    assert!(error.contains("100 of 100 task definitions could not be read"), "{error}");
    assert!(stage.aws.calls("DescribeTaskDefinition").len() <= 4);
}

#[tokio::test(start_paused = true)]
async fn forms_that_are_old_or_new_to_us_are_taken() {
    let mut world = one();
    let service = world.service("main", "api");
    // Until 2018 they left the cluster out.
    service.arn = service.arn.replace("/main/", "/");
    "SOMETHING_NEW".clone_into(&mut service.controller);
    "SOMETHING_NEW".clone_into(&mut service.deployments[0].rollout_state);
    let stage = Stage::of(world).await;
    assert_eq!(stage.verdicts("redeployed").await, ["api"]);
}

#[tokio::test(start_paused = true)]
async fn only_ecss_word_missing_proves_a_service_gone() {
    let failure = |reason: &str| {
        let arn = "arn:aws:ecs:eu-west-1:000000000000:service/main/api";
        let body = json!({ "services": [], "failures": [{ "arn": arn, "reason": reason }] }).to_string();
        Fault::Instead(200, Box::leak(body.into_boxed_str()))
    };
    let stage = Stage::of(one()).await;
    stage.aws.fail_first(1, "DescribeServices", failure("ACCESS_DENIED"));
    let error = stage.reconcile().await.error();
    assert!(error.contains("1 of 1 services could not be looked at") && error.contains("ACCESS_DENIED"), "{error}");
    assert!(!stage.closed());
    stage.aws.fail_first(1, "DescribeServices", failure("MISSING"));
    assert_eq!(stage.reconcile().await.ok()["services"], json!([]));
    assert!(stage.closed());
}
