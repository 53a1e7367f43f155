//! Round *roll*: what is left once a version is current. Every dependent is looked at and judged; the plan redeploys those
//! that need it and then takes the mark off.

mod again;
pub(crate) mod apart;
mod apply;
mod describe;
mod discovery;
pub(crate) mod holders;
mod lanes;
mod subject;

use crate::api::{Doing, Report, ServiceName, ServiceReport, Verdict, batches};
use crate::config::{Dependents, Settings};
use crate::context::{ANSWER, Context, Share};
use crate::copies;
use crate::dependents::{self, Dependence, Judgement, Revision, Sighting, Since, Survey, dependent};
use crate::error::Result;
use crate::plan::Plan;
use crate::secret::Standing;

use again::again;
use apply::{Redeploy, Roll};
use describe::describe_services;
pub(crate) use discovery::search;
pub(crate) use subject::Rollout;

/// Rolls what is left of a version.
pub(crate) async fn roll(context: &Context<'_>, rollout: &Rollout<'_>, since: Since) -> Result<Report> {
    if let Some(reason) = rollout.settings.held(context.clock.now()) {
        return Ok(context.report(rollout.arn, rollout.version, &held(context.doing, rollout, &reason)));
    }
    if let Dependents::Unreadable(error) = &rollout.settings.dependents {
        return Err(error
            .clone()
            .map_cause(|cause| format!("AWSCURRENT has moved, but no service was rolled: {cause}"))
            .map_remedy(|remedy| format!("{remedy}; then {}", again(context.doing, rollout.arn))));
    }
    let seen = observe(context, rollout.arn, rollout.settings).await;
    let plan = plan(&seen, rollout, since);
    apply::roll(context, rollout, &plan).await
}

/// Looks at every dependent: at those that the secret's tags name, or at those that are found.
pub(crate) async fn observe(context: &Context<'_>, arn: &str, settings: &Settings) -> Survey {
    match &settings.dependents {
        Dependents::Named(names) => named(context, arn, names).await,
        Dependents::Discovered => search(context).await.dependents(arn, |name| context.scene.has_redeployed(name)),
        Dependents::Unreadable(error) => Survey { unseen: vec![error.clone()], ..Survey::default() },
    }
}

/// Looks at the services of these names, ten to a call. What cannot be looked at is a sighting too.
async fn named(context: &Context<'_>, arn: &str, names: &[ServiceName]) -> Survey {
    let mut seen = Survey::default();
    let batches = batches(names);
    // Whatever needs a deployment needs time for one more call, and so does the mark.
    let mut calls = batches.len() + names.len() + 1;
    for batch in batches {
        let sightings =
            describe_services(context, context.clock, Share { calls, reserve: ANSWER }, &batch, false).await;
        let pairs = batch.into_iter().zip(sightings);
        seen.dependents.extend(pairs.map(|(name, it)| {
            let redeployed = context.scene.has_redeployed(&name);
            dependent(name, Dependence::Named, it, arn, &Revision::default(), redeployed)
        }));
        calls -= 1;
    }
    seen
}

/// The plan of the round. The mark is taken off last, and only where every dependent could be judged.
pub(crate) fn plan(seen: &Survey, rollout: &Rollout<'_>, since: Since) -> Plan<Roll> {
    let mut plan = Plan { unseen: seen.unseen.clone(), ..Plan::nothing(Standing::Current) };
    let copies = copies::planned(rollout.settings);
    let refused = copies.refusal.map(|error| error.cause().into_owned());
    plan.warnings.extend(seen.warnings.iter().cloned().chain(rollout.settings.oddities()).chain(refused));
    // Before the services that sign with what is published.
    if rollout.marked || since == Since::Wanted {
        plan.actions.extend(copies.publishes.into_iter().map(Roll::Publish));
    }
    for dependent in &seen.dependents {
        match dependents::judge(dependent, since) {
            Judgement::Leave(verdict, reason) => {
                plan.services.push(ServiceReport::new(&dependent.name, verdict, reason));
            }
            Judgement::Redeploy(reason) => {
                plan.warnings.extend(dependent.hazards.iter().cloned());
                let replaces = match &dependent.sighting {
                    Sighting::Found(found) => found.primary().map(|primary| primary.id.clone()),
                    _ => None,
                };
                plan.actions.push(Roll::Redeploy(Redeploy { service: dependent.name.clone(), reason, replaces }));
            }
        }
    }
    let judged = plan.services.iter().all(|service| service.verdict != Verdict::Failed);
    if rollout.marked && judged && plan.unseen.is_empty() {
        plan.actions.push(Roll::CloseMark);
    }
    plan
}

