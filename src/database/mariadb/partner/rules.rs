//! Which accounts take turns at all, and whom a secret may have changed: an administrator does the work, and a person who can
//! write the secret must not get at somebody else's account by that.

use std::collections::BTreeSet;

use super::grants::{ALL, Grants, Held, Object};
use super::hosts::catches;
use super::seen::{Account, Seen, at};
use super::{power, statements};
use crate::database::Alternation;
use crate::database::pair::Pair;
use crate::error::{Error, ErrorKind, Result};

/// Refuses a base that must not be doubled, or that nobody could log in as.
pub(super) fn check_base(seen: &Seen, rotation: &Alternation<'_>) -> Result<()> {
    let name = &rotation.pair.base;
    if seen.base.is_empty() {
        let cause = format!("the server has no account {name:?}");
        return Err(refused(cause, "create it, or correct username in the secret"));
    }
    if let Some(power) = power::of_account(&seen.base, &seen.roles)
        && !rotation.insisted
    {
        return Err(refused(
            format!("{name:?} has {power}: a second such account is made only where somebody asks for it by name"),
            "tag the secret keyroll:strategy = alternating-users to mean it, or single-user to keep one account",
        ));
    }
    let locked: Vec<_> = seen.base.iter().filter(|row| row.definition.locked).collect();
    let all = locked.len() == seen.base.len();
    if let Some(row) = locked.first()
        && (!all || rotation.account == *name)
    {
        let who = statements::account(name, row.host());
        return Err(refused(
            format!("{who} is locked (ACCOUNT LOCK)"),
            format!("ALTER USER {who} ACCOUNT UNLOCK, or DROP USER {who} where other hosts are not locked"),
        ));
    }
    if let Some(row) = seen.base.iter().find(|row| row.definition.limits.user_connections < 0) {
        let who = statements::account(name, row.host());
        return Err(refused(
            format!("{who} has MAX_USER_CONNECTIONS -1, and its partner would get the same: nobody could log in"),
            format!("ALTER USER {who} WITH MAX_USER_CONNECTIONS 0, or as many as it needs"),
        ));
    }
    Ok(())
}

/// Refuses where somebody else's account could be meant, or where logins would not meet the rows that are kept in step.
pub(super) fn check_turn(seen: &Seen, rotation: &Alternation<'_>) -> Result<()> {
    check_pair(seen, rotation)?;
    if rotation.account == rotation.pair.base {
        return Ok(());
    }
    let partner = &rotation.pair.partner;
    for extra in extras(seen) {
        if let Some(caught) = seen.base.iter().find(|row| catches(extra.host(), row.host())) {
            let who = statements::account(partner, extra.host());
            return Err(refused(
                format!(
                    "{who} has no like of {:?}, and takes logins that should meet {}, which has one",
                    rotation.pair.base,
                    statements::account(partner, caught.host())
                ),
                format!("{}, or create the same for {:?}", statements::drop(partner, extra.host()), rotation.pair.base),
            ));
        }
    }
    for row in &seen.partner {
        let base = at(&seen.base, row.host()).map(|base| &base.grants);
        if has_all(&row.grants) && base.is_some_and(|base| !has_all(base)) {
            let who = statements::account(partner, row.host());
            return Err(refused(
                format!("{who} has {ALL} ON *.*, which its base has not"),
                format!("REVOKE {ALL} ON *.* FROM {who}"),
            ));
        }
    }
    Ok(())
}

/// Whether what the server shows is enough to take the two for a pair, where a login as one of them was let in.
///
/// The names say so already. A partner that was let in must have exactly what the other has: an account that happens to be
/// called so would lose the rest at the other's turn.
pub(super) fn shows(seen: &Seen, pair: &Pair, entered: &str) -> bool {
    if seen.partner.is_empty() {
        // One that is still to be made is nobody else's.
        return entered == pair.base;
    }
    if seen.base.is_empty() || !beyond(seen, pair, entered).is_empty() {
        return false;
    }
    let mut shared = seen.partner.iter().filter_map(|row| Some((row, at(&seen.base, row.host())?))).peekable();
    entered == pair.base || (shared.peek().is_some() && shared.all(|(row, base)| row.grants == base.grants))
}

/// Rows of the partner at hosts where the base has none.
pub(super) fn extras(seen: &Seen) -> impl Iterator<Item = &Account> {
    seen.partner.iter().filter(|row| at(&seen.base, row.host()).is_none())
}

/// A right of a row that none of the others has.
pub(super) fn exceeding(row: &Account, others: &[&Account]) -> Option<String> {
    let all = rights(&row.grants);
    let beyond = all.iter().find(|right| !others.iter().any(|other| right.is_in(&other.grants)));
    beyond.map(ToString::to_string)
}

pub(super) fn has_all(grants: &Grants) -> bool {
    grants.objects.get(&Object::Global).is_some_and(|held| held.has(ALL, None))
}

