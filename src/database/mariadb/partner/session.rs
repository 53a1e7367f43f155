//! A session at work on a pair of accounts.

use std::collections::BTreeSet;

use sqlx::Error as Driver;

use super::grants::Grants;
use super::rules::shows;
use super::{Account, Seen, plan, statements};
use crate::database::mariadb::account::number;
use crate::database::mariadb::definition::Definition;
use crate::database::mariadb::errors::sanitised;
use crate::database::mariadb::session::Session;
use crate::database::pair::Pair;
use crate::database::{Aligned, Alignment, Alternation, Change};
use crate::error::{Error, ErrorKind, Result};

impl Session {
    pub(in crate::database) async fn shows(&mut self, pair: &Pair, entered: &str) -> Result<bool> {
        Ok(shows(&self.look(pair).await?, pair, entered))
    }

    pub(in crate::database) async fn compare(&mut self, rotation: &Alternation<'_>) -> Result<Alignment> {
        plan(&self.look(rotation.pair).await?, rotation)
    }

    /// Safe to repeat: a change that was made is not in the next comparison.
    pub(in crate::database) async fn align(&mut self, change: &Change) -> Result<Aligned> {
        let doing = format!("giving {:?} this: {}", change.account, change.what);
        let mut answer = self.carry_out(&change.statement).await;
        let lacks_plugin = answer.as_ref().is_err_and(|error| number(error) == Some(1524));
        if lacks_plugin && let Some(statement) = statements::without_plugin(change) {
            answer = self.run(statement).await;
        }
        let error = match answer {
            Ok(()) => return Ok(Aligned::Made),
            Err(error) => error,
        };
        let Some(number) = number(&error) else { return Err(sanitised(&doing, &error)) };
        let lacks_right = matches!(number, 1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1410 | 1698);
        if let Some(why) = gone(number) {
            return Ok(Aligned::LeftOut(format!("{why} (error {number})")));
        }
        if change.optional && lacks_right {
            return Ok(Aligned::LeftOut(format!("the administrator lacks the right (error {number})")));
        }
        if !lacks_right {
            return Err(sanitised(&doing, &error));
        }
        let writer = self.writer();
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("{doing}: the administrator {writer} lacks the right (error {number})"),
            statements::remedy(change, &writer),
        ))
    }

    /// Packages are known only in ORACLE mode up to MariaDB 11.3; the mode of this session comes back in any case.
    async fn carry_out(&mut self, statement: &str) -> std::result::Result<(), Driver> {
        if !statements::is_oracles(statement) {
            return self.run(statement.to_owned()).await;
        }
        self.run(statements::ORACLE.to_owned()).await?;
        let answer = self.run(statement.to_owned()).await;
        self.run(statements::NOT_ORACLE.to_owned()).await?;
        answer
    }

    async fn look(&mut self, pair: &Pair) -> Result<Seen> {
        let (base, partner) = (self.accounts(&pair.base).await?, self.accounts(&pair.partner).await?);
        let names: BTreeSet<&String> = base.iter().flat_map(|row| row.grants.roles.keys()).collect();
        let mut roles = Vec::new();
        for name in names {
            roles.extend(self.column(statements::show_grants_of_role(name), name).await?);
        }
        Ok(Seen { base, partner, roles })
    }

    pub(super) async fn accounts(&mut self, user: &str) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        for host in self.column(statements::hosts(user), user).await? {
            let definition = self.column(statements::definition(user, &host), user).await?;
            let shown = self.column(statements::show_grants(user, &host), user).await?;
            let definition = Definition::of(definition.iter().map(String::as_str));
            let grants = Grants::of(shown.iter().map(String::as_str), user, &host);
            match (definition, grants) {
                (Some(definition), Some(grants)) => accounts.push(Account { definition, grants }),
                (definition, _) => return Err(unknown(user, &host, definition.is_some())),
            }
        }
        Ok(accounts)
    }

    async fn column(&mut self, query: String, user: &str) -> Result<Vec<String>> {
        let rows = match self.rows(query).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.unreadable(user, &error)),
        };
        Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
    }

    fn unreadable(&self, user: &str, error: &Driver) -> Error {
        let doing = format!("looking at the account {user:?}");
        let lacks_right = |number: &u16| matches!(number, 1044 | 1045 | 1142 | 1143 | 1227);
        let Some(number) = number(error).filter(lacks_right) else { return sanitised(&doing, error) };
        let writer = self.writer();
        Error::new(
            ErrorKind::RefusedAccount,
            format!("{doing}: the administrator {writer} may not read it (error {number})"),
            format!("GRANT SELECT ON `mysql`.* TO {writer}"),
        )
    }
}

/// What the base was granted and is not there any more; the server goes on to show it.
fn gone(number: u16) -> Option<&'static str> {
    match number {
        1049 => Some("the database is gone"),
        1054 => Some("the column is gone"),
        1146 => Some("the table is gone"),
        1305 => Some("the routine is gone"),
        1959 => Some("the role is gone, or not granted"),
        // Taken away in the meantime.
        1141 | 1147 | 1403 => Some("somebody else did it"),
        _ => None,
    }
}

fn unknown(user: &str, host: &str, grants: bool) -> Error {
    let (what, statement) = if grants { ("rights", "SHOW GRANTS FOR") } else { ("definition", "SHOW CREATE USER") };
    let who = statements::account(user, host);
    Error::new(
        ErrorKind::FailedDefect,
        format!("the server shows {what} of {who} that keyroll does not know, and would not keep in step"),
        format!(
            "report this defect with the server's version and what {statement} {who} says, but for hashes; nothing was changed"
        ),
    )
}
