//! The statements about a pair, as text, for a session whose `sql_mode` is ours: without `ANSI_QUOTES`, so that a name
//! is in backticks, and with `NO_BACKSLASH_ESCAPES`, so that a text has only its quotes doubled. There is no password in any.

use std::collections::BTreeSet;

use super::grants::{Object, Privilege, Routine};
use crate::database::Change;
use crate::database::mariadb::definition::{Definition, Expiry, Limits, Require};
use crate::database::mariadb::statements::literal;
pub(super) use crate::database::mariadb::statements::{account, definition, hosts, identifier};

/// How one logs in to an account that has been made but never opened. One without a password would be open to everybody
/// were it not locked, and a server that checks passwords refuses to make it, as it refuses a hash.
const UNSET: &str = " IDENTIFIED VIA unix_socket";
/// The plugin in it.
pub(super) const UNSET_PLUGIN: &str = "unix_socket";

pub(super) fn show_grants(user: &str, host: &str) -> String {
    format!("SHOW GRANTS FOR {}", account(user, host))
}

/// With what it has by other roles.
pub(super) fn show_grants_of_role(role: &str) -> String {
    format!("SHOW GRANTS FOR {}", identifier(role))
}

/// A row like one of the base's, that nobody gets into before its password is set.
pub(super) fn create(partner: &str, like: &Definition) -> String {
    format!(
        "CREATE USER {}{UNSET}{}{} ACCOUNT LOCK{}",
        account(partner, &like.host),
        require(&like.require),
        limits(&like.limits),
        expiry(like.expiry)
    )
}

/// The statement without the plugin, for a server that lacks it.
pub(super) fn without_plugin(change: &Change) -> Option<String> {
    let statement = &change.statement;
    let host = format!("CREATE USER {}@", identifier(&change.account)).len();
    if !statement.starts_with("CREATE USER ") {
        return None;
    }
    let from = statement.get(host..)?.find(UNSET)? + host;
    Some(format!("{}{}", &statement[..from], &statement[from + UNSET.len()..]))
}

/// What changes of a row. A part that stays as it is has no value.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Alteration<'a> {
    pub(super) require: Option<&'a Require>,
    pub(super) limits: Option<&'a Limits>,
    pub(super) expiry: Option<Expiry>,
}

/// Changes a row.
pub(super) fn alter(user: &str, host: &str, wanted: Alteration<'_>) -> String {
    format!(
        "ALTER USER {}{}{}{}",
        account(user, host),
        wanted.require.map(require).unwrap_or_default(),
        wanted.limits.map(limits).unwrap_or_default(),
        wanted.expiry.map(expiry).unwrap_or_default()
    )
}

pub(super) fn drop(user: &str, host: &str) -> String {
    format!("DROP USER {}", account(user, host))
}

pub(super) fn require(require: &Require) -> String {
    match require {
        Require::None => " REQUIRE NONE".to_owned(),
        Require::Ssl => " REQUIRE SSL".to_owned(),
        Require::X509 => " REQUIRE X509".to_owned(),
        Require::These { issuer, subject, cipher } => {
            let part = |word: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!(" {word} {}", literal(value))).unwrap_or_default()
            };
            format!(" REQUIRE{}{}{}", part("ISSUER", issuer), part("SUBJECT", subject), part("CIPHER", cipher))
        }
    }
}

pub(super) fn limits(limits: &Limits) -> String {
    format!(
        " WITH MAX_QUERIES_PER_HOUR {} MAX_UPDATES_PER_HOUR {} MAX_CONNECTIONS_PER_HOUR {} MAX_USER_CONNECTIONS {} \
         MAX_STATEMENT_TIME {}",
        limits.queries_per_hour,
        limits.updates_per_hour,
        limits.connections_per_hour,
        limits.user_connections,
        limits.statement_time
    )
}

pub(super) fn expiry(expiry: Expiry) -> String {
    match expiry {
        Expiry::Default => " PASSWORD EXPIRE DEFAULT".to_owned(),
        Expiry::Never => " PASSWORD EXPIRE NEVER".to_owned(),
        Expiry::Days(days) => format!(" PASSWORD EXPIRE INTERVAL {days} DAY"),
    }
}

pub(super) fn object(object: &Object) -> String {
    match object {
        Object::Global => "*.*".to_owned(),
        Object::Databases(pattern) => format!("{}.*", identifier(pattern)),
        Object::Table(database, table) => format!("{}.{}", identifier(database), identifier(table)),
        Object::Routine(kind, database, routine) => {
            format!("{} {}.{}", word(*kind), identifier(database), identifier(routine))
        }
    }
}

