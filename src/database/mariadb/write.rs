//! A session at work on the passwords of an account: what it accepts, the lock, and the change.

use sqlx::Error as Driver;

use super::account::number;
use super::errors::{forbidden, is_lock, sanitised, told};
use super::rows::check_own;
use super::session::{EXPIRED, Session, cell, is_on};
use super::statements::{self, Form, verifier};
use crate::database::{Beside, Spread, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Sensitive;

impl Session {
    pub(in crate::database) async fn beside(
        &mut self,
        account: &str,
        known: &[Sensitive],
        wanted: Wanted,
    ) -> Result<Beside> {
        if self.is_own(account) {
            let why = "an account cannot give itself a second password (error 1227). Without an administrator the password before \
                       ends at once, and rows of other hosts than the one that keyroll comes from keep theirs";
            let why_not = (wanted == Wanted::Both).then(|| why.to_owned());
            let others = "an account changes the row alone that it comes by: rows of other hosts keep their password";
            let warnings = if wanted == Wanted::New { vec![others.to_owned()] } else { Vec::new() };
            return Ok(Beside { why_not, warnings, ..Beside::default() });
        }
        let no_second = self.facts().await?.no_second();
        let rows = self.rows_of(account).await?;
        let stays = wanted == Wanted::Both && no_second.is_none();
        let mut strangers = rows.strangers(known, stays);
        let one = (wanted != Wanted::Turn).then_some(known);
        if one.is_some() && !rows.rows.iter().any(|row| known.iter().any(|verifier| row.accepts(verifier))) {
            return Err(Error::new(
                ErrorKind::RefusedAccount,
                format!(
                    "no row of {account:?} has a password of this secret: the login that was let in is somebody else's"
                ),
                "see SELECT CURRENT_USER() after a login with the secret, and SHOW CREATE USER of the account",
            ));
        }
        if one.is_some_and(|known| rows.alien(known).next().is_some()) {
            strangers.extend(self.others_rights(&rows, known).await?);
        }
        Ok(Beside {
            stays,
            why_not: if wanted == Wanted::Both { no_second } else { None },
            unknown: rows.unknown(known, wanted == Wanted::Turn),
            strangers,
            warnings: rows.warnings(one, stays),
        })
    }

    /// Which rows of an account accept a password, which do not, and which accept something else as well.
    pub(in crate::database) async fn spread(&mut self, account: &str, verifier: &Sensitive) -> Result<Spread> {
        let rows = self.rows_of(account).await?;
        let mut spread = Spread::default();
        for row in rows.rows.iter().filter(|row| row.takes_password()) {
            let list = if row.accepts(verifier) { &mut spread.with } else { &mut spread.without };
            list.push(rows.name(row));
            if row.accepts(verifier) && row.passwords() > 1 {
                spread.besides.push(rows.name(row));
            }
        }
        Ok(spread)
    }

    pub(in crate::database) async fn lock(&mut self, account: &str) -> Result<()> {
        match self.rows(statements::lock(account)).await {
            Ok(rows) if cell(&rows, 0) == Some("1") => Ok(()),
            Ok(_) => {
                let holder = self.rows(statements::holder(account)).await.unwrap_or_default();
                let [session, user] = [0, 1].map(|column| cell(&holder, column).unwrap_or("unknown").to_owned());
                Err(Error::new(
                    ErrorKind::FailedDatabase,
                    format!(
                        "another rotation has held the lock of {account:?} for {} s: session {session} of {user:?}",
                        statements::LOCK_WAIT.as_secs()
                    ),
                    format!(
                        "wait until it has ended and run the step again; nothing was changed. Where no rotation is running, KILL \
                         {session} (on RDS CALL mysql.rds_kill({session}))"
                    ),
                ))
            }
            // An expired account may take no lock, and do nothing else but set its own password.
            Err(error) if number(&error) == Some(EXPIRED) => Ok(()),
            Err(error) => Err(sanitised("taking the account's lock", &error)),
        }
    }

    /// Sets the password of every row of the account, and leaves beside it the first of `olds` that the row accepts, or else the
    /// last, where any are given. `opens` unlocks what is locked, and rows that were made and never opened.
    ///
    /// Every row is tried, also where one before it fails, so that no row is left behind for another one's sake; with the old
    /// password beside the new one a row that failed lets the same login in as all others. Somebody else's lock is on all of
    /// them, and a connection that is lost is lost for all.
    ///
    /// Safe to repeat: each row ends with the same passwords.
    pub(in crate::database) async fn set_password(
        &mut self,
        account: &str,
        new: &Sensitive,
        olds: &[&Sensitive],
        opens: bool,
    ) -> Result<()> {
        if self.is_own(account) {
            return self.set_own_password(account, new).await;
        }
        let form = self.facts().await?.form();
        let rows = self.rows_of(account).await?;
        let mut failed = Vec::new();
        for row in rows.ours(opens)? {
            let old = olds.iter().find(|old| row.accepts(&verifier(old))).or(olds.last());
            let passwords: Vec<&Sensitive> = [Some(&new), old].into_iter().flatten().copied().collect();
            let verifiers: Vec<Sensitive> = passwords.iter().map(|password| verifier(password)).collect();
            let unlock = opens && row.definition.locked;
            // A validator that remembers would refuse what it has let pass before.
            if form == Form::Plaintext && row.accepts_just(&verifiers) && !unlock {
                continue;
            }
            let statement = statements::set_ways(account, &row.host, &row.ways(&passwords), form, unlock);
            let answer = self.run(statement.expose().to_owned()).await;
            let for_all = answer.as_ref().is_err_and(|error| number(error).is_none_or(is_lock));
            let doing = format!("ALTER USER {}", rows.name(row));
            failed.extend(self.explained(&doing, answer, old.is_some()).await.err());
            if for_all {
                break;
            }
        }
        Error::join(failed).map_or(Ok(()), Err)
    }

    async fn set_own_password(&mut self, account: &str, new: &Sensitive) -> Result<()> {
        // An expired account may not ask; the server answers an error if the hash will not do.
        let form = match self.ask().await {
            Ok(facts) => facts.form(),
            Err(error) if number(&error) == Some(EXPIRED) => Form::Hash,
            Err(error) => return Err(sanitised("reading the server's state", &error)),
        };
        let statement = statements::set_own_password(new, form);
        let answer = self.run(statement.expose().to_owned()).await;
        self.explained("SET PASSWORD", answer, false).await?;
        if self.is_expired() {
            // From here on the account may be looked at.
            let definition =
                self.own_definition().await.map_err(|error| sanitised("looking at the account", &error))?;
            check_own(&definition, account)?;
        }
        Ok(())
    }

    /// What became of a statement with a password in it. Of a refused one the server tells the reason only as a warning, to
    /// the next caller.
    async fn explained(&mut self, doing: &str, answer: std::result::Result<(), Driver>, with_old: bool) -> Result<()> {
        let Err(error) = answer else { return Ok(()) };
        let mut reason = number(&error);
        if matches!(reason, Some(1290 | 1396)) {
            let warnings = self.rows("SHOW WARNINGS".to_owned()).await.unwrap_or_default();
            let mut codes = warnings.iter().filter_map(|row| row.get(1)?.as_deref()?.parse::<u16>().ok());
            reason = codes.find(|code| [1290, 1819].contains(code)).or(reason);
        }
        Err(match reason {
            Some(1290) => {
                let read_only = self.rows("SELECT @@GLOBAL.read_only".to_owned()).await.unwrap_or_default();
                forbidden(doing, cell(&read_only, 0).is_some_and(is_on))
            }
            Some(1819) if with_old => Error::new(
                ErrorKind::RefusedValue,
                format!(
                    "{doing}: a password validator of the server refused the new password or the one before, which has to be in \
                     the statement to stay valid (error 1819)"
                ),
                "where the password before does not fit the validator, replace it by the action Revoke, which keeps none; else make \
                 PASSWORD_LENGTH and the EXCLUDE_ variables of the function fit it, clear AWSPENDING, and rotate again",
            ),
            Some(number) => told(doing, number),
            None => sanitised(doing, &error),
        })
    }
}
