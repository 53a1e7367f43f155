//! What dates alone tell.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::{Found, RolloutState};

/// Whether a service's tasks run with the current value, as far as dates tell. `changed` is the secret's
/// `LastChangedDate`, `created` the `CreatedDate` of its current version, `open` whether its rollout is.
///
/// Once a rollout is complete every dependent had a deployment younger than the version; a value that was stored by hand
/// is current from its creation on.
#[must_use]
pub fn runs_current(found: &Found, changed: Option<i64>, created: Option<i64>, open: bool) -> Option<bool> {
    let primary = found.primary()?;
    // While a deployment runs, and where it failed, there are tasks of both.
    if primary.state != RolloutState::Completed || found.deployments.iter().any(|one| !one.primary) {
        return None;
    }
    let primary = primary.created?;
    if changed.is_some_and(|changed| primary > changed) {
        return Some(true);
    }
    let created = created?;
    if primary <= created { Some(false) } else { (!open).then_some(true) }
}

/// A date, as AWS writes it.
#[must_use]
pub fn utc(millis: i64) -> String {
    DateTime::from_millis(millis).fmt(Format::DateTime).unwrap_or_else(|_| format!("{millis} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::{Controller, Deployment};

    fn running(created: Option<i64>, state: RolloutState) -> Found {
        let (id, reason, revision) = ("ecs-svc/1".to_owned(), String::new(), "api:1".to_owned());
        Found {
            active: true,
            desired: 2,
            controller: Controller::Ecs,
            revision: None,
            deployments: vec![Deployment { id, primary: true, created, state, reason, revision }],
            tagged: Vec::new(),
            connect: Vec::new(),
            percent: None,
            rolling: true,
        }
    }

    #[test]
    fn what_a_service_runs_with_is_said_only_where_dates_prove_it() {
        let completed = |created| running(created, RolloutState::Completed);
        for (changed, created, open, expected) in [
            (Some(900), Some(800), true, Some(true)),
            (Some(1100), Some(900), true, None),
            (Some(1100), Some(900), false, Some(true)),
            (Some(1100), Some(1000), false, Some(false)),
            (Some(1100), None, false, None),
            (None, Some(1001), true, Some(false)),
        ] {
            let found = runs_current(&completed(Some(1000)), changed, created, open);
            assert_eq!(found, expected, "{changed:?} {created:?}");
        }
        for state in [RolloutState::Failed, RolloutState::InProgress] {
            assert_eq!(runs_current(&running(Some(1000), state), Some(900), Some(800), true), None);
        }
        let mut replacing = completed(Some(1000));
        let old = Deployment { primary: false, ..replacing.deployments[0].clone() };
        replacing.deployments.push(old);
        assert_eq!(runs_current(&replacing, Some(900), Some(800), true), None);
        assert_eq!(runs_current(&completed(None), Some(900), Some(800), false), None);
    }
}
