//! What can go wrong, in two families that tell an operator what to do.
//!
//! *Refused…*: a rule stands in the way and a person must change something; repeating the call will not help.
//! *Failed…*: the world stood in the way; repeating the call may help, and Secrets Manager does repeat it.
//!
//! An error is written once and logged once, where it leaves the function. Its message names the step, the secret and
//! the version, then the cause, then the remedy. No error ever holds a secret value or unfiltered text of a driver.

use std::fmt;

use lambda_runtime::Diagnostic;

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The short documented list of error types; [`ErrorKind::name`] is what Lambda reports as `errorType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether a person must change something: the family *Refused…*.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self.name().starts_with("Refused")
    }
}

/// One error: its kind, its cause and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    cause: String,
    remedy: String,
    place: Option<String>,
}

impl Error {
    /// An error with its cause and its remedy, each a sentence without the final full stop.
    pub fn new(kind: ErrorKind, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, cause: cause.into(), remedy: remedy.into(), place: None }
    }

    /// The same error, saying where it happened. Places nest: the outer one is told first.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(match self.place {
            Some(inner) => format!("{place}: {inner}"),
            None => place.to_string(),
        });
        self
    }

    /// The kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// Several errors found together, as one: the first decides the kind, all are told.
    ///
    /// Returns nothing where nothing was found.
    #[must_use]
    pub fn join(found: Vec<Self>) -> Option<Self> {
        let mut found = found.into_iter();
        let mut first = found.next()?;
        first.cause = first.placed_cause();
        first.place = None;
        for (next, number) in found.zip(2..) {
            first.cause = format!("{}; ({number}) {}", first.cause, next.placed_cause());
            first.remedy = format!("{}; ({number}) {}", first.remedy, next.remedy);
        }
        Some(first)
    }

    /// What happened, and where.
    #[must_use]
    pub fn placed_cause(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.cause),
            None => self.cause.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. Remedy: {}.", self.placed_cause(), self.remedy)
    }
}

impl std::error::Error for Error {}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.kind.name(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_place_cause_and_remedy() {
        let error = Error::new(ErrorKind::RefusedHold, "the secret is on hold", "remove the tag keyroll:hold")
            .at("the administrator's secret")
            .at("createSecret of orders/db, version v2");
        assert_eq!(
            error.to_string(),
            "createSecret of orders/db, version v2: the administrator's secret: the secret is on hold. Remedy: remove the tag keyroll:hold."
        );
        assert_eq!(Diagnostic::from(error).error_type, "RefusedHold");
    }

    #[test]
    fn every_kind_belongs_to_one_of_the_two_families() {
        for kind in ErrorKind::ALL {
            assert!(kind.name().starts_with("Refused") ^ kind.name().starts_with("Failed"), "{kind:?}");
        }
    }

    #[test]
    fn joined_errors_tell_all_and_keep_the_first_kind() {
        let joined = Error::join(vec![
            Error::new(ErrorKind::RefusedLogin, "a", "fix a"),
            Error::new(ErrorKind::RefusedServer, "b", "fix b").at("place"),
        ])
        .unwrap();
        assert_eq!(joined.kind(), ErrorKind::RefusedLogin);
        assert_eq!(joined.to_string(), "a; (2) place: b. Remedy: fix a; (2) fix b.");
        assert_eq!(Error::join(vec![]), None);
    }
}
