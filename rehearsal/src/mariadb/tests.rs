use super::*;

fn with_account(mariadb: &MariaDb, user: &str, password: &str) {
    mariadb.sql(&format!("CREATE USER {}@'%' IDENTIFIED BY {}", identifier(user), literal(password))).unwrap();
}

fn setting(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The stored form of a password, as the server computes it.
fn hash(mariadb: &MariaDb, password: &str) -> String {
    mariadb.sql(&format!("SELECT PASSWORD({})", literal(password))).unwrap()
}

#[test]
fn passwords_are_really_checked_and_logins_are_counted() {
    let mariadb = MariaDb::start().unwrap();
    with_account(&mariadb, "app", "a right one");
    let mark = mariadb.mark();
    assert_eq!(mariadb.try_login("app", "a right one", "").unwrap(), Login::Accepted);
    assert_eq!(mariadb.try_login("app", "a wrong one", "").unwrap(), Login::Rejected);
    assert_eq!(mariadb.try_login("app", "", "").unwrap(), Login::Rejected);
    assert_eq!(mariadb.try_login("nobody", "anything", "").unwrap(), Login::Rejected);
    assert!(mariadb.try_login("app", "a right one", "shop").unwrap_err().to_string().contains("not answered"));
    assert_eq!(mariadb.sql_as("app", "a right one", "", "SELECT current_user(), 'a\\\\b'").unwrap(), "app@%\ta\\b");
    assert_eq!(mariadb.sql("SELECT 1").unwrap(), "1");
    let logins = mariadb.logins_since(mark);
    assert_eq!(logins.accepted, ["app", "app", "app"]);
    assert_eq!(logins.failed, ["app", "app", "nobody"]);
    let log = mariadb.log_since(mark);
    assert!(log.contains("[Warning] Access denied for user 'nobody'"), "the error log tells it too: {log}");
    assert!(!mariadb.log_since(Mark::default()).contains("a right one"));
}

#[test]
fn names_and_passwords_may_hold_anything_but_nul() {
    let mariadb = MariaDb::start().unwrap();
    for odd in ["`'\"\\", "it's", "two\nlines", "back\\slash\\", "a on b@c using x", "-c", "grüße", "%_; --"] {
        with_account(&mariadb, odd, odd);
        // A grant on one database would take its name as a pattern.
        mariadb.sql(&format!("CREATE DATABASE {0}; GRANT ALL ON *.* TO {0}@'%'", identifier(odd))).unwrap();
        let mark = mariadb.mark();
        assert_eq!(mariadb.try_login(odd, odd, odd).unwrap(), Login::Accepted, "{odd:?}");
        assert_eq!(mariadb.try_login(odd, "other", odd).unwrap(), Login::Rejected, "{odd:?}");
        assert_eq!(mariadb.try_login(odd, &format!("{odd}🗝"), odd).unwrap(), Login::Rejected, "{odd:?}");
        let expected = Logins { accepted: vec![odd.to_owned()], failed: vec![odd.to_owned(); 2] };
        assert_eq!(mariadb.logins_since(mark), expected, "{odd:?}");
        let seen = mariadb.sql_as(odd, odd, odd, "SELECT user(), database()").unwrap();
        assert_eq!(seen, format!("{odd}@localhost\t{odd}"));
    }
}

#[test]
fn two_passwords_of_one_account_both_log_in() {
    let mariadb = MariaDb::start().unwrap();
    with_account(&mariadb, "app", "the old one");
    let (new, old) = (hash(&mariadb, "the new one"), hash(&mariadb, "the old one"));
    let rules = format!("mysql_native_password USING '{new}' OR mysql_native_password USING '{old}'");
    mariadb.sql(&format!("ALTER USER app@'%' IDENTIFIED VIA {rules}")).unwrap();
    let mark = mariadb.mark();
    assert_eq!(mariadb.try_login("app", "the new one", "").unwrap(), Login::Accepted);
    assert_eq!(mariadb.try_login("app", "the old one", "").unwrap(), Login::Accepted);
    assert_eq!(mariadb.try_login("app", "neither", "").unwrap(), Login::Rejected);
    let expected = Logins { accepted: vec!["app".to_owned(); 2], failed: vec!["app".to_owned()] };
    assert_eq!(mariadb.logins_since(mark), expected);
}

#[test]
fn a_session_stays_until_it_is_ended() {
    let mariadb = MariaDb::start().unwrap();
    with_account(&mariadb, "app", "pw");
    assert!(mariadb.hold("app", "another", "").is_err());
    let mut session = mariadb.hold("app", "pw", "").unwrap();
    assert_eq!(session.ask("SELECT user()").unwrap(), "app@localhost");
    let id = session.ask("SELECT connection_id()").unwrap();
    assert!(session.is_open());
    mariadb.sql(&format!("KILL {id}")).unwrap();
    assert!(!session.is_open());
}

#[test]
fn a_client_computes_what_the_server_keeps() {
    let mariadb = MariaDb::start().unwrap();
    for password in ["plain", "it's \\ \"odd\" 🗝"] {
        assert_eq!(native_hash(password), hash(&mariadb, password));
    }
}

#[test]
fn what_the_server_is_told_is_in_its_logs_and_what_the_stage_tells_it_is_not() {
    let mariadb = MariaDb::start().unwrap();
    with_account(&mariadb, "admin", "the administrator's");
    mariadb.sql("GRANT CREATE USER ON *.* TO admin@'%'").unwrap();
    with_account(&mariadb, "app", "the first");
    let before = mariadb.mark();
    let hash = hash(&mariadb, "never told");
    assert!(!mariadb.binlog_since(Mark::default()).contains("the first"), "the stage's own");

    let told = |sql: &str| {
        let mark = mariadb.mark();
        mariadb.sql_as("admin", "the administrator's", "", sql).unwrap();
        (mariadb.general_log_since(mark), mariadb.log_since(mark), mariadb.binlog_since(mark))
    };
    let (general, all, binlog) = told("ALTER USER app@'%' IDENTIFIED BY 'in plain sight'");
    assert!(general.contains("Query\tALTER USER app@'%' IDENTIFIED BY 'in plain sight'"), "{general}");
    assert_eq!(all.matches("in plain sight").count(), 2, "in the general and in the slow log: {all}");
    assert!(binlog.contains("in plain sight"));

    let (_, all, binlog) = told(&format!("ALTER USER app@'%' IDENTIFIED VIA mysql_native_password USING '{hash}'"));
    for log in [&all, &binlog] {
        assert!(log.contains(&hash) && !log.contains("in plain sight") && !log.contains("never told"), "{log}");
    }
    assert_eq!(mariadb.try_login("app", "never told", "").unwrap(), Login::Accepted);

    // A new file of the binary log hides nothing.
    mariadb.sql("FLUSH BINARY LOGS").unwrap();
    let (_, _, binlog) = told("ALTER USER app@'%' IDENTIFIED BY 'in another file'");
    assert!(binlog.contains("in another file") && !binlog.contains("in plain sight"));
    assert!(mariadb.binlog_since(before).contains("in plain sight"));
    assert!(!mariadb.log_since(Mark::default()).contains("the first"), "the stage's own");
}

#[test]
fn the_superuser_gets_in_through_the_socket_only() {
    let mariadb = MariaDb::start().unwrap();
    assert_eq!(mariadb.sql("SELECT user(), current_user()").unwrap(), "root@localhost\troot@localhost");
    assert_eq!(mariadb.sql("SELECT user FROM mysql.user WHERE user IN ('', 'root')").unwrap(), "root");
    assert_eq!(mariadb.try_login("root", "", "").unwrap(), Login::Rejected);
}

#[test]
fn each_wrong_certificate_is_wrong_in_its_own_way() {
    for (tls, complaint) in [
        (Tls::OtherHost, "Validation of SSL server certificate failed"),
        (Tls::OtherAuthority, "unable to get local issuer certificate"),
        (Tls::Expired, "certificate has expired"),
    ] {
        let mariadb = MariaDb::start_with(&MariaDbOptions { tls, ..MariaDbOptions::default() }).unwrap();
        with_account(&mariadb, "app", "pw");
        let error = mariadb.try_login("app", "pw", "").unwrap_err();
        assert!(error.to_string().contains(complaint), "{tls:?}: {error}");
    }
}

#[test]
fn logins_are_by_tls_where_the_server_has_it() {
    let cipher =
        "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'";
    for (tls, expected) in [(Tls::Trusted, "1"), (Tls::Off, "0")] {
        let mariadb = MariaDb::start_with(&MariaDbOptions { tls, ..MariaDbOptions::default() }).unwrap();
        with_account(&mariadb, "app", "pw");
        with_account(&mariadb, "strict", "pw");
        mariadb.sql("ALTER USER strict@'%' REQUIRE SSL").unwrap();
        assert_eq!(mariadb.sql_as("app", "pw", "", cipher).unwrap(), expected, "{tls:?}");
        let answer = mariadb.try_login("strict", "pw", "").unwrap();
        assert_eq!(answer, if tls == Tls::Off { Login::Rejected } else { Login::Accepted });
    }
}

#[test]
fn options_reach_the_server() {
    let options = MariaDbOptions {
        skip_name_resolve: true,
        settings: vec![
            setting("sql_mode", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"),
            setting("read_only", "1"),
            setting("init_connect", "SET @odd = 'it''s \\ \"here\" # there'"),
        ],
        ..MariaDbOptions::default()
    };
    let mariadb = MariaDb::start_with(&options).unwrap();
    with_account(&mariadb, "a\\b", "back\\slash");
    let seen = "SELECT user(), @odd, @@sql_mode, @@global.read_only";
    assert_eq!(
        mariadb.sql_as("a\\b", "back\\slash", "", seen).unwrap(),
        "a\\b@127.0.0.1\tit's \\ \"here\" # there\tANSI_QUOTES,NO_BACKSLASH_ESCAPES\t1"
    );
    mariadb.sql("GRANT CREATE USER ON *.* TO `a\\b`@'%'").unwrap();
    let error = mariadb.sql_as("a\\b", "back\\slash", "", "CREATE USER other").unwrap_err();
    assert!(error.to_string().contains("ERROR 1290 (HY000)"), "{error}");
}

#[test]
fn plugins_refuse_passwords() {
    let options = MariaDbOptions {
        plugins: ["simple_password_check", "password_reuse_check"].map(str::to_owned).to_vec(),
        settings: vec![setting("simple_password_check_minimal_length", "20")],
        ..MariaDbOptions::default()
    };
    let mariadb = MariaDb::start_with(&options).unwrap();
    let refused = |password: &str| {
        let error = mariadb.sql(&format!("ALTER USER app@'%' IDENTIFIED BY {}", literal(password))).unwrap_err();
        assert!(error.to_string().contains("ERROR 1396"), "{error}");
    };
    with_account(&mariadb, "app", "Long-enough-for-them-1");
    refused("Short-1");
    refused("Long-enough-for-them-1");
    let hash = hash(&mariadb, "Long-enough-for-them-2");
    let by_hash = format!("ALTER USER app@'%' IDENTIFIED VIA mysql_native_password USING '{hash}'");
    assert!(mariadb.sql(&by_hash).unwrap_err().to_string().contains("ERROR 1396"));
    mariadb.sql("SET GLOBAL strict_password_validation = 0").unwrap();
    mariadb.sql(&by_hash).unwrap();
    assert_eq!(mariadb.try_login("app", "Long-enough-for-them-2", "").unwrap(), Login::Accepted);
}

#[test]
fn a_replica_has_the_same_accounts_and_only_reads() {
    let primary = MariaDb::start().unwrap();
    with_account(&primary, "app", "pw");
    let replica = MariaDb::start_replica_of(&primary).unwrap();
    assert_eq!(replica.try_login("app", "pw", "").unwrap(), Login::Accepted);
    primary.sql("GRANT CREATE USER ON *.* TO app@'%'").unwrap();
    primary.sql_as("app", "pw", "", "CREATE USER later IDENTIFIED BY 'pw'").unwrap();
    replica.catch_up_with(&primary).unwrap();
    assert_eq!(replica.try_login("later", "pw", "").unwrap(), Login::Accepted);
    assert!(replica.sql_as("app", "pw", "", "CREATE USER other").unwrap_err().to_string().contains("read-only"));
    assert!(replica.general_log_since(Mark::default()).contains("CREATE USER later"), "it logs what it repeats");
    assert_eq!(primary.logins_since(Mark::default()).accepted, ["app"], "the replica's own login is left out");
}

#[test]
fn two_servers_live_side_by_side() {
    let (one, other) = (MariaDb::start().unwrap(), MariaDb::start().unwrap());
    assert_ne!((one.port(), one.pid()), (other.port(), other.pid()));
    with_account(&one, "app", "pw");
    assert_eq!(one.try_login("app", "pw", "").unwrap(), Login::Accepted);
    assert_eq!(other.try_login("app", "pw", "").unwrap(), Login::Rejected);
    drop(one);
    assert_eq!(other.sql("SELECT 1").unwrap(), "1");
}

#[test]
fn nothing_is_left_after_a_drop() {
    let mariadb = MariaDb::start().unwrap();
    let (directory, pid) = (mariadb.directory().to_owned(), mariadb.pid());
    let owner = |path: &Path| std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap());
    assert_ne!(owner(&Path::new("/proc").join(pid.to_string())), 0, "it must not run as root");
    assert!(directory.exists());
    // Somebody who is in the middle of something does not hold it up.
    with_account(&mariadb, "app", "pw");
    let mark = mariadb.mark();
    let mut busy = mariadb.client_over_tcp("app", "pw", "");
    let mut busy = busy.arg("--execute=SELECT SLEEP(600)").stderr(std::process::Stdio::null()).spawn().unwrap();
    mariadb.guard.wait_until(|| mariadb.general_log_since(mark).contains("SLEEP")).unwrap();
    let begun = std::time::Instant::now();
    drop(mariadb);
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(!busy.wait().unwrap().success());
    assert!(!directory.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}
