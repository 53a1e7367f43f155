use serde_json::json;

use super::super::Ecs;
use super::super::testing::scripted;
use super::*;

const PACE: Pace = Pace {
    start: Duration::from_secs(10),
    health: Duration::from_secs(10),
    bake: Duration::ZERO,
    deregistration: Duration::from_secs(30),
    stop: Duration::from_secs(5),
    breaker: None,
    deferred: None,
    paused: false,
    broken: None,
};

/// The service `web` of two tasks with this pace, whose deployment was forced at second 100.
fn forced(pace: Pace) -> (Ecs, impl Fn(u64)) {
    let (mut ecs, set) = scripted();
    ecs.service_mut("main", "web").unwrap().pace = Some(pace);
    set(100);
    ecs.ok("UpdateService", json!({"cluster": "main", "service": "web", "forceNewDeployment": true}));
    (ecs, set)
}

/// What one second shows: phases of old and new tasks, the state of PRIMARY, and the status of the last service deployment.
fn at(ecs: &mut Ecs, set: &impl Fn(u64), second: u64) -> (Vec<Phase>, Vec<Phase>, String, &'static str) {
    set(second);
    ecs.tick();
    let service = ecs.service("main", "web").unwrap();
    let primary = service.primary().unwrap();
    let phases = |new: bool| {
        let of = service.tasks.iter().filter(|task| (task.started_by == primary.id) == new);
        of.map(|task| task.phase).filter(|phase| *phase != Phase::Stopped).collect()
    };
    (phases(false), phases(true), primary.rollout_state.clone(), service.history.last().unwrap().status)
}

#[test]
fn the_four_ends_of_a_rollout_are_apart() {
    use Phase::{Deactivating, Pending, Running, Stopping};
    let (mut ecs, set) = forced(PACE);
    for (second, old, new, state, status) in [
        (100, vec![Running; 2], vec![Pending; 2], "IN_PROGRESS", "IN_PROGRESS"),
        (110, vec![Running; 2], vec![Running; 2], "IN_PROGRESS", "IN_PROGRESS"),
        // SUCCESSFUL comes as old tasks begin to drain, COMPLETED once none is behind a load balancer.
        (120, vec![Deactivating; 2], vec![Running; 2], "IN_PROGRESS", "SUCCESSFUL"),
        (149, vec![Deactivating; 2], vec![Running; 2], "IN_PROGRESS", "SUCCESSFUL"),
        (150, vec![Stopping; 2], vec![Running; 2], "COMPLETED", "SUCCESSFUL"),
        (154, vec![Stopping; 2], vec![Running; 2], "COMPLETED", "SUCCESSFUL"),
        (155, vec![], vec![Running; 2], "COMPLETED", "SUCCESSFUL"),
    ] {
        assert_eq!(at(&mut ecs, &set, second), (old, new, state.to_owned(), status), "second {second}");
    }
}

#[test]
fn a_breaker_goes_back_to_tasks_that_were_never_stopped() {
    let broken = Some("ResourceInitializationError".to_owned());
    let (mut ecs, set) = forced(Pace { breaker: Some(Rollback::Yes), broken, ..PACE });
    let old = ecs.service("main", "web").unwrap().deployments[1].id.clone();
    let untouched: Vec<String> =
        ecs.service("main", "web").unwrap().tasks[..2].iter().map(|task| task.id.clone()).collect();
    for second in [110, 120] {
        at(&mut ecs, &set, second);
    }
    let service = ecs.service("main", "web").unwrap();
    assert_eq!(
        (service.primary().unwrap().id.as_str(), service.history.last().unwrap().status),
        (old.as_str(), "ROLLBACK_IN_PROGRESS")
    );
    let (_, back, state, status) = at(&mut ecs, &set, 180);
    assert_eq!((back.len(), state.as_str(), status), (2, "COMPLETED", "ROLLBACK_SUCCESSFUL"));
    let live: Vec<String> = ecs.tasks().filter(|task| task.is_live()).map(|task| task.id.clone()).collect();
    assert_eq!(live, untouched);
    let failed = ecs.tasks().filter_map(|task| task.why.as_ref()).filter(|why| why.0 == "TaskFailedToStart").count();
    assert!(failed >= 3, "{failed}");
}

