//! Since when no task of a service can hold the value from before AWSCURRENT. Until then somebody may sign with the old key,
//! and does not know the one that is new in AWSCURRENT.

use super::dates::utc;
use super::{Controller, Found, RolloutState};

/// When the version under AWSCURRENT came, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// When its value was stored. AWSCURRENT moved to it after that: most often seconds, after a rotation that broke off up to
    /// days.
    pub created: i64,
    /// When Secrets Manager saw the end of the last rotation, if that made this version current. One that it never saw the
    /// end of, and one made by hand or by Revoke, have none.
    pub rotated: Option<i64>,
}

/// How long after its value was stored a version is surely current: nobody retries a rotation for longer.
const BROKEN_OFF: i64 = 86_400_000;

impl Moved {
    /// Of a version's `CreatedDate` and the secret's `LastRotatedDate`.
    #[must_use]
    pub fn new(created: i64, last_rotated: Option<i64>) -> Self {
        Self { created, rotated: last_rotated.filter(|rotated| *rotated >= created) }
    }

    /// A time from which on every new task reads this version.
    #[must_use]
    pub fn surely_by(&self) -> i64 {
        self.rotated.unwrap_or_else(|| self.created.saturating_add(BROKEN_OFF))
    }

    /// A time until which tasks that started read the version before.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.rotated.unwrap_or(self.created)
    }
}

/// Since when every task of a service has read AWSCURRENT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Since this time at the latest, in milliseconds since 1970; none where there never were tasks. It may have been long
    /// before: each deployment since then shows as the last one.
    Since(Option<i64>),
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
        return Settled::Since(last_change());
    }
    // Of deployments that others make nobody knows whether they came before the move or after it, but by the date.
    let ours = found.controller == Controller::Ecs;
    let young = if ours { moved.created } else { moved.not_before() };
    // Not every ECS shows fractions of a second.
    let old = found.deployments.iter().find(|one| one.created.is_none_or(|at| at / 1000 < young / 1000));
    if let Some(old) = old {
        let since = old.created.map(|at| format!(", of {},", utc(at))).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::Deployment;
    use crate::dependents::sample::{deployment, running};

    const MOVED: Moved = Moved { created: 10_000, rotated: Some(20_000) };

    fn primary(created: i64, state: RolloutState) -> Found {
        let mut primary = deployment(Some(created), true, state);
        primary.updated = Some(created + 5000);
        Found { deployments: vec![primary], ..running(None) }
    }

    fn beside(primary: Found, created: i64) -> Found {
        let other = deployment(Some(created), false, RolloutState::Completed);
        let deployments: Vec<Deployment> = primary.deployments.iter().cloned().chain([other]).collect();
        Found { deployments, ..primary }
    }

    #[test]
    fn a_rotation_that_nobody_saw_the_end_of_has_no_date_of_its_own() {
        assert_eq!(Moved::new(10, Some(20)), Moved { created: 10, rotated: Some(20) });
        let by_hand = Moved::new(10, Some(9));
        assert_eq!((by_hand, by_hand.not_before()), (Moved { created: 10, rotated: None }, 10));
        assert_eq!((by_hand.surely_by(), Moved::new(10, Some(20)).surely_by()), (10 + BROKEN_OFF, 20));
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
        assert_eq!(settled(&done, MOVED), Settled::Since(Some(26_000)));
        // Tasks that were stopped may have signed until then.
        let stopped = [Found { desired: 0, ..done.clone() }, Found { active: false, ..done }];
        assert!(stopped.iter().all(|found| settled(found, MOVED) == Settled::Since(Some(26_000))));
        assert_eq!(settled(&Found { desired: 0, deployments: vec![], ..running(None) }, MOVED), Settled::Since(None));
    }
}
