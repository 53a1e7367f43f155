//! Which services need a new deployment, by what ECS shows and when AWSCURRENT moved.
//!
//! A service whose PRIMARY deployment is surely younger than the move is left alone. One whose dates do not tell is
//! redeployed: a deployment too many replaces tasks once more, one too few leaves a dead password. Dates mean something only
//! while the mark is open: tags and labels move `LastChangedDate` too.

use super::{Age, Controller, Dependence, Dependent, Found, Move, Sighting, given_up};
use crate::api::Verdict;
use crate::timestamp::Timestamp;

/// Since when the value that counts is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The label moved in this very invocation: every deployment there is, is older.
    JustNow,
    /// It moved before; the secret last changed at this time, if that is known.
    Changed(Option<Timestamp>),
    /// It moved before, to a version of this date, and a new one has been staged since: that has moved the secret's date,
    /// which tells of no deployment any more that it is young enough.
    Staged(Option<Timestamp>),
    /// That does not matter: somebody wants every dependent redeployed.
    Wanted,
}

impl Since {
    /// The move, where dates may tell of it.
    fn moved(self) -> Option<Move> {
        match self {
            Self::JustNow | Self::Wanted => None,
            Self::Changed(changed) => Some(Move::open(changed)),
            Self::Staged(created) => Some(Move { created, ..Move::default() }),
        }
    }
}

/// What to do with a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Redeploy it, for this reason.
    Redeploy(String),
    /// Leave it, with this verdict and reason.
    Leave(Verdict, String),
}

/// Judges one service.
#[must_use]
pub fn judge(dependent: &Dependent, since: Since) -> Judgement {
    let found = match &dependent.sighting {
        Sighting::Found(found) => found,
        Sighting::NoService => {
            return skip("the cluster has no service of this name; correct the tag keyroll:services");
        }
        Sighting::NoCluster => return skip("there is no cluster of this name; correct the tag keyroll:services"),
        Sighting::Unseen(error) => {
            return Judgement::Leave(Verdict::Failed, format!("{}; {}", error.cause(), error.remedy()));
        }
    };
    if !found.active {
        return skip("the service is not ACTIVE: it is being deleted or is gone");
    }
    if found.desired == 0 {
        return skip("its desired count is 0; tasks read the new value whenever they start");
    }
    match &dependent.how {
        Dependence::Named | Dependence::Tagged | Dependence::Reads => match since {
            Since::Changed(_) if dependent.redeployed => Judgement::Leave(
                Verdict::AlreadyCurrent,
                "it was redeployed a moment ago, for another secret".to_owned(),
            ),
            since => reads(found, &dependent.how, since),
        },
        Dependence::Pinned(version) => skip(&format!(
            "its task definition is pinned to version {version}, which no deployment changes; take the version id out of \
             valueFrom"
        )),
        Dependence::OtherLabel(label) => {
            skip(&format!("its task definition takes the version labelled {label}, which no rotation moves"))
        }
        Dependence::Outgoing => match given_up(found) {
            Some(failed) => Judgement::Leave(
                Verdict::Failed,
                format!(
                    "its tasks with the secret were to be replaced by others without it, but the deployment {} FAILED \
                     ({}); deploy the service by hand",
                    failed.id, failed.reason
                ),
            ),
            None => skip("only tasks that are being replaced take the secret; the new revision does without it"),
        },
    }
}

fn reads(found: &Found, how: &Dependence, since: Since) -> Judgement {
    let moved = since.moved();
    if let Some(moved) = moved {
        // ECS was asked in vain: asking again and again would only start tasks that fail.
        if let Some(failed) = given_up(found).filter(|failed| moved.is_before(failed.created)) {
            let why = if failed.reason.is_empty() { "no reason given" } else { &failed.reason };
            return Judgement::Leave(
                Verdict::Failed,
                format!(
                    "its deployment {} FAILED ({why}), so that older tasks may run on with the old value; see why its tasks \
                     do not start, then deploy the service",
                    failed.id
                ),
            );
        }
    }
    if let Since::Changed(Some(changed)) = since
        && let Some(created) = found.primary().and_then(|primary| primary.created)
        && Move::open(Some(changed)).age_of(Some(created)) == Age::Younger
    {
        return Judgement::Leave(
            Verdict::AlreadyCurrent,
            format!("its PRIMARY deployment began at {created}, after the secret last changed at {changed}"),
        );
    }
    match found.controller {
        Controller::External => {
            skip("its deployment controller is EXTERNAL, for which ECS forces no deployment; start its own deployment")
        }
        Controller::CodeDeploy => {
            skip("its deployment controller is CODE_DEPLOY; start a CodeDeploy deployment of the same revision")
        }
        Controller::Ecs => Judgement::Redeploy(format!("{}{}", found_by(how), too_old(found, since))),
    }
}

fn found_by(how: &Dependence) -> &'static str {
    match how {
        Dependence::Tagged => "its tag keyroll:secret names the secret; ",
        Dependence::Reads => "its tasks take the secret as they start; ",
        _ => "",
    }
}

fn too_old(found: &Found, since: Since) -> String {
    match (since, found.primary().and_then(|primary| primary.created)) {
        (Since::JustNow, _) => "AWSCURRENT has just moved".to_owned(),
        (Since::Wanted, _) => "an operator wants every dependent redeployed".to_owned(),
        (Since::Changed(Some(changed)), Some(created)) => {
            format!("its PRIMARY deployment began at {created}, not after the secret last changed at {changed}")
        }
        (Since::Staged(_), _) => "since a new version was staged, no date shows what its tasks have".to_owned(),
        (Since::Changed(_), _) => "nothing shows that its tasks have the new value".to_owned(),
    }
}

