//! What a bare secret costs: exactly which tokens are refused and when, with AWSPREVIOUS beside it and without; and how it
//! becomes a key ring at no cost.

use std::time::Duration;

use support::rig::SERVICES;

use crate::fleet::{Fleet, Phase, Seen};
use crate::proof::{accepted, checked, lasting, refused, told};
use crate::service::{LIFETIME, Service};
use crate::stage::Stage;

const ROTATIONS: usize = 3;
/// After which no token lives.
const AGES: Duration = LIFETIME.saturating_add(Duration::from_secs(1));

#[tokio::test(flavor = "multi_thread")]
async fn with_awsprevious_only_old_tasks_refuse_new_tokens_during_a_deployment() {
    let stage = lasting("jwt", "placeholder").await;
    // There is no version AWSPREVIOUS before the first rotation, and no task that takes it could start.
    stage.rotate().await;
    take_previous(&stage);
    let seen = through(stage, true).await;
    told("a bare secret with AWSPREVIOUS", &seen);
    assert_eq!(refused(&seen), [(Phase::Deploying, 1)]);
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

#[tokio::test(flavor = "multi_thread")]
async fn without_awsprevious_new_tasks_refuse_every_older_token_until_none_lives() {
    let stage = lasting("jwt", "placeholder").await;
    stage.rotate().await;
    let seen = through(stage, false).await;
    told("a bare secret alone", &seen);
    assert_eq!(refused(&seen), [(Phase::Deploying, -1), (Phase::Deploying, 1), (Phase::Settled, -1)]);
    assert_eq!(accepted(&seen), [(Phase::Rotating, 0), (Phase::Deploying, 0), (Phase::Settled, 0)]);
    assert!(checked(&seen) > 3000, "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_secret_becomes_a_key_ring_without_a_refused_token() {
    let seen = converted(false).await;
    told("a bare secret that becomes a ring", &seen);
    assert_eq!(refused(&seen), []);
    assert!(accepted(&seen).contains(&(Phase::Deploying, 1)) && checked(&seen) > 3000, "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_bare_secret_becomes_a_key_ring_once_no_token_of_its_previous_lives() {
    let seen = converted(true).await;
    told("a bare secret with AWSPREVIOUS that becomes a ring", &seen);
    assert_eq!(refused(&seen), []);
    assert!(checked(&seen) > 3000, "{seen:#?}");
}

/// Three rotations; each waits for the tokens of the one before.
async fn through(stage: Stage, beside: bool) -> Seen {
    let service = started(stage, beside);
    for rotation in 0..ROTATIONS {
        service.rotate().await;
        service.deploy(async |service| service.is_put_off("tokens of it may live until").await).await;
        if rotation + 1 < ROTATIONS {
            service.outlive_tokens(Duration::ZERO).await;
        }
    }
    std::mem::take(&mut service.fleet().seen)
}

/// The documented order: code that reads both forms, which the fleet is; the tag; a rotation. And two more, after the last of
/// which the bare secret has gone. Where the bare one has just rotated, with AWSPREVIOUS, tokens of before it still live.
async fn converted(rotated: bool) -> Seen {
    let stage = lasting("jwt", "placeholder").await;
    stage.rotate().await;
    take_previous(&stage);
    let service = started(stage, true);
    if rotated {
        service.rotate().await;
        service.deploy(async |_| ()).await;
    }
    service.stage.tag("keyroll:kind", "jwt-keyring");
    if rotated {
        service.outlive_tokens(Duration::ZERO).await;
        // What the bare secret refused, before the tag was changed.
        let seen = std::mem::take(&mut service.fleet().seen);
        assert_eq!(refused(&seen), [(Phase::Deploying, 1)]);
    }
    for rotation in 0..ROTATIONS {
        service.rotate().await;
        service.deploy(async |_| ()).await;
        if rotation + 1 < ROTATIONS {
            service.age(AGES);
        }
    }
    assert_eq!(service.stage.json("AWSCURRENT")["keys"].as_array().unwrap().len(), 3);
    std::mem::take(&mut service.fleet().seen)
}

/// A service that began so long ago that no token of before it lives.
fn started(stage: Stage, beside: bool) -> Service {
    let fleet = Fleet::start(&stage, beside, LIFETIME);
    let service = Service::start(stage, fleet);
    service.age(AGES);
    service
}

/// A revision of the task definition that takes AWSPREVIOUS, too.
fn take_previous(stage: &Stage) {
    let definition =
        stage.aws.register_with_secrets("auth", &[&stage.arn, &format!("{}::AWSPREVIOUS:", stage.arn)]).unwrap();
    for service in SERVICES {
        stage.aws.with_service("prod", service, |service| service.deploy_revision(&definition)).unwrap();
    }
    stage.settle();
}
