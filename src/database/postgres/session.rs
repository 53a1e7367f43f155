//! An open session on a PostgreSQL server.

use std::time::Duration;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Error as Driver, Row, raw_sql};

use super::account::{self, DATABASE, Facts};
use super::statements;
use crate::context::Clock;
use crate::database::Identity;
use crate::database::wire::{Wire, silent};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Login, Sensitive};

/// How long to wait for any answer: longer than the server's own limits, so that the server speaks first.
const ANSWER: Duration = Duration::from_secs(6);
/// How often to look where a look is cancelled before it has begun: each lifts the limit in its first statement.
const LOOKS: u32 = 8;

/// The session.
pub struct Session {
    connection: PgConnection,
    wire: Option<Wire>,
}

impl Session {
    pub(super) fn new(connection: PgConnection, wire: Option<Wire>) -> Self {
        Self { connection, wire }
    }

    pub(in crate::database) async fn check_writer(&mut self, account: &str) -> Result<()> {
        account::check_writer(&self.facts(account).await?, account)
    }

    pub(in crate::database) async fn check_server(&mut self, account: &str) -> Result<()> {
        account::check_server(&self.facts(account).await?, account)
    }

    async fn facts(&mut self, account: &str) -> Result<Facts> {
        let row = self.look(&statements::facts(account)).await.map_err(|error| match error {
            Driver::RowNotFound => Error::new(
                ErrorKind::RefusedAccount,
                format!("the server has no role {account:?}"),
                "correct username in the secret, or create the role",
            ),
            other => sanitised("reading the server's state", &other),
        })?;
        facts(&row).map_err(|error| sanitised("reading the server's state", &error))
    }

    /// `may_be_partner` where the account's settings should have it act as another one.
    pub(in crate::database) async fn prove(&mut self, login: &Login, may_be_partner: bool) -> Result<Identity> {
        let failed = |error: &Driver| sanitised("asking who is logged in", error);
        let row = self.look(statements::IDENTITY).await.map_err(|error| failed(&error))?;
        let identity = Identity {
            session_user: row.try_get(0).map_err(|error| failed(&error))?,
            current_user: row.try_get(1).map_err(|error| failed(&error))?,
            database: row.try_get(2).map_err(|error| failed(&error))?,
        };
        let acts_as: String = row.try_get(3).map_err(|error| failed(&error))?;
        let expected = login.dbname.as_deref().unwrap_or(DATABASE);
        if identity.session_user == login.username && identity.database == expected {
            return if may_be_partner { acts(identity, &acts_as) } else { Ok(identity) };
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!(
                "logging in as {:?} to {expected:?} gave a session of {:?} on {:?}: something between us and the server maps \
                 logins",
                login.username, identity.session_user, identity.database
            ),
            "put the server's own address into the secret's host, not a pooler's",
        ))
    }

    pub(in crate::database) async fn is_replica(&mut self) -> Result<bool> {
        self.truth(statements::IN_RECOVERY, "asking for the server's role").await
    }

    pub(super) async fn truth(&mut self, query: &str, doing: &str) -> Result<bool> {
        let row = self.look(query).await.map_err(|error| sanitised(doing, &error))?;
        row.try_get(0).map_err(|error| sanitised(doing, &error))
    }

    pub(in crate::database) async fn lock(&mut self, account: &str, clock: Clock) -> Result<()> {
        let answer = self.run(statements::begin_and_lock(account, clock.left())).await;
        if answer.is_err() {
            // The session may be wanted for something else.
            let _ = self.run("ROLLBACK".to_owned()).await;
        }
        match answer {
            Ok(()) => Ok(()),
            Err(error) if sqlstate(&error).as_deref() == Some("55P03") => Err(Error::new(
                ErrorKind::FailedDatabase,
                format!("another rotation has held the lock of {account:?} for {} s", statements::LOCK_WAIT.as_secs()),
                "wait until it has ended and run the step again; nothing was changed",
            )),
            Err(error) => Err(sanitised("taking the account's lock", &error)),
        }
    }

    pub(in crate::database) async fn set_password(
        &mut self,
        account: &str,
        password: &Sensitive,
        clock: Clock,
    ) -> Result<bool> {
        let verifier = statements::verifier(password)?;
        let statement = statements::set_password(account, &verifier, clock.left());
        let answer = match self.run(statement).await {
            Ok(()) => self.run("COMMIT".to_owned()).await,
            failed => failed,
        };
        self.or_conflict(answer, "ALTER ROLE ... PASSWORD").await
    }

    /// Whether a statement was carried out; false where somebody's change of the same role, without our lock, was in the way.
    /// Then the transaction is void and must be begun again.
    pub(super) async fn or_conflict(&mut self, answer: std::result::Result<(), Driver>, doing: &str) -> Result<bool> {
        match answer {
            Ok(()) => Ok(true),
            Err(Driver::Database(error))
                if error.code().as_deref() == Some("XX000") && error.message().contains("concurrently") =>
            {
                self.run("ROLLBACK".to_owned()).await.map_err(|error| sanitised("rolling back", &error))?;
                Ok(false)
            }
            Err(error) => {
                // The session may be wanted for something else.
                let _ = self.run("ROLLBACK".to_owned()).await;
                Err(sanitised(doing, &error))
            }
        }
    }

    pub(in crate::database) async fn close(self) {
        // The relay ends when the connection does, and takes the good-bye along. Failing at it changes nothing.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.close()).await;
        if let Some(wire) = self.wire {
            wire.drain().await;
        }
    }

    pub(super) async fn run(&mut self, statement: String) -> std::result::Result<(), Driver> {
        let answer = raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection);
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| silent())?.map(drop)
    }

    /// Looks outside a transaction of ours; and again where an account's own `statement_timeout` was too short even for
    /// lifting it.
    pub(super) async fn look(&mut self, query: &str) -> std::result::Result<PgRow, Driver> {
        for _ in 1..LOOKS {
            match self.row(statements::aside(query)).await {
                Err(error) if sqlstate(&error).as_deref() == Some("57014") => {}
                answer => return answer,
            }
        }
        self.row(statements::aside(query)).await
    }

    /// Looks inside a transaction of ours, which has settings of its own.
    pub(super) async fn row(&mut self, query: String) -> std::result::Result<PgRow, Driver> {
        let answer = raw_sql(AssertSqlSafe(query)).fetch_one(&mut self.connection);
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| silent())?
    }
}