fn skip(reason: &str) -> Judgement {
    Judgement::Leave(Verdict::Skipped, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ServiceName;
    use crate::dependents::sample::{at, deployment, running};
    use crate::dependents::{Deployment, DeploymentState};
    use crate::error::{Error, ErrorKind};

    fn dependent(how: Dependence, sighting: Sighting) -> Dependent {
        Dependent { name: ServiceName::known("prod", "api"), how, sighting, hazards: Vec::new(), redeployed: false }
    }

    fn verdict(found: Found, since: Since) -> Option<Verdict> {
        match judge(&dependent(Dependence::Reads, Sighting::Found(found)), since) {
            Judgement::Redeploy(_) => None,
            Judgement::Leave(verdict, _) => Some(verdict),
        }
    }

    #[test]
    fn dates_decide_only_in_favour_of_what_is_sure() {
        for (created, since, expected) in [
            (Some(1000), Since::JustNow, None),
            (Some(1000), Since::Wanted, None),
            (Some(1000), Since::Changed(at(999)), Some(Verdict::AlreadyCurrent)),
            (Some(1000), Since::Changed(at(1000)), None),
            (Some(1000), Since::Changed(at(1001)), None),
            (Some(1000), Since::Changed(None), None),
            (None, Since::Changed(at(999)), None),
            (Some(1000), Since::Staged(at(999)), None),
        ] {
            assert_eq!(verdict(running(created), since), expected, "{created:?} {since:?}");
        }
    }

    #[test]
    fn what_no_retry_can_change_is_skipped_with_a_reason() {
        for found in [
            Found { active: false, ..running(Some(1000)) },
            Found { desired: 0, ..running(Some(1000)) },
            Found { controller: Controller::External, ..running(Some(1000)) },
            Found { controller: Controller::CodeDeploy, ..running(Some(1000)) },
        ] {
            assert_eq!(verdict(found.clone(), Since::JustNow), Some(Verdict::Skipped), "{found:?}");
        }
        for sighting in [Sighting::NoService, Sighting::NoCluster] {
            let dependent = dependent(Dependence::Named, sighting);
            assert!(matches!(judge(&dependent, Since::JustNow), Judgement::Leave(Verdict::Skipped, _)));
        }
        for how in [Dependence::Pinned("v".to_owned()), Dependence::OtherLabel("x".to_owned()), Dependence::Outgoing] {
            let dependent = dependent(how, Sighting::Found(running(Some(1000))));
            assert!(matches!(judge(&dependent, Since::Wanted), Judgement::Leave(Verdict::Skipped, _)));
        }
        let unseen = Sighting::Unseen(Error::new(ErrorKind::RefusedPermission, "denied", "allow it"));
        let unseen = dependent(Dependence::Named, unseen);
        assert!(matches!(judge(&unseen, Since::JustNow), Judgement::Leave(Verdict::Failed, _)));
    }

    #[test]
    fn a_task_set_of_another_controller_that_is_young_enough_is_current() {
        let found = Found { controller: Controller::CodeDeploy, ..running(Some(1000)) };
        assert_eq!(verdict(found, Since::Changed(at(999))), Some(Verdict::AlreadyCurrent));
    }

    #[test]
    fn a_deployment_that_failed_after_the_move_is_told_and_not_repeated() {
        let since = Since::Changed(at(900));
        let failed = || deployment(Some(1000), true, DeploymentState::Failed);
        let old = deployment(Some(500), false, DeploymentState::Completed);
        let with = |deployments| Found { deployments, ..running(None) };
        assert_eq!(verdict(with(vec![failed(), old.clone()]), since), Some(Verdict::Failed));
        // The circuit breaker made the previous deployment PRIMARY again, with a new date.
        let back = deployment(Some(1050), true, DeploymentState::Failed);
        let was_primary = Deployment { primary: false, state: DeploymentState::InProgress, ..failed() };
        assert_eq!(verdict(with(vec![back.clone(), was_primary]), since), Some(Verdict::Failed));
        assert_eq!(verdict(with(vec![back.clone()]), since), Some(Verdict::Failed));
        assert_eq!(verdict(with(vec![back]), Since::Staged(at(900))), Some(Verdict::Failed));
        // A failure of before the move says nothing about the new value; a younger deployment makes up for it.
        assert_eq!(verdict(with(vec![failed()]), Since::Changed(at(1000))), None);
        let younger = deployment(Some(1100), true, DeploymentState::InProgress);
        let replaced = Deployment { primary: false, ..failed() };
        assert_eq!(verdict(with(vec![younger, replaced]), since), Some(Verdict::AlreadyCurrent));
    }

    #[test]
    fn outgoing_tasks_that_stay_because_their_successors_fail_are_told() {
        let mut found = running(Some(500));
        found.deployments.insert(0, deployment(Some(1000), true, DeploymentState::Failed));
        found.deployments[1].primary = false;
        let judged = judge(&dependent(Dependence::Outgoing, Sighting::Found(found)), Since::JustNow);
        assert!(matches!(judged, Judgement::Leave(Verdict::Failed, _)), "{judged:?}");
    }

    #[test]
    fn reasons_give_the_dates_in_utc() {
        let found = Sighting::Found(running(Some(1000)));
        let judged = judge(&dependent(Dependence::Named, found), Since::Changed(at(500)));
        let Judgement::Leave(_, reason) = judged else { panic!("{judged:?}") };
        assert!(reason.contains("1970-01-01T00:00:01Z") && reason.contains("1970-01-01T00:00:00.5Z"), "{reason}");
    }
}
