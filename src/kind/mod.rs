//! The kinds of secrets: a closed set, known at build time. Each has a place of its own below this one; the rotation
//! steps know only what stands here, so that adding a kind is one variant and wherever the compiler then points.

mod credential;
pub mod pair;
pub mod postgres;
mod wire;

use std::collections::BTreeSet;
use std::fmt;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Alignment, Change, Which};
use crate::secret::{Document, Sensitive};
use crate::settings::Settings;

pub use credential::Credential;
pub use pair::Pair;

/// What a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A PostgreSQL login: RDS, Aurora or any other server.
    Postgres,
}

/// Kinds of the contract that this version cannot rotate yet, by tag and by engine.
const NOT_BUILT: [&str; 7] = ["mariadb", "mysql", "jwt", "jwt-keyring", "signing-key", "token", "aurora-mysql"];

impl Kind {
    /// The kind that a secret's tag names, or its engine.
    fn of(tag: Option<&str>, engine: &str) -> Result<Self> {
        let known: String = tag.unwrap_or(engine).chars().take(40).collect();
        match known.as_str() {
            "postgres" => Ok(Self::Postgres),
            "aurora-postgresql" if tag.is_none() => Ok(Self::Postgres),
            other if NOT_BUILT.contains(&other) => Err(Error::new(
                ErrorKind::RefusedNotBuilt,
                format!("this version of keyroll does not rotate {other} secrets yet"),
                "rotate this secret with the function that did so before",
            )),
            other => Err(Error::new(
                ErrorKind::RefusedValue,
                format!("the secret's kind or engine is {other:?}, which keyroll does not know"),
                "set engine in the JSON to postgres or aurora-postgresql, or correct the tag keyroll:kind",
            )),
        }
    }
}

/// Reads a value as far as all kinds of today agree: as a JSON object. A kind that is not built is told by its name, before
/// its value is looked at.
pub fn document(text: Sensitive, settings: &Settings) -> Result<Document> {
    if let Some(tag) = &settings.kind {
        Kind::of(Some(tag), "")?;
    }
    Document::parse(text)
}

/// An open session of an accepted login.
pub enum Session {
    /// On a PostgreSQL server.
    Postgres(postgres::Session),
}

/// Who the server says we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account that logged in.
    pub session_user: String,
    /// The account whose rights count.
    pub current_user: String,
    /// The database.
    pub database: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session_user, current_user, database } = self;
        write!(f, "session_user {session_user:?}, current_user {current_user:?}, database {database:?}")
    }
}

/// A rotation of two accounts that take turns.
#[derive(Clone, Copy, Debug)]
pub struct Alternation<'a> {
    /// The two.
    pub pair: &'a Pair,
    /// The one whose turn it is: its password is to change.
    pub account: &'a str,
    /// The one whose stored credential the server has let in.
    pub entered: &'a str,
    /// Whether the server has let in stored credentials of both.
    pub both: bool,
    /// Whether somebody asked by name for two accounts (see [`Credential::insists`]).
    pub insisted: bool,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aligned {
    /// It was made.
    Made,
    /// It could not be made, for this reason, and the rotation goes on without it.
    LeftOut(String),
    /// Another change of the same account was in the way, as for [`Session::set_password`].
    InTheWay,
}

/// Sessions that look alike from outside.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Alike {
    /// How many.
    pub count: u32,
    /// What the client calls itself.
    pub application: String,
    /// Where it is, if the server tells.
    pub client: Option<String>,
}

impl Session {
    /// Refuses where this session could not set the password of `account`, or should not.
    pub async fn check_writer(&mut self, account: &str) -> Result<()> {
        match self {
            Self::Postgres(session) => session.check_writer(account).await,
        }
    }

    /// Refuses a server that takes no changes by this session, or an account that has no password to change.
    pub async fn check_server(&mut self, account: &str) -> Result<()> {
        match self {
            Self::Postgres(session) => session.check_server(account).await,
        }
    }

    /// Whether the server replays what another one writes.
    pub async fn is_replica(&mut self) -> Result<bool> {
        match self {
            Self::Postgres(session) => session.is_replica().await,
        }
    }

    /// Whether the server shows that these two accounts are a pair.
    pub async fn is_partner(&mut self, pair: &Pair) -> Result<bool> {
        match self {
            Self::Postgres(session) => session.is_partner(pair).await,
        }
    }