/// Whether the server reads a statement about that object only in `sql_mode` ORACLE, up to MariaDB 11.3.
pub(super) fn is_oracles(statement: &str) -> bool {
    ["GRANT ", "REVOKE "].iter().any(|verb| statement.starts_with(verb)) && statement.contains(" ON PACKAGE ")
}

fn word(kind: Routine) -> &'static str {
    Routine::ALL.iter().find(|(routine, _)| *routine == kind).map_or("", |(_, word)| word)
}

/// Privileges, each word once with its columns.
pub(super) fn list(privileges: &BTreeSet<Privilege>) -> String {
    let words: BTreeSet<(&String, bool)> = privileges.iter().map(|(word, column)| (word, column.is_some())).collect();
    let shown = words.into_iter().map(|(word, in_columns)| {
        if !in_columns {
            return word.clone();
        }
        let columns = privileges.iter().filter(|(other, _)| other == word).filter_map(|(_, column)| column.as_ref());
        let columns: Vec<String> = columns.map(|column| identifier(column)).collect();
        format!("{word} ({})", columns.join(", "))
    });
    shown.collect::<Vec<_>>().join(", ")
}

pub(super) fn grant(on: &Object, privileges: &BTreeSet<Privilege>, to: (&str, &str), grant_option: bool) -> String {
    let list = if privileges.is_empty() { "USAGE".to_owned() } else { list(privileges) };
    let option = if grant_option { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {list} ON {} TO {}{option}", object(on), account(to.0, to.1))
}

pub(super) fn revoke(on: &Object, privileges: &BTreeSet<Privilege>, from: (&str, &str)) -> String {
    format!("REVOKE {} ON {} FROM {}", list(privileges), object(on), account(from.0, from.1))
}

pub(super) fn revoke_option(on: &Object, from: (&str, &str)) -> String {
    format!("REVOKE GRANT OPTION ON {} FROM {}", object(on), account(from.0, from.1))
}

pub(super) fn grant_role(role: &str, to: (&str, &str), admin: bool) -> String {
    let option = if admin { " WITH ADMIN OPTION" } else { "" };
    format!("GRANT {} TO {}{option}", identifier(role), account(to.0, to.1))
}

pub(super) fn revoke_role(role: &str, from: (&str, &str)) -> String {
    format!("REVOKE {} FROM {}", identifier(role), account(from.0, from.1))
}

pub(super) fn revoke_admin(role: &str, from: (&str, &str)) -> String {
    format!("REVOKE ADMIN OPTION FOR {} FROM {}", identifier(role), account(from.0, from.1))
}

pub(super) fn default_role(role: Option<&str>, of: (&str, &str)) -> String {
    format!("SET DEFAULT ROLE {} FOR {}", role.map_or_else(|| "NONE".to_owned(), identifier), account(of.0, of.1))
}

pub(super) fn grant_proxy(whom: &(String, String), to: (&str, &str), grant_option: bool) -> String {
    let option = if grant_option { " WITH GRANT OPTION" } else { "" };
    format!("GRANT PROXY ON {} TO {}{option}", account(&whom.0, &whom.1), account(to.0, to.1))
}

pub(super) fn revoke_proxy(whom: &(String, String), from: (&str, &str)) -> String {
    format!("REVOKE PROXY ON {} FROM {}", account(&whom.0, &whom.1), account(from.0, from.1))
}

/// Puts the session into the mode in which packages are known.
pub(super) const ORACLE: &str =
    "SET @keyroll_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',ORACLE')";
/// Takes it back.
pub(super) const NOT_ORACLE: &str = "SET SESSION sql_mode = @keyroll_sql_mode";

/// What gives the writer the right to make a change.
pub(super) fn remedy(change: &Change, writer: &str) -> String {
    let statement = &change.statement;
    if statement.starts_with("SET DEFAULT ROLE ") {
        return format!("GRANT UPDATE ON `mysql`.* TO {writer}");
    }
    let given = match statement.rfind(&format!(" TO {}@", identifier(&change.account))) {
        Some(given) if statement.starts_with("GRANT ") => given,
        _ => return format!("GRANT CREATE USER ON *.* TO {writer}"),
    };
    let option = if statement.starts_with("GRANT `") { "ADMIN" } else { "GRANT" };
    format!(
        "{} TO {writer} WITH {option} OPTION, or do the same for {:?} yourself",
        &statement[..given],
        change.account
    )
}

/// Whether a row was made by a plan and never opened: nobody gets in before its password is set.
pub(in crate::database::mariadb) fn is_unopened(row: &Definition) -> bool {
    row.locked && matches!(row.rules.as_slice(), [rule] if rule.plugin == UNSET_PLUGIN && rule.text.is_none())
}
