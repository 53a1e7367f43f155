//! Database servers: how keyroll logs in, what it says to them, and what their errors mean. A closed set of kinds, known at
//! build time; each has a place of its own below this one, so that adding a kind is one variant and wherever the compiler
//! then points. This room knows no rotation: its callers say what to change.

mod alignment;
mod credential;
mod log_in;
pub mod mariadb;
pub mod pair;
pub mod postgres;
pub mod probe;
mod scheme;
mod session;
mod wire;
mod words;

use std::fmt;

use crate::config::{KindTag, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::jose::KeyKind;
use crate::secret::Sensitive;

pub use alignment::{Alignment, Change};
pub use credential::Credential;
pub use pair::Pair;
pub use probe::Probe;
pub use scheme::Scheme;
pub use session::Session;

/// What a secret is that opens something; those that only have to be known are [`crate::jose::KeyKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A PostgreSQL login: RDS, Aurora or any other server.
    Postgres,
    /// A MariaDB login: RDS or any other server.
    MariaDb,
}

impl Kind {
    /// Whether an account can have two passwords at a time.
    #[must_use]
    pub fn holds_two(self) -> bool {
        self == Self::MariaDb
    }

    /// Refuses a tag `keyroll:kind` that names a kind of login which is unknown or not built. Kinds of keys are none of ours.
    pub fn check_tag(settings: &Settings) -> Result<()> {
        match &settings.kind {
            Some(tag) if KeyKind::of(settings).is_none() => Self::of(Some(tag), "").map(drop),
            _ => Ok(()),
        }
    }

    /// The kind that a secret's tag names, or, without a tag, the engine in its value.
    fn of(tag: Option<&KindTag>, engine: &str) -> Result<Self> {
        match tag {
            Some(KindTag::Postgres) => Ok(Self::Postgres),
            Some(KindTag::MariaDb) => Ok(Self::MariaDb),
            Some(tag @ (KindTag::MySql | KindTag::AuroraMySql)) => Err(not_built(tag.as_str())),
            Some(
                tag @ (KindTag::Jwt
                | KindTag::KeyRing
                | KindTag::SigningKey
                | KindTag::Token
                | KindTag::TokenList
                | KindTag::Unknown(_)),
            ) => Err(unknown(tag.as_str())),
            None => match engine {
                "postgres" | "aurora-postgresql" => Ok(Self::Postgres),
                "mariadb" => Ok(Self::MariaDb),
                "mysql" | "aurora-mysql" => Err(not_built(engine)),
                other => Err(unknown(other)),
            },
        }
    }
}

/// The refusal of a kind of the contract that this version cannot rotate yet.
fn not_built(kind: &str) -> Error {
    Error::new(
        ErrorKind::RefusedNotBuilt,
        format!("this version of keyroll does not rotate {kind} secrets yet"),
        "rotate this secret with the function that did so before",
    )
}

/// The refusal of a kind, or an engine, that is no database's.
fn unknown(kind: &str) -> Error {
    let kind: String = kind.chars().take(40).collect();
    Error::new(
        ErrorKind::RefusedValue,
        format!("the secret's kind or engine is {kind:?}, which keyroll does not know"),
        "set engine in the JSON to postgres, aurora-postgresql or mariadb, or correct the tag keyroll:kind: postgres, mariadb, \
         jwt, jwt-keyring, signing-key or token",
    )
}

/// The identity that the server reports for a session.
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

/// What a change of a password is to leave of what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The password before stays valid beside the new one, if it can.
    Both,
    /// The new password alone.
    New,
    /// The new password alone, of one of two accounts that take turns: what it had before is not known.
    Turn,
}

/// What an account accepts besides the password that is about to be set.
#[derive(Clone, Default)]
pub struct Beside {
    /// Whether the password before can stay valid beside the new one.
    pub stays: bool,
    /// Why it cannot, where the kind has a way to.
    pub why_not: Option<String>,
    /// By what the server knows passwords of which nobody knows yet whose they are.
    pub unknown: Vec<Sensitive>,
    /// What would be destroyed without anybody knowing whose it is.
    pub strangers: Vec<String>,
    /// What an operator should know although nothing is refused.
    pub warnings: Vec<String>,
}

/// How far a password has come, in an account that has several: the rows by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Those that accept it.
    pub with: Vec<String>,
    /// Those that do not.
    pub without: Vec<String>,
    /// Those that accept it, and another password as well.
    pub besides: Vec<String>,
}

/// What a rehearsal has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// What the session has done and taken back.
    pub proven: Vec<String>,
    /// What cannot be.
    pub not_tried: Vec<String>,
    /// What would be left out.
    pub left_out: Vec<String>,
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

/// Which sessions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All but our own.
    All,
    /// Those that began before the one that asks: it is the first to have logged in with the new password.
    Earlier,
}
