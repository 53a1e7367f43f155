//! MariaDB: an account is as many rows as there are hosts that it may come from, and its partner has the same ones.

use rehearsal::mariadb::{identifier, native_hash};
use support::maria::{self, PARTNER};
use support::pair::{account, assert_in_step, warnings_of};
use support::stage::{ACCOUNT, DATABASE, Stage};

use crate::alternating::{assert_alike, goes_on, hosts, sql};

/// A stage whose base may come from everywhere, with other rights from some hosts; all rows have the same password.
async fn stage() -> Stage {
    let stage = maria::alternating().await;
    for host in ["10.%", "192.168.0.0/255.255.0.0", "localhost"] {
        add(&stage, ACCOUNT, host);
    }
    sql(
        &stage,
        &format!(
            "GRANT SELECT ON {DATABASE}.* TO {ACCOUNT}@'10.%'; ALTER USER {ACCOUNT}@'10.%' REQUIRE SSL;
             GRANT ALL ON `other`.* TO {ACCOUNT}@localhost; REVOKE DELETE HISTORY ON `other`.* FROM {ACCOUNT}@localhost;
             GRANT SELECT ON {DATABASE}.* TO {ACCOUNT}@localhost"
        ),
    );
    stage
}

/// A row with the password that the secret has for the account.
fn add(stage: &Stage, user: &str, host: &str) {
    let label = ["AWSCURRENT", "AWSPREVIOUS"].into_iter().find(|label| account(stage, label) == user).unwrap();
    let hash = native_hash(stage.value(label)["password"].as_str().unwrap());
    sql(stage, &format!("CREATE USER {user}@'{host}' IDENTIFIED BY PASSWORD '{hash}'"));
}

/// The rules and lock of a row.
fn rules(stage: &Stage, user: &str, host: &str) -> String {
    let shown = sql(stage, &format!("SHOW CREATE USER {}@{}", identifier(user), identifier(host)));
    shown.split_once(" IDENTIFIED ").map_or(shown.clone(), |(_, rules)| rules.to_owned())
}

#[tokio::test]
async fn a_partner_has_a_row_for_every_host_of_its_base() {
    let stage = stage().await;
    for current in [PARTNER, ACCOUNT, PARTNER] {
        stage.rotated().await;
        assert_eq!(account(&stage, "AWSCURRENT"), current);
        assert_alike(&stage);
        // One password in all of them.
        let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
        for host in hosts(&stage, current) {
            let rules = rules(&stage, current, &host);
            assert!(rules.starts_with(&format!("BY PASSWORD '{hash}'")) && !rules.contains("LOCK"), "{host}: {rules}");
        }
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn rows_that_come_and_go_are_followed_at_the_partners_turn() {
    let stage = stage().await;
    stage.rotate().await;
    stage.rotate().await;
    // The partner's turn: a new row of the base is made, too.
    add(&stage, ACCOUNT, "172.16.%");
    stage.rotate().await;
    assert_alike(&stage);
    // The base's: a row that nobody gets into yet would take logins from others.
    add(&stage, ACCOUNT, "172.17.%");
    let rotation = stage.rotate().await;
    assert!(warnings_of(&rotation).contains("its row for `172.17.%`"), "{rotation:#?}");
    assert!(!hosts(&stage, PARTNER).contains(&"172.17.%".to_owned()));
    stage.rotate().await;
    assert_alike(&stage);
    // A row of the base goes: that of the partner takes logins that should meet another.
    sql(&stage, &format!("DROP USER {ACCOUNT}@'172.17.%'"));
    let rotation = stage.rotate().await;
    let drop = format!("DROP USER `{PARTNER}`@`172.17.%`");
    assert!(warnings_of(&rotation).contains(&drop), "{rotation:#?}");
    assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["172.17.%", &drop]).await;
    sql(&stage, &drop);
    goes_on(&stage, &token).await;
    assert_alike(&stage);
}

#[tokio::test]
async fn a_locked_row_of_the_base_is_refused_with_the_statement_that_helps() {
    for remedy in ["ALTER USER `orders_app`@`10.%` ACCOUNT UNLOCK", "DROP USER `orders_app`@`10.%`"] {
        let stage = stage().await;
        stage.rotate().await;
        stage.rotate().await;
        if remedy.starts_with("DROP") {
            sql(&stage, &remedy.replace("`orders_app`", PARTNER));
        }
        let token = stage.created().await;
        sql(&stage, &format!("ALTER USER {ACCOUNT}@'10.%' ACCOUNT LOCK"));
        stage.refused("setSecret", &token, "RefusedAccount", &["`orders_app`@`10.%` is locked", remedy]).await;
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        sql(&stage, remedy);
        goes_on(&stage, &token).await;
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn what_a_rotation_that_broke_off_has_left_is_opened_by_the_next() {
    for given_up in [false, true] {
        let stage = stage().await;
        sql(
            &stage,
            &format!(
                "CREATE USER {PARTNER}@'%' IDENTIFIED VIA unix_socket ACCOUNT LOCK;
                 CREATE USER {PARTNER}@'10.%' IDENTIFIED VIA unix_socket REQUIRE SSL ACCOUNT LOCK;
                 GRANT SELECT ON {DATABASE}.* TO {PARTNER}@'10.%'"
            ),
        );
        if given_up {
            // Of what the base had then, something has been taken away.
            sql(&stage, &format!("REVOKE SELECT ON {DATABASE}.* FROM {ACCOUNT}@'10.%'"));
        }
        let token = stage.created().await;
        if given_up {
            let drop = format!("DROP USER `{PARTNER}`@`%`, `{PARTNER}`@`10.%`");
            stage
                .refused(
                    "setSecret",
                    &token,
                    "RefusedAccount",
                    &["SELECT ON `orders`.* to `orders_app_clone`@`10.%`", &drop],
                )
                .await;
            sql(&stage, &drop);
        }
        goes_on(&stage, &token).await;
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn somebody_elses_way_in_is_kept_and_the_two_take_turns_by_their_passwords() {
    let stage = maria::alternating().await;
    for (rules, kept) in [
        ("unix_socket OR mysql_native_password USING '#'", "VIA unix_socket OR mysql_native_password"),
        ("mysql_native_password USING '#' OR unix_socket", "' OR unix_socket"),
    ] {
        let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
        sql(&stage, &format!("ALTER USER {ACCOUNT} IDENTIFIED VIA {}", rules.replace('#', &hash)));
        for _ in 0..2 {
            stage.rotated().await;
            assert!(self::rules(&stage, ACCOUNT, "%").contains(kept), "{}", self::rules(&stage, ACCOUNT, "%"));
        }
        // The other one is made for passwords alone.
        assert!(self::rules(&stage, PARTNER, "%").starts_with("BY PASSWORD"));
        let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
        assert_eq!(self::rules(&stage, ACCOUNT, "%").matches(&hash).count(), 1);
        sql(&stage, &format!("ALTER USER {ACCOUNT} IDENTIFIED BY PASSWORD '{hash}'"));
    }
}

#[tokio::test]
async fn a_row_that_takes_no_password_is_told_and_left_alone() {
    let stage = maria::alternating().await;
    sql(&stage, &format!("CREATE USER {ACCOUNT}@'10.9.%' IDENTIFIED VIA unix_socket"));
    stage.rotate().await;
    let rotation = stage.rotate().await;
    assert!(warnings_of(&rotation).contains("logs in by unix_socket, and was left alone"), "{rotation:#?}");
    assert_eq!(rules(&stage, ACCOUNT, "10.9.%"), "VIA unix_socket");
    stage.rotate().await;
}
