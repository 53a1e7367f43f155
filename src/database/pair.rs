//! Two accounts that take turns, as AWS's multi-user templates name them: `orders` and `orders_clone`.
//!
//! A name alone does not tell which of the two it is, as a first account may itself be called `orders_clone`. So wherever
//! it matters somebody looks: at the version before, which holds the other account, or at the server.

/// What AWS's templates put behind the name of the first account.
const SUFFIX: &str = "_clone";

/// The two accounts of a secret. The base is the account that was there first, and whose rights count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The first account.
    pub base: String,
    /// Its partner, with the same rights.
    pub partner: String,
}

/// Whose turn it is after an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This account's.
    Of(String),
    /// The pair's base, if the account is a partner at all: the server knows. If not, it is a first account, whose partner
    /// is [`partner`].
    Ask(Pair),
}

impl Pair {
    /// The pair that two accounts make, if they do.
    #[must_use]
    pub fn of(one: &str, other: &str) -> Option<Self> {
        let pair = |base: &str, partner: &str| Self { base: base.to_owned(), partner: partner.to_owned() };
        match (one.strip_suffix(SUFFIX), other.strip_suffix(SUFFIX)) {
            (_, Some(base)) if base == one => Some(pair(one, other)),
            (Some(base), _) if base == other => Some(pair(other, one)),
            _ => None,
        }
    }
}

/// Whose turn it is after `account`, where the version before held `previous`.
#[must_use]
pub fn turn(account: &str, previous: Option<&str>) -> Turn {
    match account.strip_suffix(SUFFIX).filter(|base| !base.is_empty()) {
        None => Turn::Of(partner(account)),
        Some(base) => match previous.filter(|previous| Pair::of(account, previous).is_some()) {
            Some(previous) => Turn::Of(previous.to_owned()),
            None => Turn::Ask(Pair { base: base.to_owned(), partner: account.to_owned() }),
        },
    }
}

/// The partner of a first account.
#[must_use]
pub fn partner(base: &str) -> String {
    format!("{base}{SUFFIX}")
}

/// Whether the name alone tells that the account is a first one.
#[must_use]
pub fn is_first(account: &str) -> bool {
    matches!(turn(account, None), Turn::Of(_))
}

/// What an account has in common with all that may take turns with it: the name for their common lock.
#[must_use]
pub fn family(account: &str) -> &str {
    let mut family = account;
    while let Some(base) = family.strip_suffix(SUFFIX).filter(|base| !base.is_empty()) {
        family = base;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_a_name_and_the_same_with_the_suffix() {
        for (one, other, base) in [
            ("app", "app_clone", Some("app")),
            ("app_clone", "app", Some("app")),
            ("app_clone", "app_clone_clone", Some("app_clone")),
            ("app", "app", None),
            ("app", "app_clone_clone", None),
            ("app", "App_clone", None),
            ("app", "orders_clone", None),
        ] {
            assert_eq!(Pair::of(one, other).map(|pair| pair.base).as_deref(), base, "{one} {other}");
        }
    }

    #[test]
    fn turns_are_known_by_name_or_by_the_version_before_or_must_be_asked() {
        let of = |name: &str| Turn::Of(name.to_owned());
        for (account, previous, expected) in [
            ("app", None, of("app_clone")),
            ("app", Some("app_clone"), of("app_clone")),
            ("app", Some("other"), of("app_clone")),
            ("app_clone", Some("app"), of("app")),
            // A first account that is really called so, and has a partner already.
            ("app_clone", Some("app_clone_clone"), of("app_clone_clone")),
            ("_clone", None, of("_clone_clone")),
        ] {
            assert_eq!(turn(account, previous), expected, "{account} {previous:?}");
        }
        for previous in [None, Some("app_clone"), Some("other")] {
            assert_eq!(turn("app_clone", previous), Turn::Ask(Pair::of("app", "app_clone").unwrap()));
        }
        assert!(is_first("app") && !is_first("app_clone"));
    }

    #[test]
    fn all_who_may_take_turns_share_a_lock() {
        for account in ["app", "app_clone", "app_clone_clone"] {
            assert_eq!(family(account), "app");
        }
        assert_eq!(family("_clone"), "_clone");
    }
}
