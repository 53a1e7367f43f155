//! Since when no task of a service can hold the value from before AWSCURRENT. Until then somebody may sign with the old key,
//! and does not know the one that is new in AWSCURRENT.

use super::dates::utc;
use super::{Controller, Deployment, Found, RolloutState};

/// Since when every task of a service has read AWSCURRENT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Since this time at the latest, in milliseconds since 1970; none where there are no tasks.
    Since(Option<i64>),
    /// Not yet, for this reason.
    Not(String),
}

/// Judges one service. `created` is when the version under AWSCURRENT was made, `moved` a time by which it was current and its
/// rollout begun, both in milliseconds since 1970.
///
/// A deployment that was completed after `moved` has replaced every task of before, whichever it was: one that began before
/// the rollout was replaced by it, and is not completed. So later deployments of the service do not count, and a team that
/// deploys every hour is not kept waiting. Where no event tells, the PRIMARY deployment does.
#[must_use]
pub fn settled(found: &Found, created: i64, moved: i64) -> Settled {
    if !found.active || found.desired == 0 {
        return Settled::Since(None);
    }
    if let Some((at, _)) = found.completed.of.iter().find(|(at, _)| *at >= moved) {
        return Settled::Since(Some(*at));
    }
    // Not every ECS shows fractions of a second.
    let is_older = |one: &&Deployment| one.created.is_none_or(|at| at / 1000 < created / 1000);
    if let Some(old) = found.deployments.iter().find(is_older) {
        let since = old.created.map(|at| format!(", of {},", utc(at))).unwrap_or_default();
        return Settled::Not(format!("the tasks of its deployment {}{since} are older than AWSCURRENT", old.id));
    }
    let Some(primary) = found.primary() else {
        return Settled::Not("ECS shows no PRIMARY deployment of it".to_owned());
    };
    match primary.state {
        RolloutState::Failed => return Settled::Not(format!("its deployment {} failed", primary.id)),
        RolloutState::InProgress => {
            return Settled::Not(format!("its deployment {} is still replacing tasks", primary.id));
        }
        RolloutState::Completed => {}
    }
    if found.controller == Controller::Ecs && found.deployments.len() > 1 {
        return Settled::Not("older deployments of it still have tasks".to_owned());
    }
    let told = found.completed.of.iter().find(|(_, id)| *id == primary.id).map(|(at, _)| *at);
    let newest = found.deployments.iter().filter_map(|one| one.updated.or(one.created)).max();
    Settled::Since(told.or_else(|| newest.into_iter().chain(found.completed.since).min()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::Completions;
    use crate::dependents::sample::{deployment, running};

    const CREATED: i64 = 10_000;
    const MOVED: i64 = 20_000;

    fn primary(created: i64, state: RolloutState) -> Found {
        let mut primary = deployment(Some(created), true, state);
        primary.updated = Some(created + 5000);
        Found { deployments: vec![primary], ..running(None) }
    }

    fn events(of: &[(i64, &str)], since: i64) -> Completions {
        Completions { of: of.iter().map(|(at, id)| (*at, (*id).to_owned())).collect(), since: Some(since) }
    }

    #[test]
    fn the_first_deployment_that_was_completed_after_the_move_counts() {
        let in_progress = primary(90_000, RolloutState::InProgress);
        let completed = events(&[(15_000, "a"), (31_000, "b"), (60_000, "c")], 1_000);
        let found = Found { completed, ..in_progress };
        assert_eq!(settled(&found, CREATED, MOVED), Settled::Since(Some(31_000)));
        let before = Found { completed: events(&[(15_000, "a")], 1_000), ..found };
        assert!(matches!(settled(&before, CREATED, MOVED), Settled::Not(_)));
    }

    #[test]
    fn without_events_the_primary_deployment_counts() {
        let done = primary(21_000, RolloutState::Completed);
        assert_eq!(settled(&done, CREATED, MOVED), Settled::Since(Some(26_000)));
        // Its own end is told, or was before all that is.
        let id = done.primary().unwrap().id.clone();
        let told = Found { completed: events(&[(19_000, &id)], 1_000), ..done.clone() };
        assert_eq!(settled(&told, CREATED, MOVED), Settled::Since(Some(19_000)));
        let long_ago = Found { completed: events(&[], 24_000), ..done };
        assert_eq!(settled(&long_ago, CREATED, MOVED), Settled::Since(Some(24_000)));
    }

    #[test]
    fn tasks_that_may_hold_the_value_before_are_told() {
        let old = deployment(Some(9_000), false, RolloutState::Completed);
        let beside = |primary: Found, other: Deployment| {
            let mut deployments = primary.deployments.clone();
            deployments.push(other);
            Found { deployments, ..primary }
        };
        let young = deployment(Some(12_000), false, RolloutState::Completed);
        for (found, word) in [
            (primary(9_000, RolloutState::Completed), "older than AWSCURRENT"),
            (primary(21_000, RolloutState::InProgress), "still replacing"),
            (primary(21_000, RolloutState::Failed), "failed"),
            (beside(primary(21_000, RolloutState::Completed), old), "older than AWSCURRENT"),
            (beside(primary(21_000, RolloutState::Completed), young), "still have tasks"),
            (Found { deployments: vec![], ..running(None) }, "no PRIMARY"),
        ] {
            let Settled::Not(reason) = settled(&found, CREATED, MOVED) else { panic!("{found:?}") };
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn a_service_without_tasks_holds_nothing() {
        for found in [Found { desired: 0, ..running(Some(1)) }, Found { active: false, ..running(Some(1)) }] {
            assert_eq!(settled(&found, CREATED, MOVED), Settled::Since(None));
        }
    }
}
