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

/// By what somebody gets in.
#[derive(Debug, PartialEq, Eq)]
enum Entrance {
    /// By passwords that are stored as hashes: so many.
    Passwords(usize),
    /// By nothing: there is no password.
    Open,
    /// By no password: what is stored is no hash of any.
    Closed,
    /// Not by a password of ours: these plugins decide.
    Elsewhere(String),
    /// By a password, or by one of these plugins.
    Mixed(String),
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
        let ours: Vec<&Row> =
            self.rows.iter().filter(|row| row.takes_password() || (of_partner && row.is_unopened())).collect();
        if !ours.is_empty() {
            return Ok(ours);
        }
        Err(Error::new(
            ErrorKind::RefusedAccount,
            format!("no row of {:?} logs in by {NATIVE}: {}", self.account, self.told(|_| true).join("; ")),
            format!(
                "ALTER USER it IDENTIFIED VIA {NATIVE}, with the password in AWSCURRENT: keyroll sets no passwords of other \
                 plugins"
            ),
        ))
    }

    /// What a rotation would destroy without knowing whose it is: second passwords that are none of `known`; and, where the
    /// password before is to stay, rows that other plugins open as well: three rules are too many.
    pub(super) fn strangers(&self, known: &[Sensitive], stays: bool) -> Vec<String> {
        let strange = |row: &&Row| match row.entrance() {
            Entrance::Passwords(count) => count > 1 && row.unknown(known) > 0,
            Entrance::Mixed(_) => stays,
            Entrance::Open | Entrance::Closed | Entrance::Elsewhere(_) => false,
        };
        let told = |row: &Row| match row.entrance() {
            Entrance::Mixed(plugins) => format!("{} is also opened by {plugins}", self.name(row)),
            _ => format!("{} accepts a second password that no version of this secret holds", self.name(row)),
        };
        self.rows.iter().filter(strange).map(told).collect()
    }

    /// What an operator should know of rows that are not as the secret has them. `known` are the passwords that the account
    /// may have, where it is the one that the secret is about at all times.
    pub(super) fn warnings(&self, known: Option<&[Sensitive]>) -> Vec<String> {
        let told = |row: &Row| {
            let name = self.name(row);
            match row.entrance() {
                Entrance::Passwords(1) if known.is_some_and(|known| row.unknown(known) > 0) => Some(format!(
                    "{name} had another password than this secret, as AWS's function leaves rows of other hosts than '%': it \
                     has that of the secret now"
                )),
                Entrance::Open => Some(format!("{name} let everybody in without a password: it has one now")),
                Entrance::Elsewhere(plugins) if !row.is_unopened() => Some(format!(
                    "{name} logs in by {plugins}, and was left alone: its password is none of this secret's"
                )),
                _ => None,
            }
        };
        self.rows.iter().filter_map(told).collect()
    }

    fn told(&self, which: impl Fn(&Row) -> bool) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| which(row));
        rows.map(|row| format!("{} by {}", self.name(row), row.plugins())).collect()
    }

    fn name(&self, row: &Row) -> String {
        statements::account(&self.account, &row.host)
    }
}

impl Row {
    /// Whether a rotation sets the password of this row.
    fn takes_password(&self) -> bool {
        matches!(self.entrance(), Entrance::Passwords(_) | Entrance::Open | Entrance::Mixed(_))
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
    pub(super) fn accepts(&self, verifiers: &[Sensitive]) -> bool {
        let rules = &self.definition.rules;
        let same = |(rule, verifier): (&Rule, &Sensitive)| is_hash(rule) && text(rule) == verifier.expose();
        rules.len() == verifiers.len() && rules.iter().zip(verifiers).all(same)
    }

    fn is_unopened(&self) -> bool {
        is_unopened(&self.definition)
    }

    /// How many of its passwords are none of these.
    fn unknown(&self, known: &[Sensitive]) -> usize {
        let is_known = |rule: &Rule| known.iter().any(|verifier| verifier.expose() == text(rule));
        self.definition.rules.iter().filter(|rule| !is_known(rule)).count()
    }

    fn entrance(&self) -> Entrance {
        let rules = &self.definition.rules;
        let (native, others): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| rule.plugin == NATIVE);
        let passwords = native.iter().filter(|rule| is_hash(rule)).count();
        let open = native.iter().any(|rule| text(rule).is_empty()) || rules.is_empty();
        match (passwords, others.is_empty()) {
            _ if open => Entrance::Open,
            (0, true) => Entrance::Closed,
            (0, false) => Entrance::Elsewhere(plugins(&others)),
            (_, true) => Entrance::Passwords(passwords),
            (_, false) => Entrance::Mixed(plugins(&others)),
        }
    }

    fn plugins(&self) -> String {
        plugins(&self.definition.rules.iter().collect::<Vec<_>>())
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
            format!(
                "{account:?} logs in by {}, of which keyroll sets {NATIVE} only",
                plugins(&rules.iter().collect::<Vec<_>>())
            ),
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
    definition.rules.iter().filter(|rule| rule.plugin == NATIVE && is_hash(rule)).count()
}

fn plugins(rules: &[&Rule]) -> String {
    rules.iter().map(|rule| rule.plugin.as_str()).collect::<Vec<_>>().join(" or ")
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
