//! The open sessions of an account: who is in, and ending them. A password that has changed ends no session.
//!
//! Everybody sees the sessions of their own account and may end them, whatever host they come from; those of others are for
//! `PROCESS` and `CONNECTION ADMIN`. So each account best ends its own. A client that has not sent its password yet is not
//! shown: it may come in up to `connect_timeout` (10 s) later.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{may_see_sessions, number};
use super::errors::sanitised;
use super::session::Session;
use super::statements::literal;
use crate::database::{Alike, Which};
use crate::error::{Error, ErrorKind, Result};

/// `ER_NO_SUCH_THREAD`: it has gone by itself.
const GONE: u16 = 1094;
/// `ER_KILL_DENIED_ERROR`.
const DENIED: u16 = 1095;

impl Session {
    pub(in crate::database) async fn number(&mut self) -> Result<i64> {
        let rows = self.rows("SELECT CONNECTION_ID()".to_owned()).await;
        let rows = rows.map_err(|error| sanitised("asking for the session's number", &error))?;
        Ok(rows.first().and_then(|row| number_of(row)).unwrap_or_default())
    }

    pub(in crate::database) async fn sessions(&mut self, account: &str, but: &[i64]) -> Result<Vec<Alike>> {
        if !self.sees(account).await? {
            return Err(Error::new(
                ErrorKind::RefusedAccount,
                format!("{:?} sees no sessions of {account:?}", self.account()),
                "GRANT PROCESS ON *.* to the administrator",
            ));
        }
        let rows = self.rows(look(account, Which::All, but)).await;
        let rows = rows.map_err(|error| sanitised("looking for open sessions", &error))?;
        let mut clients: BTreeMap<String, u32> = BTreeMap::new();
        for client in rows.into_iter().filter_map(|row| row.into_iter().nth(1)) {
            *clients.entry(address(client.as_deref().unwrap_or_default())).or_default() += 1;
        }
        let alike = |(client, count)| Alike { count, application: "a client".to_owned(), client: Some(client) };
        Ok(clients.into_iter().map(alike).collect())
    }

    pub(in crate::database) async fn end_sessions(
        &mut self,
        account: &str,
        which: Which,
        but: &[i64],
    ) -> Result<Option<BTreeSet<i64>>> {
        if !self.sees(account).await? {
            return Ok(None);
        }
        let rows = self.rows(look(account, which, but)).await;
        let rows = rows.map_err(|error| sanitised("looking for open sessions", &error))?;
        let found: BTreeSet<i64> = rows.iter().filter_map(|row| number_of(row)).collect();
        let mut denied = false;
        for session in &found {
            match self.run(format!("KILL {session}")).await {
                Err(error) if number(&error) == Some(GONE) => {}
                Err(error) if number(&error) == Some(DENIED) => denied = true,
                answer => answer.map_err(|error| sanitised("ending sessions", &error))?,
            }
        }
        Ok((!denied).then_some(found))
    }

    /// Whether this session is shown those of an account: to others than `PROCESS` the server shows none, and no error.
    async fn sees(&mut self, account: &str) -> Result<bool> {
        Ok(account == self.account() || may_see_sessions(&self.own_grants().await?))
    }
}

fn number_of(row: &[Option<String>]) -> Option<i64> {
    row.first()?.as_deref()?.parse().ok()
}

/// The address of a client, which the server shows with its port.
fn address(shown: &str) -> String {
    shown.rsplit_once(':').map_or(shown, |(address, _)| address).to_owned()
}

/// Numbers are given in the order of connecting, before a client has sent its password: whatever has a higher one than this
/// session was checked against a password at least as new. The server compares names of accounts by their bytes, but this
/// table without regard to case.
fn look(account: &str, which: Which, but: &[i64]) -> String {
    let ours: Vec<String> = ["CONNECTION_ID()".to_owned()].into_iter().chain(but.iter().map(i64::to_string)).collect();
    let earlier = match which {
        Which::All => "",
        Which::Earlier => " AND ID < CONNECTION_ID()",
    };
    format!(
        "SELECT ID, HOST FROM information_schema.PROCESSLIST WHERE BINARY USER = {} AND ID NOT IN ({}){earlier}",
        literal(account),
        ours.join(", ")
    )
}

/// The accounts that may end sessions, and the statement.
pub(in crate::database) fn by_hand(account: &str) -> String {
    format!(
        "as a user with CONNECTION ADMIN and PROCESS (on RDS by CALL mysql.rds_kill(id)): SELECT CONCAT('KILL ', ID) FROM \
         information_schema.PROCESSLIST WHERE BINARY USER = {}",
        literal(account)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_our_own_sessions_left_alone() {
        let all = look("o'neil", Which::All, &[7, 8]);
        assert!(all.contains("BINARY USER = 'o''neil' AND ID NOT IN (CONNECTION_ID(), 7, 8)"), "{all}");
        assert!(look("app", Which::Earlier, &[]).ends_with("ID NOT IN (CONNECTION_ID()) AND ID < CONNECTION_ID()"));
    }

    #[test]
    fn a_client_is_told_by_its_address() {
        assert_eq!(address("10.0.0.1:4711"), "10.0.0.1");
        assert_eq!(address("localhost"), "localhost");
    }
}
