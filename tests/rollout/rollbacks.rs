//! A deployment that the circuit breaker took back after the move: the tasks of before run on, under a deployment with a
//! new date. It is told and not repeated, until somebody deploys.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule, Service};
use serde_json::{Value, json};
use support::scene::{Scene, a_moment_later, verdict, with_verdict};

const WHY: &str = "ECS deployment circuit breaker: tasks failed to start.";

fn change(scene: &Scene, service: &str, change: impl FnOnce(&mut Service)) {
    scene.aws.with_service("prod", service, change).unwrap();
}

/// How often the function asked for a new deployment of a service.
fn asked(scene: &Scene, service: &str) -> usize {
    let updates = scene.aws.function_calls().into_iter().filter(|call| call.operation == "UpdateService");
    updates.filter(|call| call.request["service"] == service).count()
}

/// What Status says of a service: its verdict, and whether it runs with the current value.
async fn status(scene: &Scene, service: &str) -> (String, Value) {
    let status = scene.answer(&scene.action("Status")).await;
    let line = status["services"].as_array().unwrap().iter().find(|line| line["service"] == service).unwrap();
    (line["verdict"].as_str().unwrap().to_owned(), line["runsCurrent"].clone())
}

#[tokio::test]
async fn a_rollback_after_the_move_is_told_and_not_repeated_until_somebody_deploys() {
    let scene = Scene::start().await;
    for name in ["api", "denied"] {
        scene.service(name, &[&scene.arn]);
    }
    let back = scene.seen("api").deployments[0].id.clone();
    scene.aws.fault(Rule::on("UpdateService", Fault::Denied).about("\"denied\""));
    scene.error(&scene.action("Reconcile"), "FailedRollout").await;
    let begun = scene.seen("api").deployments[0].created;
    scene.aws.clear_faults();
    change(&scene, "denied", |service| {
        service.deploy();
        service.settle();
    });

    a_moment_later();
    change(&scene, "api", |service| service.roll_back(WHY));
    let primary = scene.seen("api").primary().unwrap().clone();
    assert!(primary.id == back && primary.created > begun, "{primary:?}");
    for round in 0..3 {
        // While it goes back; then only the events tell of it; then other events have come since.
        if round > 0 {
            change(&scene, "api", Service::settle);
        }
        let before = scene.aws.snapshot();
        for event in [scene.action("Reconcile"), json!({"Action": "Reconcile"}), scene.finish()] {
            let message = scene.error(&event, "FailedRollout").await;
            let told =
                format!("prod/api failed (its deployment {back} FAILED ((service api) rolling back to deployment");
            assert!(message.contains(&told), "{message}");
            assert!(message.contains("then deploy the service"), "{message}");
        }
        assert_eq!(status(&scene, "api").await, ("failed".to_owned(), Value::Null), "{round}");
        assert_eq!((scene.aws.snapshot(), asked(&scene, "api")), (before, 1), "{round}");
        assert!(scene.is_open());
    }

    change(&scene, "api", Service::deploy);
    assert_eq!(status(&scene, "api").await, ("alreadyCurrent".to_owned(), Value::Null));
    change(&scene, "api", Service::settle);
    assert_eq!(status(&scene, "api").await, ("alreadyCurrent".to_owned(), json!(true)));
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "alreadyCurrent"), ["api", "denied"], "{report:#}");
    assert!(!scene.is_open() && asked(&scene, "api") == 1);
}

#[tokio::test]
async fn a_rollback_that_only_the_events_tell_of_is_not_taken_for_a_young_deployment() {
    let scene = Scene::start().await;
    // One that goes back from another revision, and has long settled when anybody looks.
    scene.service("api", &[&scene.arn]);
    let next = scene.revision("api", &[&scene.arn]);
    change(&scene, "api", |service| {
        service.deploy_revision(&next);
        service.roll_back(WHY);
        service.settle();
    });
    let service = scene.seen("api");
    assert!(service.deployments.len() == 1 && service.deployments[0].rollout_state == "COMPLETED");
    assert_eq!(status(&scene, "api").await, ("failed".to_owned(), Value::Null));
    scene.error(&scene.action("Reconcile"), "FailedRollout").await;
    assert!(scene.is_open() && asked(&scene, "api") == 0);
    // Closed by hand, its dates still prove nothing.
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    assert_eq!(status(&scene, "api").await, ("skipped".to_owned(), Value::Null));
}

#[tokio::test]
async fn a_rollback_of_before_the_move_keeps_nobody_from_a_new_deployment() {
    let scene = Scene::start().await;
    for name in ["settled", "going-back", "mended"] {
        scene.service(name, &[&scene.arn]);
        change(&scene, name, |service| {
            service.deploy();
            service.roll_back(WHY);
        });
        scene.aws.age_service("prod", name, Duration::from_hours(2)).unwrap();
    }
    for name in ["settled", "mended"] {
        change(&scene, name, Service::settle);
    }
    // A person's own deployment, after the move: the events still tell of the rollback, of another deployment.
    change(&scene, "mended", Service::deploy);
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "redeployed"), ["going-back", "settled"], "{report:#}");
    assert_eq!(verdict(&report, "mended").0, "alreadyCurrent");
    assert!(!scene.is_open() && asked(&scene, "mended") == 0);
}
