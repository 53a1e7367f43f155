//! Carries plans out: the rounds up to the move of AWSCURRENT in order, stopping at the first failure; the actions of a
//! rollout independently, each with its verdict. Every round has its own actions; one that strays into another round is a
//! defect, and is told as one.

mod ending;

use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::aws::secrets::Stored;
use crate::copies::Place;
use crate::dependents::{ServiceName, ServiceReport, Since, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Rotation, VersionId};
use crate::kind::keys::Keys;
use crate::kind::{Aligned, Credential, Session};
use crate::plan::{Action, Plan};
use crate::report::{Doing, Report, listed};
use crate::rollout;
use crate::run::Run;
use crate::secret::{Document, Sensitive};
use crate::stages::AWSCURRENT;

pub(crate) use ending::{Enders, end_password, end_sessions, told};

/// Time that a rollout keeps back to answer with its verdicts.
pub(crate) const ANSWER: Duration = Duration::from_millis(750);

/// What a new value is made of: that under AWSCURRENT.
pub(crate) enum Source {
    /// A login to a server, whose document gets a new password.
    Login(Document, Credential),
    /// Keys that go on in a new value.
    Renewed(Keys),
    /// Keys of which none may go on.
    Replaced(Keys),
}

/// createSecret: stores a new value as the event's version, with our mark where it is to be `marked`.
///
/// Safe to repeat: a repeat brings another value, but a version that has one keeps it.
pub(crate) async fn store(
    run: &Run<'_>,
    event: &Rotation,
    arn: &str,
    (value, marked): (&Sensitive, bool),
    plan: &Plan,
) -> Result<Report> {
    let mut report = run.report(arn, &event.version, plan);
    for action in &plan.actions {
        let Action::StoreValue { .. } = action else { return Err(stray(action)) };
        match run
            .clients
            .secrets
            .put_pending(&event.secret, &event.version, (value, marked), event.token.as_ref())
            .await?
        {
            Stored::Now => report.did(action),
            Stored::Before => {}
        }
    }
    Ok(report)
}

/// Draws a new value, of another account where it is that one's turn.
pub(crate) fn draw(run: &Run<'_>, source: &Source, account: Option<&str>) -> Result<Sensitive> {
    match source {
        Source::Login(document, current) => current.renewed(document, account, &run.config.policy, random),
        Source::Renewed(keys) => keys.renewed(run.clock.seconds(), &mut random),
        Source::Replaced(keys) => keys.replaced(run.clock.seconds(), &mut random),
    }
}

/// setSecret of asymmetric keys: puts their public halves where verifiers fetch them.
///
/// Safe to repeat: the object ends with the same content.
pub(crate) async fn publish(run: &Run<'_>, mut report: Report, plan: &Plan, public: &str) -> Result<Report> {
    for action in &plan.actions {
        let Action::Publish { place } = action else { return Err(stray(action)) };
        put(run, place, Some(&Ok(public.to_owned()))).await?;
        report.did(action);
    }
    Ok(report)
}

async fn put(run: &Run<'_>, place: &str, public: Option<&Result<String>>) -> Result<()> {
    match (place.parse(), public) {
        (Ok(Place::Object { bucket, key }), Some(Ok(public))) => run.clients.s3.put_public(&bucket, &key, public).await,
        (_, Some(Err(error))) => Err(error.clone()),
        _ => Err(stray(&Action::Publish { place: place.to_owned() })),
    }
}

/// setSecret: brings the account in step and sets the pending password, under the lock that the session holds; `olds` are
/// the credentials of which one may stay valid. No report means that another change of the account was in the way, and
/// nothing was changed.
///
/// Safe to repeat: the account ends with the same passwords, and a change that was made is not planned again.
pub(crate) async fn set(
    run: &Run<'_>,
    mut report: Report,
    plan: &Plan,
    session: &mut Session,
    (pending, olds): (&Credential, &[&Credential]),
) -> Result<Option<Report>> {
    for action in &plan.actions {
        match action {
            Action::Align(change) => match session.align(change, run.clock).await? {
                Aligned::Made => report.did(action),
                Aligned::LeftOut(why) => report.warnings.push(change.left_out(&why)),
                Aligned::InTheWay => return Ok(None),
            },
            Action::SetPassword { beside, .. } => {
                let olds = if *beside { olds } else { &[] };
                if !session.set_password(pending, (olds, true), run.clock).await? {
                    return Ok(None);
                }
                report.did(action);
            }
            other => return Err(stray(other)),
        }
    }
    Ok(Some(report))
}

