//! 2,000 services at AWS's rates.

use std::time::Duration;

use crate::aws::Fault;
use crate::stage::{Outcome, Stage, told};
use crate::world::World;

const SERVICES: usize = 2000;
const DEPENDENTS: usize = 40;

/// 25 clusters of 80 services, each with a revision of its own; one in fifty takes the secret.
fn many() -> World {
    let mut world = World::with(25, 80);
    for number in (0..SERVICES).step_by(SERVICES / DEPENDENTS) {
        world.add_dependent(&format!("c{:03}", number / 80), &format!("s{:03}", number % 80));
    }
    world
}

fn show(what: &str, stage: &Stage, outcome: &Outcome) {
    let [clusters, services, described, definitions, updates] = stage.aws.counts();
    told(&format!(
        "{what}: {clusters} ListClusters, {services} ListServices, {described} DescribeServices, {definitions} \
         DescribeTaskDefinition, {updates} UpdateService in {:.1} s",
        outcome.took.as_secs_f64()
    ));
}

#[tokio::test(start_paused = true)]
async fn two_thousand_services_take_the_least_number_of_calls_and_aws_throttles_none() {
    let stage = Stage::of(many()).await;
    let first = stage.act("Reconcile", 260).await;
    show("2,000 services in a new process", &stage, &first);
    assert_eq!(first.verdicts("redeployed").len(), DEPENDENTS);
    assert_eq!(stage.aws.counts(), [1, 25, 200, 2000, 40]);
    assert_eq!(stage.aws.state().over_rate, 0);
    assert!((60..200).contains(&first.took.as_secs()), "{:?}", first.took);
    assert!(stage.closed());

    stage.aws.state().calls.clear();
    let second = stage.act("Redeploy", 60).await;
    show("2,000 services once more in the same process", &stage, &second);
    assert_eq!(second.verdicts("redeployed").len(), DEPENDENTS);
    assert_eq!(stage.aws.counts(), [1, 25, 200, 0, 40]);
    assert_eq!(stage.aws.state().over_rate, 0);
    assert!(second.took.as_secs() < 20, "{:?}", second.took);
}

#[tokio::test(start_paused = true)]
async fn answers_of_up_to_200_ms_slow_nothing_down_and_aws_throttles_none() {
    let stage = Stage::of(many()).await;
    stage.aws.state().latency = |number| Duration::from_millis(5 + number * 7919 % 390);
    let outcome = stage.act("Reconcile", 260).await;
    show("2,000 services, 5 to 395 ms for a call", &stage, &outcome);
    assert_eq!(outcome.verdicts("redeployed").len(), DEPENDENTS);
    assert_eq!(stage.aws.state().over_rate, 0);
    assert!(outcome.took.as_secs() < 150, "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_holds_up_its_own_lane_only() {
    let stage = Stage::of(many()).await;
    let mut number = 0;
    stage.aws.fail(move |call| {
        number += usize::from(call.operation == "DescribeTaskDefinition");
        (number % 50 == 1).then_some(Fault::Slow(Duration::from_secs(3)))
    });
    let outcome = stage.act("Reconcile", 300).await;
    show("2,000 services, one call in fifty takes 3 s", &stage, &outcome);
    assert_eq!(stage.aws.state().over_rate, 0);
    assert!(outcome.took.as_secs() < 130, "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_told_in_time_and_the_advice_suffices() {
    for timeout in [10, 60] {
        let mut stage = Stage::of(many()).await;
        let cut_off = stage.act("Reconcile", timeout).await;
        let error = cut_off.error();
        assert!(error.starts_with("FailedRollout: "), "{timeout}: {error}");
        assert!(error.contains(" could not be "), "{timeout}: {error}");
        assert!(!stage.closed());
        let advice = error.split("set the function's timeout to ").skip(1);
        let advice = advice.map(|rest| rest.split(' ').next().unwrap().parse::<u64>().unwrap()).max().unwrap();
        told(&format!("2,000 services in {timeout} s: advised {advice} s"));
        stage.cold().await;
        let done = stage.act("Reconcile", advice).await;
        assert!(done.answer.is_ok(), "{timeout} s, advised {advice} s: {}", done.error());
        assert_eq!(stage.aws.state().over_rate, 0);
        assert!(stage.closed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_goes_on_where_its_time_was_up() {
    let stage = Stage::of(many()).await;
    let mut times = 1;
    while stage.act("Reconcile", 60).await.answer.is_err() {
        times += 1;
        assert!(times < 10, "no end in sight");
    }
    told(&format!("2,000 services in one process with a timeout of 60 s: done in invocation {times}"));
    assert!(times <= 5, "{times}");
    assert_eq!(stage.aws.counts()[4], DEPENDENTS, "each is redeployed once");
    assert!(stage.aws.calls("DescribeTaskDefinition").len() < SERVICES + 20);
}
