//! The guard: no key goes while a token lives that it signed, and none signs before every task knows it. What counts is when
//! the last task of before has ended, not when AWSCURRENT moved.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule, Service};
use rehearsal::driver::{Options, STEPS};
use support::rig::SERVICES;

use crate::stage::Stage;
use crate::values::{dry_run, hex, reasons, warnings};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const RING: &str = r#"{"alg":"ES256","keys":[]}"#;

/// A ring with next, current and previous, whose tokens live for so many hours, a moment after its last rotation.
async fn ring(lifetime: &str) -> Stage {
    let stage = Stage::start("jwt-keyring", RING).await;
    for _ in 0..2 {
        stage.rotate().await;
    }
    stage.tag("keyroll:token-lifetime", lifetime);
    stage
}

/// Lets time pass for the secret and for all services.
fn pass(stage: &Stage, by: Duration) {
    stage.aws.age_secret(&stage.arn, by).unwrap();
    stage.aws.with_secret(&stage.arn, age_promotions(by)).unwrap();
    for service in SERVICES {
        stage.aws.age_service("prod", service, by).unwrap();
    }
}

fn age_promotions(by: Duration) -> impl FnOnce(&mut rehearsal::aws::Secret) {
    move |secret| {
        for promoted in secret.versions.values_mut().filter_map(|version| version.promoted.as_mut()) {
            *promoted = promoted.saturating_sub(by);
        }
    }
}

fn with_all(stage: &Stage, change: impl Fn(&mut Service)) {
    for service in SERVICES {
        stage.aws.with_service("prod", service, &change).unwrap();
    }
}

/// createSecret puts the rotation off and stores nothing; the dry run says the same. Gives the message, and takes the staged
/// version away again.
async fn is_put_off(stage: &Stage, error_type: &str) -> String {
    let report = dry_run(stage).await;
    assert!(reasons(&report).contains(error_type), "{report:#}");
    let before = stage.aws.stages(&stage.arn);
    let token = stage.stage();
    let staged = stage.aws.snapshot();
    let message = stage.error("createSecret", &token, error_type).await;
    assert!(stage.aws.snapshot() == staged, "something was changed: {message}");
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    if let Some(holder) = before.iter().find(|(_, labels)| labels.contains(&"AWSPENDING".to_owned())) {
        stage.aws.move_label(&stage.arn, "AWSPENDING", holder.0).unwrap();
    }
    message
}

/// The time that a message names after these words, as `2026-11-22T10:00:00Z` with any fraction, in seconds since 1970.
fn time_after(message: &str, words: &str) -> u64 {
    let rest = message.split_once(words).unwrap_or_else(|| panic!("{words}: {message}")).1.trim_start();
    let (whole, zone) = rest.split_at(19);
    assert!(zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()).starts_with('Z'), "{rest}");
    let (date, time) = whole.split_once('T').unwrap();
    let numbers = |text: &str, by: char| -> Vec<u64> { text.split(by).map(|part| part.parse().unwrap()).collect() };
    let (date, time) = (numbers(date, '-'), numbers(time, ':'));
    let (&[year, month, day], &[hours, minutes, seconds]) = (&date[..], &time[..]) else { panic!("{rest}") };
    // Days since 1970 of the Gregorian calendar, counted from March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    days * 86_400 + hours * 3600 + minutes * 60 + seconds
}

#[tokio::test]
async fn a_ring_waits_until_no_token_of_its_previous_key_lives_and_says_until_when() {
    let stage = ring("24").await;
    pass(&stage, 3 * HOUR);
    let message = is_put_off(&stage, "FailedTooSoon").await;
    let previous = stage.json("AWSCURRENT")["previous"].as_str().unwrap().to_owned();
    assert!(message.contains(&previous) && message.contains("keyroll:token-lifetime, 24 h"), "{message}");
    let ended = SERVICES.map(|it| stage.aws.service("prod", it).unwrap().deployments[0].updated);
    let (since, until) = (time_after(&message, "signed with until"), time_after(&message, "may live until"));
    assert_eq!(until, since + 24 * 3600, "{message}");
    assert!(since.abs_diff(ended.iter().max().unwrap().as_secs()) <= 1, "{message}");

    pass(&stage, 20 * HOUR);
    is_put_off(&stage, "FailedTooSoon").await;
    pass(&stage, HOUR + MINUTE);
    stage.rotate().await;
}

