//! Carries out what a rotation does with the secret itself, in order, stopping at the first failure: storing a value, moving
//! AWSCURRENT.

use std::fmt;

use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::{NewValue, Stored};
use crate::context::{Context, random};
use crate::database::Credential;
use crate::dependents::Since;
use crate::error::Result;
use crate::jose::Keys;
use crate::plan::{Action, Plan};
use crate::secret::{AWSCURRENT, LoginForm, Sensitive, VersionId};

/// What a new value is made of: that under AWSCURRENT.
pub(crate) enum Source {
    /// A login to a server, which gets a new password.
    Login(LoginForm, Credential),
    /// Keys that go on in a new value.
    Renewed(Keys),
    /// Keys of which none may go on.
    Replaced(Keys),
}

/// Draw a new value and store it as the event's version, labelled AWSPENDING and `KEYROLL_ROLLOUT`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoreValue {
    /// The account that the value is for, where two accounts alternate.
    pub(crate) account: Option<String>,
    /// What is new in the value, where that is more than a password.
    pub(crate) what: Option<String>,
}

impl fmt::Display for StoreValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store a new value as AWSPENDING{}", self.detail())
    }
}

impl Action for StoreValue {
    fn done(&self) -> String {
        format!("stored a new value as AWSPENDING{}", self.detail())
    }
}

impl StoreValue {
    fn detail(&self) -> String {
        let account = self.account.as_ref().map(|account| format!(", of {account:?}")).unwrap_or_default();
        let what = self.what.as_ref().map(|what| format!(": {what}")).unwrap_or_default();
        account + &what
    }
}

/// One write of the round *promote*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Promote {
    /// Put `KEYROLL_ROLLOUT` on the event's version, which another function stored.
    OpenMark {
        /// The version that holds the label now.
        from: Option<VersionId>,
    },
    /// Move AWSCURRENT to the event's version.
    MoveCurrent {
        /// The version that holds the label now.
        from: Option<VersionId>,
    },
}

impl fmt::Display for Promote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenMark { .. } => f.write_str("open the rollout (attach KEYROLL_ROLLOUT)"),
            Self::MoveCurrent { from: Some(from) } => {
                write!(f, "move AWSCURRENT to this version from {}", from.as_str())
            }
            Self::MoveCurrent { from: None } => f.write_str("attach AWSCURRENT to this version"),
        }
    }
}

impl Action for Promote {
    fn done(&self) -> String {
        match self {
            Self::OpenMark { .. } => "opened the rollout (attached KEYROLL_ROLLOUT)".to_owned(),
            Self::MoveCurrent { .. } => "moved AWSCURRENT to this version".to_owned(),
        }
    }
}

/// createSecret: stores a new value as the event's version, with `KEYROLL_ROLLOUT` where it is to be marked.
///
/// Safe to repeat: a repeat brings another value, but a version that has one keeps it.
pub(crate) async fn store(
    context: &Context<'_>,
    event: &Rotation,
    arn: &str,
    new: NewValue<'_>,
    plan: &Plan<StoreValue>,
) -> Result<Report> {
    let mut report = context.report(arn, &event.version, plan);
    for action in &plan.actions {
        match context.clients.secrets.put_pending(&event.secret, &event.version, new, event.token.as_ref()).await? {
            Stored::Now => report.did(action.done()),
            Stored::Before => {}
        }
    }
    Ok(report)
}

impl Plan<StoreValue> {
    /// The account that the new value is for, where two accounts alternate.
    pub(crate) fn account(&self) -> Option<&str> {
        self.actions.iter().find_map(|store| store.account.as_deref())
    }
}

/// Draws a new value, of another account where it is that one's turn.
pub(crate) fn draw(context: &Context<'_>, source: &Source, account: Option<&str>) -> Result<Sensitive> {
    match source {
        Source::Login(form, current) => current.renewed(form, account, &context.config.policy, random),
        Source::Renewed(keys) => keys.renewed(context.clock.now(), &mut random),
        Source::Replaced(keys) => keys.replaced(context.clock.now(), &mut random),
    }
}

/// finishSecret, round *promote*: moves AWSCURRENT. Also tells since when the version is current.
///
/// Safe to repeat: see [`crate::aws::secrets::Secrets::move_current`]. Where the answer is an error the move may still
/// have been made, by an attempt whose answer was lost or by a duplicate of this call: the labels tell.
pub(crate) async fn promote(
    context: &Context<'_>,
    event: &Rotation,
    arn: &str,
    plan: &Plan<Promote>,
) -> Result<(Report, Since)> {
    let secrets = &context.clients.secrets;
    let (mut report, mut since) = (context.report(arn, &event.version, plan), Since::JustNow);
    for action in &plan.actions {
        match action {
            Promote::OpenMark { from } => secrets.open_mark(&event.secret, &event.version, from.as_ref()).await?,
            Promote::MoveCurrent { from } => {
                if let Err(error) = secrets.move_current(&event.secret, &event.version, from.as_ref()).await {
                    match secrets.describe(&event.secret).await {
                        Ok(seen) if seen.labels.has(&event.version, AWSCURRENT) => {
                            since = Since::Changed(seen.last_changed);
                        }
                        _ => return Err(error),
                    }
                }
            }
        }
        report.did(action.done());
    }
    Ok((report, since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Proof;
    use crate::secret::Standing;

    #[test]
    fn a_plan_prints_what_it_will_do() {
        let plan = Plan::of(Standing::Current, vec![Promote::MoveCurrent { from: Some(VersionId::known("v1")) }]);
        assert_eq!(plan.to_string(), "move AWSCURRENT to this version from v1");
        assert_eq!(Proof::nothing(Standing::Pending).to_string(), "nothing");
    }
}
