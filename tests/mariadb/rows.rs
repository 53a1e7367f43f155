//! MariaDB: an account is as many rows as it has hosts. A rotation changes all that take a password, and a failing one
//! leaves no other half done.

use std::sync::Arc;

use rehearsal::mariadb::{MariaDb, MariaDbOptions, native_hash};
use serde_json::json;
use support::dry_run::dry_run;
use support::maria;
use support::relay::{At, Strike, When};
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

const HOSTS: [&str; 3] = ["10.%", "localhost", "127.0.0.1"];

/// Gives the account further rows with the password under AWSCURRENT.
fn add_rows(stage: &Stage, hosts: &[&str]) {
    let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
    for host in hosts {
        let mariadb = stage.mariadb();
        let name = format!("{ACCOUNT}@'{host}'");
        let rule = format!("IDENTIFIED VIA mysql_native_password USING '{hash}'");
        mariadb.sql(&format!("CREATE USER {name} {rule}; GRANT SELECT, DELETE ON orders.* TO {name}")).unwrap();
    }
}

fn alter(mariadb: &MariaDb, host: &str, rule: &str) {
    mariadb.sql(&format!("ALTER USER {ACCOUNT}@'{host}' {rule}")).unwrap();
}

#[tokio::test]
async fn every_row_gets_the_rules_whichever_we_come_by() {
    for skip_name_resolve in [false, true] {
        let options = MariaDbOptions { skip_name_resolve, ..MariaDbOptions::default() };
        let stage = maria::with(&options, ACCOUNT, &json!({})).await;
        maria::appoint_by_tag(&stage);
        add_rows(&stage, &HOSTS);
        for _ in 0..2 {
            let rotation = stage.rotated().await;
            for host in ["%"].iter().chain(&HOSTS) {
                assert_eq!(rules(&stage, host), BOTH, "{host}, {skip_name_resolve}");
            }
            let set = rotation.last("setSecret").unwrap().answer().unwrap();
            assert!(set.get("warnings").is_none(), "{set:#}");
        }
        let report = stage.action("Retire").await;
        for host in ["%"].iter().chain(&HOSTS) {
            assert!(rules(&stage, host).ends_with("'AWSCURRENT'"), "{host}: {report:#}");
            assert!(!rules(&stage, host).contains("AWSPREVIOUS"), "{host}");
        }
    }
}

#[tokio::test]
async fn rows_that_are_not_as_the_secret_has_them_are_told() {
    let stage = maria::overlapping().await;
    add_rows(&stage, &["10.1.%", "10.2.%", "10.3.%", "10.4.%"]);
    let mariadb = stage.mariadb();
    let other = random_password();
    stage.secret_text(&other);
    alter(mariadb, "10.1.%", &format!("IDENTIFIED VIA mysql_native_password USING '{}'", native_hash(&other)));
    alter(mariadb, "10.2.%", "IDENTIFIED VIA mysql_native_password USING ''");
    alter(mariadb, "10.3.%", "IDENTIFIED VIA unix_socket");
    alter(mariadb, "10.4.%", "IDENTIFIED VIA mysql_native_password USING 'invalid'");
    let kept = ["10.3.%", "10.4.%"].map(|host| rules(&stage, host));
    let foretold = dry_run(&stage, false).await["warnings"].to_string();
    let rotation = stage.rotated().await;
    let set = rotation.last("setSecret").unwrap().answer().unwrap();
    let warnings: Vec<String> = set["warnings"].as_array().unwrap().iter().map(ToString::to_string).collect();
    for (host, words) in [
        ("10.1.%", "not the password in AWSCURRENT"),
        ("10.2.%", "without a password"),
        ("10.3.%", "by unix_socket, and was left alone"),
    ] {
        let told = |line: &&String| line.contains(&format!("`{host}`")) && line.contains(words);
        assert_eq!(warnings.iter().filter(told).count(), 1, "{host}: {warnings:#?}");
        assert!(foretold.contains(&format!("`{host}`")) && foretold.contains(words), "{foretold}");
    }
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    for host in ["%", "10.1.%", "10.2.%"] {
        assert_eq!(rules(&stage, host), BOTH, "{host}");
    }
    assert_eq!(["10.3.%", "10.4.%"].map(|host| rules(&stage, host)), kept);
    // They are told of once: what was changed is as it should be.
    let rotation = stage.rotate().await;
    let set = rotation.last("setSecret").unwrap().answer().unwrap();
    assert_eq!(set["warnings"].as_array().unwrap().len(), 1, "{set:#}");
}

