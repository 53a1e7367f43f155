//! Carries the round *roll* out: publishes, redeploys each service independently of the others, and closes the rollout.

use crate::api::{Doing, Report, ServiceName, ServiceReport, Verdict, listed};
use crate::context::{ANSWER, Run, in_time};
use crate::copies::publish::put;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Action, Plan, stray};
use crate::secret::VersionId;

use super::again::again;

/// Round *roll*: redeploys, and takes the mark off if that left nothing.
///
/// Safe to repeat: what was redeployed is younger than the move, and the next round's plan leaves it alone; an object ends
/// with the same content. `public` are the keys to publish, where there are any.
pub(super) async fn roll(
    run: &Run<'_>,
    (arn, version): (&str, &VersionId),
    plan: &Plan,
    public: Option<Result<String>>,
) -> Result<Report> {
    let mut unseen = plan.unseen.clone();
    let mut report = run.report(arn, version, plan);
    // Before tasks sign with what is published.
    for action in &plan.actions {
        if let Action::Publish { place } = action {
            let share =
                run.clock.share(plan.actions.len(), ANSWER, "s3:PutObject", Box::pin(put(run, place, public.as_ref())));
            match share.await {
                Ok(()) => report.did(action.done()),
                Err(error) => unseen.push(error.at(format!("the public keys at {place}"))),
            }
        }
    }
    let mut redeployed = redeploy_all(run, plan).await.into_iter();
    for action in &plan.actions {
        match action {
            Action::Publish { .. } => {}
            Action::Redeploy { service, reason, .. } => {
                let (verdict, reason) = match redeployed.next() {
                    Some(Ok(())) => (Verdict::Redeployed, reason.clone()),
                    Some(Err(error)) => (Verdict::Failed, format!("{}; {}", error.cause(), error.remedy())),
                    None => return Err(stray(action)),
                };
                if verdict == Verdict::Redeployed {
                    run.scene.redeployed(service);
                    report.did(action.done());
                }
                report.services.push(ServiceReport::new(service, verdict, reason));
            }
            Action::CloseMark if report.any_failed() || !unseen.is_empty() => {}
            Action::CloseMark => {
                let call = Box::pin(run.clients.secrets.close_mark(run.secret, version));
                let closed = run.clock.share(1, ANSWER, "secretsmanager:UpdateSecretVersionStage", call).await;
                closed.map_err(|error| still_open(run.doing, arn, &report, &error))?;
                report.did(action.done());
            }
            other => return Err(stray(other)),
        }
    }
    if report.any_failed() || !unseen.is_empty() {
        return Err(left_over(run.doing, arn, &report, &unseen));
    }
    Ok(report)
}

/// Redeploys what the plan says, one after the other. What did not fit in its share of the time, as when ECS throttles for
/// a while, gets another turn at the end: by then the others have left more of it.
async fn redeploy_all(run: &Run<'_>, plan: &Plan) -> Vec<Result<()>> {
    let wanted: Vec<(&ServiceName, Option<&str>)> = plan
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Redeploy { service, replaces, .. } => Some((service, replaces.as_deref())),
            _ => None,
        })
        .collect();
    let ecs = &run.clients.ecs;
    let mut results = Vec::new();
    for (number, (service, replaces)) in wanted.iter().enumerate() {
        // One more than redeploys: taking the mark off is a call too.
        let share = (1 + wanted.len() - number, ANSWER);
        results.push(in_time(run, run.clock, share, "ecs:UpdateService", ecs.redeploy(service, *replaces)).await);
    }
    let is_late = |result: &Result<()>| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::FailedDeadline);
    let mut late = results.iter().filter(|result| is_late(result)).count();
    for ((service, replaces), result) in wanted.into_iter().zip(&mut results).filter(|(_, result)| is_late(result)) {
        let again = ecs.redeploy_unless_done(service, replaces);
        *result = in_time(run, run.clock, (1 + late, ANSWER), "ecs:UpdateService", again).await;
        late -= 1;
    }
    results
}

fn left_over(doing: Doing, arn: &str, report: &Report, unseen: &[Error]) -> Error {
    let mut cause = format!(
        "version {} is AWSCURRENT, but not every service is known to run with it: {}",
        report.version_id,
        verdicts(report)
    );
    let mut remedy = format!("mend the cause, then {}", again(doing, arn));
    if let Some(unseen) = Error::join(unseen.to_vec()) {
        cause = format!("{cause}; {}", unseen.cause());
        remedy = format!("{}; {remedy}", unseen.remedy());
    }
    Error::new(ErrorKind::FailedRollout, cause, remedy)
}

fn still_open(doing: Doing, arn: &str, report: &Report, error: &Error) -> Error {
    Error::new(
        ErrorKind::FailedRollout,
        format!(
            "version {} is AWSCURRENT and every service was seen to ({}), but KEYROLL_ROLLOUT could not be removed: {}",
            report.version_id,
            verdicts(report),
            error.cause()
        ),
        again(doing, arn),
    )
}

/// The verdicts for a message, those that need somebody first.
fn verdicts(report: &Report) -> String {
    let (failed, others): (Vec<_>, Vec<_>) =
        report.services.iter().partition(|service| service.verdict == Verdict::Failed);
    let all: Vec<&ServiceReport> = failed.into_iter().chain(others).collect();
    if all.is_empty() { "no service was found".to_owned() } else { listed(&all) }
}
