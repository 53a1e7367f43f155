//! Round *roll*: what is left once a version is current. Every dependent is looked at and judged; the plan redeploys those
//! that need it and then takes the mark off.

use super::Run;
use crate::apply;
use crate::error::{Error, Result};
use crate::event::VersionId;
use crate::plan::{Action, Plan};
use crate::report::Report;
use crate::rollout::{self, Judgement, ServiceName, ServiceReport, Sighting, Since, Verdict};
use crate::settings::{Dependents, Settings};
use crate::stages::Standing;

/// A version that is current and not rolled yet.
pub(super) struct Left<'a> {
    pub(super) arn: &'a str,
    pub(super) version: &'a VersionId,
    pub(super) settings: &'a Settings,
    /// Whether it carries our mark.
    pub(super) marked: bool,
}

/// Rolls what is left of a version.
pub(super) async fn run(run: &Run<'_>, left: &Left<'_>, since: Since) -> Result<Report> {
    if let Some(reason) = left.settings.held(run.clock.seconds()) {
        return Ok(run.report(left.arn, &held(left, &reason)));
    }
    if let Dependents::Unreadable(error) = &left.settings.dependents {
        return Err(Error::new(
            error.kind(),
            format!("AWSCURRENT has moved, but no service was rolled: {}", error.cause()),
            format!("{}; then {}", error.remedy(), again(left.version)),
        ));
    }
    let seen = observe(run, left.settings).await;
    apply::roll(run, left.arn, left.version, &plan(&seen, left, since)).await
}

/// What a rotation of this secret will not roll, if there is reason to say so.
pub(super) fn undiscovered(settings: &Settings) -> Option<String> {
    (settings.dependents == Dependents::Discovered).then(|| {
        "no service is redeployed: the secret has no tag keyroll:services, and this version of keyroll does not find \
         dependents by itself yet"
            .to_owned()
    })
}

fn again(version: &VersionId) -> String {
    format!("invoke finishSecret of version {} again: it does only what is left", version.as_str())
}

/// Looks at every dependent, ten to a call. What cannot be looked at is a sighting too.
pub(super) async fn observe(run: &Run<'_>, settings: &Settings) -> Vec<(ServiceName, Sighting)> {
    let mut seen = Vec::new();
    let batches = rollout::batches(named(settings));
    // Whatever needs a deployment needs time for one more call, and so does the mark.
    let mut calls = batches.len() + named(settings).len() + 1;
    for batch in batches {
        let call = Box::pin(run.clients.ecs.describe(&batch));
        let sightings = match run.clock.share(calls, apply::ANSWER, "ecs:DescribeServices", call).await {
            Ok(sightings) => sightings,
            Err(error) => vec![Sighting::Unseen(error); batch.len()],
        };
        seen.extend(batch.into_iter().zip(sightings));
        calls -= 1;
    }
    seen
}

/// The plan of the round. The mark is taken off last, and only where every dependent could be judged.
fn plan(seen: &[(ServiceName, Sighting)], left: &Left<'_>, since: Since) -> Plan {
    let mut plan = Plan::nothing(Standing::Current);
    plan.warnings.extend(undiscovered(left.settings));
    plan.warnings.extend(left.settings.oddities());
    for (name, sighting) in seen {
        match rollout::judge(sighting, since) {
            Judgement::Leave(verdict, reason) => plan.services.push(ServiceReport::new(name, verdict, reason)),
            Judgement::Redeploy(reason) => plan.actions.push(Action::Redeploy { service: name.clone(), reason }),
        }
    }
    if left.marked && plan.services.iter().all(|service| service.verdict != Verdict::Failed) {
        plan.actions.push(Action::CloseMark);
    }
    plan
}

/// On hold nothing is rolled: the mark stays, and the report says so.
fn held(left: &Left<'_>, reason: &str) -> Plan {
    let reason = format!(
        "the secret is on hold: {reason}; its rollout stays open: when the hold is over, {}",
        again(left.version)
    );
    let skipped = |name| ServiceReport::new(name, Verdict::Skipped, reason.clone());
    let services = named(left.settings).iter().map(skipped).collect();
    Plan { services, ..Plan::nothing(Standing::Current).warning(vec![reason.clone()]) }
}

fn named(settings: &Settings) -> &[ServiceName] {
    match &settings.dependents {
        Dependents::Named(names) => names,
        Dependents::Discovered | Dependents::Unreadable(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::rollout::{Controller, Found};

    fn service(name: &str, deployed: i64) -> (ServiceName, Sighting) {
        let found = Found { active: true, desired: 1, controller: Controller::Ecs, deployed: Some(deployed) };
        (ServiceName { cluster: "prod".to_owned(), service: name.to_owned() }, Sighting::Found(found))
    }

    fn planned(seen: &[(ServiceName, Sighting)], tags: &[(&str, &str)], marked: bool) -> Plan {
        let settings = Settings::read(tags.iter().copied());
        let left = Left { arn: "arn", version: &VersionId::known("v"), settings: &settings, marked };
        plan(seen, &left, Since::Changed(Some(1000)))
    }

    const TAGS: [(&str, &str); 1] = [("keyroll:services", "prod/a prod/b")];

    #[test]
    fn only_what_is_older_is_redeployed_and_the_mark_goes_last() {
        let plan = planned(&[service("a", 2000), service("b", 500)], &TAGS, true);
        assert_eq!(plan.services.len(), 1);
        assert_eq!(plan.services[0].verdict, Verdict::AlreadyCurrent);
        assert!(
            matches!(&plan.actions[..], [Action::Redeploy { service, .. }, Action::CloseMark] if service.service == "b")
        );
    }

    #[test]
    fn the_mark_stays_while_a_dependent_cannot_be_judged() {
        let denied = Error::new(ErrorKind::RefusedPermission, "denied", "allow it");
        let unseen = (service("a", 0).0, Sighting::Unseen(denied));
        let plan = planned(&[unseen, service("b", 500)], &TAGS, true);
        assert!(matches!(&plan.actions[..], [Action::Redeploy { .. }]));
        assert_eq!(plan.services[0].verdict, Verdict::Failed);
    }

    #[test]
    fn once_rolled_the_same_look_gives_only_the_closing() {
        assert_eq!(planned(&[service("a", 2000), service("b", 2001)], &TAGS, true).actions, [Action::CloseMark]);
        assert_eq!(planned(&[service("a", 2000), service("b", 2001)], &TAGS, false).actions, []);
    }

    #[test]
    fn no_tag_is_a_warning_and_none_is_not() {
        assert_eq!(planned(&[], &[], true).warnings.len(), 1);
        assert_eq!(planned(&[], &[("keyroll:services", "none")], true).warnings.len(), 0);
    }

    #[test]
    fn a_hold_leaves_everything_as_it_is() {
        let settings = Settings::read(TAGS);
        let left = Left { arn: "arn", version: &VersionId::known("v"), settings: &settings, marked: true };
        let plan = held(&left, "migration");
        assert_eq!((plan.actions.len(), plan.services.len()), (0, 2));
        assert!(plan.services.iter().all(|service| service.reason.contains("migration")));
    }
}