#[tokio::test]
async fn zero_turns_the_guard_off_and_the_first_rotations_end_no_key() {
    let stage = Stage::with("jwt-keyring", RING, &[("keyroll:token-lifetime", "24")]).await;
    // A fresh ring, then its first promotion, which ends no key.
    stage.rotate().await;
    stage.rotate().await;
    is_put_off(&stage, "FailedTooSoon").await;
    stage.tag("keyroll:token-lifetime", "0");
    stage.rotate().await;
    stage.rotate().await;

    for kind in ["jwt", "signing-key"] {
        let value = if kind == "jwt" { hex(64) } else { r#"{"private_key":"placeholder"}"#.to_owned() };
        let stage = Stage::with(kind, &value, &[("keyroll:token-lifetime", "2")]).await;
        stage.rotate().await;
        let message = is_put_off(&stage, "FailedTooSoon").await;
        assert!(message.contains("the key in AWSPREVIOUS"), "{message}");
        pass(&stage, 2 * HOUR + MINUTE);
        stage.rotate().await;
        stage.tag("keyroll:token-lifetime", "0");
        stage.rotate().await;
    }
}

#[tokio::test]
async fn a_rotation_that_was_put_off_goes_on_with_its_token_when_the_time_has_come() {
    let stage = ring("1").await;
    let rotation = stage.try_rotate(Options { attempts: 2, ..Options::default() }).await;
    assert_eq!(rotation.steps(), ["createSecret", "createSecret"]);
    pass(&stage, HOUR + MINUTE);
    let resumed = stage.driver.resume(&stage.arn).await.unwrap();
    assert!(resumed.succeeded() && resumed.token == rotation.token, "{resumed:#?}");
    stage.assert_finished(&rotation.token);
}

#[tokio::test]
async fn a_token_lives_from_the_end_of_the_last_old_task_and_not_from_the_move() {
    let stage = ring("1").await;
    // AWSCURRENT has moved three hours ago; the deployment of one service has ended just now.
    pass(&stage, 3 * HOUR);
    stage
        .aws
        .with_service("prod", "worker", |service| {
            service.events.clear();
            service.deployments[0].rollout_state = "IN_PROGRESS".to_owned();
            let last = service.history.last_mut().unwrap();
            (last.status, last.finished) = ("IN_PROGRESS", None);
            service.settle();
        })
        .unwrap();
    let message = is_put_off(&stage, "FailedTooSoon").await;
    let ended = stage.aws.service("prod", "worker").unwrap().deployments[0].updated;
    assert!(time_after(&message, "signed with until").abs_diff(ended.as_secs()) <= 1, "{message}");
    pass(&stage, HOUR + MINUTE);
    stage.rotate().await;
}

#[tokio::test]
async fn while_tasks_are_being_replaced_no_other_key_signs() {
    let stage = ring("0").await;
    let moved = stage.try_rotate(Options::default()).await;
    assert!(moved.succeeded(), "{moved:#?}");
    pass(&stage, 3 * HOUR);
    let message = is_put_off(&stage, "FailedTooSoon").await;
    for words in ["prod/api", "prod/worker", "would refuse tokens of the next value", "Redeploy"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    // One of two.
    stage.aws.with_service("prod", "api", Service::settle).unwrap();
    let message = is_put_off(&stage, "FailedTooSoon").await;
    assert!(message.contains("prod/worker") && !message.contains("prod/api"), "{message}");
    stage.aws.with_service("prod", "worker", Service::settle).unwrap();
    stage.rotate().await;
}

#[tokio::test]
async fn a_rollback_leaves_tasks_that_never_read_awscurrent() {
    let stage = ring("0").await;
    assert!(stage.try_rotate(Options::default()).await.succeeded());
    stage.aws.with_service("prod", "api", |service| service.roll_back("tasks failed to start")).unwrap();
    stage.settle();
    is_put_off(&stage, "FailedTooSoon").await;
    stage.action("Redeploy").await;
    stage.settle();
    stage.rotate().await;
}

#[tokio::test]
async fn a_failed_deployment_is_told_by_its_service() {
    let stage = ring("0").await;
    assert!(stage.try_rotate(Options::default()).await.succeeded());
    with_all(&stage, |service| service.fail_rollout("tasks failed to start"));
    let message = is_put_off(&stage, "FailedTooSoon").await;
    assert!(message.contains("prod/api") && message.contains("failed"), "{message}");
}

#[tokio::test]
async fn a_service_that_is_deployed_every_hour_is_not_kept_waiting_for_ever() {
    let stage = ring("24").await;
    for _ in 0..26 {
        pass(&stage, HOUR);
        with_all(&stage, |service| {
            service.deploy();
            service.settle();
        });
    }
    // One more is under way: it replaces tasks that all hold AWSCURRENT.
    with_all(&stage, Service::deploy);
    stage.rotate().await;
}

#[tokio::test]
async fn tasks_older_than_awscurrent_put_a_ring_off_until_redeploy_has_replaced_them() {
    let stage = ring("0").await;
    pass(&stage, HOUR);
    with_all(&stage, |service| {
        service.events.clear();
        service.deployments[0].created -= 6 * HOUR;
        service.deployments[0].updated -= 6 * HOUR;
    });
    let message = is_put_off(&stage, "FailedTooSoon").await;
    assert!(message.contains("older than AWSCURRENT") && message.contains("the action Redeploy"), "{message}");
    stage.action("Redeploy").await;
    is_put_off(&stage, "FailedTooSoon").await;
    stage.settle();
    stage.rotate().await;
}

#[tokio::test]
async fn what_may_not_be_seen_of_ecs_puts_a_ring_off_and_nothing_is_stored() {
    let stage = ring("0").await;
    stage.aws.fault(Rule::on("DescribeServices", Fault::Denied));
    let message = is_put_off(&stage, "RefusedPermission").await;
    assert!(message.contains("ecs:DescribeServices") && message.contains("has not begun"), "{message}");
    stage.aws.clear_faults();
    stage.rotate().await;
}

#[tokio::test]
async fn what_may_not_be_seen_of_ecs_is_a_warning_where_only_awsprevious_is_at_stake() {
    let stage = Stage::start("token", &hex(64)).await;
    stage.aws.fault(Rule::on("DescribeServices", Fault::Denied));
    let token = stage.stage();
    let answer = stage.answer("createSecret", &token).await;
    assert!(warnings(&answer).contains("AWSPREVIOUS could not be seen"), "{answer:#}");
    for step in &STEPS[1..3] {
        stage.answer(step, &token).await;
    }
    // AWSCURRENT moves all the same; what is left of the rollout is told.
    stage.error("finishSecret", &token, "FailedRollout").await;
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(token));
}

#[tokio::test]
async fn a_service_without_tasks_holds_nothing_up() {
    let stage = ring("0").await;
    assert!(stage.try_rotate(Options::default()).await.succeeded());
    with_all(&stage, |service| service.desired_count = 0);
    let message = is_put_off(&stage, "FailedTooSoon").await;
    assert!(message.contains("of its tasks are still being stopped"), "{message}");
    with_all(&stage, |service| service.deployments.iter_mut().for_each(|deployment| deployment.running = 0));
    assert!(stage.try_rotate(Options::default()).await.succeeded());
}

#[tokio::test]
async fn the_least_age_counts_too_and_exempts_the_first_rotation() {
    for (kind, value) in [("token", hex(64)), ("jwt", hex(64)), ("jwt-keyring", RING.to_owned())] {
        let stage = Stage::start(kind, &value).await;
        stage.tag("keyroll:min-age", "30");
        stage.rotate().await;
        pass(&stage, 20 * MINUTE);
        let message = is_put_off(&stage, "FailedTooSoon").await;
        assert!(message.contains("keyroll:min-age is 30"), "{message}");
        pass(&stage, 11 * MINUTE);
        stage.rotate().await;
    }
}

#[tokio::test]
async fn another_secret_is_not_concerned() {
    let stage = ring("24").await;
    is_put_off(&stage, "FailedTooSoon").await;
    let tags = [("keyroll:kind", "jwt-keyring"), ("keyroll:services", "none"), ("keyroll:token-lifetime", "0")];
    let other = stage.aws.create_secret("auth/other", RING, &tags).unwrap();
    stage.aws.enable_rotation(&other, stage.function.arn(), serde_json::json!({})).unwrap();
    for _ in 0..3 {
        let rotation = stage.driver.rotate(&other).await.unwrap();
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
    }
    is_put_off(&stage, "FailedTooSoon").await;
}

#[tokio::test]
async fn a_lifetime_that_cannot_be_read_stops_the_rotation_by_its_tag() {
    let stage = ring("soon").await;
    let message = is_put_off(&stage, "RefusedSetting").await;
    assert!(message.contains("keyroll:token-lifetime"), "{message}");
    stage.tag("keyroll:token-lifetime", "0.5");
    pass(&stage, 31 * MINUTE);
    stage.rotate().await;
}
