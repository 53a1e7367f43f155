//! The stage with a MariaDB: what an administrator can do there, what is held against a refused step, and who comes by the
//! relay.

use serde_json::json;
use support::clients::door;
use support::estate;
use support::maria::{ADMIN, PARTNER, RIGHTS, alternating, appoint, appoint_by_tag, by_relay, overlapping, stage};
use support::rig::random_password;
use support::stage::{ACCOUNT, DATABASE};

#[tokio::test]
async fn what_is_expected_of_the_login_before_depends_on_who_can_help() {
    let alone = stage().await;
    assert!(alone.logs_in("AWSCURRENT") && !alone.accepts(ACCOUNT, &random_password()));
    for (stage, overlaps) in [(alone, false), (overlapping().await, true), (alternating().await, true)] {
        let old = stage.value("AWSCURRENT");
        stage.aws.put_value(&stage.arn, &old.to_string(), &["AWSCURRENT"]).unwrap();
        assert_eq!((stage.overlaps(), stage.keeps_previous()), (overlaps, overlaps));
        stage.edit_current(&json!({"username": PARTNER}));
        assert!(stage.keeps_previous());
    }
}

#[tokio::test]
async fn the_administrator_can_do_what_the_one_of_rds_can() {
    let stage = stage().await;
    let password = appoint(&stage)["password"].as_str().unwrap().to_owned();
    let sql = |statement: &str| stage.mariadb().sql_as(ADMIN, &password, "", statement);
    let shown = sql(&format!("SHOW CREATE USER {ACCOUNT}@'%'")).unwrap();
    assert!(shown.contains("IDENTIFIED"), "{shown}");
    sql("SELECT Priv FROM mysql.global_priv").unwrap();
    sql(&format!("CREATE USER {PARTNER}@'%'; GRANT {RIGHTS} ON {DATABASE}.* TO {PARTNER}@'%'")).unwrap();
    let beyond = sql(&format!("GRANT ALL ON {DATABASE}.* TO {PARTNER}@'%'")).unwrap_err().to_string();
    assert!(beyond.contains("ERROR 1044"), "{beyond}");
    let beyond = sql("SET GLOBAL read_only = 1").unwrap_err().to_string();
    assert!(beyond.contains("ERROR 1227"), "{beyond}");
}

#[tokio::test]
async fn what_a_refused_step_must_leave_alone_is_in_the_state() {
    let stage = stage().await;
    let before = stage.state();
    assert_eq!(before.1, stage.state().1);
    let mariadb = stage.mariadb();
    for statement in [
        format!("CREATE USER {PARTNER}@'%'"),
        format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED BY '{}'", random_password()),
        format!("ALTER USER {ACCOUNT}@'%' WITH MAX_USER_CONNECTIONS 3"),
    ] {
        let before = stage.state();
        mariadb.sql(&statement).unwrap();
        assert_ne!(before.1, stage.state().1, "{statement}");
    }
}

#[tokio::test]
async fn a_session_is_held_with_a_stored_login() {
    let stage = stage().await;
    let mut session = stage.hold("AWSCURRENT");
    assert_eq!(session.ask("SELECT database()").unwrap(), DATABASE);
}

#[tokio::test]
async fn all_who_log_in_with_a_stored_value_come_by_the_relay() {
    let (stage, relay) = by_relay().await;
    let admin = appoint_by_tag(&stage);
    for value in [&stage.value("AWSCURRENT"), &admin] {
        assert_eq!(door::log_in(value), Ok(()));
    }
    assert_eq!(relay.said(), [format!("a login of {ACCOUNT}"), format!("a login of {ADMIN}")]);
    estate::settle(&stage);
    assert_eq!(estate::redeployed(&stage), [0, 0]);
    // The stage itself does not.
    assert!(stage.logs_in("AWSCURRENT"));
    assert_eq!(relay.said().len(), 2);
}