/// The account that was not let in must have nothing that the one that was has not. And a base must have all that the partner
/// has: a first account that is really called like a partner may stand beside somebody else's that is called like its base,
/// whose password nobody is to lose.
fn check_pair(seen: &Seen, rotation: &Alternation<'_>) -> Result<()> {
    let (pair, entered) = (rotation.pair, rotation.entered);
    if rotation.both {
        return Ok(());
    }
    let beyond = beyond(seen, pair, entered);
    if beyond.is_empty() {
        let of_base = entered != pair.base && rotation.account == pair.base;
        return if of_base && !shows(seen, pair, entered) { Err(unlike(seen, pair)) } else { Ok(()) };
    }
    let other = if entered == pair.base { &pair.partner } else { &pair.base };
    let remedy = if *other == pair.partner {
        // Without a host it would be that of '%' alone.
        let rows: Vec<String> = seen.partner.iter().map(|row| statements::account(other, row.host())).collect();
        format!("REVOKE that, or DROP USER {}, if nobody uses it", rows.join(", "))
    } else {
        format!("GRANT {entered:?} the same, if the two are a pair, or REVOKE what is left of things that are gone")
    };
    let cause = format!(
        "{other:?} has rights that {entered:?}, whose password the server took, has not, so that it may be somebody \
         else's: {}",
        few(&beyond)
    );
    Err(refused(cause, remedy))
}

/// The refusal of a base that is not shown to be one.
fn unlike(seen: &Seen, pair: &Pair) -> Error {
    let (base, partner) = (&pair.base, &pair.partner);
    let more = beyond(seen, pair, base);
    let how = if more.is_empty() {
        "no row of the two has the same host and default role".to_owned()
    } else {
        format!("{partner:?} has rights that {base:?} has not: {}", few(&more))
    };
    refused(
        format!(
            "nothing shows that {base:?} is the other account of {partner:?}, whose password the server took: {how}"
        ),
        format!(
            "make their rights alike if the two are a pair (REVOKE that from {partner:?}); if {base:?} is somebody else's, use another account"
        ),
    )
}

/// The first of them.
fn few(all: &[String]) -> String {
    let more = if all.len() > 3 { format!(" and {} more", all.len() - 3) } else { String::new() };
    let few: Vec<&str> = all.iter().take(3).map(String::as_str).collect();
    format!("{}{more}", few.join("; "))
}

/// What the account that was not let in has beyond the one that was.
fn beyond(seen: &Seen, pair: &Pair, entered: &str) -> Vec<String> {
    let (has, other) = seen.of(entered, pair);
    let mut beyond = BTreeSet::new();
    for row in other {
        // A login has met one of the rows, and it is not known which; where all have one password, each of them.
        let same: Vec<&Account> = if opens_all(has) { at(has, row.host()).into_iter().collect() } else { Vec::new() };
        let floor = if same.is_empty() { has.iter().collect() } else { same };
        for right in rights(&row.grants) {
            if floor.is_empty() || floor.iter().any(|floor| !right.is_in(&floor.grants)) {
                beyond.insert(format!("{right} to {}", statements::account(&row.definition.user, row.host())));
            }
        }
    }
    beyond.into_iter().collect()
}

fn opens_all(rows: &[Account]) -> bool {
    let first = |row: &Account| row.definition.rules.first().and_then(|rule| rule.text.clone());
    rows.len() == 1
        || rows
            .first()
            .and_then(first)
            .is_some_and(|one| rows.iter().all(|row| first(row).is_some_and(|text| text.same(&one))))
}

/// One right, taken by itself.
enum Right<'a> {
    Privilege(&'a Object, &'a str, Option<&'a str>),
    GrantOption(&'a Object),
    Role(&'a str, bool),
    Proxy(&'a (String, String), bool),
}

fn rights(grants: &Grants) -> Vec<Right<'_>> {
    let mut rights = Vec::new();
    for (object, held) in &grants.objects {
        rights.extend(held.privileges.iter().map(|(word, column)| Right::Privilege(object, word, column.as_deref())));
        rights.extend(held.grant_option.then_some(Right::GrantOption(object)));
    }
    rights.extend(grants.roles.iter().map(|(role, admin)| Right::Role(role, *admin)));
    rights.extend(grants.proxies.iter().map(|(whom, option)| Right::Proxy(whom, *option)));
    rights
}

impl Right<'_> {
    /// Whether these include it: by itself, or by something wider.
    fn is_in(&self, grants: &Grants) -> bool {
        let on = |object: &Object| grants.objects.get(object);
        let or_global = |object: &Object, test: &dyn Fn(&Held) -> bool| {
            on(object).is_some_and(test) || on(&Object::Global).is_some_and(test)
        };
        match self {
            Self::Privilege(object, word, column) => {
                or_global(object, &|held| held.has(word, *column) || held.has(word, None) || held.has(ALL, None))
            }
            Self::GrantOption(object) => or_global(object, &|held| held.grant_option),
            Self::Role(role, admin) => grants.roles.get(*role).is_some_and(|has| *has || !admin),
            Self::Proxy(whom, option) => grants.proxies.get(*whom).is_some_and(|has| *has || !option),
        }
    }
}

impl std::fmt::Display for Right<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Privilege(object, word, None) => write!(f, "{word} ON {}", statements::object(object)),
            Self::Privilege(object, word, Some(column)) => {
                write!(f, "{word} ({}) ON {}", statements::identifier(column), statements::object(object))
            }
            Self::GrantOption(object) => write!(f, "GRANT OPTION ON {}", statements::object(object)),
            Self::Role(role, admin) => {
                write!(f, "role {}{}", statements::identifier(role), if *admin { " WITH ADMIN OPTION" } else { "" })
            }
            Self::Proxy(whom, _) => write!(f, "PROXY ON {}", statements::account(&whom.0, &whom.1)),
        }
    }
}

pub(super) fn refused(cause: String, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedAccount, cause, remedy)
}
