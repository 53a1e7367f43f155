//! What the server shows of a pair of accounts.

use super::grants::Grants;
use crate::database::mariadb::definition::Definition;
use crate::database::pair::Pair;

/// Everything that decides what to do for a pair.
pub(super) struct Seen {
    /// The rows of the base.
    pub(super) base: Vec<Account>,
    /// Those of the partner.
    pub(super) partner: Vec<Account>,
    /// What `SHOW GRANTS` says of the base's roles, and of theirs.
    pub(super) roles: Vec<String>,
}

/// One row of an account: the user as seen from the hosts that its pattern matches.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) definition: Definition,
    pub(super) grants: Grants,
}

impl Account {
    pub(super) fn host(&self) -> &str {
        &self.definition.host
    }
}

impl Seen {
    /// The rows of one of the two, and those of the other.
    pub(super) fn of(&self, account: &str, pair: &Pair) -> (&[Account], &[Account]) {
        if account == pair.base { (&self.base, &self.partner) } else { (&self.partner, &self.base) }
    }
}

/// The row for exactly that pattern.
pub(super) fn at<'a>(rows: &'a [Account], host: &str) -> Option<&'a Account> {
    rows.iter().find(|row| row.host() == host)
}
