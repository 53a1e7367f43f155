//! Definitions as a MariaDB 10.11 printed them.

use super::*;

const HASH: &str = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";
const OTHER: &str = "*1470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";

fn parsed(rest: &str) -> Definition {
    Definition::parse(&format!("CREATE USER `u`@`%`{rest}")).unwrap_or_else(|| panic!("{rest}"))
}

fn rules(rest: &str) -> Vec<(String, Option<String>)> {
    let told = |rule: Rule| (rule.plugin, rule.text.map(|text| text.expose().to_owned()));
    parsed(rest).rules.into_iter().map(told).collect()
}

#[test]
fn every_way_to_log_in_is_read() {
    let rule = |plugin: &str, text: Option<&str>| (plugin.to_owned(), text.map(str::to_owned));
    for (rest, expected) in [
        (String::new(), vec![]),
        (format!(" IDENTIFIED BY PASSWORD '{HASH}' REQUIRE SSL"), vec![rule(NATIVE, Some(HASH))]),
        (" IDENTIFIED BY PASSWORD 'invalid'".to_owned(), vec![rule(NATIVE, Some("invalid"))]),
        (
            " IDENTIFIED BY PASSWORD '5d2e19393cc5ef67'".to_owned(),
            vec![rule("mysql_old_password", Some("5d2e19393cc5ef67"))],
        ),
        (" IDENTIFIED VIA unix_socket ACCOUNT LOCK".to_owned(), vec![rule("unix_socket", None)]),
        (r" IDENTIFIED VIA unix_socket USING 'a''b\\c'".to_owned(), vec![rule("unix_socket", Some("a'b\\c"))]),
        (
            format!(" IDENTIFIED VIA unix_socket OR mysql_native_password USING '{HASH}'"),
            vec![rule("unix_socket", None), rule(NATIVE, Some(HASH))],
        ),
        (
            format!(" IDENTIFIED VIA {NATIVE} USING '{HASH}' OR {NATIVE} USING '{OTHER}' PASSWORD EXPIRE"),
            vec![rule(NATIVE, Some(HASH)), rule(NATIVE, Some(OTHER))],
        ),
    ] {
        assert_eq!(rules(&rest), expected, "{rest}");
    }
}

#[test]
fn everything_about_an_account_is_read() {
    let line = "CREATE USER `a``'\"\\ TO b`@`10.%` IDENTIFIED VIA mysql_native_password USING \
         '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' OR unix_socket REQUIRE ISSUER '/C=a''b\\\\c\"d' SUBJECT '/CN=x' CIPHER 'AES' \
         WITH MAX_QUERIES_PER_HOUR 1 MAX_UPDATES_PER_HOUR 5 MAX_CONNECTIONS_PER_HOUR 6 MAX_USER_CONNECTIONS -1 \
         MAX_STATEMENT_TIME 1.500000 ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 5 DAY";
    let definition = Definition::parse(line).unwrap();
    assert_eq!((definition.user.as_str(), definition.host.as_str()), ("a`'\"\\ TO b", "10.%"));
    let some = |text: &str| Some(text.to_owned());
    let (issuer, subject, cipher) = (some("/C=a'b\\c\"d"), some("/CN=x"), some("AES"));
    assert_eq!(definition.require, Require::These { issuer, subject, cipher });
    let limits = Limits {
        queries_per_hour: 1,
        updates_per_hour: 5,
        connections_per_hour: 6,
        user_connections: -1,
        statement_time: "1.500000".to_owned(),
    };
    assert_eq!(definition.limits, limits);
    assert!(definition.locked && definition.rules.len() == 2);
    assert_eq!(definition.expiry, Expiry::Days(5));
}

#[test]
fn requirements_and_expiry_are_read_by_themselves() {
    for (rest, require) in [
        ("", Require::None),
        (" REQUIRE SSL PASSWORD EXPIRE", Require::Ssl),
        (" REQUIRE X509 PASSWORD EXPIRE NEVER", Require::X509),
        (
            " REQUIRE CIPHER 'c' WITH MAX_USER_CONNECTIONS 3",
            Require::These { issuer: None, subject: None, cipher: Some("c".to_owned()) },
        ),
    ] {
        assert_eq!(parsed(rest).require, require, "{rest}");
    }
    for (rest, expiry, expired) in [
        ("", Expiry::Default, false),
        (" PASSWORD EXPIRE", Expiry::Default, true),
        (" ACCOUNT LOCK PASSWORD EXPIRE NEVER", Expiry::Never, false),
        (" PASSWORD EXPIRE INTERVAL 3 DAY", Expiry::Days(3), false),
    ] {
        let definition = parsed(rest);
        assert_eq!((definition.expiry, definition.expired), (expiry, expired), "{rest}");
    }
}

#[test]
fn what_comes_after_the_end_of_a_password_is_in_a_second_row() {
    let expired = "CREATE USER `u3`@`%` REQUIRE X509 PASSWORD EXPIRE";
    let definition = Definition::of([expired, "ALTER USER `u3`@`%` PASSWORD EXPIRE NEVER"]).unwrap();
    assert!(definition.expired && definition.expiry == Expiry::Never);
    for second in ["", "ALTER USER `u4`@`%` PASSWORD EXPIRE NEVER", "ALTER USER `u3`@`%` ACCOUNT LOCK"] {
        assert!(Definition::of([expired, second]).is_none(), "{second}");
    }
    assert!(Definition::of(["CREATE USER `u3`@`%`", "ALTER USER `u3`@`%` PASSWORD EXPIRE NEVER"]).is_none());
    assert!(Definition::of([]).is_none());
}

#[test]
fn what_is_not_known_is_not_dropped() {
    for rest in [
        " REQUIRE",
        " REQUIRE TLS",
        " WITH MAX_DREAMS_PER_HOUR 3",
        " WITH",
        " WITH GRANT OPTION",
        " PASSWORD EXPIRE SOON",
        " PASSWORD EXPIRE INTERVAL 3 MONTH",
        " ACCOUNT LOCK ACCOUNT LOCK",
        " IDENTIFIED VIA",
        " IDENTIFIED BY 'x'",
        " COMMENT 'x'",
    ] {
        let line = format!("CREATE USER `u`@`%`{rest}");
        assert!(Definition::parse(&line).is_none(), "{rest}");
    }
    assert!(Definition::parse("CREATE USER `u`").is_none() && Definition::parse("").is_none());
}