    /// What it would take to bring the partner in step with its base, without a lock.
    pub async fn foresee(&mut self, rotation: &Alternation<'_>, clock: Clock) -> Result<Alignment> {
        match self {
            Self::Postgres(session) => session.foresee(rotation, clock).await,
        }
    }

    /// What it takes to bring the partner in step with its base, under the lock.
    pub async fn compare(&mut self, rotation: &Alternation<'_>) -> Result<Alignment> {
        match self {
            Self::Postgres(session) => session.compare(rotation).await,
        }
    }

    /// Makes one change under the lock.
    ///
    /// Safe to repeat: nothing counts before the password is set, in the same transaction, and a change that was made is
    /// not in the next comparison.
    pub async fn align(&mut self, change: &Change, clock: Clock) -> Result<Aligned> {
        match self {
            Self::Postgres(session) => session.align(change, clock).await,
        }
    }

    /// Proves that the session is what the credential says: the same account, the same rights, the same database.
    pub async fn prove(&mut self, credential: &Credential) -> Result<Identity> {
        match self {
            Self::Postgres(session) => session.prove(&credential.login, credential.may_be_partner()).await,
        }
    }

    /// Takes the lock of that name on the server, until [`Session::set_password`] or the end of the session.
    pub async fn lock(&mut self, name: &str, clock: Clock) -> Result<()> {
        match self {
            Self::Postgres(session) => session.lock(name, clock).await,
        }
    }

    /// Makes the server accept what `pending` holds and releases the lock. Returns false where another change of the same
    /// account was in the way: then nothing was changed, and everything from the lock on must be done again.
    ///
    /// Safe to repeat: the account ends with the same password.
    pub async fn set_password(&mut self, pending: &Credential, clock: Clock) -> Result<bool> {
        match self {
            Self::Postgres(session) => session.set_password(pending.account(), &pending.login.password, clock).await,
        }
    }

    /// Replaces the password of `account` by `throw_away` and releases the lock. Returns false as
    /// [`Session::set_password`] does.
    ///
    /// Safe to repeat: nobody knows the password, be it this one or the next.
    pub async fn scramble(&mut self, account: &str, throw_away: &Sensitive, clock: Clock) -> Result<bool> {
        match self {
            Self::Postgres(session) => session.set_password(account, throw_away, clock).await,
        }
    }

    /// Releases the lock with nothing changed.
    pub async fn release(&mut self) -> Result<()> {
        match self {
            Self::Postgres(session) => session.release().await,
        }
    }

    /// The number by which the server knows this session.
    pub async fn number(&mut self) -> Result<i32> {
        match self {
            Self::Postgres(session) => session.number().await,
        }
    }

    /// The open sessions of an account but these, the most frequent first.
    pub async fn sessions(&mut self, account: &str, but: &[i32]) -> Result<Vec<Alike>> {
        match self {
            Self::Postgres(session) => session.sessions(account, but).await,
        }
    }

    /// The statement with which somebody who may ends an account's sessions.
    #[must_use]
    pub fn by_hand(&self, account: &str) -> String {
        match self {
            Self::Postgres(_) => postgres::by_hand(account),
        }
    }

    /// Ends sessions of an account but these, and gives the numbers of those that were there; nothing where the server
    /// does not let this session do so.
    ///
    /// Safe to repeat: a session that has ended is not found again, and one that is new in its place is not meant to be
    /// there either.
    pub async fn end_sessions(&mut self, account: &str, which: Which, but: &[i32]) -> Result<Option<BTreeSet<i32>>> {
        match self {
            Self::Postgres(session) => session.end_sessions(account, which, but).await,
        }
    }

    /// Makes the changes and sets the password of `account` as a rotation would, and takes all of it back: proves the right
    /// to. Gives what would be left out.
    ///
    /// Safe to repeat: the transaction is rolled back, also by the server when the connection breaks.
    pub async fn rehearse(
        &mut self,
        (lock, account): (&str, &str),
        changes: &[Change],
        throw_away: &Sensitive,
        clock: Clock,
    ) -> Result<Vec<String>> {
        match self {
            Self::Postgres(session) => session.rehearse((lock, account), changes, throw_away, clock).await,
        }
    }

    /// Ends the session in good order. Failing at it changes nothing.
    pub async fn close(self) {
        match self {
            Self::Postgres(session) => session.close().await,
        }
    }
}
