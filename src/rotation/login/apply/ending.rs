//! Ending what must not work any more: a password, and the sessions that were opened with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::api::Report;
use crate::context::{Context, random};
use crate::database::{Alike, Credential, Session, Which};
use crate::error::Result;
use crate::plan::{Action, Plan};

/// For how long to wait until the sessions of an account are gone.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);
/// How many sorts of sessions a warning names.
const TOLD: usize = 10;

/// One write that ends passwords of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rotation) enum EndPassword {
    /// Make the database accept the current password for this account and no other.
    Others {
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
    /// Set the password of this account back to the one in AWSCURRENT, which somebody who was still in has changed.
    SetBack {
        /// The account, which changes its own password.
        account: String,
    },
}

impl fmt::Display for EndPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Others { account, writer } => {
                write!(f, "end every password of {account:?} but the current one, as {writer:?}")
            }
            Self::Scramble { account, writer } => {
                write!(f, "replace the password of {account:?} by one that nobody knows, as {writer:?}")
            }
            Self::SetBack { account } => write!(f, "set the password of {account:?} back to the one in AWSCURRENT"),
        }
    }
}

impl Action for EndPassword {
    fn done(&self) -> String {
        match self {
            Self::Others { account, writer } => {
                format!("ended every password of {account:?} but the current one, as {writer:?}")
            }
            Self::Scramble { account, writer } => {
                format!("replaced the password of {account:?} by one that nobody knows, as {writer:?}")
            }
            Self::SetBack { account } => format!("set the password of {account:?} back to the one in AWSCURRENT"),
        }
    }
}

/// End the open sessions of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rotation) struct EndSessions {
    /// The account.
    pub(in crate::rotation) account: String,
    /// Which of its sessions.
    pub(in crate::rotation) which: Which,
}

impl EndSessions {
    fn sessions(&self) -> String {
        let account = &self.account;
        match self.which {
            Which::All => format!("the sessions of {account:?}"),
            Which::Earlier => format!("the sessions of {account:?} that began before its new password"),
        }
    }
}

impl fmt::Display for EndSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "end {}", self.sessions())
    }
}

impl Action for EndSessions {
    fn done(&self) -> String {
        format!("ended {}", self.sessions())
    }
}

/// The sessions that may end others, tried in turn.
pub(crate) struct Enders<'a> {
    /// The first session that logged in with the new password.
    pub(crate) proof: &'a mut Session,
    /// One of the account that was current before.
    pub(crate) old: Option<&'a mut Session>,
    /// The administrator's.
    pub(crate) administrator: Option<&'a mut Session>,
}

/// Ends a password under the lock that the session holds: that of another account is replaced by one that is drawn here and
/// kept nowhere; those that the current account has besides that of `current` are taken away. No report means that another
/// change of the account was in the way, and nothing was changed.
///
/// Safe to repeat: one password that nobody knows takes the place of another, and the current one that of itself.
pub(crate) async fn end_password(
    context: &Context<'_>,
    mut report: Report,
    plan: &Plan<EndPassword>,
    session: &mut Session,
    current: &Credential,
) -> Result<Option<Report>> {
    for action in &plan.actions {
        let done = match action {
            EndPassword::Scramble { account, .. } => {
                let throw_away = current.thrown_away(account, context.config.policy.generate(random)?);
                session.set_password(&throw_away, &[], false, context.clock).await?
            }
            EndPassword::Others { .. } | EndPassword::SetBack { .. } => {
                session.set_password(current, &[], false, context.clock).await?
            }
        };
        if !done {
            return Ok(None);
        }
        report.did(action.done());
    }
    Ok(Some(report))
}

/// Ends the sessions that a plan names and waits until they are gone. What cannot be ended is a warning.
///
/// Safe to repeat: see [`Session::end_sessions`].
pub(crate) async fn end_sessions(
    context: &Context<'_>,
    mut report: Report,
    plan: &Plan<EndSessions>,
    enders: &mut Enders<'_>,
) -> Result<Report> {
    for action in &plan.actions {
        let (ended, left) = enders.end(context, &action.account, action.which).await;
        if ended > 0 {
            report.done.push(format!("{}: {ended}", action.done()));
        }
        report.warnings.extend(left);
    }
    Ok(report)
}

