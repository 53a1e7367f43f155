//! The plan for a pair, from what a server shows.

mod lock_outs;
mod server;

use super::grants::Grants;
use super::plan;
use super::rules::shows;
use super::seen::{Account, Seen};
use crate::database::mariadb::definition::Definition;
use crate::database::pair::Pair;
use crate::database::{Alignment, Alternation};
use crate::error::{ErrorKind, Result};

/// A row as the server shows it: host, what follows in `SHOW CREATE USER`, and the grants without `GRANT` and grantee.
type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

fn accounts(user: &str, rows: &[Row<'_>]) -> Vec<Account> {
    let read = |(host, definition, grants): &Row<'_>| {
        let who = format!("`{user}`@`{host}`");
        let line = |grant: &&str| match grant.split_once(" WITH ") {
            Some((grant, option)) => format!("GRANT {grant} TO {who} WITH {option}"),
            None => format!("GRANT {grant} TO {who}"),
        };
        let lines: Vec<String> = grants.iter().map(line).collect();
        Account {
            definition: Definition::parse(&format!("CREATE USER {who}{definition}")).unwrap(),
            grants: Grants::of(lines.iter().map(String::as_str), user, host).unwrap(),
        }
    };
    rows.iter().map(read).collect()
}

fn seen(base: &[Row<'_>], partner: &[Row<'_>]) -> Seen {
    Seen { base: accounts("x", base), partner: accounts("x_clone", partner), roles: Vec::new() }
}

fn pair() -> Pair {
    Pair { base: "x".to_owned(), partner: "x_clone".to_owned() }
}

/// The plan where only the account before was let in, as it is on a first rotation.
fn alone(seen: &Seen, account: &str) -> Result<Alignment> {
    let entered = if account == "x" { "x_clone" } else { "x" };
    plan(seen, &Alternation { pair: &pair(), account, entered, both: false, insisted: false })
}

/// The plan where both were let in.
fn both(seen: &Seen, account: &str) -> Result<Alignment> {
    plan(seen, &Alternation { pair: &pair(), account, entered: "x", both: true, insisted: false })
}

fn statements(alignment: Alignment) -> Vec<String> {
    alignment.changes.into_iter().map(|change| change.statement).collect()
}

fn refused(answer: Result<Alignment>, words: &[&str]) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RefusedAccount, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

const READS: &[&str] = &["SELECT ON `d`.*"];
const WRITES: &[&str] = &["SELECT, INSERT ON `d`.*"];

#[test]
fn what_is_in_step_stays_as_it_is() {
    let seen = seen(&[("%", " REQUIRE SSL", READS)], &[("%", " REQUIRE SSL", READS)]);
    for account in ["x", "x_clone"] {
        assert_eq!(alone(&seen, account).unwrap(), Alignment::default());
    }
}

