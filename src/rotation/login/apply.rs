//! Carries out what changes a login's server: setSecret here, and in `ending` what ends a credential.

mod ending;

use crate::api::Report;
use crate::context::Run;
use crate::database::{Aligned, Credential, Session};
use crate::error::Result;
use crate::plan::{Action, Plan, stray};

pub(crate) use ending::{Enders, end_password, end_sessions, told};

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
                Aligned::Made => report.did(action.done()),
                Aligned::LeftOut(why) => report.warnings.push(change.left_out(&why)),
                Aligned::InTheWay => return Ok(None),
            },
            Action::SetPassword { beside, .. } => {
                let olds = if *beside { olds } else { &[] };
                if !session.set_password(pending, (olds, true), run.clock).await? {
                    return Ok(None);
                }
                report.did(action.done());
            }
            other => return Err(stray(other)),
        }
    }
    Ok(Some(report))
}
