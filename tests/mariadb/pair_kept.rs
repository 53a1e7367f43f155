//! MariaDB: whatever becomes of the first account between rotations, its partner follows, and is not locked out by it while
//! it is in use.

use support::clients::door;
use support::maria::{self, ADMIN, PARTNER};
use support::pair::{account, assert_in_step, foretold, warnings_of};
use support::stage::{ACCOUNT, DATABASE, Stage};

use crate::alternating::{assert_alike, goes_on, make, set_of, shown, sql};

/// What may happen to the base, one after the other, so that each also undoes something; and whether the partner is spared of
/// it while services log in as it.
const HAPPENS: [(&str, bool); 22] = [
    ("GRANT SELECT ON orders.items TO @ WITH GRANT OPTION", false),
    ("REVOKE GRANT OPTION ON orders.items FROM @", false),
    ("GRANT INSERT (b), UPDATE (a, b) ON orders.items TO @", false),
    ("REVOKE UPDATE (a) ON orders.items FROM @", false),
    ("REVOKE DROP, TRIGGER ON orders.* FROM @", false),
    ("GRANT EXECUTE ON PROCEDURE orders.report TO @", false),
    ("REVOKE EXECUTE ON PROCEDURE orders.report FROM @", false),
    ("GRANT PROCESS, SELECT ON *.* TO @", false),
    ("REVOKE PROCESS ON *.* FROM @", false),
    ("GRANT readers TO @ WITH ADMIN OPTION", false),
    ("SET DEFAULT ROLE readers FOR @", false),
    ("REVOKE ADMIN OPTION FOR readers FROM @", false),
    ("GRANT writers TO @; SET DEFAULT ROLE writers FOR @; REVOKE readers FROM @", false),
    ("SET DEFAULT ROLE NONE FOR @; REVOKE writers FROM @", false),
    ("GRANT SELECT ON `or\\_ders`.* TO @; REVOKE SELECT ON *.* FROM @", false),
    ("ALTER USER @ REQUIRE SSL", true),
    ("ALTER USER @ WITH MAX_USER_CONNECTIONS 30 MAX_STATEMENT_TIME 2.5 MAX_QUERIES_PER_HOUR 90000", true),
    ("ALTER USER @ WITH MAX_USER_CONNECTIONS 40", false),
    ("ALTER USER @ PASSWORD EXPIRE INTERVAL 30 DAY", true),
    ("ALTER USER @ REQUIRE NONE PASSWORD EXPIRE NEVER", false),
    ("ALTER USER @ WITH MAX_USER_CONNECTIONS 0 MAX_STATEMENT_TIME 0 MAX_QUERIES_PER_HOUR 0", false),
    ("REVOKE ALL PRIVILEGES, GRANT OPTION FROM @; GRANT SELECT ON orders.* TO @", false),
];

async fn stage() -> Stage {
    let stage = maria::alternating().await;
    sql(
        &stage,
        &format!(
            "CREATE TABLE {DATABASE}.items (a int, b int); CREATE PROCEDURE {DATABASE}.report() SELECT 1;
             CREATE ROLE readers; CREATE ROLE writers; GRANT readers TO {ADMIN} WITH ADMIN OPTION; GRANT writers TO {ADMIN} WITH ADMIN OPTION"
        ),
    );
    stage
}

#[tokio::test]
async fn a_partner_follows_its_base_at_its_own_turn() {
    follows(PARTNER).await;
}

#[tokio::test]
async fn a_partner_follows_its_base_at_the_bases_turn() {
    follows(ACCOUNT).await;
}

async fn follows(turn: &str) {
    let stage = stage().await;
    stage.rotate().await;
    for (happens, waits) in HAPPENS {
        while account(&stage, "AWSCURRENT") == turn {
            stage.rotate().await;
        }
        let before = shown(&stage, PARTNER, "%");
        sql(&stage, &happens.replace('@', ACCOUNT));
        assert_ne!(before, shown(&stage, ACCOUNT, "%"), "{happens} changes nothing");
        let told = foretold(&stage).await;
        let rotation = stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), turn);
        let done = set_of(&rotation)["done"].as_array().unwrap();
        let done: Vec<&str> = done.iter().map(|line| line.as_str().unwrap()).collect();
        let told: Vec<String> = told.iter().map(|line| line.replacen("bring", "brought", 1)).collect();
        assert_eq!(done[..done.len() - 1], told, "{happens}");
        if turn == ACCOUNT && waits {
            assert!(warnings_of(&rotation).contains("waits for its turn"), "{happens}: {rotation:#?}");
            assert_ne!(shown(&stage, PARTNER, "%"), shown(&stage, ACCOUNT, "%"), "{happens}");
            stage.rotate().await;
        }
        assert_alike(&stage);
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn a_partner_in_use_is_not_asked_for_more_than_before_until_its_turn() {
    let stage = stage().await;
    stage.rotate().await;
    let token = stage.created().await;
    // A login in clear text, of which there may be any number.
    let partner = stage.value("AWSCURRENT");
    for narrower in ["REQUIRE SSL", "REQUIRE X509", "WITH MAX_CONNECTIONS_PER_HOUR 1", "WITH MAX_USER_CONNECTIONS 1"] {
        sql(
            &stage,
            &format!("ALTER USER {ACCOUNT} REQUIRE NONE WITH MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0"),
        );
        sql(&stage, &format!("ALTER USER {ACCOUNT} {narrower}"));
        let report = stage.answer("setSecret", &token).await;
        let warned = report["warnings"].to_string();
        assert!(warned.contains("waits for its turn") || report["warnings"].is_null(), "{report:#}");
        let mut sessions = [stage.hold("AWSCURRENT"), stage.hold("AWSCURRENT")];
        assert!(sessions.iter_mut().all(rehearsal::postgres::Held::is_open), "{narrower}");
        assert_eq!(door::log_in(&partner), Ok(()), "{narrower}");
    }
}

