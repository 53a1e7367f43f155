//! Which way a login rotates, and what becomes of the previous credential. Decided once, when a stored value is read.

use super::Kind;
use crate::config::Strategy;

/// The way in which a login rotates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// One account with one password: the previous password ends when the new one is set.
    Single,
    /// One account of MariaDB that accepts two passwords: the previous one works until the next rotation replaces it.
    TwoPasswords,
    /// Two accounts that alternate: the previous account's password works until the next rotation replaces it.
    Alternating,
}

impl Scheme {
    /// The scheme of a login. It is `administered` where the secret names an administrator who may change the account: only
    /// an administrator can end a second password.
    #[must_use]
    pub fn of(kind: Kind, strategy: Strategy, administered: bool) -> Self {
        match (strategy, kind) {
            (Strategy::AlternatingUsers, _) => Self::Alternating,
            (Strategy::SingleUser, Kind::MariaDb) if administered => Self::TwoPasswords,
            (Strategy::SingleUser, Kind::MariaDb | Kind::Postgres) => Self::Single,
        }
    }

    /// Whether two accounts alternate.
    #[must_use]
    pub fn alternates(self) -> bool {
        self == Self::Alternating
    }

    /// Whether the previous credential goes on working after a rotation. Then a rotation too soon after this one would take
    /// it from tasks that still hold it.
    #[must_use]
    pub fn overlaps(self) -> bool {
        !self.ends_previous()
    }

    /// Whether a rotation ends the previous credential.
    #[must_use]
    pub fn ends_previous(self) -> bool {
        self == Self::Single
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_account_with_one_password_ends_the_previous_credential() {
        use Strategy::{AlternatingUsers, SingleUser};
        for (kind, strategy, administered, expected) in [
            (Kind::Postgres, SingleUser, false, Scheme::Single),
            (Kind::Postgres, SingleUser, true, Scheme::Single),
            (Kind::Postgres, AlternatingUsers, true, Scheme::Alternating),
            (Kind::MariaDb, SingleUser, false, Scheme::Single),
            (Kind::MariaDb, SingleUser, true, Scheme::TwoPasswords),
            (Kind::MariaDb, AlternatingUsers, true, Scheme::Alternating),
        ] {
            let scheme = Scheme::of(kind, strategy, administered);
            assert_eq!(scheme, expected, "{kind:?} {strategy:?} {administered}");
            assert_eq!(scheme.overlaps(), scheme != Scheme::Single);
        }
    }
}
