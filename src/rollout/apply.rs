//! Carries the round *roll* out: publishes, redeploys each service independently of the others, and closes the rollout.

use std::fmt;

use super::again::again;
use super::subject::Rollout;
use crate::api::{Doing, Report, ServiceName, ServiceReport, Verdict, listed};
use crate::config::Settings;
use crate::context::{ANSWER, Context, Share, in_time};
use crate::copies::publish::{self, Publish};
use crate::error::{Error, ErrorKind, Result};
use crate::jose::KeyKind;
use crate::plan::{Action, Plan};

/// One write of the round *roll*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Roll {
    /// Publish the public halves of keys, before tasks sign with what is published.
    Publish(Publish),
    /// Force a new deployment of a service.
    Redeploy(Redeploy),
    /// Take `KEYROLL_ROLLOUT` off the version: everything is rolled.
    CloseMark,
}

/// Force a new deployment of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redeploy {
    /// The service.
    pub(crate) service: ServiceName,
    /// Why the service needs a deployment.
    pub(crate) reason: String,
    /// The PRIMARY deployment that the new one replaces.
    pub(crate) replaces: Option<String>,
}

impl fmt::Display for Roll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish(publish) => publish.fmt(f),
            Self::Redeploy(Redeploy { service, reason, .. }) => write!(f, "redeploy {service} ({reason})"),
            Self::CloseMark => f.write_str("close the rollout (remove KEYROLL_ROLLOUT)"),
        }
    }
}

impl Action for Roll {
    fn done(&self) -> String {
        match self {
            Self::Publish(publish) => publish.done(),
            Self::Redeploy(Redeploy { service, .. }) => format!("redeployed {service}"),
            Self::CloseMark => "closed the rollout (removed KEYROLL_ROLLOUT)".to_owned(),
        }
    }
}

/// Round *roll*: publishes, redeploys each service independently of the others, and takes the mark off if nothing is left.
///
/// Safe to repeat: what was redeployed is younger than the move, and the next round's plan leaves it alone; an object ends
/// with the same content.
pub(super) async fn roll(context: &Context<'_>, rollout: &Rollout<'_>, plan: &Plan<Roll>) -> Result<Report> {
    let mut report = context.report(rollout.arn, rollout.version, plan);
    let mut unseen = plan.unseen.clone();
    unseen.extend(publish_all(context, rollout.settings, plan, &mut report).await);
    let redeploys = plan.actions.iter().filter_map(|action| match action {
        Roll::Redeploy(redeploy) => Some((action, redeploy)),
        Roll::Publish(_) | Roll::CloseMark => None,
    });
    let (actions, redeploys): (Vec<&Roll>, Vec<&Redeploy>) = redeploys.unzip();
    let results = redeploy_all(context, &redeploys).await;
    for ((action, Redeploy { service, reason, .. }), result) in actions.into_iter().zip(redeploys).zip(results) {
        let (verdict, reason) = match result {
            Ok(()) => {
                context.scene.redeployed(service);
                report.did(action.done());
                (Verdict::Redeployed, reason.clone())
            }
            Err(error) => (Verdict::Failed, format!("{}; {}", error.cause(), error.remedy())),
        };
        report.services.push(ServiceReport::new(service, verdict, reason));
    }
    if report.any_failed() || !unseen.is_empty() {
        return Err(left_over(context.doing, rollout.arn, &report, &unseen));
    }
    if plan.actions.contains(&Roll::CloseMark) {
        let call = Box::pin(context.clients.secrets.close_mark(context.secret, rollout.version));
        let closed = context
            .clock
            .share(Share { calls: 1, reserve: ANSWER }, "secretsmanager:UpdateSecretVersionStage", call)
            .await;
        closed.map_err(|error| still_open(context.doing, rollout.arn, &report, &error))?;
        report.did(Roll::CloseMark.done());
    }
    Ok(report)
}

/// Publishes by the labels as they are now. Gives what could not be published.
async fn publish_all(context: &Context<'_>, settings: &Settings, plan: &Plan<Roll>, report: &mut Report) -> Vec<Error> {
    let publishes: Vec<&Publish> = plan
        .actions
        .iter()
        .filter_map(|action| match action {
            Roll::Publish(publish) => Some(publish),
            Roll::Redeploy(_) | Roll::CloseMark => None,
        })
        .collect();
    if publishes.is_empty() {
        return Vec::new();
    }
    let public = match KeyKind::of(settings) {
        Some(kind) => publish::now(context, kind, settings).await,
        None => Err(Error::new(
            ErrorKind::FailedDefect,
            "a plan of keyroll publishes keys of a secret that has none",
            "report this defect; nothing was published",
        )),
    };
    let mut failed = Vec::new();
    for publish in publishes {
        let written = match &public {
            Ok(public) => {
                let call = Box::pin(publish::put(context, publish, public));
                context.clock.share(Share { calls: plan.actions.len(), reserve: ANSWER }, "s3:PutObject", call).await
            }
            Err(error) => Err(error.clone()),
        };
        match written {
            Ok(()) => report.did(publish.done()),
            Err(error) => failed.push(error.at(format!("the public keys at {}", publish.place()))),
        }
    }
    failed
}

/// Redeploys services, one after the other. What did not fit in its share of the time, as when ECS throttles for a while,
/// gets another turn at the end: by then the others have left more of it.
async fn redeploy_all(context: &Context<'_>, wanted: &[&Redeploy]) -> Vec<Result<()>> {
    let ecs = &context.clients.ecs;
    let mut results = Vec::new();
    for (number, Redeploy { service, replaces, .. }) in wanted.iter().enumerate() {
        // One more than redeploys: taking the mark off is a call too.
        let share = Share { calls: 1 + wanted.len() - number, reserve: ANSWER };
        let call = ecs.redeploy(service, replaces.as_deref());
        results.push(in_time(context, context.clock, share, "ecs:UpdateService", call).await);
    }
    let is_late = |result: &Result<()>| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::FailedDeadline);
    let mut late = results.iter().filter(|result| is_late(result)).count();
    for (Redeploy { service, replaces, .. }, result) in
        wanted.iter().zip(&mut results).filter(|(_, result)| is_late(result))
    {
        let again = ecs.redeploy_unless_done(service, replaces.as_deref());
        *result =
            in_time(context, context.clock, Share { calls: 1 + late, reserve: ANSWER }, "ecs:UpdateService", again)
                .await;
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