#[test]
fn a_partner_that_is_not_there_is_made_locked_for_every_host() {
    let base: &[Row<'_>] =
        &[("%", " REQUIRE SSL", READS), ("10.%", " PASSWORD EXPIRE NEVER", &["`r` WITH ADMIN OPTION"])];
    for account in ["x", "x_clone"] {
        let answer =
            plan(&seen(base, &[]), &Alternation { pair: &pair(), account, entered: "x", both: false, insisted: false });
        let none = "WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0 \
                    MAX_STATEMENT_TIME 0.000000 ACCOUNT LOCK PASSWORD EXPIRE";
        assert_eq!(
            statements(answer.unwrap()),
            [
                format!("CREATE USER `x_clone`@`%` IDENTIFIED VIA unix_socket REQUIRE SSL {none} DEFAULT"),
                "GRANT SELECT ON `d`.* TO `x_clone`@`%`".to_owned(),
                format!("CREATE USER `x_clone`@`10.%` IDENTIFIED VIA unix_socket REQUIRE NONE {none} NEVER"),
                "GRANT `r` TO `x_clone`@`10.%` WITH ADMIN OPTION".to_owned(),
            ]
        );
    }
    let made = accounts("x_clone", &[("%", " IDENTIFIED VIA unix_socket ACCOUNT LOCK", &[]), ("%", "", &[])]);
    assert!(made[0].definition.locked && !made[1].definition.locked);
}

#[test]
fn somebody_elses_account_is_not_changed() {
    let plain: Row<'_> = ("%", "", READS);
    let more: Row<'_> = ("%", "", WRITES);
    // An account that happens to be called like a partner, or like a base.
    refused(alone(&seen(&[plain], &[more]), "x_clone"), &["INSERT ON `d`.* to `x_clone`@`%`", "DROP USER `x_clone`"]);
    refused(alone(&seen(&[more], &[plain]), "x"), &["INSERT ON `d`.* to `x`@`%`", "GRANT"]);
    // A first account that is really called so, beside one with fewer rights or from elsewhere.
    refused(alone(&seen(&[plain], &[more]), "x"), &["INSERT ON `d`.* to `x_clone`@`%`", "use another account"]);
    refused(alone(&seen(&[("10.%", "", READS)], &[plain]), "x"), &["no row of the two has the same host"]);
    // A login meets one row: the rights of another may be behind another password.
    let apart = [("%", " IDENTIFIED BY PASSWORD '*1'", READS), ("localhost", " IDENTIFIED BY PASSWORD '*2'", WRITES)];
    let same = [("%", " IDENTIFIED BY PASSWORD '*1'", READS), ("localhost", " IDENTIFIED BY PASSWORD '*1'", WRITES)];
    refused(alone(&seen(&[("localhost", "", WRITES)], &apart), "x"), &["INSERT"]);
    assert!(alone(&seen(&[("localhost", "", WRITES)], &same), "x").is_ok());
    // Roles and proxies are rights, too; something wider has them all.
    for right in ["`r`", "PROXY ON `root`@`%`", "USAGE ON `d`.* WITH GRANT OPTION", "SELECT (`a`) ON `d`.`t`"] {
        refused(alone(&seen(&[plain], &[("%", "", &[right])]), "x_clone"), &["somebody else's"]);
    }
    let wide: Row<'_> = ("%", "", &["ALL PRIVILEGES ON `d`.*"]);
    assert!(alone(&seen(&[wide], &[plain]), "x_clone").is_ok());
    // A secret that holds the passwords of both accounts may.
    for account in ["x", "x_clone"] {
        assert!(both(&seen(&[plain], &[more]), account).is_ok());
        assert!(both(&seen(&[more], &[plain]), account).is_ok());
    }
    refused(both(&seen(&[], &[plain]), "x"), &["no account \"x\""]);
}

#[test]
fn two_are_taken_for_a_pair_where_neither_would_lose_a_right() {
    for (base, partner, expected) in [(READS, READS, true), (READS, WRITES, false), (WRITES, READS, false)] {
        let seen = seen(&[("%", "", base)], &[("%", "", partner)]);
        assert_eq!(shows(&seen, &pair(), "x_clone"), expected);
    }
    assert!(!shows(&seen(&[("%", "", READS)], &[]), &pair(), "x_clone"));
    assert!(!shows(&seen(&[("10.%", "", &[])], &[("%", "", READS)]), &pair(), "x_clone"));
    assert!(shows(&seen(&[("%", "", WRITES)], &[("%", "", READS)]), &pair(), "x"));
}

#[test]
fn of_an_administrator_no_second_is_made_unnoticed() {
    for right in [
        "ALL PRIVILEGES ON *.*",
        "SUPER ON *.*",
        "SELECT, CREATE USER ON *.*",
        "SELECT ON *.* WITH GRANT OPTION",
        "UPDATE ON `mysql`.*",
    ] {
        let row: Row<'_> = ("%", "", &[right]);
        refused(both(&seen(&[row], &[row]), "x"), &["by name"]);
        let insisted = Alternation { pair: &pair(), account: "x", entered: "x", both: true, insisted: true };
        assert!(plan(&seen(&[row], &[row]), &insisted).is_ok());
    }
    let (all, some): (Row<'_>, Row<'_>) = (("%", "", &["ALL PRIVILEGES ON *.*"]), ("%", "", READS));
    refused(both(&seen(&[some], &[all]), "x_clone"), &["REVOKE ALL PRIVILEGES ON *.* FROM `x_clone`@`%`"]);
}

#[test]
fn all_privileges_shrink_to_what_the_base_has() {
    let table: Row<'_> = ("%", "", &["SELECT (`a`), DROP ON `d`.`t`"]);
    let seen = seen(&[table], &[("%", "", &["ALL PRIVILEGES ON `d`.`t`"])]);
    assert_eq!(
        statements(both(&seen, "x_clone").unwrap()),
        [
            "GRANT SELECT (`a`) ON `d`.`t` TO `x_clone`@`%`",
            "REVOKE ALTER, CREATE, CREATE VIEW, DELETE, DELETE HISTORY, INDEX, INSERT, REFERENCES, SELECT, SHOW VIEW, TRIGGER, \
             UPDATE ON `d`.`t` FROM `x_clone`@`%`",
            "GRANT SELECT (`a`) ON `d`.`t` TO `x_clone`@`%`",
        ]
    );
}
