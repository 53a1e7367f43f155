//! A plan: what a step is about to do, as data. It is made by pure functions from what was seen and leaves no choice to
//! whoever carries it out, except drawing the random value. It can be printed anywhere: there is no secret in it.

use std::fmt;

use crate::api::{ServiceName, ServiceReport};
use crate::error::{Error, ErrorKind};
use crate::secret::{Standing, VersionId};

/// What one round of a step will do, and what it has found out on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the version stands once the plan is carried out.
    pub standing: Standing,
    /// The writes, in order.
    pub actions: Vec<Action>,
    /// What was proven by looking.
    pub proven: Vec<String>,
    /// The services that need nothing, each with its verdict.
    pub services: Vec<ServiceReport>,
    /// What could not be looked at, so that there may be more to do than is planned.
    pub unseen: Vec<Error>,
    /// What an operator should know although nothing is refused.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The plan of what is done already.
    #[must_use]
    pub fn nothing(standing: Standing) -> Self {
        let [proven, warnings] = [Vec::new(), Vec::new()];
        Self { standing, actions: Vec::new(), proven, services: Vec::new(), unseen: Vec::new(), warnings }
    }

    /// A plan of these writes.
    #[must_use]
    pub fn of(standing: Standing, actions: Vec<Action>) -> Self {
        Self { actions, ..Self::nothing(standing) }
    }

    /// The account that its new value is for, where accounts take turns.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.actions.iter().find_map(|action| match action {
            Action::StoreValue { account, .. } => account.as_deref(),
            _ => None,
        })
    }

    /// The same plan with a line of what was proven.
    #[must_use]
    pub fn proving(mut self, line: impl Into<String>) -> Self {
        self.proven.push(line.into());
        self
    }

    /// The same plan with warnings.
    #[must_use]
    pub fn warning(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actions.is_empty() {
            return f.write_str("nothing");
        }
        let actions: Vec<String> = self.actions.iter().map(ToString::to_string).collect();
        f.write_str(&actions.join("; "))
    }
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Draw a new value and store it as the event's version, labelled AWSPENDING and `KEYROLL_ROLLOUT`.
    StoreValue {
        /// The account that it is for, where accounts take turns.
        account: Option<String>,
        /// What is new in it, where that is more than a password.
        what: Option<String>,
    },
    /// Put the public halves of the pending version's keys where verifiers fetch them.
    Publish {
        /// The place.
        place: String,
    },
    /// Bring an account in step with the one that it takes turns with.
    Align(Change),
    /// Make the database accept the pending password for this account.
    SetPassword {
        /// The account whose password changes.
        account: String,
        /// The account that changes it.
        writer: String,
        /// Whether the password that has just logged in stays valid beside it.
        beside: bool,
    },
    /// Make the database accept the current password for this account and no other.
    EndOthers {
        /// The account.
        account: String,
        /// The account that changes it.
        writer: String,
    },
    /// Replace the password of an account by one that nobody knows.
    Scramble {
        /// The account whose password ends.
        account: String,
        /// The account that changes it.
        writer: String,
    },
    /// End the open sessions of an account.
    EndSessions {
        /// The account.
        account: String,
        /// Which of them.
        which: Which,
    },
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
    /// Force a new deployment of a service.
    Redeploy {
        /// The service.
        service: ServiceName,
        /// Why it needs one.
        reason: String,
        /// The PRIMARY deployment in whose place it comes.
        replaces: Option<String>,
    },
    /// Take `KEYROLL_ROLLOUT` off the version: everything is rolled.
    CloseMark,
}

/// Which sessions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All but our own.
    All,
    /// Those that began before the one that asks: it is the first to have logged in with the new password.
    Earlier,
}

/// One change of an account other than its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The account.
    pub account: String,
    /// What it will have afterwards.
    pub what: String,
    /// The statement that does it, without any value of a secret.
    pub statement: String,
    /// Whether a rotation goes on without it.
    pub optional: bool,
}

impl Change {
    /// The warning where it had to be left out.
    #[must_use]
    pub fn left_out(&self, why: &str) -> String {
        format!("{:?} could not be given this, as its base has it: {}: {why}", self.account, self.what)
    }
}

/// What it takes to have an account do what the one that it takes turns with can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

fn of(account: Option<&str>, what: Option<&str>) -> String {
    let account = account.map(|account| format!(", of {account:?}")).unwrap_or_default();
    what.map_or(account.clone(), |what| format!("{account}: {what}"))
}

