//! A session at work on a pair of roles.

use sqlx::{Error as Driver, Row};

use super::{Seen, plan, statements};
use crate::context::Clock;
use crate::database::pair::Pair;
use crate::database::postgres::session::{Session, sanitised};
use crate::database::postgres::statements as common;
use crate::database::{Aligned, Alignment, Alternation, Change, Credential, Rehearsal};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Sensitive;

impl Session {
    pub(in crate::database) async fn is_partner(&mut self, pair: &Pair) -> Result<bool> {
        self.truth(&statements::is_member(pair), "looking at the account's memberships").await
    }

    pub(in crate::database) async fn foresee(&mut self, rotation: &Alternation<'_>, clock: Clock) -> Result<Alignment> {
        let begun = self.run(common::begin_to_look(clock.left())).await;
        begun.map_err(|error| sanitised("beginning to look at the two accounts", &error))?;
        let alignment = self.compare(rotation).await;
        self.run("ROLLBACK".to_owned()).await.map_err(|error| sanitised("ending the look", &error))?;
        alignment
    }

    pub(in crate::database) async fn compare(&mut self, rotation: &Alternation<'_>) -> Result<Alignment> {
        let failed = |error: &Driver| sanitised("comparing the two accounts", error);
        let row = self.row(statements::look(rotation.pair)).await.map_err(|error| failed(&error))?;
        let text: String = row.try_get(0).map_err(|error| failed(&error))?;
        // The parser's message could quote a name; the error says only that the catalogue is not what it should be.
        let seen: Seen = serde_json::from_str(&text).map_err(|_| {
            Error::new(
                ErrorKind::FailedDefect,
                "the server's catalogue of roles has a form that keyroll does not know",
                "report this defect with the server's version; nothing was changed",
            )
        })?;
        plan(&seen, rotation)
    }

    pub(in crate::database) async fn align(&mut self, change: &Change, clock: Clock) -> Result<Aligned> {
        let doing = format!("giving {:?} {}", change.account, change.what);
        let statement = common::limited(&change.statement, clock.left());
        let (answer, skipped) = if change.optional {
            match self.row(format!("{statement}; {}", statements::SKIPPED)).await {
                Ok(row) => (Ok(()), row.try_get(0).map_err(|error| sanitised(&doing, &error))?),
                Err(error) => (Err(error), String::new()),
            }
        } else {
            (self.run(statement).await, String::new())
        };
        Ok(match self.or_conflict(answer, &doing).await? {
            false => Aligned::InTheWay,
            true if skipped.is_empty() => Aligned::Made,
            true => Aligned::LeftOut(skipped),
        })
    }

    /// Account statements are transactional in PostgreSQL: what is rolled back leaves nothing but some WAL.
    pub(in crate::database) async fn rehearse(
        &mut self,
        lock: &str,
        changes: &[Change],
        throw_away: &Credential,
        clock: Clock,
    ) -> Result<Rehearsal> {
        let account = throw_away.account();
        self.lock(lock, clock).await?;
        let outcome = self.try_out(account, changes, &throw_away.login.password, clock).await;
        let back = self.run("ROLLBACK".to_owned()).await;
        let left_out = outcome.map_err(|error| error.at("the rehearsal"))?;
        back.map_err(|error| sanitised("rolling the rehearsal back", &error))?;
        let proven = format!(
            "changed the password of {account:?} and took it back: the statements were rolled back, and leave some WAL and, by the \
             server's settings, lines in its log"
        );
        Ok(Rehearsal { proven: vec![proven], not_tried: Vec::new(), left_out })
    }

    async fn try_out(
        &mut self,
        account: &str,
        changes: &[Change],
        throw_away: &Sensitive,
        clock: Clock,
    ) -> Result<Vec<String>> {
        let mut left_out = Vec::new();
        for change in changes {
            match self.align(change, clock).await? {
                Aligned::Made => {}
                Aligned::LeftOut(why) => left_out.push(change.left_out(&why)),
                Aligned::InTheWay => return Err(in_the_way(account)),
            }
        }
        let statement = common::set_password(account, &common::verifier(throw_away)?, clock.left());
        let answer = self.run(statement).await;
        answer.map_err(|error| sanitised("ALTER ROLE ... PASSWORD", &error))?;
        Ok(left_out)
    }
}

fn in_the_way(account: &str) -> Error {
    Error::new(
        ErrorKind::FailedDatabase,
        format!("somebody else has just changed {account:?} (SQLSTATE XX000)"),
        "run it again",
    )
}