impl Enders<'_> {
    /// Ends the sessions: how many have gone, and what to tell of those that have not.
    ///
    /// A backend is not shown before its login is over, and is shown for a moment after it was told to end: none is left
    /// where two looks in a row show none.
    async fn end(&mut self, context: &Context<'_>, account: &str, which: Which) -> (usize, Option<String>) {
        let (mut ever, mut quiet) = (BTreeSet::<i64>::new(), 0);
        let ours = self.numbers().await;
        let clock = context.clock.within(PATIENCE);
        let there = loop {
            let Some(there) = self.try_end(account, which, &ours).await else { break None };
            ever.extend(&there);
            quiet = if there.is_empty() { quiet + 1 } else { 0 };
            if quiet == 2 || clock.left().is_zero() {
                break Some(there);
            }
            tokio::time::sleep(PAUSE).await;
        };
        match there {
            Some(there) if there.is_empty() => (ever.len(), None),
            Some(there) => (ever.len() - there.len(), self.left(account, "were told to end and have not", &ours).await),
            None => (0, self.left(account, "could not be ended, as no login that keyroll has may do so", &ours).await),
        }
    }

    /// Has the first session end them that may. The account that was current before has sessions of its own to be ended by one of its
    /// own; the account with the new password has the session that proved it.
    async fn try_end(&mut self, account: &str, which: Which, ours: &[i64]) -> Option<BTreeSet<i64>> {
        let turns = match which {
            Which::All => [self.old.as_deref_mut(), Some(&mut *self.proof), self.administrator.as_deref_mut()],
            // What is earlier is decided by the session that asks.
            Which::Earlier => [Some(&mut *self.proof), None, None],
        };
        for session in turns.into_iter().flatten() {
            if let Ok(Some(there)) = session.end_sessions(account, which, ours).await {
                return Some(there);
            }
        }
        None
    }

    /// The sessions that stay: nobody is helped by ending the one that ends the others.
    async fn numbers(&mut self) -> Vec<i64> {
        let mut numbers = Vec::new();
        let ours = [Some(&mut *self.proof), self.old.as_deref_mut(), self.administrator.as_deref_mut()];
        for session in ours.into_iter().flatten() {
            numbers.extend(session.number().await.ok());
        }
        numbers
    }

    /// The sessions, as a login shows them that may see them: at best the account itself.
    async fn look(&mut self, account: &str, ours: &[i64]) -> Result<Vec<Alike>> {
        let mut answer = self.proof.sessions(account, ours).await;
        for session in [self.old.as_deref_mut(), self.administrator.as_deref_mut()].into_iter().flatten() {
            if answer.is_ok() {
                break;
            }
            answer = session.sessions(account, ours).await;
        }
        answer
    }

    async fn left(&mut self, account: &str, why: &str, ours: &[i64]) -> Option<String> {
        let by_hand = self.proof.by_hand(account);
        let seen = match self.look(account, ours).await {
            Ok(seen) if seen.is_empty() => return None,
            Ok(seen) => told(&seen),
            Err(error) => format!("could not be counted: {}", error.cause()),
        };
        Some(format!("open sessions of {account:?} {why} ({seen}); end them {by_hand}"))
    }
}

/// Open sessions for a message: how many, of what and from where, as far as it fits. No text of a statement is among it.
pub(crate) fn told(sessions: &[Alike]) -> String {
    let mut sorts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for one in sessions {
        *sorts.entry((&one.application, one.client.as_deref().unwrap_or("an address not shown"))).or_default() +=
            one.count;
    }
    let mut sorts: Vec<_> = sorts.into_iter().collect();
    sorts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let total: u32 = sorts.iter().map(|(_, count)| count).sum();
    let shown: Vec<String> = sorts
        .iter()
        .take(TOLD)
        .map(|((application, client), count)| format!("{count} of {application:?} from {client}"))
        .collect();
    let more = match sorts.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(", and {more} more sorts"),
    };
    format!("{total}: {}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_sessions_are_told_by_sort_and_not_without_end() {
        let alike = |count, application: &str, client: Option<&str>| Alike {
            count,
            application: application.to_owned(),
            client: client.map(str::to_owned),
        };
        let few = [alike(2, "psql", Some("10.0.0.1")), alike(5, "", None)];
        assert_eq!(told(&few), "7: 5 of \"\" from an address not shown, 2 of \"psql\" from 10.0.0.1");
        let many: Vec<Alike> = (0..30).map(|n| alike(1, &format!("app {n}"), None)).collect();
        let text = told(&many);
        assert!(text.starts_with("30: 1 of ") && text.ends_with(", and 20 more sorts"), "{text}");
    }

    #[test]
    fn ending_a_credential_prints_what_it_will_do() {
        let account = || "app".to_owned();
        let scramble = EndPassword::Scramble { account: account(), writer: "admin".to_owned() };
        assert_eq!(scramble.to_string(), "replace the password of \"app\" by one that nobody knows, as \"admin\"");
        for (which, printed) in [
            (Which::All, "end the sessions of \"app\""),
            (Which::Earlier, "end the sessions of \"app\" that began before its new password"),
        ] {
            assert_eq!(EndSessions { account: account(), which }.to_string(), printed);
        }
    }
}
