use super::*;
use crate::database::mariadb::statements::verifier;

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
    let warnings = all.warnings(Some(&[hash("old"), hash("older")]), true);
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
fn what_keeps_all_out_is_no_strangers_and_what_lets_all_in_leaves_no_room() {
    let shut = "IDENTIFIED VIA mysql_native_password USING 'invalid' OR mysql_native_password USING '$old'";
    assert_eq!(rows(&[("%", shut)]).warnings(Some(&[hash("old")]), true), [""; 0]);
    let open = rows(&[("%", "IDENTIFIED VIA mysql_native_password OR unix_socket")]);
    // Two passwords and a plugin would be three rules.
    assert_eq!((open.strangers(&[], true).len(), open.strangers(&[], false).len()), (1, 0));
}

#[test]
fn a_hash_is_the_same_in_small_letters() {
    let row = format!("IDENTIFIED BY PASSWORD '{}'", hash("old").expose().to_lowercase());
    assert_eq!(rows(&[("%", &row)]).alien(&[hash("old")]).count(), 0);
    assert!(rows(&[("%", &row)]).unknown(&[hash("old")], false).is_empty());
}

#[test]
fn of_two_accounts_only_a_second_password_may_be_somebodys() {
    let (one, two) = (rows(&[("%", ALIEN)]), rows(&[("%", BESIDE)]));
    assert_eq!([one.unknown(&[], false).len(), one.unknown(&[], true).len()], [1, 0]);
    assert_eq!(two.unknown(&[hash("old")], true).len(), 1);
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
fn a_row_that_was_never_opened_gets_its_first_password_at_the_partners_turn() {
    let made = rows(&[("%", "IDENTIFIED VIA unix_socket ACCOUNT LOCK")]);
    assert!(made.ours(false).is_err());
    let ours = made.ours(true).unwrap_or_else(|error| panic!("{error}"));
    let password = Sensitive::new("p".to_owned());
    assert!(matches!(ours[0].ways(&[&password]).as_slice(), [Way::Password(_)]));
    assert!(made.warnings(None, false).is_empty());
    // One that somebody uses is left alone, locked or not.
    for used in ["IDENTIFIED VIA unix_socket", "IDENTIFIED VIA unix_socket USING 'backup' ACCOUNT LOCK"] {
        assert!(rows(&[("%", used)]).ours(true).is_err(), "{used}");
    }
}

#[test]
fn rules_are_compared_in_their_order() {
    let row = &rows(&[("%", TWO)]).rows[0];
    assert!(row.accepts_just(&[hash("old"), hash("older")]));
    assert!(!row.accepts_just(&[hash("older"), hash("old")]) && !row.accepts_just(&[hash("old")]));
    assert!(row.accepts(&hash("older")) && !row.accepts(&hash("alien")));
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
