//! An open session on a MariaDB server.

use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Error as Driver, Row as _, raw_sql};

use super::account::{Facts, may_alter_accounts, number, parts};
use super::definition::Definition;
use super::errors::{forbidden, sanitised, told};
use super::rows::{self, Row, Rows};
use super::statements::{self, Form, verifier};
use crate::error::{Error, ErrorKind, Result};
use crate::kind::wire::{Wire, silent};
use crate::kind::{Beside, Identity};
use crate::secret::{Login, Sensitive};

/// How long to wait for any answer: longer than the server's own limits, so that the server speaks first.
const ANSWER: Duration = Duration::from_secs(6);

/// The session.
pub struct Session {
    connection: MySqlConnection,
    wire: Option<Wire>,
    /// The account that logged in.
    account: String,
    /// What the server showed of itself; it is asked once.
    facts: Option<Facts>,
    /// Whether it has said that the account's password has expired.
    expired: bool,
}

impl Session {
    pub(super) fn new(connection: MySqlConnection, wire: Option<Wire>, account: String) -> Self {
        Self { connection, wire, account, facts: None, expired: false }
    }

    pub(in crate::kind) async fn check_writer(&mut self, account: &str, plaintext: bool) -> Result<()> {
        if account != self.account {
            self.check_server(plaintext).await?;
            return self.rows_of(account).await?.ours(false).map(drop);
        }
        match self.own_definition().await {
            Ok(definition) => {
                self.facts().await?.check(plaintext)?;
                rows::check_own(&definition, account)
            }
            // All that an expired account may do is to set its password.
            Err(error) if number(&error) == Some(EXPIRED) => Ok(()),
            Err(error) => Err(sanitised("looking at the account", &error)),
        }
    }

