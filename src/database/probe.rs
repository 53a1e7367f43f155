//! Logins that change nothing, and what their answers permit.
//!
//! A login has three answers, never two: a server that cannot be reached has not rejected anybody. A write needs an
//! *accepted* login by the credential that writes; going back to an older version needs every newer one *rejected*;
//! *unreachable* permits nothing.

use crate::error::{Error, Result};

/// The answer to a login.
pub enum Probe<S> {
    /// The server let us in; the session is open.
    Accepted(S),
    /// The server does not accept this password for this account.
    Rejected,
    /// No answer about the password: the server was not reached, or refused for a reason that is not the password.
    Unreachable(Error),
}

impl<S> Probe<S> {
    /// The answer without the session.
    pub fn answer(&self) -> LoginAnswer {
        match self {
            Self::Accepted(_) => LoginAnswer::Accepted,
            Self::Rejected => LoginAnswer::Rejected,
            Self::Unreachable(_) => LoginAnswer::Unreachable,
        }
    }

    /// The session of an accepted login, none of a rejected one, the error of a server that gave no verdict.
    pub fn session(self) -> Result<Option<S>> {
        match self {
            Self::Accepted(session) => Ok(Some(session)),
            Self::Rejected => Ok(None),
            Self::Unreachable(error) => Err(error),
        }
    }
}

/// The answer to a login, as plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginAnswer {
    /// See [`Probe::Accepted`].
    Accepted,
    /// See [`Probe::Rejected`].
    Rejected,
    /// See [`Probe::Unreachable`].
    Unreachable,
}

/// What setSecret does next, given the answers so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The current credential works: let it set the pending one.
    WriteAsCurrent,
    /// Nobody has tried the pending credential yet: try it.
    TryPending,
    /// The pending credential works already: an earlier attempt got this far.
    AlreadySet,
    /// Nobody has tried the previous credential yet: try it.
    TryPrevious,
    /// Only the previous credential works: let it set the pending one.
    WriteAsPrevious,
    /// Every stored version is rejected.
    NoneWorks,
    /// Somebody could not be asked: stop.
    Stop,
}

/// AWSCURRENT first, so that the good path has no failed login; then AWSPENDING, where a retry finds its own work; then
/// AWSPREVIOUS, where a rotation was undone from outside.
#[must_use]
pub(crate) fn next(current: LoginAnswer, pending: Option<LoginAnswer>, previous: Option<LoginAnswer>) -> Next {
    use LoginAnswer::{Accepted, Rejected, Unreachable};
    match (current, pending, previous) {
        (Accepted, ..) => Next::WriteAsCurrent,
        (Unreachable, ..) | (Rejected, Some(Unreachable), _) | (Rejected, Some(Rejected), Some(Unreachable)) => {
            Next::Stop
        }
        (Rejected, None, _) => Next::TryPending,
        (Rejected, Some(Accepted), _) => Next::AlreadySet,
        (Rejected, Some(Rejected), None) => Next::TryPrevious,
        (Rejected, Some(Rejected), Some(Accepted)) => Next::WriteAsPrevious,
        (Rejected, Some(Rejected), Some(Rejected)) => Next::NoneWorks,
    }
}

#[cfg(test)]
mod tests {
    use super::LoginAnswer::{Accepted, Rejected, Unreachable};
    use super::*;

    const ANSWERS: [LoginAnswer; 3] = [Accepted, Rejected, Unreachable];

    fn asked() -> impl Iterator<Item = Option<LoginAnswer>> {
        ANSWERS.into_iter().map(Some).chain([None])
    }

    #[test]
    fn the_ladder_cell_by_cell() {
        for (current, pending, previous, expected) in [
            (Accepted, None, None, Next::WriteAsCurrent),
            (Unreachable, None, None, Next::Stop),
            (Rejected, None, None, Next::TryPending),
            (Rejected, Some(Accepted), None, Next::AlreadySet),
            (Rejected, Some(Unreachable), None, Next::Stop),
            (Rejected, Some(Rejected), None, Next::TryPrevious),
            (Rejected, Some(Rejected), Some(Accepted), Next::WriteAsPrevious),
            (Rejected, Some(Rejected), Some(Rejected), Next::NoneWorks),
            (Rejected, Some(Rejected), Some(Unreachable), Next::Stop),
        ] {
            assert_eq!(next(current, pending, previous), expected, "{current:?} {pending:?} {previous:?}");
        }
    }

    #[test]
    fn a_write_needs_an_accepted_login_and_an_older_one_needs_every_newer_one_rejected() {
        for current in ANSWERS {
            for pending in asked() {
                for previous in asked() {
                    match next(current, pending, previous) {
                        Next::WriteAsCurrent => assert_eq!(current, Accepted),
                        Next::WriteAsPrevious => {
                            assert_eq!((current, pending, previous), (Rejected, Some(Rejected), Some(Accepted)));
                        }
                        Next::AlreadySet => assert_eq!((current, pending), (Rejected, Some(Accepted))),
                        Next::TryPending | Next::TryPrevious | Next::NoneWorks | Next::Stop => {}
                    }
                }
            }
        }
    }
}
