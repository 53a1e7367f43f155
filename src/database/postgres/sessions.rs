//! The open sessions of an account: who is in, and ending them. A password that has changed ends no session.
//!
//! Everybody may see that a session is there and what it calls itself; since when, and from where, is for members of its
//! account to see, and ending it is for them, for members of `pg_signal_backend` and for superusers. So each account best
//! ends its own: `role = none` because an account may be set to act as another, which is no member of the first.

use std::collections::BTreeSet;
use std::time::Duration;

use postgres_protocol::escape::escape_literal;

use super::session::{Session, sanitised, sqlstate};
use crate::database::{Alike, Which};
use crate::error::{Error, ErrorKind, Result};

/// The server's limit for each of these statements.
const LIMIT: Duration = Duration::from_secs(2);

impl Session {
    /// Ends the transaction with nothing changed, and the lock with it.
    pub(in crate::database) async fn release(&mut self) -> Result<()> {
        self.run("ROLLBACK".to_owned()).await.map_err(|error| sanitised("releasing the account's lock", &error))
    }

    pub(in crate::database) async fn number(&mut self) -> Result<i64> {
        let doing = "asking for the session's number";
        let row = self.look("SELECT pg_catalog.pg_backend_pid()").await;
        let number = row.and_then(|row| sqlx::Row::try_get::<i32, _>(&row, 0));
        number.map(i64::from).map_err(|error| sanitised(doing, &error))
    }

    pub(in crate::database) async fn sessions(&mut self, account: &str, but: &[i64]) -> Result<Vec<Alike>> {
        let text = self.text(look(account, but), "looking for open sessions").await?;
        serde_json::from_str(&text).map_err(|_| {
            Error::new(
                ErrorKind::FailedDefect,
                "the server shows its sessions in a form that keyroll does not know",
                "report this defect with the server's version",
            )
        })
    }

    pub(in crate::database) async fn end_sessions(
        &mut self,
        account: &str,
        which: Which,
        but: &[i64],
    ) -> Result<Option<BTreeSet<i64>>> {
        let doing = "ending sessions";
        match self.row(as_itself(&end(account, which, but))).await {
            Ok(row) => {
                let numbers: String = sqlx::Row::try_get(&row, 0).map_err(|error| sanitised(doing, &error))?;
                Ok(Some(numbers.split(' ').filter_map(|number| number.parse().ok()).collect()))
            }
            Err(error) if sqlstate(&error).as_deref() == Some("42501") => Ok(None),
            Err(error) => Err(sanitised(doing, &error)),
        }
    }

    async fn text(&mut self, query: String, doing: &str) -> Result<String> {
        let row = self.row(as_itself(&query)).await;
        row.and_then(|row| sqlx::Row::try_get(&row, 0)).map_err(|error| sanitised(doing, &error))
    }
}

/// A look or a blow by the account that logged in, whomever it acts as, with settings for itself only: see
/// `statements::aside`.
fn as_itself(query: &str) -> String {
    format!(
        "SET LOCAL role = none; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = {}; {query}",
        LIMIT.as_millis()
    )
}

/// Which rows of `pg_stat_activity` are sessions of an account. The type of another's session is not shown to everybody;
/// what is shown to be a background worker of the server came in by no password.
fn of(account: &str, but: &[i64]) -> String {
    let ours: Vec<String> = ["pg_backend_pid()".to_owned()].into_iter().chain(but.iter().map(i64::to_string)).collect();
    format!(
        "FROM pg_stat_activity WHERE usename = {} AND pid NOT IN ({}) \
         AND COALESCE(backend_type IN ('client backend', 'walsender'), true)",
        escape_literal(account),
        ours.join(", ")
    )
}

fn look(account: &str, but: &[i64]) -> String {
    format!(
        "SELECT COALESCE(json_agg(s), '[]')::text FROM (SELECT count(*) AS count, \
         COALESCE(application_name, '') AS application, host(client_addr) AS client {} \
         GROUP BY 2, 3 ORDER BY 1 DESC, 2, 3) s",
        of(account, but)
    )
}

/// A backend is started before its client has sent a password, so that whatever was started after this session was
/// checked against a password at least as new.
fn end(account: &str, which: Which, but: &[i64]) -> String {
    let earlier = match which {
        Which::All => "",
        Which::Earlier => {
            " AND backend_start < (SELECT me.backend_start FROM pg_stat_activity me WHERE me.pid = pg_backend_pid())"
        }
    };
    format!(
        "SELECT COALESCE(string_agg(pid::text, ' ' ORDER BY pid) FILTER (WHERE told IS NOT NULL), '') \
         FROM (SELECT pid, pg_terminate_backend(pid) AS told {}{earlier}) s",
        of(account, but)
    )
}

/// The roles that may end sessions, and the statement.
pub(in crate::database) fn by_hand(account: &str) -> String {
    format!(
        "as a superuser or a member of pg_signal_backend: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}",
        escape_literal(account).trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_our_own_sessions_left_alone() {
        let statement = end("o'neil", Which::All, &[7, 8]);
        assert!(statement.contains("usename = 'o''neil' AND pid NOT IN (pg_backend_pid(), 7, 8)"), "{statement}");
        assert!(!statement.contains("backend_start"));
        let earlier = end("app", Which::Earlier, &[]);
        assert!(earlier.contains("pid NOT IN (pg_backend_pid())") && earlier.contains("backend_start <"), "{earlier}");
        assert!(look("app", &[7]).contains("usename = 'app' AND pid NOT IN (pg_backend_pid(), 7)"));
        assert!(by_hand("a\\b").ends_with("usename = E'a\\\\b'"));
    }
}
