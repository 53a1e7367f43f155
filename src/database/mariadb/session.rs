//! An open session on a MariaDB server.

use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Error as Driver, Row as _, raw_sql};

use super::account::{Facts, may_alter_accounts, number, parts, place};
use super::definition::Definition;
use super::errors::{sanitised, told};
use super::rows::{self, Row, Rows};
use super::statements;
use crate::database::Identity;
use crate::database::wire::{Wire, silent};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Login;

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
    /// The account that the server has let in; unknown where the password has expired.
    identity: Option<Identity>,
    /// Whether this is the administrator's session, also where that is the account itself.
    administers: bool,
}

impl Session {
    pub(super) fn new(connection: MySqlConnection, wire: Option<Wire>, account: String) -> Self {
        Self { connection, wire, account, facts: None, identity: None, administers: false }
    }

    /// Takes this session for the administrator's.
    pub(in crate::database) fn administer(&mut self) {
        self.administers = true;
    }

    /// Whether the account can only be changed as one changes one's own.
    pub(super) fn is_own(&self, account: &str) -> bool {
        !self.administers && account == self.account
    }

    pub(in crate::database) async fn check_writer(&mut self, account: &str, plaintext: bool) -> Result<()> {
        if !self.is_own(account) {
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

    pub(in crate::database) async fn check_server(&mut self, plaintext: bool) -> Result<()> {
        self.facts().await?.check(plaintext)?;
        let grants = self.own_grants().await?;
        if may_alter_accounts(&grants) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("the administrator {:?} may not change other accounts (error 1227)", self.account),
            format!("GRANT CREATE USER ON *.* TO {}", self.writer()),
        ))
    }

    pub(in crate::database) async fn is_replica(&mut self) -> Result<bool> {
        Ok(self.facts().await?.read_only)
    }

    /// Whether there is an account of that name; none where this session may not see that.
    pub(in crate::database) async fn knows(&mut self, account: &str) -> Result<Option<bool>> {
        match self.rows(statements::hosts(account)).await {
            Ok(rows) => Ok(Some(!rows.is_empty())),
            Err(error) if matches!(number(&error), Some(1044 | 1142 | EXPIRED)) => Ok(None),
            Err(error) => Err(sanitised("looking for an account", &error)),
        }
    }

    /// Looks whom the server has let in. It may be somebody else than was asked for: an anonymous user, or whomever a plugin
    /// maps the login to. Nothing may be concluded about the account then, least of all that its owner stored the password.
    pub(super) async fn introduce(&mut self, login: &Login) -> Result<()> {
        let rows = match self.rows(statements::IDENTITY.to_owned()).await {
            Ok(rows) => rows,
            // All that is known of an expired one is in the rules of the account, which are looked at before they change.
            Err(error) if number(&error) == Some(EXPIRED) => return Ok(()),
            Err(error) => return Err(sanitised("asking who is logged in", &error)),
        };
        let text = |column: usize| cell(&rows, column).unwrap_or_default().to_owned();
        let identity = Identity { session_user: text(0), current_user: text(1), database: text(2) };
        if parts(&identity.current_user).0 != login.username {
            return Err(Error::new(
                ErrorKind::RefusedAccount,
                format!(
                    "{} takes the login of {:?} for that of {:?}",
                    place(login),
                    login.username,
                    identity.current_user
                ),
                "drop the anonymous user of that host (''@host), or whatever maps the login; or create the account for the host \
                 that keyroll comes from",
            ));
        }
        self.identity = Some(identity);
        Ok(())
    }

