//! What can go wrong, in two families that tell an operator what to do.
//!
//! *Refused…*: a rule stands in the way and a person must change something; repeating the call will not help.
//! *Failed…*: the world stood in the way; repeating the call may help, and Secrets Manager does repeat it.
//!
//! An error is written once and logged once, where it leaves the function. Its message names the step, the secret and
//! the version, then the cause, then the remedy. No error ever holds a secret value or unfiltered text of a driver.

use std::borrow::Cow;
use std::fmt;

use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The short documented list of error types; [`ErrorKind::name`] is what Lambda reports as `errorType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The event is not one of the documented three families, or a part of it is missing.
    RefusedEvent,
    /// The request is part of the contract, but this version cannot do it yet.
    RefusedNotBuilt,
    /// Rotation is switched off for the secret.
    RefusedNotEnabled,
    /// The event's version is not in the state that the step needs.
    RefusedVersion,
    /// Another AWS service owns and rotates the secret.
    RefusedManaged,
    /// The stored value cannot be read as what it should be.
    RefusedValue,
    /// User, host, port or engine differ between two versions of the secret.
    RefusedChanged,
    /// A tag or variable asks for something that cannot be done.
    RefusedSetting,
    /// The database account cannot be rotated this way.
    RefusedAccount,
    /// The server rejects every stored credential.
    RefusedLogin,
    /// The server takes no changes: a replica, or read-only.
    RefusedServer,
    /// The server's certificate or host name could not be verified, or it offers no TLS.
    RefusedTls,
    /// An operator has put the secret on hold.
    RefusedHold,
    /// The function's role may not make an AWS call that it needs.
    RefusedPermission,
    /// An AWS call failed or got no answer.
    FailedAws,
    /// The database could not be reached, or broke off.
    FailedDatabase,
    /// Too little time was left to begin something that must not be cut off.
    FailedDeadline,
    /// The last rotation ended so short a time ago that the next one would cut off those who still hold the credential
    /// before it.
    FailedTooSoon,
    /// The new credential does not work yet.
    FailedProof,
    /// The new value is current, but not every service could be redeployed.
    FailedRollout,
    /// keyroll itself or its execution environment is at fault.
    FailedDefect,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 21] = [
        Self::RefusedEvent,
        Self::RefusedNotBuilt,
        Self::RefusedNotEnabled,
        Self::RefusedVersion,
        Self::RefusedManaged,
        Self::RefusedValue,
        Self::RefusedChanged,
        Self::RefusedSetting,
        Self::RefusedAccount,
        Self::RefusedLogin,
        Self::RefusedServer,
        Self::RefusedTls,
        Self::RefusedHold,
        Self::RefusedPermission,
        Self::FailedAws,
        Self::FailedDatabase,
        Self::FailedDeadline,
        Self::FailedTooSoon,
        Self::FailedProof,
        Self::FailedRollout,
        Self::FailedDefect,
    ];

    /// The name that Lambda reports as `errorType`. Alarms match on it, so it is part of the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RefusedEvent => "RefusedEvent",
            Self::RefusedNotBuilt => "RefusedNotBuilt",
            Self::RefusedNotEnabled => "RefusedNotEnabled",
            Self::RefusedVersion => "RefusedVersion",
            Self::RefusedManaged => "RefusedManaged",
            Self::RefusedValue => "RefusedValue",
            Self::RefusedChanged => "RefusedChanged",
            Self::RefusedSetting => "RefusedSetting",
            Self::RefusedAccount => "RefusedAccount",
            Self::RefusedLogin => "RefusedLogin",
            Self::RefusedServer => "RefusedServer",
            Self::RefusedTls => "RefusedTls",
            Self::RefusedHold => "RefusedHold",
            Self::RefusedPermission => "RefusedPermission",
            Self::FailedAws => "FailedAws",
            Self::FailedDatabase => "FailedDatabase",
            Self::FailedDeadline => "FailedDeadline",
            Self::FailedTooSoon => "FailedTooSoon",
            Self::FailedProof => "FailedProof",
            Self::FailedRollout => "FailedRollout",
            Self::FailedDefect => "FailedDefect",
        }
    }

    /// The family, which tells an operator whether trying again can help.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::RefusedEvent
            | Self::RefusedNotBuilt
            | Self::RefusedNotEnabled
            | Self::RefusedVersion
            | Self::RefusedManaged
            | Self::RefusedValue
            | Self::RefusedChanged
            | Self::RefusedSetting
            | Self::RefusedAccount
            | Self::RefusedLogin
            | Self::RefusedServer
            | Self::RefusedTls
            | Self::RefusedHold
            | Self::RefusedPermission => Family::Refused,
            Self::FailedAws
            | Self::FailedDatabase
            | Self::FailedDeadline
            | Self::FailedTooSoon
            | Self::FailedProof
            | Self::FailedRollout
            | Self::FailedDefect => Family::Failed,
        }
    }
}

/// The two families of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A person must change something; trying again does not help.
    Refused,
    /// The world was in the way; trying again may help.
    Failed,
}

/// One error, or several that were found together: kind, cause and remedy of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    cause: String,
    remedy: String,
    place: Option<String>,
    /// The errors that were found together with this one.
    others: Vec<Self>,
}

impl Error {
    /// An error with its cause and its remedy, each a sentence without the final full stop.
    pub fn new(kind: ErrorKind, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, cause: cause.into(), remedy: remedy.into(), place: None, others: Vec::new() }
    }

    /// Says where the error happened. Places nest: the outermost comes first in the message.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(match self.place {
            Some(inner) => format!("{place}: {inner}"),
            None => place.to_string(),
        });
        self
    }

    /// Says more of the cause, which `say` gets with the place. Of several errors that were joined it gets all causes in one
    /// text.
    #[must_use]
    pub fn map_cause(self, say: impl FnOnce(&str) -> String) -> Self {
        let (cause, remedy) = (say(&self.placed_cause()), self.remedy().into_owned());
        Self { cause, remedy, place: None, others: Vec::new(), ..self }
    }

    /// Says more of the remedy. Of several errors that were joined, `say` gets all remedies in one text.
    #[must_use]
    pub fn map_remedy(self, say: impl FnOnce(&str) -> String) -> Self {
        let (cause, remedy) = (self.cause().into_owned(), say(&self.remedy()));
        Self { cause, remedy, others: Vec::new(), ..self }
    }

    /// Joins errors that were found together. The first one decides the kind; the message has all of them, numbered. Errors
    /// that were joined before are taken apart first.
    ///
    /// Returns nothing where nothing was found.
    #[must_use]
    pub fn join(found: Vec<Self>) -> Option<Self> {
        let mut found = found.into_iter().flat_map(Self::apart);
        let first = found.next()?;
        let cause = first.placed_cause();
        Some(Self { cause, place: None, others: found.collect(), ..first })
    }

    /// This error alone, then the errors that were joined to it, each with the place of all.
    fn apart(mut self) -> impl Iterator<Item = Self> {
        let (others, place) = (std::mem::take(&mut self.others), self.place.clone());
        let others = others.into_iter().map(move |other| match &place {
            Some(place) => other.at(place),
            None => other,
        });
        std::iter::once(self).chain(others)
    }

    /// The kind of this error, or of the first one that was found.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened.
    #[must_use]
    pub fn cause(&self) -> Cow<'_, str> {
        numbered(&self.cause, &self.others, Self::placed_cause)
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Cow<'_, str> {
        numbered(&self.remedy, &self.others, |other| other.remedy().into_owned())
    }

    /// What happened, and where.
    #[must_use]
    pub fn placed_cause(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.cause()),
            None => self.cause().into_owned(),
        }
    }
}

/// The text of the first error, and those of the others with their numbers.
fn numbered<'a>(first: &'a str, others: &[Error], text: impl Fn(&Error) -> String) -> Cow<'a, str> {
    if others.is_empty() {
        return Cow::Borrowed(first);
    }
    let others = others.iter().zip(2..).map(|(other, number)| format!("; ({number}) {}", text(other)));
    Cow::Owned(std::iter::once(first.to_owned()).chain(others).collect())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. Remedy: {}.", self.placed_cause(), self.remedy())
    }
}

impl std::error::Error for Error {}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.kind.name().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
