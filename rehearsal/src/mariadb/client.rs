//! Talking to the server through the client `mariadb`, as somebody who is not the code under test.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{Held, Login, MariaDb};
use crate::guard::search_path;
use crate::tls::Tls;

/// The server id that the binary log shows for the stage's own statements.
pub(super) const STAGE: u32 = 4_000_000_000;

impl MariaDb {
    /// Runs SQL as the superuser, in no database, and returns its rows, columns parted by tabs.
    ///
    /// These statements are the stage's own: the logs show that root came and no more, and [`MariaDb::binlog_since`]
    /// leaves them out. They run under the server's own default `sql_mode`, whatever the settings say.
    pub fn sql(&self, sql: &str) -> Result<String> {
        self.sql_in("", sql)
    }

    /// The same, in a database.
    pub fn sql_in(&self, database: &str, sql: &str) -> Result<String> {
        let mut client = client("root", &self.root_password, database);
        client.arg("--protocol=socket").arg(format!("--socket={}", self.directory().join("socket").display()));
        client.arg("--skip-ssl");
        // The binary log keeps them for the sake of replicas, under an id of their own.
        let quietly = format!("SET SESSION sql_log_off=1, slow_query_log=0, server_id={STAGE}, {DEFAULT_MODE}");
        client.arg(format!("--init-command={quietly}"));
        rows(run(client, sql)?)
    }

    /// Tries a login over TCP, with the certificate and host name verified where the server has TLS.
    ///
    /// It fails where no answer about the password came, and for an account that is locked. No name of a database
    /// (an empty one) is fine.
    pub fn try_login(&self, user: &str, password: &str, database: &str) -> Result<Login> {
        let output = run(self.client_over_tcp(user, password, database), "")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            Ok(Login::Accepted)
        } else if errors.contains("ERROR 1045 (28000)") || errors.contains("ERROR 1698 (28000)") {
            // The second is for an account that nobody gets into by password; a clear-text login to an account that
            // requires TLS is answered by the first.
            Ok(Login::Rejected)
        } else {
            bail!("the login was not answered: {}", errors.trim())
        }
    }

    /// Runs SQL as somebody who logs in as [`MariaDb::try_login`] does.
    pub fn sql_as(&self, user: &str, password: &str, database: &str, sql: &str) -> Result<String> {
        rows(run(self.client_over_tcp(user, password, database), sql)?)
    }

    /// Opens a session that stays, by a login as [`MariaDb::try_login`] does.
    pub fn hold(&self, user: &str, password: &str, database: &str) -> Result<Held> {
        let mut client = self.client_over_tcp(user, password, database);
        // Each answer at once, and no second login where the server has ended the session.
        client.args(["--unbuffered", "--skip-reconnect"]);
        Held::start(client)
    }

    pub(super) fn client_over_tcp(&self, user: &str, password: &str, database: &str) -> Command {
        let mut client = client(user, password, database);
        client.args(["--protocol=tcp", "--host=localhost"]).arg(format!("--port={}", self.port));
        if self.tls == Tls::Off {
            client.arg("--skip-ssl");
        } else {
            client.arg(format!("--ssl-ca={}", self.ca_pem_path().display())).arg("--ssl-verify-server-cert");
        }
        client
    }
}

const DEFAULT_MODE: &str =
    "sql_mode='STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION'";

fn client(user: &str, password: &str, database: &str) -> Command {
    let mut client = Command::new("mariadb");
    // Rows and statements as they are: no escapes in the one, no commands of the client's own in the other.
    client.args(["--no-defaults", "--batch", "--raw", "--skip-column-names", "--binary-mode", "--comments"]);
    client.args(["--default-character-set=utf8mb4", "--connect-timeout=10"]);
    client.env_clear().env("PATH", search_path()).env("LC_ALL", "C.UTF-8").env("MYSQL_PWD", password);
    client.arg(format!("--user={user}"));
    if !database.is_empty() {
        client.arg(format!("--database={database}"));
    }
    client
}

fn rows(output: Output) -> Result<String> {
    if !output.status.success() {
        bail!("the SQL failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let rows = String::from_utf8(output.stdout)?;
    Ok(rows.strip_suffix('\n').unwrap_or(&rows).to_owned())
}

fn run(mut client: Command, sql: &str) -> Result<Output> {
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().context("the client mariadb cannot be started: run scripts/prepare demo")?;
    let mut stdin = child.stdin.take().context("the client's standard input was piped")?;
    // A failed login closes the pipe before the SQL is read; the exit status tells the rest.
    let _ = stdin.write_all(sql.as_bytes());
    drop(stdin);
    Ok(child.wait_with_output()?)
}
