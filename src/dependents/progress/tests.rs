use super::*;
use crate::dependents::sample::{at, deployment, running};

const MOVED: Move = Move {
    created: Some(Timestamp::from_millis(10_000)),
    changed: None,
    rotated: Some(Timestamp::from_millis(20_000)),
    rolled: true,
};

fn primary(created: i64, state: DeploymentState) -> Found {
    let mut primary = deployment(Some(created), true, state);
    primary.updated = at(created + 5000);
    Found { deployments: vec![primary], ..running(None) }
}

fn beside(primary: Found, created: i64) -> Found {
    let other = deployment(Some(created), false, DeploymentState::Completed);
    let deployments: Vec<Deployment> = primary.deployments.iter().cloned().chain([other]).collect();
    Found { deployments, ..primary }
}

#[test]
fn a_rotation_that_nobody_saw_the_end_of_has_no_date_of_its_own() {
    let ten = Timestamp::from_millis(10);
    assert_eq!(Move::rolled(ten, at(20)).rotated, at(20));
    let by_hand = Move::rolled(ten, at(9));
    assert_eq!((by_hand.rotated, by_hand.without_ours().created), (None, Some(ten)));
    assert_eq!((by_hand.surely_by(), Move::rolled(ten, at(20)).surely_by()), (Some(ten.after(BROKEN_OFF)), at(20)));
}

#[test]
fn an_age_is_told_only_where_dates_prove_it() {
    for (changed, created, rolled, expected) in [
        (at(900), at(800), false, Age::Younger),
        (at(1000), None, false, Age::Unknown),
        (at(1100), at(900), false, Age::Unknown),
        (at(1100), at(900), true, Age::Younger),
        (at(2100), at(2000), true, Age::Older),
        // In one second: ECS may have cut the fraction off.
        (at(1100), at(1001), true, Age::Younger),
        (at(1100), None, true, Age::Unknown),
        (None, at(2000), false, Age::Older),
        (None, None, true, Age::Unknown),
    ] {
        let moved = Move { created, changed, rotated: None, rolled };
        assert_eq!(moved.age_of(at(1000)), expected, "{moved:?}");
        assert_eq!(moved.age_of(None), Age::Unknown);
    }
}

#[test]
fn tasks_that_may_hold_the_value_before_are_told() {
    let older = |found: &Found| matches!(progress(found, &MOVED), Progress::Older(_));
    let replacing = |found: &Found| matches!(progress(found, &MOVED), Progress::Replacing(_));
    let failed = |found: &Found| matches!(progress(found, &MOVED), Progress::Failed(_));
    let rolling = |found: &Found| matches!(progress(found, &MOVED), Progress::Deploying(_));
    let unknown = |found: &Found| matches!(progress(found, &MOVED), Progress::Unknown(_));
    assert!(older(&primary(9_000, DeploymentState::Completed)));
    assert!(replacing(&beside(primary(21_000, DeploymentState::Completed), 9_000)));
    assert!(replacing(&beside(primary(21_000, DeploymentState::InProgress), 9_000)));
    assert!(failed(&primary(21_000, DeploymentState::Failed)));
    assert!(failed(&primary(9_000, DeploymentState::Failed)));
    assert!(unknown(&Found { deployments: vec![], ..running(None) }));
    assert!(unknown(&running(None)));
    assert!(rolling(&primary(21_000, DeploymentState::InProgress)));
    assert!(rolling(&beside(primary(21_000, DeploymentState::Completed), 12_000)));
    // Between the storing of the value and the move: only ECS's own deployments were replaced by ours.
    let code_deploy = |found| Found { controller: Controller::CodeDeploy, ..found };
    assert!(older(&code_deploy(primary(15_000, DeploymentState::Completed))));
    let two_sets = code_deploy(beside(primary(21_000, DeploymentState::Completed), 22_000));
    assert_eq!(progress(&two_sets, &MOVED), Progress::Settled(at(26_000)));
}

#[test]
fn what_is_complete_is_settled_since_its_last_change() {
    let done = primary(21_000, DeploymentState::Completed);
    assert_eq!(progress(&done, &MOVED), Progress::Settled(at(26_000)));
    // Tasks that were stopped may have signed until then.
    let none = Found { running: 0, ..done };
    let stopped = [Found { desired: 0, ..none.clone() }, Found { active: false, ..none.clone() }];
    assert!(stopped.iter().all(|found| progress(found, &MOVED) == Progress::Settled(at(26_000))));
    let stopping = Found { desired: 0, running: 1, ..none };
    assert!(matches!(progress(&stopping, &MOVED), Progress::Deploying(_)));
    let never = Found { desired: 0, running: 0, deployments: vec![], ..running(None) };
    assert_eq!(progress(&never, &MOVED), Progress::Settled(None));
}

#[test]
fn history_tells_of_the_first_deployment_that_replaced_every_task() {
    let past = |created: i64, finished: i64, outcome| Past {
        created: Timestamp::from_millis(created),
        finished: at(finished),
        outcome,
    };
    let since = |millis| Progress::Settled(at(millis));
    let now = primary(90_000, DeploymentState::Completed);
    let (good, undone) = (Outcome::Successful, Outcome::Undone);
    for (history, expected) in [
        (vec![], since(95_000)),
        (vec![past(30_000, 40_000, good), past(90_000, 94_000, good)], since(40_000)),
        // A deployment from before the move.
        (vec![past(15_000, 25_000, good), past(90_000, 94_000, good)], since(94_000)),
        (vec![past(30_000, 35_000, undone), past(50_000, 60_000, good)], since(60_000)),
    ] {
        assert_eq!(by_history(&history, &now, &MOVED, since(95_000)), expected, "{history:?}");
    }
    let own = primary(12_000, DeploymentState::Completed);
    assert_eq!(by_history(&[past(12_000, 19_000, good)], &own, &MOVED, since(80_000)), since(19_000));
    let rolling = Progress::Deploying("it goes on".to_owned());
    assert_eq!(by_history(&[past(30_000, 40_000, good)], &now, &MOVED, rolling.clone()), since(40_000));
    assert_eq!(by_history(&[], &now, &MOVED, rolling.clone()), rolling);
    let going = primary(18_000, DeploymentState::InProgress);
    let of_now = Past { created: Timestamp::from_millis(18_000), finished: None, outcome: Outcome::Going };
    let before = [past(15_000, 17_000, good), of_now];
    assert_eq!(by_history(&before, &going, &MOVED, rolling.clone()), rolling);
    for seen in [since(95_000), rolling] {
        let back = by_history(&[past(12_000, 30_000, undone)], &now, &MOVED, seen);
        assert!(matches!(back, Progress::Older(reason) if reason.contains("rolled back")));
    }
    for old in [Progress::Older("older".to_owned()), Progress::Replacing("older".to_owned())] {
        assert_eq!(by_history(&[past(30_000, 40_000, good)], &now, &MOVED, old.clone()), old);
    }
}