#[tokio::test]
async fn a_base_that_demands_a_certificate_is_followed_in_every_word() {
    let stage = stage().await;
    let pair = format!("{ACCOUNT}_x");
    // A second pair whose base nobody of the stage could log in as: by its rows alone.
    for demands in [
        "REQUIRE X509",
        "REQUIRE SUBJECT '/C=FI/O=a''b \\\\ \"c\" TO d/CN=app'",
        "REQUIRE ISSUER '/CN=ca' AND SUBJECT '/CN=app' AND CIPHER 'TLS_AES_256_GCM_SHA384'",
    ] {
        sql(&stage, &format!("CREATE USER {pair}@'10.%' {demands}; DROP USER {pair}@'10.%'"));
        sql(&stage, &format!("CREATE USER {ACCOUNT}@'10.%' {demands}"));
        // It has no password: the rotation sets one, as whoever knows the name gets in.
        while account(&stage, "AWSCURRENT") == PARTNER {
            stage.rotate().await;
        }
        stage.rotate().await;
        assert_alike(&stage);
        assert!(shown(&stage, PARTNER, "10.%")[0].contains("REQUIRE "));
        sql(&stage, &format!("DROP USER {ACCOUNT}@'10.%', {PARTNER}@'10.%'"));
    }
}

#[tokio::test]
async fn an_account_whose_password_has_expired_is_opened_by_its_turn() {
    let stage = stage().await;
    stage.rotate().await;
    let token = stage.created().await;
    sql(&stage, &format!("ALTER USER {ACCOUNT} PASSWORD EXPIRE"));
    goes_on(&stage, &token).await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    stage.rotate().await;
    assert_alike(&stage);
    // The one that is current: it logs in, may do nothing, and the other one's turn is the way out.
    sql(&stage, &format!("ALTER USER {PARTNER} PASSWORD EXPIRE"));
    let rotation = stage.rotate().await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    assert!(rotation.succeeded());
}

#[tokio::test]
async fn a_base_right_on_what_is_gone_stops_nothing() {
    let stage = stage().await;
    sql(
        &stage,
        &format!(
            "GRANT SELECT ON {DATABASE}.items TO {ACCOUNT}; GRANT UPDATE (a) ON {DATABASE}.items TO {ACCOUNT};
             CREATE DATABASE gone; CREATE TABLE gone.t (a int); GRANT INSERT ON gone.t TO {ACCOUNT};
             GRANT SELECT ON gone.* TO {ACCOUNT}; GRANT EXECUTE ON PROCEDURE {DATABASE}.report TO {ACCOUNT};
             GRANT readers TO {ACCOUNT}; SET DEFAULT ROLE readers FOR {ACCOUNT};
             DROP DATABASE gone; DROP TABLE {DATABASE}.items; DROP PROCEDURE {DATABASE}.report; DROP ROLE readers"
        ),
    );
    for current in [PARTNER, ACCOUNT, PARTNER] {
        let rotation = stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
        if current == PARTNER {
            let told = warnings_of(&rotation);
            assert!(told.contains("gone"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_backup_that_locks_the_server_delays_the_turn_and_no_more() {
    let stage = stage().await;
    stage.rotate().await;
    let password = make(&stage, "backup");
    sql(&stage, "GRANT RELOAD ON *.* TO backup");
    let token = stage.created().await;
    let before = stage.state();
    let mut backup = stage.server.hold("backup", &password, "");
    assert_eq!(backup.ask("FLUSH TABLES WITH READ LOCK; SELECT 1").unwrap(), "1");
    let message = stage.error("setSecret", &token, "FailedDatabase").await;
    assert!(message.contains("FLUSH TABLES WITH READ LOCK"), "{message}");
    assert_eq!(stage.state(), before);
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
    drop(backup);
    goes_on(&stage, &token).await;
}