#[test]
fn without_a_breaker_a_deployment_that_fails_goes_on_for_ever() {
    let (mut ecs, set) = forced(Pace { broken: Some("no image".to_owned()), ..PACE });
    for second in (110..400).step_by(10) {
        let (old, _, state, status) = at(&mut ecs, &set, second);
        assert_eq!((old, state.as_str(), status), (vec![Phase::Running; 2], "IN_PROGRESS", "IN_PROGRESS"), "{second}");
    }
    // Mended, it ends.
    ecs.service_mut("main", "web").unwrap().pace = Some(PACE);
    for second in [410, 430, 470, 480] {
        at(&mut ecs, &set, second);
    }
    assert_eq!(at(&mut ecs, &set, 490), (vec![], vec![Phase::Running; 2], "COMPLETED".to_owned(), "SUCCESSFUL"));
}

#[test]
fn a_breaker_without_rollback_leaves_the_old_tasks() {
    let pace = Pace { breaker: Some(Rollback::No), broken: Some("no image".to_owned()), ..PACE };
    let (mut ecs, set) = forced(pace);
    for second in [110, 120, 130] {
        at(&mut ecs, &set, second);
    }
    let (old, new, state, _) = at(&mut ecs, &set, 500);
    assert_eq!((old, new, state.as_str()), (vec![Phase::Running; 2], vec![], "FAILED"));
}

#[test]
fn bake_pause_and_protection_keep_old_tasks() {
    let baking = Pace { bake: Duration::from_mins(10), ..PACE };
    let (mut ecs, set) = forced(baking);
    at(&mut ecs, &set, 110);
    assert_eq!(at(&mut ecs, &set, 700).0, vec![Phase::Running; 2]);
    assert_eq!(at(&mut ecs, &set, 720).0, vec![Phase::Deactivating; 2]);

    let (mut ecs, set) = forced(Pace { paused: true, ..PACE });
    at(&mut ecs, &set, 110);
    assert_eq!(at(&mut ecs, &set, 9000).0, vec![Phase::Running; 2]);
    ecs.service_mut("main", "web").unwrap().pace = Some(PACE);
    assert_eq!(at(&mut ecs, &set, 9001).0, vec![Phase::Deactivating; 2]);

    let (mut ecs, set) = forced(PACE);
    let until = ecs.clock.now() + Duration::from_hours(1);
    ecs.service_mut("main", "web").unwrap().tasks[0].protected = Some(until);
    at(&mut ecs, &set, 110);
    at(&mut ecs, &set, 120);
    let (old, _, state, _) = at(&mut ecs, &set, 600);
    assert_eq!((old, state.as_str()), (vec![Phase::Running], "IN_PROGRESS"));
    assert_eq!(at(&mut ecs, &set, 3700).0, vec![Phase::Deactivating]);
}

#[test]
fn an_early_success_leaves_old_tasks_for_days() {
    let (mut ecs, set) = forced(Pace { deferred: Some(Duration::from_hours(48)), ..PACE });
    at(&mut ecs, &set, 110);
    let (old, _, state, status) = at(&mut ecs, &set, 120);
    assert_eq!((old, state.as_str(), status), (vec![Phase::Running; 2], "COMPLETED", "SUCCESSFUL"));
    assert_eq!(at(&mut ecs, &set, 100_000).0, vec![Phase::Running; 2]);
    assert_eq!(at(&mut ecs, &set, 180_000).0, vec![Phase::Deactivating; 2]);
}

#[test]
fn forcing_stops_the_deployment_before_and_scaling_makes_none() {
    let (mut ecs, set) = forced(PACE);
    set(105);
    ecs.ok("UpdateService", json!({"cluster": "main", "service": "web", "forceNewDeployment": true}));
    let service = ecs.service("main", "web").unwrap();
    assert_eq!(service.deployments.len(), 3);
    let statuses: Vec<&str> = service.history.iter().map(|one| one.status).collect();
    assert_eq!(statuses[statuses.len() - 2..], ["STOPPED", "IN_PROGRESS"]);
    for second in [115, 125, 160] {
        at(&mut ecs, &set, second);
    }
    assert_eq!(at(&mut ecs, &set, 170).2, "COMPLETED");
    ecs.ok("UpdateService", json!({"cluster": "main", "service": "web", "desiredCount": 0}));
    assert_eq!(at(&mut ecs, &set, 171).1, vec![Phase::Deactivating; 2]);
    assert!(at(&mut ecs, &set, 300).1.is_empty());
    assert_eq!(ecs.service("main", "web").unwrap().deployments.len(), 1);
}
