//! A redeploy whose answer is lost: one deployment all the same.

use std::time::Duration;

use crate::aws::{BROKEN, DENIED, Fault};
use crate::stage::{Stage, told};
use crate::world::World;

async fn stage() -> Stage {
    let mut world = World::new();
    world.add_dependent("main", "api");
    world.add_dependent("main", "worker");
    Stage::of(world).await
}

impl Stage {
    fn deployments(&self, name: &str) -> usize {
        self.aws.state().world.service("main", name).deployments.len()
    }
}

#[tokio::test(start_paused = true)]
async fn more_redeploys_than_fit_a_bucket_keep_to_its_rate() {
    let mut world = World::new();
    for number in 0..120 {
        world.add_dependent("main", &format!("s{number:03}"));
    }
    let stage = Stage::of(world).await;
    let outcome = stage.reconcile().await;
    told(&format!("120 redeploys: {:.1} s", outcome.took.as_secs_f64()));
    assert_eq!(outcome.verdicts("redeployed").len(), 120);
    assert_eq!(stage.aws.state().over_rate, 0);
    assert!((19..40).contains(&outcome.took.as_secs()), "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn a_redeploy_that_was_done_is_not_done_again() {
    let done = Fault::Afterwards(500, r#"{"__type":"ServerException","message":"after all"}"#);
    for fault in [Fault::LostAfter, Fault::Silence, done, Fault::Afterwards(200, "<html>")] {
        let stage = stage().await;
        stage.aws.fail_first(1, "UpdateService", fault.clone());
        let outcome = stage.reconcile().await;
        assert_eq!(outcome.verdicts("redeployed"), ["api", "worker"], "{fault:?}");
        assert_eq!(stage.aws.counts()[4], 2, "{fault:?}");
        assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2), "{fault:?}");
        assert!(outcome.took < Duration::from_secs(15), "{:?}", outcome.took);
        assert!(stage.closed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_redeploy_that_was_not_done_is_done_once() {
    for fault in [Fault::LostBefore, BROKEN] {
        for times in 1..=2 {
            let stage = stage().await;
            stage.aws.fail_first(times, "UpdateService", fault.clone());
            assert_eq!(stage.verdicts("redeployed").await, ["api", "worker"], "{fault:?}");
            assert_eq!(stage.aws.counts()[4], 2 + times, "{fault:?}");
            assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2), "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redeploy_that_never_gets_through_is_given_up_and_stops_no_other() {
    let stage = stage().await;
    stage.aws.fail(|call| {
        (call.operation == "UpdateService" && call.request["service"] == "api").then_some(Fault::LostBefore)
    });
    let error = stage.reconcile().await.error();
    assert!(error.contains("main/api failed (ecs:UpdateService on arn:*:ecs:*:*:service/main/api"), "{error}");
    assert!(error.contains("main/worker redeployed"), "{error}");
    assert_eq!(stage.aws.counts()[4], 4);
    assert!(!stage.closed());
    stage.aws.fail(|_| None);
    let outcome = stage.reconcile().await;
    assert_eq!(
        (outcome.verdicts("redeployed"), outcome.verdicts("alreadyCurrent")),
        (vec!["api".to_owned()], vec!["worker".to_owned()])
    );
    assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_tried_again() {
    let stage = stage().await;
    stage.aws.fail_first(usize::MAX, "UpdateService", DENIED);
    let error = stage.reconcile().await.error();
    assert_eq!(stage.aws.counts()[4], 2, "one call for each");
    assert!(error.contains(r#""Action": "ecs:UpdateService", "Resource": "arn:y""#), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_redeploy_of_unknown_outcome_counts_as_failed_until_the_next_look() {
    let stage = stage().await;
    stage.aws.fail(|call| match (call.operation.as_str(), &call.request["service"]) {
        ("UpdateService", name) if name == "api" => Some(Fault::LostAfter),
        // Only the second look, at one service alone.
        ("DescribeServices", _) if call.request["services"].as_array().unwrap().len() == 1 => Some(BROKEN),
        _ => None,
    });
    let error = stage.reconcile().await.error();
    assert!(error.contains("main/api failed (ecs:UpdateService"), "{error}");
    stage.aws.fail(|_| None);
    assert_eq!(stage.verdicts("alreadyCurrent").await, ["api", "worker"]);
    assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2));
    assert!(stage.closed());
}