    pub(in crate::database) fn prove(&self, login: &Login) -> Result<Identity> {
        let identity = self.identity.clone().ok_or_else(|| told("asking who is logged in", EXPIRED))?;
        let expected = login.dbname.as_deref().unwrap_or_default();
        // On servers that keep names of databases in lower case, what was asked for may come back in it.
        if identity.database.to_lowercase() == expected.to_lowercase() {
            return Ok(identity);
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("logging in to {expected:?} gave {identity}: something between us and the server maps logins"),
            "put the server's own address into the secret's host, not a proxy's",
        ))
    }

    /// Whether the account that is logged in accepts two passwords.
    pub(in crate::database) async fn overlaps(&mut self) -> Result<bool> {
        let definition = self.own_definition().await;
        let definition = definition.map_err(|error| sanitised("looking at the account", &error))?;
        Ok(rows::passwords(&definition) > 1)
    }

    pub(in crate::database) async fn release(&mut self) -> Result<()> {
        let released = self.run(statements::RELEASE.to_owned()).await;
        match released {
            // It took none.
            Err(error) if number(&error) == Some(EXPIRED) => Ok(()),
            released => released.map_err(|error| sanitised("releasing the account's lock", &error)),
        }
    }

    pub(in crate::database) async fn close(self) {
        // The relay ends when the connection does, and takes the good-bye along. Failing at it changes nothing.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.close()).await;
        if let Some(wire) = self.wire {
            wire.drain().await;
        }
    }

    /// The account that is logged in, as a statement names it.
    pub(super) fn writer(&self) -> String {
        let current = self.identity.as_ref().map_or(self.account.as_str(), |identity| &identity.current_user);
        let (user, host) = parts(current);
        statements::account(user, host)
    }

    pub(super) async fn own_grants(&mut self) -> Result<Vec<String>> {
        let doing = "looking at the rights of who is logged in";
        let shown = self.rows(statements::OWN_GRANTS.to_owned()).await.map_err(|error| sanitised(doing, &error))?;
        Ok(shown.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
    }

    /// The rows of an account, with how each is defined.
    pub(super) async fn rows_of(&mut self, account: &str) -> Result<Rows> {
        let failed = |error: &Driver| sanitised("looking at the account's rows in mysql.user", error);
        let mut found = Rows { account: account.to_owned(), rows: Vec::new() };
        let hosts = self.rows(statements::hosts_ours_last(account)).await.map_err(|error| failed(&error))?;
        for host in hosts.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
            let shown = self.rows(statements::definition(account, &host)).await.map_err(|error| failed(&error))?;
            let definition = parsed(&shown).map_err(|error| failed(&error))?;
            found.rows.push(Row { host, definition });
        }
        Ok(found)
    }

    pub(super) async fn own_definition(&mut self) -> std::result::Result<Definition, Driver> {
        let shown = self.rows(statements::OWN_DEFINITION.to_owned()).await?;
        parsed(&shown)
    }

    pub(super) async fn facts(&mut self) -> Result<&Facts> {
        self.ask().await.map_err(|error| sanitised("reading the server's state", &error))
    }

    /// The same, with the server's own error.
    pub(super) async fn ask(&mut self) -> std::result::Result<&Facts, Driver> {
        let facts = match self.facts.take() {
            Some(facts) => facts,
            None => facts(&self.rows(statements::FACTS.to_owned()).await?),
        };
        Ok(self.facts.insert(facts))
    }

    pub(super) async fn run(&mut self, statement: String) -> std::result::Result<(), Driver> {
        let answer = raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection);
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| silent())?.map(drop)
    }

    /// The rows of an answer, as text.
    pub(super) async fn rows(&mut self, query: String) -> std::result::Result<Vec<Vec<Option<String>>>, Driver> {
        let answer = raw_sql(AssertSqlSafe(query)).fetch_all(&mut self.connection);
        let rows = tokio::time::timeout(ANSWER, answer).await.map_err(|_| silent())??;
        rows.iter().map(texts).collect()
    }

    pub(in crate::database) fn is_expired(&self) -> bool {
        self.identity.is_none()
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }
}

/// `ER_MUST_CHANGE_PASSWORD`: the account's password has expired.
pub(super) const EXPIRED: u16 = 1820;

fn texts(row: &MySqlRow) -> std::result::Result<Vec<Option<String>>, Driver> {
    (0..row.len()).map(|column| row.try_get_unchecked(column)).collect()
}

pub(super) fn cell(rows: &[Vec<Option<String>>], column: usize) -> Option<&str> {
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
pub(super) fn is_on(value: &str) -> bool {
    !matches!(value.to_ascii_uppercase().as_str(), "0" | "OFF" | "")
}
