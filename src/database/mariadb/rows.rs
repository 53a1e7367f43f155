//! An account is as many rows as there are hosts that it may come from, and each has passwords of its own. Which of them a
//! rotation changes, and what it must not destroy: pure decisions over what the server shows.
//!
//! A row keeps exactly two `mysql_native_password` rules while two passwords are valid, the new one first: clients answer
//! one request to switch plugins, not two, and with other plugins among the rules many cannot log in at all.

use super::definition::{Definition, NATIVE, Rule};
use super::partner::is_unopened;
use super::statements::{self, Way};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Sensitive;

/// An account, as far as it is about passwords.
pub(super) struct Rows {
    pub(super) account: String,
    pub(super) rows: Vec<Row>,
}

/// An account of one host.
pub(super) struct Row {
    pub(super) host: String,
    pub(super) definition: Definition,
}

impl Rows {
    /// The rows whose password a rotation sets; refused where there are none. Those that were made for a partner and never
    /// opened are among them where it is the partner's turn.
    pub(super) fn ours(&self, of_partner: bool) -> Result<Vec<&Row>> {
        if self.rows.is_empty() {
            return Err(Error::new(
                ErrorKind::RefusedAccount,
                format!("the server has no account {:?}", self.account),
                "correct username in the secret, or create the account",
            ));
        }
        let is_ours = |row: &&Row| row.takes_password() || (of_partner && row.is_unopened());
        let ours: Vec<&Row> = self.rows.iter().filter(is_ours).collect();
        if !ours.is_empty() {
            return Ok(ours);
        }
        let told = |row: &Row| format!("{} by {}", self.name(row), plugins(row.definition.rules.iter()));
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!(
                "no row of {:?} logs in by {NATIVE}: {}",
                self.account,
                self.rows.iter().map(told).collect::<Vec<_>>().join("; ")
            ),
            format!(
                "ALTER USER it IDENTIFIED VIA {NATIVE}, with the password in AWSCURRENT: keyroll sets no passwords of other \
                 plugins"
            ),
        ))
    }

    /// The passwords that none of `known` is, as far as it matters whose they are: with two accounts that take turns, the one
    /// to be changed may have any one password, and only a second one is somebody's.
    pub(super) fn unknown(&self, known: &[Sensitive], takes_turns: bool) -> Vec<Sensitive> {
        let rows = self.rows.iter().filter(|row| !takes_turns || row.passwords() > 1);
        rows.flat_map(|row| row.unknown(known)).map(|hash| Sensitive::new(hash.to_owned())).collect()
    }

    /// What a rotation would destroy without knowing whose it is: second passwords that are none of `known`; and, where the
    /// password before is to stay, the way in by other plugins: three rules are too many.
    pub(super) fn strangers(&self, known: &[Sensitive], stays: bool) -> Vec<String> {
        let mut strangers = Vec::new();
        for row in &self.rows {
            if row.passwords() > 1 && row.unknown(known).next().is_some() {
                strangers
                    .push(format!("{} accepts a second password that no version of this secret holds", self.name(row)));
            }
            if stays && row.takes_password() && row.others().next().is_some() {
                strangers.push(format!("{} is also opened by {}", self.name(row), plugins(row.others())));
            }
        }
        strangers
    }

    /// The rows with one password that is none of `known`.
    pub(super) fn alien(&self, known: &[Sensitive]) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.passwords() == 1 && row.unknown(known).next().is_some())
    }

    /// What an operator should know of rows that are not as the secret has them. `known` are the passwords that the account
    /// may have, where it is the one that the secret is about at all times.
    pub(super) fn warnings(&self, known: Option<&[Sensitive]>, stays: bool) -> Vec<String> {
        let mut told = Vec::new();
        for row in known.into_iter().flat_map(|known| self.alien(known)) {
            told.push(format!(
                "{} had not the password in AWSCURRENT, as AWS's function leaves rows of other hosts than '%': a rotation gives it \
                 that of the secret",
                self.name(row)
            ));
        }
        for row in &self.rows {
            let (name, others) = (self.name(row), plugins(row.others()));
            if row.is_open() {
                told.push(format!("{name} let everybody in without a password: a rotation gives it one"));
            }
            if !row.takes_password() && !others.is_empty() && !row.is_unopened() {
                told.push(format!(
                    "{name} logs in by {others}, and was left alone: its password is none of this secret's"
                ));
            } else if row.takes_password() && !others.is_empty() && !stays {
                told.push(format!("{name} is also opened by {others}, which goes on"));
            }
        }
        told
    }

    pub(super) fn name(&self, row: &Row) -> String {
        statements::account(&self.account, &row.host)
    }
}

