//! A service that only verifies, by the published keys, which it keeps for 300 s.

use std::time::Duration;

use rehearsal::readers::Maker;
use serde_json::json;

use crate::fleet::{Fleet, Phase, Seen};
use crate::proof::{accepted, checked, refused, told};
use crate::service::{LIFETIME, Service};
use crate::stage::Stage;
use crate::verifiers::{BUCKET, CACHE, PLACE, Verifiers};

const ROTATIONS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_ring_whoever_keeps_the_published_keys_refuses_nothing() {
    for alg in ["RS256", "ES256", "EdDSA"] {
        let seen = through("jwt-keyring", &format!(r#"{{"alg":"{alg}","keys":[]}}"#)).await;
        told(&format!("the published half of a ring of {alg}"), &seen);
        assert_eq!(refused(&seen), []);
        // Tokens of a version whose keys they had not fetched, too.
        assert!(accepted(&seen).contains(&(Phase::Deploying, 1)) && checked(&seen) > 3000, "{seen:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_tokens_of_a_signing_key_are_refused_only_by_caches_of_300_s() {
    let maker = Maker::start();
    for alg in ["ES256", "EdDSA", "RS256"] {
        let seen = through("signing-key", &document(&maker, alg)).await;
        told(&format!("the published half of a signing key for {alg}"), &seen);
        let cases = [(Phase::Deploying, 1), (Phase::Settled, 1)];
        assert_eq!(refused(&seen), cases);
        for case in cases {
            let longest = seen[&case].longest;
            assert!(longest < CACHE, "refused {longest:?} after the key was published");
            assert!(longest > CACHE / 2, "refused until {longest:?} after the key was published only");
        }
        assert_eq!(
            accepted(&seen),
            [
                (Phase::Rotating, 0),
                (Phase::Deploying, -1),
                (Phase::Deploying, 0),
                (Phase::Settled, -1),
                (Phase::Settled, 0)
            ]
        );
        assert!(checked(&seen) > 3000, "{seen:#?}");
    }
}

/// A document as a team writes it.
pub fn document(maker: &Maker, alg: &str) -> String {
    let (from, until) = ("2026-01-01", "2026-07-01");
    json!({ "private_key": maker.pem(alg), "key_id": "auth-1", "alg": alg, "valid_from": from, "valid_until": until })
        .to_string()
}

/// Three rotations with tasks that sign and others that verify.
async fn through(kind: &str, value: &str) -> Seen {
    let tags = [("keyroll:token-lifetime", "1"), ("keyroll:copies", PLACE)];
    let stage = Stage::with(kind, value, &tags).await;
    stage.aws.create_bucket(BUCKET);
    stage.rotate().await;
    let mut fleet = Fleet::start(&stage, false, LIFETIME);
    fleet.verifiers = Some(Verifiers::start(&stage));
    let service = Service::start(stage, fleet);
    service.age(LIFETIME * 2);
    for rotation in 0..ROTATIONS {
        // One has fetched the keys just before.
        let clock = service.fleet().clock;
        service.fleet().verifiers.as_mut().unwrap().fetch(rotation, clock);
        service.rotate().await;
        service.deploy(async |_| ()).await;
        for _ in 0..4 {
            service.age(Duration::from_secs(20));
            service.fleet().present();
        }
        if rotation + 1 < ROTATIONS {
            service.outlive_tokens(Duration::from_secs(80)).await;
        }
    }
    // With a ring, tasks verify each other's tokens, too.
    assert_eq!(refused(&service.fleet().seen), []);
    std::mem::take(&mut service.fleet().verifiers.as_mut().unwrap().seen)
}
