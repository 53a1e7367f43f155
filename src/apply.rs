//! Carries plans out: the rounds up to the move of AWSCURRENT in order, stopping at the first failure; the actions of a
//! rollout independently, each with its verdict.

use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::aws::secrets::Stored;
use crate::error::{Error, ErrorKind, Result};
use crate::event::VersionId;
use crate::plan::{Action, Plan};
use crate::report::Report;
use crate::rollout::{ServiceName, ServiceReport, Verdict};
use crate::rotation::Run;
use crate::secret::Document;

/// Time that a rollout keeps back to take the mark off and to answer.
const RESERVE: Duration = Duration::from_secs(2);

/// createSecret: draws a password and stores the current document with it as the event's version.
///
/// Safe to repeat: a repeat draws another password, but a version that has a value keeps it.
pub(crate) async fn store(run: &Run<'_>, arn: &str, current: &Document, plan: &Plan) -> Result<Report> {
    let mut report = run.report(arn, plan);
    for action in &plan.actions {
        let password = run.config.policy.generate(random)?;
        let value = current.with(&[("password", &password)])?;
        let event = run.event;
        match run.clients.secrets.put_pending(&event.secret, &event.version, &value, event.token.as_ref()).await? {
            Stored::Now => report.did(action),
            Stored::Before => {}
        }
    }
    Ok(report)
}

/// finishSecret, round *promote*: moves AWSCURRENT.
///
/// Safe to repeat: see [`crate::aws::secrets::Secrets::move_current`]. Where the answer is an error the move may still
/// have been made, by an attempt whose answer was lost: the labels tell.
pub(crate) async fn promote(run: &Run<'_>, arn: &str, plan: &Plan) -> Result<Report> {
    let (secrets, event) = (&run.clients.secrets, run.event);
    let mut report = run.report(arn, plan);
    for action in &plan.actions {
        let Action::MoveCurrent { from } = action else { continue };
        if let Err(error) = secrets.move_current(&event.secret, &event.version, from.as_ref()).await {
            match secrets.describe(&event.secret).await {
                Ok(seen) if seen.labels.has(&event.version, crate::stages::AWSCURRENT) => {}
                _ => return Err(error),
            }
        }
        report.did(action);
    }
    Ok(report)
}

/// finishSecret, round *roll*: redeploys, and takes the mark off if that left nothing.
///
/// Safe to repeat: what was redeployed is younger than the move, and the next round's plan leaves it alone.
pub(crate) async fn roll(run: &Run<'_>, arn: &str, version: &VersionId, plan: &Plan) -> Result<Report> {
    let mut report = run.report(arn, plan);
    for action in &plan.actions {
        match action {
            Action::Redeploy { service, reason } => match redeploy(run, service).await {
                Ok(()) => {
                    report.services.push(ServiceReport::new(service, Verdict::Redeployed, reason.clone()));
                    report.did(action);
                }
                Err(error) => {
                    let reason = format!("{}; {}", error.cause(), error.remedy());
                    report.services.push(ServiceReport::new(service, Verdict::Failed, reason));
                }
            },
            Action::CloseMark if !any_failed(&report) => {
                run.clients.secrets.close_mark(&run.event.secret, version).await?;
                report.did(action);
            }
            _ => {}
        }
    }
    if any_failed(&report) {
        return Err(left_over(version, &report));
    }
    Ok(report)
}

async fn redeploy(run: &Run<'_>, service: &ServiceName) -> Result<()> {
    run.clock.require(RESERVE, "start another deployment")?;
    run.clients.ecs.redeploy(service).await
}

fn any_failed(report: &Report) -> bool {
    report.services.iter().any(|service| service.verdict == Verdict::Failed)
}

fn left_over(version: &VersionId, report: &Report) -> Error {
    let verdicts: Vec<String> = report.services.iter().map(ToString::to_string).collect();
    Error::new(
        ErrorKind::FailedRollout,
        format!(
            "version {} is AWSCURRENT, but not every service runs with it: {}",
            version.as_str(),
            verdicts.join("; ")
        ),
        "mend the cause and invoke finishSecret of this version again: it does only what is left",
    )
}

/// The operating system's randomness, and no other.
fn random(bytes: &mut [u8]) -> Result<()> {
    SysRng.try_fill_bytes(bytes).map_err(|_| {
        Error::new(
            ErrorKind::FailedAws,
            "the operating system gave no randomness",
            "run the step again; if it fails again, the execution environment is broken",
        )
    })
}
