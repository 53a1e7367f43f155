use super::*;

fn with_role(postgres: &Postgres, role: &str, password: &str) {
    postgres.sql(&format!("CREATE ROLE {} LOGIN PASSWORD {}", identifier(role), literal(password))).unwrap();
}

#[test]
fn passwords_are_really_checked_and_logins_are_counted() {
    let postgres = Postgres::start().unwrap();
    with_role(&postgres, "app", "a right one");
    let mark = postgres.mark();
    assert_eq!(postgres.try_login("app", "a right one", "postgres").unwrap(), Login::Accepted);
    assert_eq!(postgres.try_login("app", "a wrong one", "postgres").unwrap(), Login::Rejected);
    assert_eq!(postgres.try_login("nobody", "anything", "postgres").unwrap(), Login::Rejected);
    assert!(postgres.try_login("app", "", "postgres").unwrap_err().to_string().contains("not answered"));
    assert_eq!(postgres.sql_as("app", "a right one", "postgres", "SELECT current_user, 1").unwrap(), "app|1");
    let logins = postgres.logins_since(mark);
    assert_eq!(logins.accepted, ["app", "app"]);
    assert_eq!(logins.failed, ["app", "nobody"]);
    assert!(!postgres.log().contains("a right one"));
}

#[test]
fn a_session_stays_until_the_server_ends_it() {
    let postgres = Postgres::start().unwrap();
    with_role(&postgres, "app", "a right one");
    let mut held = postgres.hold("app", "a right one", "postgres").unwrap();
    assert!(held.is_open() && held.ask("SELECT current_user").unwrap() == "app");
    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'").unwrap();
    assert!(!held.is_open());
    assert!(postgres.hold("app", "a wrong one", "postgres").is_err());
}

#[test]
fn names_and_passwords_may_hold_anything_but_nul() {
    let postgres = Postgres::start().unwrap();
    for odd in ["it's", "say \"hi\"", "two\nlines", "back\\slash", "dbname=x; drop", "grüße 🗝", "-c"] {
        with_role(&postgres, odd, odd);
        postgres.sql(&format!("CREATE DATABASE {} OWNER {0}", identifier(odd))).unwrap();
        let mark = postgres.mark();
        assert_eq!(postgres.try_login(odd, odd, odd).unwrap(), Login::Accepted, "{odd:?}");
        assert_eq!(postgres.try_login(odd, "other", odd).unwrap(), Login::Rejected, "{odd:?}");
        let expected = Logins { accepted: vec![odd.to_owned()], failed: vec![odd.to_owned()] };
        assert_eq!(postgres.logins_since(mark), expected, "{odd:?}");
    }
}

#[test]
fn the_superuser_gets_in_through_the_socket_only() {
    let postgres = Postgres::start().unwrap();
    postgres.sql("ALTER ROLE postgres PASSWORD 'known'").unwrap();
    let error = postgres.try_login("postgres", "known", "postgres").unwrap_err();
    assert!(error.to_string().contains("pg_hba.conf rejects"), "{error}");
}

#[test]
fn each_wrong_certificate_is_wrong_in_its_own_way() {
    for (tls, complaint) in [
        (Tls::OtherHost, "does not match host name"),
        (Tls::OtherAuthority, "certificate verify failed"),
        (Tls::Expired, "certificate verify failed"),
    ] {
        let postgres = Postgres::start_with(&PostgresOptions { tls, ..PostgresOptions::default() }).unwrap();
        with_role(&postgres, "app", "pw");
        let error = postgres.try_login("app", "pw", "postgres").unwrap_err();
        assert!(error.to_string().contains(complaint), "{tls:?}: {error}");
    }
}

#[test]
fn options_reach_the_server() {
    let options = PostgresOptions {
        tls: Tls::Off,
        md5: true,
        settings: vec![("application_name".to_owned(), "it's \\ here".to_owned())],
        hba: vec!["host shop app all reject".to_owned()],
    };
    let postgres = Postgres::start_with(&options).unwrap();
    with_role(&postgres, "app", "pw");
    assert_eq!(postgres.sql("SHOW ssl").unwrap(), "off");
    let stored = postgres.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'").unwrap();
    assert!(stored.starts_with("md5"));
    assert_eq!(postgres.try_login("app", "pw", "postgres").unwrap(), Login::Accepted);
    assert!(postgres.try_login("app", "pw", "shop").is_err());
    let seen = postgres.sql("SELECT boot_val, setting FROM pg_settings WHERE name = 'log_statement'").unwrap();
    assert_eq!(seen, "none|none", "the stage's own statements stay out of the log");
}

#[test]
fn a_standby_has_the_same_roles_and_only_reads() {
    let primary = Postgres::start().unwrap();
    with_role(&primary, "app", "pw");
    let standby = Postgres::start_standby_of(&primary).unwrap();
    assert_eq!(standby.sql("SELECT pg_is_in_recovery()").unwrap(), "t");
    assert_eq!(standby.try_login("app", "pw", "postgres").unwrap(), Login::Accepted);
    assert!(standby.sql("CREATE ROLE other").unwrap_err().to_string().contains("read-only"));
}

#[test]
fn nothing_is_left_after_a_drop() {
    let postgres = Postgres::start().unwrap();
    let (directory, pid) = (postgres.directory().to_owned(), postgres.pid());
    assert!(directory.exists());
    drop(postgres);
    assert!(!directory.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}
