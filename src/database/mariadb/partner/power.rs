//! What makes an account more than an application's: doubled, it would be a second administrator.

use super::grants::{ALL, Grants, Object};
use super::seen::Account;

/// Privileges on everything that make their holder an administrator, or let it become one.
const MIGHTY: [&str; 14] = [
    ALL,
    "SUPER",
    "CREATE USER",
    "SET USER",
    "FILE",
    "SHUTDOWN",
    "READ_ONLY ADMIN",
    "READ ONLY ADMIN",
    "CONNECTION ADMIN",
    "FEDERATED ADMIN",
    "BINLOG ADMIN",
    "BINLOG REPLAY",
    "REPLICATION MASTER ADMIN",
    "REPLICATION SLAVE ADMIN",
];

/// Privileges on the server's own tables by which one makes accounts, or gives rights to oneself.
const WRITES: [&str; 4] = [ALL, "INSERT", "UPDATE", "DELETE"];

/// The first such power of an account, by itself or by one of its roles, of which these are the lines of `SHOW GRANTS`.
pub(super) fn of_account(rows: &[Account], roles: &[String]) -> Option<String> {
    rows.iter().find_map(|row| of_grants(&row.grants)).or_else(|| roles.iter().find_map(|line| of_line(line)))
}

fn of_grants(grants: &Grants) -> Option<String> {
    if let Some(held) = grants.objects.get(&Object::Global) {
        if let Some(word) = MIGHTY.into_iter().find(|word| held.has(word, None)) {
            return Some(format!("{word} ON *.*"));
        }
        if held.grant_option {
            return Some("GRANT OPTION ON *.*".to_owned());
        }
    }
    let on_system = |object: &Object| match object {
        Object::Databases(pattern) => pattern == "mysql" || pattern == "%",
        Object::Table(database, _) => database == "mysql",
        Object::Global | Object::Routine(..) => false,
    };
    let mut held = grants.objects.iter().filter(|(object, _)| on_system(object)).map(|(_, held)| held);
    let word = held.find_map(|held| WRITES.into_iter().find(|word| held.has(word, None)))?;
    Some(format!("{word} on the server's own tables (`mysql`)"))
}

/// The power that a line about a role gives. A role has no more than privileges: how one logs in is the account's.
fn of_line(line: &str) -> Option<String> {
    let (privileges, rest) = line.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let has =
        |words: &[&'static str]| words.iter().copied().find(|word| privileges.split(", ").any(|has| has == *word));
    let by_role = |power: String| format!("{power}, by a role");
    if rest.starts_with("*.* TO ") {
        let option = rest.ends_with(" WITH GRANT OPTION").then_some("GRANT OPTION");
        return has(&MIGHTY).or(option).map(|word| by_role(format!("{word} ON *.*")));
    }
    if rest.starts_with("`mysql`.") || rest.starts_with("`%`.") {
        return has(&WRITES).map(|word| by_role(format!("{word} on the server's own tables (`mysql`)")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_gives_its_power_on() {
        for (line, expected) in [
            ("GRANT SUPER ON *.* TO `dba`", Some("SUPER ON *.*, by a role")),
            ("GRANT SELECT, CREATE USER ON *.* TO `dba`", Some("CREATE USER ON *.*, by a role")),
            ("GRANT SELECT ON *.* TO `dba` WITH GRANT OPTION", Some("GRANT OPTION ON *.*, by a role")),
            (
                "GRANT UPDATE ON `mysql`.`global_priv` TO `dba`",
                Some("UPDATE on the server's own tables (`mysql`), by a role"),
            ),
            ("GRANT SELECT ON `mysql`.* TO `dba`", None),
            ("GRANT ALL PRIVILEGES ON `orders`.* TO `SUPER`", None),
            ("GRANT `sub` TO `dba`", None),
        ] {
            assert_eq!(of_line(line).as_deref(), expected, "{line}");
        }
    }
}