    pub(in crate::kind) async fn check_server(&mut self, plaintext: bool) -> Result<()> {
        self.facts().await?.check(plaintext)?;
        let doing = "looking at the administrator's rights";
        let shown = self.rows(statements::OWN_GRANTS.to_owned()).await.map_err(|error| sanitised(doing, &error))?;
        let grants: Vec<String> = shown.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
        if may_alter_accounts(&grants) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("the administrator {:?} may not change other accounts (error 1227)", self.account),
            "GRANT CREATE USER ON *.* and SELECT ON mysql.* to it",
        ))
    }

    pub(in crate::kind) async fn is_replica(&mut self) -> Result<bool> {
        Ok(self.facts().await?.read_only)
    }

    /// Whether there is an account of that name; none where this session may not see that.
    pub(in crate::kind) async fn knows(&mut self, account: &str) -> Result<Option<bool>> {
        match self.rows(statements::hosts(account)).await {
            Ok(rows) => Ok(Some(!rows.is_empty())),
            Err(error) if matches!(number(&error), Some(1044 | 1142)) => Ok(None),
            Err(error) => Err(sanitised("looking for an account", &error)),
        }
    }

    pub(in crate::kind) async fn prove(&mut self, login: &Login) -> Result<Identity> {
        let rows = self.rows(statements::IDENTITY.to_owned()).await;
        let rows = rows.map_err(|error| sanitised("asking who is logged in", &error))?;
        let text = |column: usize| cell(&rows, column).unwrap_or_default();
        let (session, current, database) = (text(0), text(1), text(2));
        let expected = login.dbname.as_deref().unwrap_or_default();
        let as_named = parts(session).0 == login.username && parts(current).0 == login.username;
        // On servers that keep names of databases in lower case, what was asked for may come back in it.
        if as_named && database.to_lowercase() == expected.to_lowercase() {
            return Ok(Identity {
                session_user: session.to_owned(),
                current_user: current.to_owned(),
                database: database.to_owned(),
            });
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!(
                "logging in as {:?} to {expected:?} gave a session of {session:?}, acting as {current:?}, on {database:?}: the \
                 server, or something before it, maps logins",
                login.username
            ),
            "put the server's own address into the secret's host, not a proxy's; drop anonymous users (''@host), which take \
             logins of everybody else from their hosts",
        ))
    }

    /// Whether the account that is logged in accepts two passwords.
    pub(in crate::kind) async fn overlaps(&mut self) -> Result<bool> {
        let definition = self.own_definition().await;
        let definition = definition.map_err(|error| sanitised("looking at the account", &error))?;
        Ok(rows::passwords(&definition) > 1)
    }

    pub(in crate::kind) async fn beside(&mut self, account: &str, known: &[Sensitive], wanted: bool) -> Result<Beside> {
        if account == self.account {
            let why = "an account cannot give itself a second password (error 1227): without an administrator the password before \
                       ends at once";
            return Ok(Beside { why_not: Some(why.to_owned()), ..Beside::default() });
        }
        let why_not = self.facts().await?.no_second();
        let rows = self.rows_of(account).await?;
        let stays = wanted && why_not.is_none();
        let (strangers, warnings) = (rows.strangers(known, stays), rows.warnings(wanted.then_some(known)));
        Ok(Beside { stays, why_not: why_not.filter(|_| wanted), strangers, warnings })
    }

    pub(in crate::kind) async fn lock(&mut self, account: &str) -> Result<()> {
        match self.rows(statements::lock(account)).await {
            Ok(rows) if cell(&rows, 0) == Some("1") => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::FailedDatabase,
                format!("another rotation has held the lock of {account:?} for {} s", statements::LOCK_WAIT.as_secs()),
                "wait until it has ended and run the step again; nothing was changed",
            )),
            // An expired account may take no lock, and do nothing else but set its own password.
            Err(error) if number(&error) == Some(EXPIRED) => Ok(()),
            Err(error) => Err(sanitised("taking the account's lock", &error)),
        }
    }

    /// Sets the password of every row of the account, `old` beside it where that is given.
    ///
    /// Every row is tried, also where one before it fails, so that no row is left behind for another one's sake; with the old
    /// password beside the new one a row that failed lets the same login in as all others.
    pub(in crate::kind) async fn set_password(
        &mut self,
        account: &str,
        (new, old): (&Sensitive, Option<&Sensitive>),
        unlock: bool,
    ) -> Result<()> {
        if account == self.account {
            let form = self.own_form().await?;
            let statement = statements::set_own_password(new, form);
            let answer = self.run(statement.expose().to_owned()).await;
            return self.explained("SET PASSWORD", answer).await;
        }
        let form = self.facts().await?.form();
        let passwords: Vec<&Sensitive> = [Some(new), old].into_iter().flatten().collect();
        let verifiers: Vec<Sensitive> = passwords.iter().map(|password| verifier(password)).collect();
        let rows = self.rows_of(account).await?;
        let mut failed = Vec::new();
        for row in rows.ours(unlock)? {
            // A validator that remembers would refuse what it has let pass before.
            if form == Form::Plaintext && row.accepts(&verifiers) && !row.definition.locked {
                continue;
            }
            let unlock = unlock && row.definition.locked;
            let statement = statements::set_ways(account, &row.host, &row.ways(&passwords), form, unlock);
            let answer = self.run(statement.expose().to_owned()).await;
            let is_over = answer.as_ref().is_err_and(|error| number(error).is_none());
            let doing = format!("ALTER USER {}", statements::account(account, &row.host));
            failed.extend(self.explained(&doing, answer).await.err());
            if is_over {
                break;
            }
        }
        Error::join(failed).map_or(Ok(()), Err)
    }

    pub(in crate::kind) async fn release(&mut self) -> Result<()> {
        let released = self.run(statements::RELEASE.to_owned()).await;
        match released {
            // It took none.
            Err(error) if number(&error) == Some(EXPIRED) => Ok(()),
            released => released.map_err(|error| sanitised("releasing the account's lock", &error)),
        }
    }

    pub(in crate::kind) async fn close(self) {
        // The relay ends when the connection does, and takes the good-bye along. Failing at it changes nothing.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.close()).await;
        if let Some(wire) = self.wire {
            wire.drain().await;
        }
    }

    /// The rows of an account, with how each is defined.
    async fn rows_of(&mut self, account: &str) -> Result<Rows> {
        let failed = |error: &Driver| sanitised("looking at the account's rows in mysql.user", error);
        let mut found = Rows { account: account.to_owned(), rows: Vec::new() };
        let hosts = self.rows(statements::hosts(account)).await.map_err(|error| failed(&error))?;
        for host in hosts.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
            let shown = self.rows(statements::definition(account, &host)).await.map_err(|error| failed(&error))?;
            let definition = parsed(&shown).map_err(|error| failed(&error))?;
            found.rows.push(Row { host, definition });
        }
        Ok(found)
    }

    async fn own_definition(&mut self) -> std::result::Result<Definition, Driver> {
        let shown = self.rows(statements::OWN_DEFINITION.to_owned()).await?;
        parsed(&shown)
    }

    /// The form of a password that the account sets itself. An expired one may not ask, and is told if the hash will not do.
    async fn own_form(&mut self) -> Result<Form> {
        match self.ask().await {
            Ok(facts) => Ok(facts.form()),
            Err(error) if number(&error) == Some(EXPIRED) => Ok(Form::Hash),
            Err(error) => Err(sanitised("reading the server's state", &error)),
        }
    }

    async fn facts(&mut self) -> Result<&Facts> {
        self.ask().await.map_err(|error| sanitised("reading the server's state", &error))
    }

    async fn ask(&mut self) -> std::result::Result<&Facts, Driver> {
        let facts = match self.facts.take() {
            Some(facts) => facts,
            None => facts(&self.rows(statements::FACTS.to_owned()).await?),
        };
        Ok(self.facts.insert(facts))
    }

    /// What became of a statement with a password in it. Of a refused one the server tells the reason only as a warning, to
    /// whoever asks next.
    async fn explained(&mut self, doing: &str, answer: std::result::Result<(), Driver>) -> Result<()> {
        let Err(error) = answer else { return Ok(()) };
        if !matches!(number(&error), Some(1290 | 1396)) {
            return Err(sanitised(doing, &error));
        }
        let warnings = self.rows("SHOW WARNINGS".to_owned()).await.unwrap_or_default();
        let mut codes = warnings.iter().filter_map(|row| row.get(1)?.as_deref()?.parse::<u16>().ok());
        let reason = codes.find(|code| [1290, 1819].contains(code)).or(number(&error));
        if reason == Some(1290) {
            let read_only = self.rows("SELECT @@GLOBAL.read_only".to_owned()).await.unwrap_or_default();
            return Err(forbidden(doing, cell(&read_only, 0).is_some_and(is_on)));
        }
        Err(reason.map_or_else(|| sanitised(doing, &error), |code| told(doing, code)))
    }

    pub(super) async fn run(&mut self, statement: String) -> std::result::Result<(), Driver> {
        let answer = raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection);
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| silent())?.map(drop)
    }

    /// The rows of an answer, as text.
    pub(super) async fn rows(&mut self, query: String) -> std::result::Result<Vec<Vec<Option<String>>>, Driver> {
        let answer = raw_sql(AssertSqlSafe(query)).fetch_all(&mut self.connection);
        let answer = tokio::time::timeout(ANSWER, answer).await.map_err(|_| silent())?;
        self.expired |= answer.as_ref().is_err_and(|error| number(error) == Some(EXPIRED));
        answer?.iter().map(texts).collect()
    }

    pub(in crate::kind) fn is_expired(&self) -> bool {
        self.expired
    }
}

