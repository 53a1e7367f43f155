//! What a rotation would do with the services that depend on the secret, for a dry run or a preflight.

use super::findings::Findings;
use super::{create_secret, finish_secret};
use crate::api::{PlannedStep, ServiceName, ServiceReport, Verdict};
use crate::context::{Context, Overview};
use crate::dependents::{Judgement, Sighting, Since, Survey, judge};
use crate::error::{Error, ErrorKind};
use crate::plan::Proof;
use crate::rollout::{self, Rollout};
use crate::rotation::target::Target;
use crate::secret::{AWSCURRENT, Standing, Step};
use crate::timestamp::Timestamp;

/// What looking at the services says, and what the last step would do with them.
pub(super) async fn forecast(
    context: &Context<'_>,
    secret: &Overview,
    created: Option<Timestamp>,
    found: &mut Findings,
) {
    let seen = rollout::observe(context, &secret.arn, &secret.settings).await;
    let open = create_secret::open_mark(&secret.labels).is_some();
    // What an open rollout has left is rolled first, as createSecret does.
    let since = if open { Since::Staged(created) } else { Since::JustNow };
    roll(secret, &seen, since, found);
    for dependent in seen.dependents {
        if let Sighting::Unseen(error) = dependent.sighting {
            found.lacking.push(error.at(format!("the service {}", dependent.name)));
            continue;
        }
        if matches!(dependent.sighting, Sighting::NoService | Sighting::NoCluster) {
            found.warnings.push(format!("there is no service {}, which keyroll:services names", dependent.name));
        }
        let (verdict, reason) = match judge(&dependent, since) {
            Judgement::Leave(Verdict::Failed, reason) => {
                found.lacking.push(unrollable(&dependent.name, &reason));
                (Verdict::Failed, reason)
            }
            Judgement::Leave(verdict, reason) => (verdict, reason),
            Judgement::Redeploy(reason) if open => {
                (Verdict::Skipped, format!("nothing is changed now; createSecret would first redeploy it: {reason}"))
            }
            Judgement::Redeploy(_) => {
                (Verdict::AlreadyCurrent, "nothing has changed yet; a rotation would redeploy it".to_owned())
            }
        };
        found.warnings.extend(dependent.hazards);
        found.services.push(ServiceReport::new(&dependent.name, verdict, reason));
    }
    found.warnings.extend(seen.warnings);
    found.lacking.extend(seen.unseen);
}

fn unrollable(name: &ServiceName, reason: &str) -> Error {
    Error::new(
        ErrorKind::FailedRollout,
        format!("the service {name} could not be rolled: {reason}"),
        "mend and deploy the service first",
    )
}

/// The plans of testSecret and finishSecret, and what createSecret would first do for the rotation before. Without a plan
/// of setSecret a rotation does not come so far.
fn roll(secret: &Overview, seen: &Survey, since: Since, found: &mut Findings) {
    let Some(current) = secret.labels.holder(AWSCURRENT) else { return };
    let rollout = Rollout { arn: &secret.arn, version: &current, settings: &secret.settings, marked: true };
    if let (Since::Staged(_), Some(PlannedStep { step: Step::Create, plan })) = (since, found.steps.first_mut()) {
        plan.splice(0..0, rollout::plan(seen, &rollout, since).actions.iter().map(ToString::to_string));
    }
    if found.steps.iter().all(|planned| planned.step != Step::Set) {
        return;
    }
    let proof = match Target::of(&secret.settings) {
        Target::Keys(kind) if kind.signs() => "sign with the pending value, and verify with what tasks hold",
        Target::Keys(_) => "hold the pending value against the current one",
        Target::Login => "log in with the pending value",
    };
    found.would(Step::Test, &Proof::nothing(Standing::Pending).proving(proof));
    let finish = finish_secret::plan(&secret.labels, true).proving(format!("{proof} once more"));
    let roll = rollout::plan(seen, &rollout, Since::JustNow).actions;
    let plan = finish.lines().chain(roll.iter().map(ToString::to_string)).collect();
    found.steps.push(PlannedStep { step: Step::Finish, plan });
}
