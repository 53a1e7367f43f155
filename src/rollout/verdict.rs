//! Which services need a new deployment: a pure function of what ECS shows and when AWSCURRENT moved.
//!
//! Tasks read a secret as they start. A PRIMARY deployment created after the label moved therefore runs with the new
//! value. The move's own time is not shown by Secrets Manager; the secret's `LastChangedDate` is never before it, so a
//! deployment younger than that surely has the new value. One that is older may have it or not, and is redeployed: a
//! deployment too many replaces tasks once more, one too few leaves a dead password. These dates mean something only while
//! the mark is open: tags and labels move `LastChangedDate` too.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::{Controller, Found, Sighting, Verdict};

/// Since when the value that counts is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The label moved in this very invocation: every deployment there is, is older.
    JustNow,
    /// It moved before; the secret last changed at this time, in milliseconds since 1970, if that is known.
    Changed(Option<i64>),
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
pub fn judge(sighting: &Sighting, since: Since) -> Judgement {
    let skip = |reason: &str| Judgement::Leave(Verdict::Skipped, reason.to_owned());
    let found = match sighting {
        Sighting::Found(found) => found,
        Sighting::NoService => {
            return skip("the cluster has no service of this name; correct the tag keyroll:services");
        }
        Sighting::NoCluster => return skip("there is no cluster of this name; correct the tag keyroll:services"),
        Sighting::Unseen(error) => {
            return Judgement::Leave(Verdict::Failed, format!("{}; {}", error.cause(), error.remedy()));
        }
    };
    match found {
        Found { active: false, .. } => skip("the service is not ACTIVE: it is being deleted or is gone"),
        Found { controller: Controller::External, .. } => {
            skip("its deployment controller is EXTERNAL, for which ECS forces no deployment; start its own deployment")
        }
        Found { controller: Controller::CodeDeploy, .. } => {
            skip("its deployment controller is CODE_DEPLOY; start a CodeDeploy deployment of the same revision")
        }
        Found { desired: 0, .. } => skip("its desired count is 0; tasks read the new value whenever they start"),
        Found { deployed, .. } => by_date(*deployed, since),
    }
}

fn by_date(deployed: Option<i64>, since: Since) -> Judgement {
    match (deployed, since) {
        (_, Since::JustNow) => Judgement::Redeploy("AWSCURRENT has just moved".to_owned()),
        (Some(deployed), Since::Changed(Some(changed))) if deployed > changed => Judgement::Leave(
            Verdict::AlreadyCurrent,
            format!(
                "its PRIMARY deployment began at {}, after the secret last changed at {}",
                utc(deployed),
                utc(changed)
            ),
        ),
        (Some(deployed), Since::Changed(Some(changed))) => Judgement::Redeploy(format!(
            "its PRIMARY deployment began at {}, not after the secret last changed at {}",
            utc(deployed),
            utc(changed)
        )),
        (_, Since::Changed(_)) => Judgement::Redeploy("nothing shows that its tasks have the new value".to_owned()),
    }
}

fn utc(millis: i64) -> String {
    DateTime::from_millis(millis).fmt(Format::DateTime).unwrap_or_else(|_| format!("{millis} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    const RUNNING: Found = Found { active: true, desired: 2, controller: Controller::Ecs, deployed: Some(1000) };

    fn verdict(found: Found, since: Since) -> Option<Verdict> {
        match judge(&Sighting::Found(found), since) {
            Judgement::Redeploy(_) => None,
            Judgement::Leave(verdict, _) => Some(verdict),
        }
    }

    #[test]
    fn dates_decide_only_in_favour_of_what_is_sure() {
        for (deployed, since, expected) in [
            (Some(1000), Since::JustNow, None),
            (Some(1000), Since::Changed(Some(999)), Some(Verdict::AlreadyCurrent)),
            (Some(1000), Since::Changed(Some(1000)), None),
            (Some(1000), Since::Changed(Some(1001)), None),
            (Some(1000), Since::Changed(None), None),
            (None, Since::Changed(Some(999)), None),
        ] {
            assert_eq!(verdict(Found { deployed, ..RUNNING }, since), expected, "{deployed:?} {since:?}");
        }
    }

    #[test]
    fn what_no_retry_can_change_is_skipped_with_a_reason() {
        for found in [
            Found { active: false, ..RUNNING },
            Found { desired: 0, ..RUNNING },
            Found { controller: Controller::External, ..RUNNING },
            Found { controller: Controller::CodeDeploy, ..RUNNING },
        ] {
            assert_eq!(verdict(found.clone(), Since::JustNow), Some(Verdict::Skipped), "{found:?}");
        }
        for sighting in [Sighting::NoService, Sighting::NoCluster] {
            assert!(matches!(judge(&sighting, Since::JustNow), Judgement::Leave(Verdict::Skipped, _)));
        }
        let unseen = Sighting::Unseen(Error::new(ErrorKind::RefusedPermission, "denied", "allow it"));
        assert!(matches!(judge(&unseen, Since::JustNow), Judgement::Leave(Verdict::Failed, _)));
    }

    #[test]
    fn reasons_give_the_dates_in_utc() {
        let judged = judge(&Sighting::Found(RUNNING), Since::Changed(Some(500)));
        let Judgement::Leave(_, reason) = judged else { panic!("{judged:?}") };
        assert!(reason.contains("1970-01-01T00:00:01Z") && reason.contains("1970-01-01T00:00:00.5Z"), "{reason}");
    }
}