fn beside_it(stays: bool) -> &'static str {
    if stays { ", with the one before still valid beside it" } else { "" }
}

fn sessions(account: &str, which: Which) -> String {
    match which {
        Which::All => format!("the sessions of {account:?}"),
        Which::Earlier => format!("the sessions of {account:?} that began before its new password"),
    }
}

impl Action {
    /// The action in the past tense, for a report.
    #[must_use]
    pub fn done(&self) -> String {
        match self {
            Self::StoreValue { account, what } => {
                format!("stored a new value as AWSPENDING{}", of(account.as_deref(), what.as_deref()))
            }
            Self::Publish { place } => format!("published the public keys at {place}"),
            Self::Align(Change { account, what, .. }) => format!("brought {account:?} in step: {what}"),
            Self::SetPassword { account, writer, beside } if account == writer => {
                format!("set the password of {account:?}{}", beside_it(*beside))
            }
            Self::SetPassword { account, writer, beside } => {
                format!("set the password of {account:?} as {writer:?}{}", beside_it(*beside))
            }
            Self::EndOthers { account, writer } => {
                format!("ended every password of {account:?} but the current one, as {writer:?}")
            }
            Self::Scramble { account, writer } => {
                format!("replaced the password of {account:?} by one that nobody knows, as {writer:?}")
            }
            Self::EndSessions { account, which } => format!("ended {}", sessions(account, *which)),
            Self::OpenMark { .. } => "opened the rollout (attached KEYROLL_ROLLOUT)".to_owned(),
            Self::MoveCurrent { .. } => "moved AWSCURRENT to this version".to_owned(),
            Self::Redeploy { service, .. } => format!("redeployed {service}"),
            Self::CloseMark => "closed the rollout (removed KEYROLL_ROLLOUT)".to_owned(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoreValue { account, what } => {
                write!(f, "store a new value as AWSPENDING{}", of(account.as_deref(), what.as_deref()))
            }
            Self::Publish { place } => write!(f, "publish the public keys at {place}"),
            Self::Align(Change { account, what, .. }) => write!(f, "bring {account:?} in step: {what}"),
            Self::SetPassword { account, writer, beside } => {
                write!(f, "set the password of {account:?} as {writer:?}{}", beside_it(*beside))
            }
            Self::EndOthers { account, writer } => {
                write!(f, "end every password of {account:?} but the current one, as {writer:?}")
            }
            Self::Scramble { account, writer } => {
                write!(f, "replace the password of {account:?} by one that nobody knows, as {writer:?}")
            }
            Self::EndSessions { account, which } => write!(f, "end {}", sessions(account, *which)),
            Self::OpenMark { .. } => f.write_str("open the rollout (attach KEYROLL_ROLLOUT)"),
            Self::MoveCurrent { from: Some(from) } => {
                write!(f, "move AWSCURRENT to this version from {}", from.as_str())
            }
            Self::MoveCurrent { from: None } => f.write_str("attach AWSCURRENT to this version"),
            Self::Redeploy { service, reason, .. } => write!(f, "redeploy {service} ({reason})"),
            Self::CloseMark => f.write_str("close the rollout (remove KEYROLL_ROLLOUT)"),
        }
    }
}

pub(crate) fn stray(action: &Action) -> Error {
    Error::new(
        ErrorKind::FailedDefect,
        format!("a plan of keyroll asks for this in the wrong round: {action}"),
        "report this defect; nothing of that action was done",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_prints_what_it_will_do() {
        let plan = Plan::of(Standing::Current, vec![Action::MoveCurrent { from: Some(VersionId::known("v1")) }]);
        assert_eq!(plan.to_string(), "move AWSCURRENT to this version from v1");
        assert_eq!(Plan::nothing(Standing::Pending).to_string(), "nothing");
        let account = || "app".to_owned();
        let scramble = Action::Scramble { account: account(), writer: "admin".to_owned() };
        let end = |which| Action::EndSessions { account: account(), which };
        assert_eq!(
            Plan::of(Standing::Current, vec![scramble, end(Which::All), end(Which::Earlier)]).to_string(),
            "replace the password of \"app\" by one that nobody knows, as \"admin\"; end the sessions of \"app\"; \
             end the sessions of \"app\" that began before its new password"
        );
    }
}
