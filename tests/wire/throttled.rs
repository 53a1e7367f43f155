//! Somebody else uses up the account's tokens for a minute.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::aws::{BROKEN, Call, THROTTLED};
use crate::stage::{Stage, told};
use crate::world::World;

const MINUTE: Duration = Duration::from_mins(1);
const DEPENDENTS: usize = 5;

/// 3 clusters of 40 services.
fn some() -> World {
    with_dependents(DEPENDENTS)
}

fn with_dependents(dependents: usize) -> World {
    let mut world = World::with(3, 40);
    for number in 0..dependents {
        world.add_dependent(&format!("c{:03}", number % 3), &format!("s{number:03}"));
    }
    world
}

/// Throttles the calls of ECS whose names contain this for a minute.
async fn throttled(world: World, operation: &'static str) -> Stage {
    let stage = Stage::of(world).await;
    stage.aws.fail(move |call| {
        let of_ecs = !call.operation.contains("Secret");
        (call.at < MINUTE && of_ecs && call.operation.contains(operation)).then_some(THROTTLED)
    });
    stage
}

#[tokio::test(start_paused = true)]
async fn with_time_enough_a_minute_of_throttling_is_waited_out_without_hammering() {
    // A redeploy has its share of the time only, be it throttled or not: one of two has half.
    for (operation, dependents, most) in
        [("", DEPENDENTS, 12), ("DescribeTaskDefinition", DEPENDENTS, 48), ("UpdateService", 1, 12)]
    {
        let stage = throttled(with_dependents(dependents), operation).await;
        let outcome = stage.reconcile().await;
        let hit = |call: &&Call| call.at < MINUTE && call.operation.contains(operation);
        let attempts = stage.aws.state().calls.iter().filter(hit).count();
        let took = outcome.took.as_secs_f64();
        told(&format!("throttled for a minute, {operation:?}: {attempts} calls meanwhile, {took:.1} s"));
        assert_eq!(outcome.verdicts("redeployed").len(), dependents, "{operation}");
        assert!((60.0..80.0).contains(&took), "{operation} {took}");
        assert!(attempts <= most, "{operation}: {attempts}");
        assert_eq!(stage.aws.calls("UpdateService").iter().filter(|call| call.at > MINUTE).count(), dependents);
        assert!(stage.closed());
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_uses_up_no_retry_that_a_failing_call_needs() {
    let stage = Stage::of(some()).await;
    let mut failed = BTreeSet::new();
    stage.aws.fail(move |call| match (call.operation.as_str(), call.at < MINUTE * 2) {
        ("DescribeTaskDefinition", true) => Some(THROTTLED),
        ("DescribeTaskDefinition", false) => failed.insert(call.request.to_string()).then_some(BROKEN),
        _ => None,
    });
    assert_eq!(stage.verdicts("redeployed").await.len(), DEPENDENTS);
    assert!(stage.closed());
}

#[tokio::test(start_paused = true)]
async fn what_throttling_holds_back_gets_another_turn_and_is_redeployed_once_only() {
    let stage = throttled(some(), "UpdateService").await;
    let outcome = stage.reconcile().await;
    assert!(outcome.took > MINUTE, "{:?}", outcome.took);
    assert_eq!(outcome.verdicts("redeployed").len(), DEPENDENTS);
    assert_eq!(stage.aws.calls("UpdateService").iter().filter(|call| call.at > MINUTE).count(), DEPENDENTS);
    assert!(stage.closed());
}

#[tokio::test(start_paused = true)]
async fn what_throttling_leaves_for_lack_of_time_is_done_by_the_next_reconcile() {
    let stage = throttled(some(), "UpdateService").await;
    let error = stage.act("Reconcile", 40).await.error();
    assert!(error.contains("c000/s000 failed (ECS throttled ecs:UpdateService"), "{error}");
    assert!(!stage.closed());
    let rest = stage.reconcile().await;
    assert_eq!(rest.verdicts("redeployed").len() + rest.verdicts("alreadyCurrent").len(), DEPENDENTS);
    assert_eq!(stage.aws.calls("UpdateService").iter().filter(|call| call.at > MINUTE).count(), DEPENDENTS);
    assert!(stage.closed());
}

#[tokio::test(start_paused = true)]
async fn with_too_little_time_the_error_names_what_is_left() {
    for (operation, left) in [
        ("", "clusters"),
        ("DescribeServices", "120 of 120 services could not be looked at"),
        ("DescribeTaskDefinition", "120 of 120 task definitions could not be read"),
        ("UpdateService", "c000/s000 failed (ECS throttled ecs:UpdateService"),
    ] {
        let stage = throttled(some(), operation).await;
        let error = stage.act("Reconcile", 40).await.error();
        assert!(error.starts_with("FailedRollout: ") && error.contains(left), "{error}");
        assert!(!stage.closed());
    }
}