impl Row {
    /// Whether a rotation sets the password of this row: it has one, or lets everybody in without. What has none but one that
    /// keeps everybody out (`invalid`) is left closed.
    pub(super) fn takes_password(&self) -> bool {
        self.hashes().next().is_some() || self.is_open()
    }

    /// What the row is to have with these passwords: what other plugins let in goes on.
    pub(super) fn ways<'a>(&'a self, passwords: &[&'a Sensitive]) -> Vec<Way<'a>> {
        let rules: &[Rule] = if self.is_unopened() { &[] } else { &self.definition.rules };
        let others = |rules: &'a [Rule]| rules.iter().filter(|rule| rule.plugin != NATIVE).map(Way::Other);
        let first = rules.iter().position(|rule| rule.plugin == NATIVE).unwrap_or_default();
        let (before, after) = rules.split_at(first);
        let passwords = passwords.iter().map(|password| Way::Password(password));
        others(before).chain(passwords).chain(others(after)).collect()
    }

    /// Whether the row accepts exactly these passwords, in this order.
    pub(super) fn accepts_just(&self, verifiers: &[Sensitive]) -> bool {
        let same = |(hash, verifier): (&str, &Sensitive)| is(hash, verifier);
        self.definition.rules.len() == verifiers.len()
            && self.passwords() == verifiers.len()
            && self.hashes().zip(verifiers).all(same)
    }

    /// Whether this password is among those that the row accepts.
    pub(super) fn accepts(&self, verifier: &Sensitive) -> bool {
        self.hashes().any(|hash| is(hash, verifier))
    }

    /// How many passwords it accepts.
    pub(super) fn passwords(&self) -> usize {
        self.hashes().count()
    }

    /// Whether the row was made for a partner and never opened.
    pub(super) fn is_unopened(&self) -> bool {
        is_unopened(&self.definition)
    }

    fn unknown<'a>(&'a self, known: &'a [Sensitive]) -> impl Iterator<Item = &'a str> {
        self.hashes().filter(|hash| !known.iter().any(|verifier| is(hash, verifier)))
    }

    fn hashes(&self) -> impl Iterator<Item = &str> {
        self.definition.rules.iter().filter(|rule| is_hash(rule)).map(text)
    }

    fn others(&self) -> impl Iterator<Item = &Rule> {
        self.definition.rules.iter().filter(|rule| rule.plugin != NATIVE)
    }

    /// Whether it lets everybody in without a password.
    fn is_open(&self) -> bool {
        let rules = &self.definition.rules;
        rules.is_empty() || rules.iter().any(|rule| rule.plugin == NATIVE && text(rule).is_empty())
    }
}

/// Refuses an account that changes its own password although it accepts a second one: `SET PASSWORD` replaces the first
/// only, and the second would be valid for ever.
pub(super) fn check_own(definition: &Definition, account: &str) -> Result<()> {
    match definition.rules.as_slice() {
        [] => Ok(()),
        [rule] if rule.plugin == NATIVE => Ok(()),
        rules if rules.iter().any(|rule| rule.plugin != NATIVE) => Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("{account:?} logs in by {}, of which keyroll sets {NATIVE} only", plugins(rules.iter())),
            format!("ALTER USER it IDENTIFIED VIA {NATIVE} alone, with the password in AWSCURRENT"),
        )),
        _ => Err(Error::new(
            ErrorKind::RefusedAccount,
            format!(
                "{account:?} accepts two passwords, as a rotation with an administrator leaves it, and without one only the \
                 first could be replaced: the second would be valid for ever"
            ),
            "name the administrator again (keyroll:admin-secret), or have one ALTER USER the account IDENTIFIED VIA \
             mysql_native_password with the password in AWSCURRENT",
        )),
    }
}

/// How many passwords an account accepts.
pub(super) fn passwords(definition: &Definition) -> usize {
    definition.rules.iter().filter(|rule| is_hash(rule)).count()
}

fn plugins<'a>(rules: impl Iterator<Item = &'a Rule>) -> String {
    rules.map(|rule| rule.plugin.as_str()).collect::<Vec<_>>().join(" or ")
}

/// Whether a stored hash is this one: its digits count, whatever their case.
fn is(hash: &str, verifier: &Sensitive) -> bool {
    hash.eq_ignore_ascii_case(verifier.expose())
}

fn text(rule: &Rule) -> &str {
    rule.text.as_ref().map_or("", Sensitive::expose)
}

/// Whether it is a hash of a password; `invalid` and the like keep everybody out.
fn is_hash(rule: &Rule) -> bool {
    let hex = |digits: &str| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    rule.plugin == NATIVE && text(rule).strip_prefix('*').is_some_and(hex)
}

#[cfg(test)]
mod tests;