#[tokio::test]
async fn a_row_that_is_dropped_meanwhile_leaves_no_other_behind() {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    add_rows(&stage, &["10.1.%", "10.2.%"]);
    let stage = Arc::new(stage);
    stage.rotate().await;
    let token = stage.created().await;
    // As the function says that it changes the first row, the second one goes.
    let dropping = Arc::clone(&stage);
    let hook = move || dropping.mariadb().sql(&format!("DROP USER {ACCOUNT}@'10.1.%'")).map(drop).unwrap();
    relay.arm(Strike { at: At::Text("ALTER USER `orders_app`@`%`"), when: When::After, hook: Box::new(hook) });
    let message = stage.error("setSecret", &token, "FailedDatabase").await;
    assert!(!relay.is_armed(), "{message}");
    stage.goes_on(&token).await;
    for host in ["%", "10.2.%"] {
        assert_eq!(rules(&stage, host), BOTH, "{host}");
    }
}

#[tokio::test]
async fn a_crash_between_two_rows_locks_nobody_out_and_a_retry_finishes() {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    add_rows(&stage, &["10.1.%", "10.2.%"]);
    stage.rotate().await;
    for (at, when) in [("`10.1.%`", When::Before), ("`10.1.%`", When::After), ("`%`", When::After)] {
        let token = stage.created().await;
        let text: &'static str = match at {
            "`%`" => "ALTER USER `orders_app`@`%`",
            _ => "ALTER USER `orders_app`@`10.1.%`",
        };
        relay.arm(Strike { at: At::Text(text), when, hook: Box::new(|| ()) });
        stage.error("setSecret", &token, "FailedDatabase").await;
        assert!(stage.logs_in("AWSCURRENT"), "whoever holds the current password is locked out");
        stage.goes_on(&token).await;
        for host in ["%", "10.1.%", "10.2.%"] {
            assert_eq!(rules(&stage, host), BOTH, "{host} after {at} {when:?}");
        }
    }
}

#[tokio::test]
async fn retire_that_broke_off_between_two_rows_is_finished_by_the_next() {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    add_rows(&stage, &["10.1.%", "10.2.%"]);
    stage.rotate().await;
    relay.arm(Strike { at: At::Text("ALTER USER `orders_app`@`10.2.%`"), when: When::Before, hook: Box::new(|| ()) });
    stage.action_error("Retire", "FailedDatabase").await;
    assert!(stage.logs_in("AWSPREVIOUS"), "the row by which we come is the last");
    assert_eq!((rules(&stage, "10.1.%").contains("AWSPREVIOUS"), rules(&stage, "10.2.%").as_str()), (false, BOTH));
    // Where it was not the last, the login alone would not tell that something is left.
    let current = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
    let alone = format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED VIA mysql_native_password USING '{current}'");
    stage.mariadb().sql(&alone).unwrap();
    assert!(!stage.logs_in("AWSPREVIOUS"));
    let report = stage.action("Retire").await;
    for host in ["%", "10.1.%", "10.2.%"] {
        assert!(!rules(&stage, host).contains("AWSPREVIOUS"), "{host}: {report:#}");
    }
    let before = stage.state();
    assert!(stage.action("Retire").await["done"].to_string().contains("already"));
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn a_row_that_the_server_does_not_know_stops_it_before_any_is_changed() {
    let stage = maria::overlapping().await;
    add_rows(&stage, &["10.1.%", "10.2.%"]);
    let mariadb = stage.mariadb();
    stage.rotate().await;
    let ghost = format!(
        "INSERT INTO mysql.global_priv SELECT '10.0.%', User, Priv FROM mysql.global_priv \
         WHERE User = '{ACCOUNT}' AND Host = '10.1.%'"
    );
    mariadb.sql(&ghost).unwrap();
    let token = stage.created().await;
    stage.refused("setSecret", &token, "FailedDatabase", &["1133", "FLUSH PRIVILEGES"]).await;
    assert!(stage.logs_in("AWSCURRENT"));
    mariadb.sql("FLUSH PRIVILEGES").unwrap();
    stage.goes_on(&token).await;
    for host in ["%", "10.0.%", "10.1.%", "10.2.%"] {
        assert_eq!(rules(&stage, host), BOTH, "{host}");
    }
}
