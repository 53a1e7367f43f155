//! What dates alone tell.

use super::{Found, RolloutState};
use crate::timestamp::Timestamp;

/// What a service's tasks run with, as far as dates tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// The current value, all of them.
    Current,
    /// The current value in a deployment that is still replacing older tasks.
    Replacing,
    /// An older one.
    Older,
    /// Dates do not tell.
    Unknown,
}

/// What a service's tasks run with. `changed` is the secret's `LastChangedDate`, `created` the `CreatedDate` of its current
/// version, `open` whether its rollout is.
///
/// Once a rollout is complete every dependent had a deployment younger than the version; a value that was stored by hand
/// is current from its creation on.
#[must_use]
pub fn runs(found: &Found, changed: Option<Timestamp>, created: Option<Timestamp>, open: bool) -> Runs {
    let Some(primary) = found.primary().filter(|primary| primary.state != RolloutState::Failed) else {
        return Runs::Unknown;
    };
    let alone = primary.state == RolloutState::Completed && found.deployments.iter().all(|one| one.primary);
    let young = if alone { Runs::Current } else { Runs::Replacing };
    match (primary.created, changed, created) {
        (Some(primary), Some(changed), _) if primary > changed => young,
        // Not every ECS shows fractions of a second.
        (Some(primary), _, Some(created)) if primary.seconds() < created.seconds() => Runs::Older,
        (Some(_), _, Some(_)) if !open => young,
        _ => Runs::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::sample::{at, deployment, found, running};

    #[test]
    fn what_a_service_runs_with_is_said_only_where_dates_prove_it() {
        for (changed, created, open, expected) in [
            (at(900), at(800), true, Runs::Current),
            (at(1100), at(900), true, Runs::Unknown),
            (at(1100), at(900), false, Runs::Current),
            (at(2100), at(2000), false, Runs::Older),
            (at(1100), at(1001), false, Runs::Current),
            (at(1100), None, false, Runs::Unknown),
            (None, at(2000), true, Runs::Older),
        ] {
            assert_eq!(runs(&running(Some(1000)), changed, created, open), expected, "{changed:?} {created:?}");
        }
        for (state, expected) in [(RolloutState::Failed, Runs::Unknown), (RolloutState::InProgress, Runs::Replacing)] {
            assert_eq!(runs(&found(vec![deployment(Some(1000), true, state)]), at(900), at(800), true), expected);
        }
        let mut replacing = running(Some(1000));
        replacing.deployments.push(deployment(Some(500), false, RolloutState::Completed));
        assert_eq!(runs(&replacing, at(900), at(800), true), Runs::Replacing);
        assert_eq!(runs(&running(None), at(900), at(800), false), Runs::Unknown);
    }
}
