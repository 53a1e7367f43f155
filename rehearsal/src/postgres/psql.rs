//! Talking to the server through `psql`, as somebody who is not the code under test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Postgres;
use crate::guard::search_path;
use crate::tls::Tls;

/// How the server answered a login by password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Login {
    /// It let the role in.
    Accepted,
    /// It turned the role away for its password.
    Rejected,
}

/// A session that stays open, as a service's connection does. Dropping it ends it.
pub struct Held {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Held {
    /// Starts a client that has been told how to log in, and asks for a first answer.
    pub(crate) fn start(mut client: Command) -> Result<Self> {
        let mut child = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("the client's standard output was piped")?);
        let mut held = Self { child, input, output };
        held.ask("SELECT 'in'").context("the login was not accepted")?;
        Ok(held)
    }

    /// Runs a statement that answers with one line. It fails once the server has ended the session.
    pub fn ask(&mut self, sql: &str) -> Result<String> {
        let input = self.input.as_mut().context("the session was closed")?;
        writeln!(input, "{sql};").context("the session is over")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the session is over");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Whether the session is still there.
    pub fn is_open(&mut self) -> bool {
        self.ask("SELECT 1").is_ok_and(|answer| answer == "1")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

impl Postgres {
    /// Runs SQL as the superuser in the database `postgres` and returns its rows, columns parted by `|`.
    ///
    /// These statements are the stage's own; the server's log does not show them.
    pub fn sql(&self, sql: &str) -> Result<String> {
        self.sql_in("postgres", sql)
    }

    /// The same, in another database.
    pub fn sql_in(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.psql(database, "postgres");
        psql.env("PGHOST", self.directory());
        psql.env("PGOPTIONS", "-c log_statement=none -c log_min_error_statement=panic");
        rows(run(psql, sql)?)
    }

    /// Tries a login over TCP, with the certificate and host name verified where the server has TLS.
    ///
    /// It fails where no answer about the password came.
    pub fn try_login(&self, user: &str, password: &str, database: &str) -> Result<Login> {
        let output = run(self.psql_over_tcp(user, password, database), "SELECT")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            Ok(Login::Accepted)
        } else if errors.contains("password authentication failed") {
            Ok(Login::Rejected)
        } else {
            bail!("the login was not answered: {}", errors.trim())
        }
    }

    /// Runs SQL as somebody who logs in as [`Postgres::try_login`] does.
    pub fn sql_as(&self, user: &str, password: &str, database: &str, sql: &str) -> Result<String> {
        rows(run(self.psql_over_tcp(user, password, database), sql)?)
    }

    /// Opens a session that stays, by a login as [`Postgres::try_login`] does.
    pub fn hold(&self, user: &str, password: &str, database: &str) -> Result<Held> {
        Held::start(self.psql_over_tcp(user, password, database))
    }

    fn psql_over_tcp(&self, user: &str, password: &str, database: &str) -> Command {
        let mut psql = self.psql(database, user);
        psql.env("PGHOST", "localhost").env("PGHOSTADDR", "127.0.0.1").env("PGPASSWORD", password);
        if self.tls == Tls::Off {
            psql.env("PGSSLMODE", "disable");
        } else {
            psql.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", self.ca_pem_path());
        }
        psql
    }

    fn psql(&self, database: &str, user: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]);
        // Everything goes by environment: an argument with `=` in it would be read as a connection string.
        psql.env_clear().env("PATH", search_path()).env("LC_ALL", "C.UTF-8").env("PGCONNECT_TIMEOUT", "10");
        psql.env("PGPORT", self.port.to_string()).env("PGDATABASE", database).env("PGUSER", user);
        psql.env("PGAPPNAME", "keyroll-rehearsal");
        psql
    }
}

/// `name` as a quoted SQL identifier.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as a quoted SQL string, whatever `standard_conforming_strings` says.
#[must_use]
pub fn literal(text: &str) -> String {
    format!(" E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn rows(output: Output) -> Result<String> {
    if !output.status.success() {
        bail!("the SQL failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let rows = String::from_utf8(output.stdout)?;
    Ok(rows.strip_suffix('\n').unwrap_or(&rows).to_owned())
}

fn run(mut psql: Command, sql: &str) -> Result<Output> {
    psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = psql.spawn().context("psql cannot be started")?;
    let mut stdin = child.stdin.take().context("psql's standard input was piped")?;
    // A failed login closes the pipe before the SQL is read; the exit status tells the rest.
    let _ = stdin.write_all(sql.as_bytes());
    drop(stdin);
    Ok(child.wait_with_output()?)
}