/// Refuses a session whose account should act as another one and does not.
fn acts(identity: Identity, acts_as: &str) -> Result<Identity> {
    if identity.current_user == acts_as {
        return Ok(identity);
    }
    Err(Error::new(
        ErrorKind::FailedProof,
        format!(
            "{:?} logs in, but its setting role = {acts_as:?} had no effect: current_user is {:?}, without the rights and \
             objects of the other (the server only warns: permission denied to set role)",
            identity.session_user, identity.current_user
        ),
        format!(
            "make {:?} a member of {acts_as:?} (from PostgreSQL 16 on, WITH SET TRUE); with alternating users setSecret does \
             so when Secrets Manager tries again",
            identity.session_user
        ),
    ))
}

pub(super) fn sqlstate(error: &Driver) -> Option<String> {
    match error {
        Driver::Database(answer) => answer.code().map(std::borrow::Cow::into_owned),
        _ => None,
    }
}

/// A driver's error as ours. The driver's text stays behind: it may quote the statement.
pub(super) fn sanitised(doing: &str, error: &Driver) -> Error {
    match sqlstate(error).as_deref() {
        Some("25006") => Error::new(
            ErrorKind::RefusedServer,
            format!("{doing}: the server is read-only (SQLSTATE 25006)"),
            "put the writer's endpoint into the secret's host, or turn read-only off",
        ),
        Some("42501") => Error::new(
            ErrorKind::RefusedAccount,
            format!("{doing}: the account lacks the right (SQLSTATE 42501)"),
            "grant it, or tag the secret keyroll:admin-secret with a login that has it",
        ),
        Some("22023") => Error::new(
            ErrorKind::RefusedAccount,
            format!("{doing}: a password check of the server refused it (SQLSTATE 22023)"),
            "look at the server's passwordcheck settings",
        ),
        Some(code) => Error::new(
            ErrorKind::FailedDatabase,
            format!("{doing}: the server answered with SQLSTATE {code}"),
            "see the server's log for that code (55P03: lock timeout; 57014: statement timeout); then run the step again",
        ),
        None => Error::new(
            ErrorKind::FailedDatabase,
            format!("{doing}: the connection failed or the server did not answer"),
            "run the step again: repeating it is safe",
        ),
    }
}

fn facts(row: &PgRow) -> std::result::Result<Facts, Driver> {
    let text = |column: usize| row.try_get::<String, _>(column);
    Ok(Facts {
        in_recovery: row.try_get(0)?,
        read_only: text(1)? == "on",
        read_only_source: text(2)?,
        version: text(3)?.parse().unwrap_or(0),
        passwords_restricted: matches!(text(4)?.as_str(), "on" | "1" | "true"),
        writer: text(5)?,
        writer_super: row.try_get(6)?,
        writer_create_role: row.try_get(7)?,
        target_super: row.try_get(8)?,
        target_replication: row.try_get(9)?,
        target_iam: row.try_get(10)?,
        writer_password_role: row.try_get(11)?,
        writer_has_admin_option: row.try_get(12)?,
    })
}
