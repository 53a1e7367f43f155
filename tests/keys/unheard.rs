//! The guard where dates deceive: a deployment of the team's own that was completed around the move of AWSCURRENT says nothing
//! of what its tasks hold.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule, Service};
use rehearsal::driver::Options;
use support::rig::SERVICES;

use crate::stage::Stage;

/// A ring with next, current and previous, a day after its last rotation.
async fn ring() -> Stage {
    let stage = Stage::start("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#).await;
    for _ in 0..2 {
        stage.rotate().await;
    }
    let day = Duration::from_hours(24);
    stage.aws.age_secret(&stage.arn, day).unwrap();
    for service in SERVICES {
        stage.aws.age_service("prod", service, day).unwrap();
    }
    stage
}

fn with_all(stage: &Stage, change: impl Fn(&mut Service)) {
    for service in SERVICES {
        stage.aws.with_service("prod", service, &change).unwrap();
    }
}

/// The team's own deployment, completed while tasks read what was current then.
fn deployed(service: &mut Service) {
    service.deploy();
    service.settle();
}

async fn is_put_off(stage: &Stage) {
    let message = stage.error("createSecret", &stage.stage(), "FailedTooSoon").await;
    assert!(message.contains("this rotation is put off") && message.contains("prod/api"), "{message}");
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    stage.settle();
    assert!(stage.try_rotate(Options::default()).await.succeeded());
}

#[tokio::test]
async fn a_deployment_between_create_secret_and_the_move_does_not_count() {
    let stage = ring().await;
    let token = stage.created().await;
    std::thread::sleep(Duration::from_millis(5));
    with_all(&stage, deployed);
    // Steps alone, as where Secrets Manager never hears the end: no date tells of this rotation but that of its version.
    stage.goes_on(&token).await;
    is_put_off(&stage).await;
}

#[tokio::test]
async fn a_deployment_that_began_before_the_move_and_ended_after_it_does_not_count() {
    let stage = ring().await;
    with_all(&stage, deployed);
    with_all(&stage, Service::deploy);
    let kill = stage.function.kill_handle();
    stage.aws.fault(Rule::on("UpdateService", Fault::before(move || kill.kill())));
    // AWSCURRENT has moved, and the rotation counts as complete; nothing was redeployed.
    assert!(stage.try_rotate(Options::default()).await.succeeded());
    stage.aws.clear_faults();
    std::thread::sleep(Duration::from_millis(5));
    with_all(&stage, Service::settle);
    // The next createSecret redeploys what was left behind, and must wait for that.
    is_put_off(&stage).await;
}

#[tokio::test]
async fn nor_where_reconcile_has_finished_the_rollout_meanwhile() {
    let stage = ring().await;
    with_all(&stage, deployed);
    with_all(&stage, Service::deploy);
    let kill = stage.function.kill_handle();
    stage.aws.fault(Rule::on("UpdateService", Fault::before(move || kill.kill())));
    assert!(stage.try_rotate(Options::default()).await.succeeded());
    stage.aws.clear_faults();
    std::thread::sleep(Duration::from_millis(5));
    with_all(&stage, Service::settle);
    stage.action("Reconcile").await;
    is_put_off(&stage).await;
}

#[tokio::test]
async fn services_that_are_found_and_not_named_count_alike() {
    let stage = ring().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    assert!(stage.try_rotate(Options::default()).await.succeeded());
    is_put_off(&stage).await;
    stage.settle();
    stage.function.cold().await;
    stage.aws.fault(Rule::on("ListClusters", Fault::Denied));
    let message = stage.error("createSecret", &stage.stage(), "RefusedPermission").await;
    assert!(message.contains("ecs:ListClusters") && message.contains("has not begun"), "{message}");
}
