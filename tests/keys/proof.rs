//! Three tasks issue and verify tokens while rolling deployments replace them, through three rotations: with a key ring no
//! valid token is refused, whoever signed it, whoever verifies it, and whenever.

use std::time::Duration;

use crate::fleet::{Fleet, Phase, Seen};
use crate::service::{LIFETIME, Service};
use crate::stage::Stage;

const ROTATIONS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_ring_of_hs256_no_valid_token_is_refused() {
    ring("HS256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_ring_of_rs256_no_valid_token_is_refused() {
    ring("RS256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_ring_of_es256_no_valid_token_is_refused() {
    ring("ES256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_ring_of_eddsa_no_valid_token_is_refused() {
    ring("EdDSA").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_outlive_the_tag_are_refused_two_rotations_later() {
    // What the guard is for; and that a refusal is noticed.
    let stage = Stage::start("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#).await;
    stage.rotate().await;
    let fleet = Fleet::start(&stage, false, LIFETIME);
    let service = Service::start(stage, fleet);
    for _ in 0..ROTATIONS {
        service.rotate().await;
        service.deploy(async |_| ()).await;
    }
    let seen = std::mem::take(&mut service.fleet().seen);
    told("a ring that does not wait", &seen);
    let cases = [
        (Phase::Rotating, -2),
        (Phase::Deploying, -3),
        (Phase::Deploying, -2),
        (Phase::Settled, -3),
        (Phase::Settled, -2),
    ];
    assert_eq!(refused(&seen), cases);
}

async fn ring(alg: &str) {
    let stage = lasting("jwt-keyring", &format!(r#"{{"alg":"{alg}","keys":[]}}"#)).await;
    stage.rotate().await;
    let fleet = Fleet::start(&stage, false, LIFETIME);
    let service = Service::start(stage, fleet);
    for rotation in 0..ROTATIONS {
        service.rotate().await;
        let between = async |service: &Service| {
            service.is_put_off("tokens of it may live until").await;
            if rotation == 1 {
                // A deployment that takes longer than a token lives: its old tasks sign and verify all the time.
                service.age(LIFETIME + Duration::from_secs(1));
                service.is_put_off("are older than AWSCURRENT").await;
            }
        };
        service.deploy(between).await;
        service.is_put_off("tokens of it may live until").await;
        if rotation + 1 < ROTATIONS {
            service.outlive_tokens(Duration::ZERO).await;
        }
    }
    let seen = std::mem::take(&mut service.fleet().seen);
    // Tokens of the version before, of the same one and of the one after it.
    let met = [-1, 0, 1].map(|ahead| (Phase::Deploying, ahead));
    told(&format!("a ring of {alg}"), &seen);
    assert_eq!(refused(&seen), []);
    assert!(met.iter().all(|met| accepted(&seen).contains(met)), "{seen:#?}");
    assert!(checked(&seen) > 3000, "{seen:#?}");
}

/// A stage whose tokens live as long as the model says.
pub async fn lasting(kind: &str, value: &str) -> Stage {
    Stage::with(kind, value, &[("keyroll:token-lifetime", "1")]).await
}

/// In which cases tokens were refused; in each all of them, or it is no case.
pub fn refused(seen: &Seen) -> Vec<(Phase, i64)> {
    assert!(seen.values().all(|tally| tally.accepted == 0 || tally.refused == 0), "{seen:#?}");
    seen.iter().filter(|(_, tally)| tally.refused > 0).map(|(case, _)| *case).collect()
}

/// In which cases tokens were accepted.
pub fn accepted(seen: &Seen) -> Vec<(Phase, i64)> {
    seen.iter().filter(|(_, tally)| tally.accepted > 0).map(|(case, _)| *case).collect()
}

pub fn checked(seen: &Seen) -> usize {
    seen.values().map(|tally| tally.accepted + tally.refused).sum()
}

/// Shows with the test's result what it saw.
#[expect(clippy::print_stdout, reason = "how much was checked is part of the result")]
pub fn told(what: &str, seen: &Seen) {
    println!("{what}: {} tokens presented", checked(seen));
    for ((phase, ahead), tally) in seen {
        let late =
            if tally.longest > Duration::ZERO { format!(", until {:?} after", tally.longest) } else { String::new() };
        println!("  {phase:?}, {ahead:+}: {} accepted, {} refused{late}", tally.accepted, tally.refused);
    }
}
