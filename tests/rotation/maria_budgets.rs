//! What a rotation of MariaDB costs, counted.

use rehearsal::driver::STEPS;

use crate::maria::{self, ADMIN};
use crate::support::{ACCOUNT, Stage};
use crate::witness::told;

/// What one step takes: calls of Secrets Manager and of ECS, and logins.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    secrets: usize,
    ecs: usize,
    logins: Vec<String>,
}

/// Runs a step and counts. Nothing of it fails.
async fn cost(stage: &Stage, step: &str, token: &str) -> Cost {
    stage.aws.clear();
    let mark = stage.server.mark();
    stage.answer(step, token).await;
    let (calls, logins) = (stage.aws.function_calls(), stage.server.logins_since(mark));
    assert!(calls.iter().all(|call| call.error.is_none()) && logins.failed.is_empty(), "{calls:#?} {logins:?}");
    let of = |service: &str| calls.iter().filter(|call| call.service == service).count();
    Cost { secrets: of("secretsmanager"), ecs: of("ecs"), logins: logins.accepted }
}

/// A rotation, step by step, and its sum of calls of Secrets Manager.
async fn costs(stage: &Stage, cold: bool) -> (Vec<Cost>, usize) {
    let (token, mut costs) = (stage.stage(), Vec::new());
    for step in STEPS {
        if cold {
            stage.function.cold().await;
        }
        costs.push(cost(stage, step, &token).await);
    }
    let sum = costs.iter().map(|cost| cost.secrets).sum();
    (costs, sum)
}

fn expected(secrets: [usize; 4], logins: [&[&str]; 4]) -> Vec<Cost> {
    let cost = |step: usize| Cost {
        secrets: secrets[step],
        ecs: if step == 3 { 3 } else { 0 },
        logins: logins[step].iter().map(|account| (*account).to_owned()).collect(),
    };
    (0..4).map(cost).collect()
}

#[tokio::test]
async fn an_overlap_takes_twelve_calls_and_five_logins() {
    let stage = maria::overlapping().await;
    stage.rotate().await;
    let logins: [&[&str]; 4] = [&[], &[ACCOUNT, ADMIN], &[ACCOUNT, ACCOUNT], &[ACCOUNT]];
    let (warm, sum) = costs(&stage, false).await;
    assert_eq!((warm, sum), (expected([3, 3, 2, 4], logins), 12));
    // A new process reads the tags twice more, and what the last rotation replaced.
    let (cold, sum) = costs(&stage, true).await;
    told(&format!("cold: {sum} calls"));
    assert_eq!((cold, sum), (expected([3, 5, 3, 4], logins), 15));
}

#[tokio::test]
async fn an_account_alone_takes_ten_calls_and_three_logins() {
    let stage = maria::stage().await;
    stage.rotate().await;
    let logins: [&[&str]; 4] = [&[], &[ACCOUNT], &[ACCOUNT], &[ACCOUNT]];
    let (warm, sum) = costs(&stage, false).await;
    assert_eq!((warm, sum), (expected([3, 2, 1, 4], logins), 10));
    let (cold, sum) = costs(&stage, true).await;
    told(&format!("cold: {sum} calls"));
    assert_eq!((cold, sum), (expected([3, 3, 2, 4], logins), 12));
}

#[tokio::test]
async fn the_first_overlap_costs_no_more_than_the_next() {
    let stage = maria::overlapping().await;
    let (first, _) = costs(&stage, false).await;
    let (second, _) = costs(&stage, false).await;
    let calls = |costs: &[Cost]| costs.iter().map(|cost| (cost.secrets, cost.logins.len())).collect::<Vec<_>>();
    // The very first step of a process reads the tags.
    let (first, second) = (calls(&first), calls(&second));
    assert!(
        first.iter().zip(&second).all(|(first, second)| first.0 <= second.0 + 1 && first.1 == second.1),
        "{first:?}"
    );
}
