//! Logging in with the stored credentials, tried in turn.

use crate::api::event::Rotation;
use crate::aws::secrets::{Lookup, Version};
use crate::config::Settings;
use crate::context::Context;
use crate::database::probe::{self, LoginAnswer, Next};
use crate::database::{Alternation, Credential, Pair, Probe, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::rotation::versions::{FIND_OUT, credential, pending_version, unchanged};
use crate::secret::{AWSPREVIOUS, VersionId};

/// The account as AWSCURRENT describes it.
pub(in crate::rotation) struct Account {
    pub(in crate::rotation) arn: String,
    pub(in crate::rotation) settings: Settings,
    pub(in crate::rotation) current: Credential,
}

/// The account that the value under AWSCURRENT opens, and its version.
#[derive(Clone, Copy)]
pub(in crate::rotation) struct Promoted<'a> {
    pub(in crate::rotation) account: &'a Account,
    pub(in crate::rotation) version: &'a VersionId,
}

/// Whether AWSPREVIOUS logs in to the other account of the pair than `entered`. Asked only where the server itself does not show
/// that the two accounts are a pair.
pub(in crate::rotation) async fn are_a_pair(
    context: &Context<'_>,
    account: &Account,
    entered: &Credential,
    pair: &Pair,
    session: &mut Session,
) -> Result<bool> {
    if session.shows(pair, entered.account()).await? {
        return Ok(false);
    }
    let other = if entered.account() == pair.base { &pair.partner } else { &pair.base };
    opens(context, account, other).await
}

/// Whether AWSPREVIOUS logs in to that account.
async fn opens(context: &Context<'_>, account: &Account, other: &str) -> Result<bool> {
    let Previous::Usable(previous) = previous_credential(context, account).await? else { return Ok(false) };
    if previous.account() != other {
        return Ok(false);
    }
    match previous.log_in(context).await {
        Probe::Accepted(session) => {
            session.close().await;
            Ok(true)
        }
        Probe::Rejected | Probe::Unreachable(_) => Ok(false),
    }
}

/// What trying the stored credentials came to.
pub(in crate::rotation) enum Entry {
    /// The pending one works already.
    AlreadySet,
    /// The current one was let in.
    Current(Session),
    /// Only the previous one was: this one.
    Previous(Session, Credential),
}

/// Tries the stored credentials in turn, as the table in [`probe`] says, until one may write. Without an event the pending
/// value is still to be drawn, and no server accepts it yet.
pub(in crate::rotation) async fn let_in(
    context: &Context<'_>,
    event: Option<&Rotation>,
    account: &Account,
) -> Result<Entry> {
    let mut last = account.current.log_in(context).await;
    let current = last.answer();
    let (mut pending, mut previous): (Option<LoginAnswer>, Option<LoginAnswer>) = (None, None);
    let mut older = None;
    loop {
        match probe::next(current, pending, previous) {
            // A credential that the table lets write was accepted; one that it stops for was not reached.
            Next::WriteAsCurrent | Next::WriteAsPrevious | Next::Stop => {
                let session = last.session()?.ok_or_else(|| account.none_works(event, "not tried"))?;
                return match older {
                    Some(credential) => once_more(context, account, session, credential).await,
                    None => Ok(Entry::Current(session)),
                };
            }
            Next::AlreadySet => {
                if let Some(session) = last.session()? {
                    session.close().await;
                }
                return Ok(Entry::AlreadySet);
            }
            Next::TryPending => {
                if let Some(event) = event {
                    last = pending_credential(context, event, account, FIND_OUT).await?.log_in(context).await;
                }
                // The answer for AWSCURRENT stands for the answer for a value that is not drawn yet: both are rejected.
                pending = Some(last.answer());
            }
            Next::TryPrevious => {
                let credential = match previous_credential(context, account).await? {
                    Previous::Usable(credential) => credential,
                    Previous::Unusable(reason) => return Err(account.none_works(event, &reason)),
                };
                last = credential.log_in(context).await;
                (previous, older) = (Some(last.answer()), Some(credential));
            }
            Next::NoneWorks => return Err(account.none_works(event, "rejected too")),
        }
    }
}