/// finishSecret, round *promote*: moves AWSCURRENT. Also tells since when the version is current.
///
/// Safe to repeat: see [`crate::aws::secrets::Secrets::move_current`]. Where the answer is an error the move may still
/// have been made, by an attempt whose answer was lost or by a duplicate of this call: the labels tell.
pub(crate) async fn promote(run: &Run<'_>, event: &Rotation, arn: &str, plan: &Plan) -> Result<(Report, Since)> {
    let secrets = &run.clients.secrets;
    let (mut report, mut since) = (run.report(arn, &event.version, plan), Since::JustNow);
    for action in &plan.actions {
        match action {
            Action::OpenMark { from } => secrets.open_mark(&event.secret, &event.version, from.as_ref()).await?,
            Action::MoveCurrent { from } => {
                if let Err(error) = secrets.move_current(&event.secret, &event.version, from.as_ref()).await {
                    match secrets.describe(&event.secret).await {
                        Ok(seen) if seen.labels.has(&event.version, AWSCURRENT) => {
                            since = Since::Changed(seen.last_changed);
                        }
                        _ => return Err(error),
                    }
                }
            }
            other => return Err(stray(other)),
        }
        report.did(action);
    }
    Ok((report, since))
}

/// Round *roll*: redeploys, and takes the mark off if that left nothing.
///
/// Safe to repeat: what was redeployed is younger than the move, and the next round's plan leaves it alone; an object ends
/// with the same content. `public` are the keys to publish, where there are any.
pub(crate) async fn roll(
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
                Ok(()) => report.did(action),
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
                    report.did(action);
                }
                report.services.push(ServiceReport::new(service, verdict, reason));
            }
            Action::CloseMark if report.any_failed() || !unseen.is_empty() => {}
            Action::CloseMark => {
                let call = Box::pin(run.clients.secrets.close_mark(run.secret, version));
                let closed = run.clock.share(1, ANSWER, "secretsmanager:UpdateSecretVersionStage", call).await;
                closed.map_err(|error| still_open(run.doing, arn, &report, &error))?;
                report.did(action);
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
        results
            .push(rollout::in_time(run, run.clock, share, "ecs:UpdateService", ecs.redeploy(service, *replaces)).await);
    }
    let is_late = |result: &Result<()>| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::FailedDeadline);
    let mut late = results.iter().filter(|result| is_late(result)).count();
    for ((service, replaces), result) in wanted.into_iter().zip(&mut results).filter(|(_, result)| is_late(result)) {
        let again = ecs.redeploy_unless_done(service, replaces);
        *result = rollout::in_time(run, run.clock, (1 + late, ANSWER), "ecs:UpdateService", again).await;
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
    let mut remedy = format!("mend the cause, then {}", rollout::again(doing, arn));
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
        rollout::again(doing, arn),
    )
}

/// The verdicts for a message, those that need somebody first.
fn verdicts(report: &Report) -> String {
    let (failed, others): (Vec<_>, Vec<_>) =
        report.services.iter().partition(|service| service.verdict == Verdict::Failed);
    let all: Vec<&ServiceReport> = failed.into_iter().chain(others).collect();
    if all.is_empty() { "no service was found".to_owned() } else { listed(&all) }
}

fn stray(action: &Action) -> Error {
    Error::new(
        ErrorKind::FailedDefect,
        format!("a plan of keyroll asks for this in the wrong round: {action}"),
        "report this defect; nothing of that action was done",
    )
}

/// The operating system's randomness, and no other.
pub(crate) fn random(bytes: &mut [u8]) -> Result<()> {
    SysRng.try_fill_bytes(bytes).map_err(|_| {
        Error::new(
            ErrorKind::FailedDefect,
            "the operating system gave no randomness",
            "run the step again; if it fails again, the execution environment is broken",
        )
    })
}