/// On hold nothing is rolled: the mark stays, and the report says so.
fn held(doing: Doing, rollout: &Rollout<'_>, reason: &str) -> Plan<Roll> {
    let reason = format!(
        "the secret is on hold: {reason}; its rollout stays open: when the hold is over, {}",
        again(doing, rollout.arn)
    );
    let skipped = |name| ServiceReport::new(name, Verdict::Skipped, reason.clone());
    let services = match &rollout.settings.dependents {
        Dependents::Named(names) => names.iter().map(skipped).collect(),
        Dependents::Discovered | Dependents::Unreadable(_) => Vec::new(),
    };
    Plan { services, ..Plan::nothing(Standing::Current).warning(vec![reason.clone()]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependents::sample::{at, running};
    use crate::dependents::{Dependent, Found};
    use crate::error::{Error, ErrorKind};
    use crate::secret::{Step, VersionId};

    fn service(name: &str, created: i64) -> Dependent {
        let found = Found { percent: Some((100, 0)), ..running(Some(created)) };
        let name = ServiceName::known("prod", name);
        dependent(name, Dependence::Named, Sighting::Found(found), "arn", &Revision::default(), false)
    }

    fn planned(dependents: Vec<Dependent>, unseen: Vec<Error>, marked: bool) -> Plan<Roll> {
        let settings = Settings::read([]);
        let rollout = Rollout { arn: "arn", version: &VersionId::known("v"), settings: &settings, marked };
        plan(&Survey { dependents, unseen, warnings: Vec::new() }, &rollout, Since::Changed(at(1000)))
    }

    fn denied() -> Error {
        Error::new(ErrorKind::RefusedPermission, "denied", "allow it")
    }

    #[test]
    fn only_what_is_older_is_redeployed_and_the_mark_goes_last() {
        let plan = planned(vec![service("a", 2000), service("b", 500)], vec![], true);
        assert_eq!(plan.services.len(), 1);
        assert_eq!(plan.services[0].verdict, Verdict::AlreadyCurrent);
        let [Roll::Redeploy(Redeploy { service, replaces, .. }), Roll::CloseMark] = &plan.actions[..] else {
            panic!("{:?}", plan.actions)
        };
        assert_eq!((service.service.as_str(), replaces.as_deref()), ("b", Some("ecs-svc/500")));
        assert!(matches!(&plan.warnings[..], [hazard] if hazard.starts_with("prod/b: ")), "{:?}", plan.warnings);
    }

    #[test]
    fn the_mark_stays_while_a_dependent_cannot_be_judged() {
        let unseen = Dependent { sighting: Sighting::Unseen(denied()), ..service("a", 0) };
        let plan = planned(vec![unseen, service("b", 500)], vec![], true);
        assert!(matches!(&plan.actions[..], [Roll::Redeploy(_)]));
        assert_eq!(plan.services[0].verdict, Verdict::Failed);
    }

    #[test]
    fn the_mark_stays_while_not_everything_could_be_searched() {
        let plan = planned(vec![service("b", 500)], vec![denied()], true);
        assert!(matches!(&plan.actions[..], [Roll::Redeploy(_)]));
        assert_eq!(plan.unseen, [denied()]);
    }

    #[test]
    fn once_rolled_the_same_look_gives_only_the_closing() {
        let rolled = || vec![service("a", 2000), service("b", 2001)];
        assert_eq!(planned(rolled(), vec![], true).actions, [Roll::CloseMark]);
        assert_eq!(planned(rolled(), vec![], false).actions, []);
    }

    #[test]
    fn a_hold_leaves_everything_as_it_is() {
        let settings = Settings::read([("keyroll:services", "prod/a prod/b")]);
        let rollout = Rollout { arn: "arn", version: &VersionId::known("v"), settings: &settings, marked: true };
        let plan = held(Doing::Step(Step::Finish), &rollout, "migration");
        assert_eq!((plan.actions.len(), plan.services.len()), (0, 2));
        assert!(plan.services.iter().all(|service| service.reason.contains("migration")));
    }
}
