//! Carries out what a rotation does with the secret itself, in order, stopping at the first failure: storing a value, moving
//! AWSCURRENT.

use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::Stored;
use crate::context::{Run, random};
use crate::database::Credential;
use crate::dependents::Since;
use crate::error::Result;
use crate::jose::Keys;
use crate::plan::{Action, Plan, stray};
use crate::secret::{AWSCURRENT, Document, Sensitive};

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
            Stored::Now => report.did(action.done()),
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
        report.did(action.done());
    }
    Ok((report, since))
}
