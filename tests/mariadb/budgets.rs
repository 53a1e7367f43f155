//! What a rotation of MariaDB costs, counted.

use rehearsal::driver::STEPS;
use support::costs::{Cost, cost};
use support::maria::{self, ADMIN};
use support::stage::{ACCOUNT, Stage};
use support::told::told;

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