/// An account that accepts two passwords keeps the first one out once somebody has guessed too often (`max_password_errors`
/// of MariaDB), and lets it in again after a login by the second. So where the previous one was let in, the current one is
/// asked once more: it is the one that everybody holds, and the one to keep.
async fn once_more(context: &Context<'_>, account: &Account, session: Session, previous: Credential) -> Result<Entry> {
    if !account.current.kind.holds_two() || previous.account() != account.name() {
        return Ok(Entry::Previous(session, previous));
    }
    match account.current.log_in(context).await {
        Probe::Accepted(current) => {
            session.close().await;
            Ok(Entry::Current(current))
        }
        Probe::Rejected => Ok(Entry::Previous(session, previous)),
        Probe::Unreachable(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// The event's version, if it is still staged as AWSPENDING and about the same account.
pub(in crate::rotation) async fn pending_credential(
    context: &Context<'_>,
    event: &Rotation,
    account: &Account,
    remedy: &str,
) -> Result<Credential> {
    as_pending(context, pending_version(context, event).await?, account, remedy)
}

/// The credential of a version that is staged as AWSPENDING, if it is about the same account.
pub(in crate::rotation) fn as_pending(
    context: &Context<'_>,
    version: Version,
    account: &Account,
    remedy: &str,
) -> Result<Credential> {
    let pending = credential(context, version, &account.settings)?;
    unchanged(&account.current, &pending, "AWSPENDING", remedy)?;
    if account.current.alternates() && account.current.pair(&pending).is_none() {
        return Err(Error::new(
            ErrorKind::RefusedChanged,
            format!(
                "AWSPENDING is about {:?} like AWSCURRENT; with alternating users it is the turn of the other account of the pair",
                account.name()
            ),
            remedy,
        ));
    }
    Ok(pending)
}

/// What AWSPREVIOUS holds.
pub(in crate::rotation) enum Previous {
    /// A credential for the account's server.
    Usable(Credential),
    /// Nothing that could be tried, for this reason: no version has the label, or its value is a placeholder or the login to
    /// another server.
    Unusable(String),
}

/// Reads AWSPREVIOUS. Whether to encrypt the connection is for AWSCURRENT to say.
pub(in crate::rotation) async fn previous_credential(context: &Context<'_>, account: &Account) -> Result<Previous> {
    let Lookup::Found(version) = context.clients.secrets.labelled(context.secret, AWSPREVIOUS).await? else {
        return Ok(Previous::Unusable("there is none".to_owned()));
    };
    let usable = credential(context, version, &account.settings).and_then(|previous| {
        let previous = previous.encrypted_as(&account.current);
        unchanged(&account.current, &previous, AWSPREVIOUS, FIND_OUT)?;
        Ok(previous)
    });
    Ok(match usable {
        Ok(previous) => Previous::Usable(previous),
        Err(error) => Previous::Unusable(error.cause().into_owned()),
    })
}

impl Account {
    pub(in crate::rotation) fn name(&self) -> &str {
        self.current.account()
    }

    /// The rotation that is the turn of `account`, after who entered was let in.
    pub(in crate::rotation) fn alternation<'a>(
        &self,
        pair: &'a Pair,
        account: &'a str,
        entered: &'a Credential,
        both: bool,
    ) -> Alternation<'a> {
        let insisted = Credential::insists(&self.settings);
        Alternation { pair, account, entered: entered.account(), both, insisted }
    }

    fn none_works(&self, event: Option<&Rotation>, previous: &str) -> Error {
        let pending = if event.is_some() { " and in AWSPENDING" } else { "" };
        Error::new(
            ErrorKind::RefusedLogin,
            format!(
                "the server rejects the password of {:?} in AWSCURRENT{pending}; AWSPREVIOUS: {previous}",
                self.name()
            ),
            self.current.remedy_of_rejection(),
        )
    }
}
