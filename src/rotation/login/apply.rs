//! Carries out what changes a login's server: setSecret here, and in `ending` what ends a credential.

mod ending;

use std::fmt;

use crate::api::Report;
use crate::context::Context;
use crate::database::{Aligned, Change, Credential, Session};
use crate::error::Result;
use crate::plan::{Action, Plan};

pub(in crate::rotation) use ending::{EndPassword, EndSessions, Enders, end_password, end_sessions, told};

/// One write of setSecret for a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rotation) enum SetLogin {
    /// Bring an account in step with the account that it alternates with.
    Align(Change),
    /// Make the database accept the pending password for this account.
    SetPassword {
        /// The account whose password changes.
        account: String,
        /// The account that changes it.
        writer: String,
        /// Whether the password that has just logged in stays valid beside the new one.
        beside: bool,
    },
}

impl fmt::Display for SetLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Align(Change { account, what, .. }) => write!(f, "bring {account:?} in step: {what}"),
            Self::SetPassword { account, writer, beside } => {
                write!(f, "set the password of {account:?} as {writer:?}{}", beside_it(*beside))
            }
        }
    }
}

impl Action for SetLogin {
    fn done(&self) -> String {
        match self {
            Self::Align(Change { account, what, .. }) => format!("brought {account:?} in step: {what}"),
            Self::SetPassword { account, writer, beside } if account == writer => {
                format!("set the password of {account:?}{}", beside_it(*beside))
            }
            Self::SetPassword { account, writer, beside } => {
                format!("set the password of {account:?} as {writer:?}{}", beside_it(*beside))
            }
        }
    }
}

fn beside_it(stays: bool) -> &'static str {
    if stays { ", with the one before still valid beside it" } else { "" }
}

/// setSecret: brings the account in step and sets the pending password, under the lock that the session holds; `olds` are
/// the credentials of which one may stay valid. No report means that another change of the account was in the way, and
/// nothing was changed.
///
/// Safe to repeat: the account ends with the same passwords, and a change that was made is not planned again.
pub(crate) async fn set(
    context: &Context<'_>,
    mut report: Report,
    plan: &Plan<SetLogin>,
    session: &mut Session,
    pending: &Credential,
    olds: &[&Credential],
) -> Result<Option<Report>> {
    for action in &plan.actions {
        match action {
            SetLogin::Align(change) => match session.align(change, context.clock).await? {
                Aligned::Made => report.did(action.done()),
                Aligned::LeftOut(why) => report.warnings.push(change.left_out(&why)),
                Aligned::InTheWay => return Ok(None),
            },
            SetLogin::SetPassword { beside, .. } => {
                let olds = if *beside { olds } else { &[] };
                if !session.set_password(pending, olds, true, context.clock).await? {
                    return Ok(None);
                }
                report.did(action.done());
            }
        }
    }
    Ok(Some(report))
}
