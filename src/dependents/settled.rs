//! Since when no task of a service can hold the value from before AWSCURRENT. Until then somebody may sign with the old key,
//! and does not know the one that is new in AWSCURRENT.

use super::{Controller, Found, RolloutState};
use crate::timestamp::Timestamp;
use std::time::Duration;

/// When the version under AWSCURRENT came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// When its value was stored. AWSCURRENT moved to it after that: most often seconds, after a rotation that broke off up to
    /// days.
    pub created: Timestamp,
    /// When Secrets Manager saw the end of the last rotation, if that made this version current. One that it never saw the
    /// end of, and one made by hand or by Revoke, have none.
    pub rotated: Option<Timestamp>,
}

/// How long after its value was stored a version is surely current: nobody retries a rotation for longer.
const BROKEN_OFF: Duration = Duration::from_hours(24);

impl Moved {
    /// The move by a version's `CreatedDate` and the secret's `LastRotatedDate`.
    #[must_use]
    pub fn new(created: Timestamp, last_rotated: Option<Timestamp>) -> Self {
        Self { created, rotated: last_rotated.filter(|rotated| *rotated >= created) }
    }

    /// A time from which on every new task reads this version.
    #[must_use]
    pub fn surely_by(&self) -> Timestamp {
        self.rotated.unwrap_or_else(|| self.created.after(BROKEN_OFF))
    }

    /// A time until which tasks that started read the version before.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.rotated.unwrap_or(self.created)
    }
}

/// Since when every task of a service has read AWSCURRENT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Since this time at the latest; none where there never were tasks. It may have been long
    /// before: each deployment since then shows as the last one.
    Since(Option<Timestamp>),
    /// A deployment is going on, for this reason. An earlier one may have replaced the tasks of before.
    Going(String),
    /// Not yet, for this reason.
    Not(String),
}

/// Judges one service by what `DescribeServices` shows of it. A rotation begins only once the rollout before it was closed, so
/// that ECS's own deployments of then are younger than the move, whenever that was.
#[must_use]
pub fn settled(found: &Found, moved: Moved) -> Settled {
    let last_change = || found.deployments.iter().filter_map(|one| one.updated.or(one.created)).max();
    if !found.active || found.desired == 0 {
        return match found.running {
            0 => Settled::Since(last_change()),
            tasks => Settled::Going(format!("{tasks} of its tasks are still being stopped")),
        };
    }
    // Whether a deployment that somebody else made came before the move or after it, only its date says.
    let ours = found.controller == Controller::Ecs;
    let young = if ours { moved.created } else { moved.not_before() };
    // Not every ECS shows fractions of a second.
    let old = found.deployments.iter().find(|one| one.created.is_none_or(|at| at.seconds() < young.seconds()));
    if let Some(old) = old {
        let since = old.created.map(|at| format!(", of {at},")).unwrap_or_default();
        return Settled::Not(format!("the tasks of its deployment {}{since} are older than AWSCURRENT", old.id));
    }
    let Some(primary) = found.primary() else {
        return Settled::Not("ECS shows no PRIMARY deployment of it".to_owned());
    };
    match primary.state {
        RolloutState::Failed => Settled::Not(format!("its deployment {} failed", primary.id)),
        RolloutState::InProgress => Settled::Going(format!("its deployment {} is still replacing tasks", primary.id)),
        RolloutState::Completed if ours && found.deployments.len() > 1 => {
            Settled::Going("older deployments of it still have tasks".to_owned())
        }
        RolloutState::Completed => Settled::Since(last_change()),
    }
}

/// A service deployment, as ECS remembers it for ninety days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it was made.
    pub created: Timestamp,
    /// When it was over.
    pub finished: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a service deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every task was replaced.
    Successful,
    /// It was stopped or rolled back: tasks of before run on.
    Undone,
    /// It has not.
    Going,
}

