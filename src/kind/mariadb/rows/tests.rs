use super::*;
use crate::kind::mariadb::statements::verifier;

fn hash(password: &str) -> Sensitive {
    verifier(&Sensitive::new(password.to_owned()))
}

/// Rows by host, each with its rules as the server shows them; `$p` stands for the hash of a password `p`.
fn rows(of: &[(&str, &str)]) -> Rows {
    let row = |(host, rules): &(&str, &str)| {
        let mut text = (*rules).to_owned();
        for password in ["new", "old", "older", "alien"] {
            text = text.replace(&format!("${password}'"), &format!("{}'", hash(password).expose()));
        }
        let line = format!("CREATE USER `app`@`{host}` {text}");
        Row { host: (*host).to_owned(), definition: Definition::parse(&line).unwrap_or_else(|| panic!("{rules}")) }
    };
    Rows { account: "app".to_owned(), rows: of.iter().map(row).collect() }
}

const ONE: &str = "IDENTIFIED BY PASSWORD '$old'";
const ALIEN: &str = "IDENTIFIED BY PASSWORD '$alien'";
const TWO: &str = "IDENTIFIED VIA mysql_native_password USING '$old' OR mysql_native_password USING '$older'";
const BESIDE: &str = "IDENTIFIED VIA mysql_native_password USING '$old' OR mysql_native_password USING '$alien'";
const SOCKET: &str = "IDENTIFIED VIA unix_socket";
const EITHER: &str = "IDENTIFIED VIA mysql_native_password USING '$old' OR unix_socket";
const INVALID: &str = "IDENTIFIED VIA mysql_native_password USING 'invalid' OR unix_socket";

#[test]
fn every_row_with_a_password_is_changed_and_no_other() {
    let all = rows(&[("%", ONE), ("10.%", ALIEN), ("a", TWO), ("b", ""), ("c", SOCKET), ("d", INVALID)]);
    let ours: Vec<&str> =
        all.ours(false).unwrap_or_else(|e| panic!("{e}")).iter().map(|row| row.host.as_str()).collect();
    assert_eq!(ours, ["%", "10.%", "a", "b"]);
    let warnings = all.warnings(Some(&[hash("old"), hash("older")]));
    let about = |host: &str| warnings.iter().filter(|line| line.contains(&format!("@`{host}`"))).count();
    assert_eq!(["%", "10.%", "a", "b", "c", "d"].map(about), [0, 1, 0, 1, 1, 1], "{warnings:?}");
}

#[test]
fn an_account_without_a_password_of_ours_is_refused_by_its_plugins() {
    for (rows, expected) in [(rows(&[]), "no account"), (rows(&[("%", SOCKET)]), "unix_socket")] {
        let Err(error) = rows.ours(false) else { panic!("accepted") };
        assert_eq!(error.kind(), ErrorKind::RefusedAccount);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_second_password_is_known_or_a_strangers() {
    let known = [hash("old"), hash("older")];
    for (rules, count) in [(ONE, 0), (ALIEN, 0), (TWO, 0), (BESIDE, 1), (EITHER, 1), (SOCKET, 0), (INVALID, 0)] {
        assert_eq!(rows(&[("%", rules)]).strangers(&known, true).len(), count, "{rules}");
    }
    assert_eq!(rows(&[("%", TWO)]).strangers(&known[..1], true).len(), 1);
    assert_eq!(rows(&[("%", ONE), ("a", BESIDE)]).strangers(&known, true).len(), 1);
    assert_eq!(rows(&[("%", EITHER), ("a", BESIDE)]).strangers(&known, false).len(), 1);
}

#[test]
fn other_plugins_keep_their_place() {
    let password = Sensitive::new("p".to_owned());
    for (rules, expected) in [(ONE, "p"), (TWO, "p"), (EITHER, "p unix_socket"), ("", "p")] {
        let of = rows(&[("%", rules)]);
        let ways = of.rows[0].ways(&[&password]);
        let told = |way: &Way<'_>| match way {
            Way::Password(password) => password.expose().to_owned(),
            Way::Other(rule) => rule.plugin.clone(),
        };
        assert_eq!(ways.iter().map(told).collect::<Vec<_>>().join(" "), expected, "{rules}");
    }
}

#[test]
fn a_row_that_was_made_and_never_opened_gets_its_first_password_at_the_partners_turn() {
    let made = rows(&[("%", "IDENTIFIED VIA unix_socket ACCOUNT LOCK")]);
    assert!(made.ours(false).is_err());
    let ours = made.ours(true).unwrap_or_else(|error| panic!("{error}"));
    let password = Sensitive::new("p".to_owned());
    assert!(matches!(ours[0].ways(&[&password]).as_slice(), [Way::Password(_)]));
    assert!(made.warnings(None).is_empty());
    // One that somebody uses is left alone, locked or not.
    for used in ["IDENTIFIED VIA unix_socket", "IDENTIFIED VIA unix_socket USING 'backup' ACCOUNT LOCK"] {
        assert!(rows(&[("%", used)]).ours(true).is_err(), "{used}");
    }
}

#[test]
fn rules_are_compared_in_their_order() {
    let row = &rows(&[("%", TWO)]).rows[0];
    assert!(row.accepts(&[hash("old"), hash("older")]));
    assert!(!row.accepts(&[hash("older"), hash("old")]) && !row.accepts(&[hash("old")]));
}

#[test]
fn an_account_changes_itself_only_where_that_ends_the_password_before() {
    let own = |rules| check_own(&rows(&[("%", rules)]).rows[0].definition, "app");
    assert!(own(ONE).is_ok() && own("").is_ok());
    for (rules, expected) in [(TWO, "two passwords"), (EITHER, "unix_socket"), (INVALID, "unix_socket")] {
        let error = own(rules).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(passwords(&rows(&[("%", TWO)]).rows[0].definition), 2);
}