/// `ER_MUST_CHANGE_PASSWORD`: the account's password has expired.
const EXPIRED: u16 = 1820;

fn texts(row: &MySqlRow) -> std::result::Result<Vec<Option<String>>, Driver> {
    (0..row.len()).map(|column| row.try_get_unchecked(column)).collect()
}

fn cell(rows: &[Vec<Option<String>>], column: usize) -> Option<&str> {
    rows.first()?.get(column)?.as_deref()
}

/// A definition that cannot be read is not to be rewritten.
fn parsed(shown: &[Vec<Option<String>>]) -> std::result::Result<Definition, Driver> {
    let lines = shown.iter().filter_map(|row| row.first()?.as_deref());
    Definition::of(lines).ok_or_else(|| Driver::Protocol("an unknown definition".to_owned()))
}

fn facts(rows: &[Vec<Option<String>>]) -> Facts {
    let text = |column: usize| cell(rows, column).unwrap_or_default().to_owned();
    Facts {
        version: text(0),
        read_only: is_on(&text(1)),
        strict: is_on(&text(2)),
        validators: text(3).split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// A variable of the server that is a switch, or has become more than one in a later version.
fn is_on(value: &str) -> bool {
    !matches!(value.to_ascii_uppercase().as_str(), "0" | "OFF" | "")
}