/// Judges by the service's history since the version was made.
///
/// The first deployment of after the move that ended well has replaced every task of before; what `DescribeServices` shows is
/// only the last one, and changes whenever the service is scaled. Where none ended well and one was undone, tasks run on that
/// were never stopped, whatever the date of the deployment that they went back to.
#[must_use]
pub fn settled_by(history: &[Past], found: &Found, moved: Moved, seen: Settled) -> Settled {
    // keyroll's own deployment comes before the end of the rotation is noted: it counts as long as it is the last one.
    let newest = history.iter().map(|past| past.created).max();
    let is_complete = found.primary().is_some_and(|primary| primary.state == RolloutState::Completed);
    let is_primary = |past: &Past| is_complete && newest == Some(past.created);
    let counts =
        |past: &&Past| past.outcome == Outcome::Successful && (past.created >= moved.surely_by() || is_primary(past));
    let first = history.iter().filter(counts).filter_map(|past| past.finished).min();
    match (first, seen) {
        (_, Settled::Not(reason)) => Settled::Not(reason),
        (Some(first), Settled::Since(Some(at))) => Settled::Since(Some(first.min(at))),
        (Some(first), _) => Settled::Since(Some(first)),
        (None, _) if history.iter().any(|past| past.outcome == Outcome::Undone) => {
            Settled::Not("its last deployment was stopped or rolled back, and its tasks of before run on".to_owned())
        }
        (None, seen) => seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::Deployment;
    use crate::dependents::sample::{at, deployment, running};

    const MOVED: Moved =
        Moved { created: Timestamp::from_millis(10_000), rotated: Some(Timestamp::from_millis(20_000)) };

    fn primary(created: i64, state: RolloutState) -> Found {
        let mut primary = deployment(Some(created), true, state);
        primary.updated = at(created + 5000);
        Found { deployments: vec![primary], ..running(None) }
    }

    fn beside(primary: Found, created: i64) -> Found {
        let other = deployment(Some(created), false, RolloutState::Completed);
        let deployments: Vec<Deployment> = primary.deployments.iter().cloned().chain([other]).collect();
        Found { deployments, ..primary }
    }

    #[test]
    fn a_rotation_that_nobody_saw_the_end_of_has_no_date_of_its_own() {
        let ten = Timestamp::from_millis(10);
        assert_eq!(Moved::new(ten, at(20)), Moved { created: ten, rotated: at(20) });
        let by_hand = Moved::new(ten, at(9));
        assert_eq!((by_hand, by_hand.not_before()), (Moved { created: ten, rotated: None }, ten));
        assert_eq!((by_hand.surely_by(), Some(Moved::new(ten, at(20)).surely_by())), (ten.after(BROKEN_OFF), at(20)));
    }

    #[test]
    fn tasks_that_may_hold_the_value_before_are_told() {
        for (found, word) in [
            (primary(9_000, RolloutState::Completed), "older than AWSCURRENT"),
            (beside(primary(21_000, RolloutState::Completed), 9_000), "older than AWSCURRENT"),
            (primary(21_000, RolloutState::Failed), "failed"),
            (Found { deployments: vec![], ..running(None) }, "no PRIMARY"),
            // Between the storing of the value and the move: only ECS's own deployments were replaced by ours.
            (Found { controller: Controller::CodeDeploy, ..primary(15_000, RolloutState::Completed) }, "older than"),
        ] {
            let Settled::Not(reason) = settled(&found, MOVED) else { panic!("{found:?}") };
            assert!(reason.contains(word), "{reason}");
        }
        for (found, word) in [
            (primary(21_000, RolloutState::InProgress), "still replacing"),
            (beside(primary(21_000, RolloutState::Completed), 12_000), "still have tasks"),
        ] {
            let Settled::Going(reason) = settled(&found, MOVED) else { panic!("{found:?}") };
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn what_is_complete_is_settled_since_its_last_change() {
        let done = primary(21_000, RolloutState::Completed);
        assert_eq!(settled(&done, MOVED), Settled::Since(at(26_000)));
        // Tasks that were stopped may have signed until then.
        let none = Found { running: 0, ..done };
        let stopped = [Found { desired: 0, ..none.clone() }, Found { active: false, ..none.clone() }];
        assert!(stopped.iter().all(|found| settled(found, MOVED) == Settled::Since(at(26_000))));
        let stopping = Found { desired: 0, running: 1, ..none };
        assert!(matches!(settled(&stopping, MOVED), Settled::Going(_)));
        assert_eq!(
            settled(&Found { desired: 0, running: 0, deployments: vec![], ..running(None) }, MOVED),
            Settled::Since(None)
        );
    }

    #[test]
    fn history_tells_of_the_first_deployment_that_replaced_every_task() {
        let past = |created: i64, finished: i64, outcome| Past {
            created: Timestamp::from_millis(created),
            finished: at(finished),
            outcome,
        };
        let since = |millis| Settled::Since(at(millis));
        let now = primary(90_000, RolloutState::Completed);
        let (good, undone) = (Outcome::Successful, Outcome::Undone);
        for (history, expected) in [
            (vec![], since(95_000)),
            (vec![past(30_000, 40_000, good), past(90_000, 94_000, good)], since(40_000)),
            // A deployment from before the move.
            (vec![past(15_000, 25_000, good), past(90_000, 94_000, good)], since(94_000)),
            (vec![past(30_000, 35_000, undone), past(50_000, 60_000, good)], since(60_000)),
        ] {
            assert_eq!(settled_by(&history, &now, MOVED, since(95_000)), expected, "{history:?}");
        }
        let own = primary(12_000, RolloutState::Completed);
        assert_eq!(settled_by(&[past(12_000, 19_000, good)], &own, MOVED, since(80_000)), since(19_000));
        let going = Settled::Going("it goes on".to_owned());
        assert_eq!(settled_by(&[past(30_000, 40_000, good)], &now, MOVED, going.clone()), since(40_000));
        assert_eq!(settled_by(&[], &now, MOVED, going.clone()), going);
        let replacing = primary(18_000, RolloutState::InProgress);
        let before = [
            past(15_000, 17_000, good),
            Past { created: Timestamp::from_millis(18_000), finished: None, outcome: Outcome::Going },
        ];
        assert_eq!(settled_by(&before, &replacing, MOVED, going.clone()), going);
        for seen in [since(95_000), going] {
            let back = settled_by(&[past(12_000, 30_000, undone)], &now, MOVED, seen);
            assert!(matches!(back, Settled::Not(reason) if reason.contains("rolled back")));
        }
        let old = Settled::Not("older".to_owned());
        assert_eq!(settled_by(&[past(30_000, 40_000, good)], &now, MOVED, old.clone()), old);
    }
}
