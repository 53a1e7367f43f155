//! MariaDB: an administrator who lacks a right is told the statement that gives it, nobody gets in by what was made until
//! then, and the same rotation goes on; and what a dry run foretells is what happens.

use serde_json::Value;
use support::dry_run::dry_run;
use support::maria::{self, ADMIN, PARTNER};
use support::pair::{account, assert_in_step};
use support::rig::assert_says;
use support::stage::{ACCOUNT, DATABASE, Stage};
use support::told::told;

use crate::alternating::{assert_alike, goes_on, set_of, sql};

/// The statement that a message tells to run.
fn remedy(message: &str) -> String {
    let remedy = message.split("Remedy: ").nth(1).unwrap_or_else(|| panic!("{message}"));
    remedy.split(", or do the same").next().unwrap().to_owned()
}

/// Expects setSecret to be refused, and nobody to be in by what it has made.
async fn lacks(stage: &Stage, token: &str, number: &str) -> String {
    let message = stage.error("setSecret", token, "RefusedAccount").await;
    assert_says(&message, &[number, &format!("`{ADMIN}`@`%`")]);
    assert!(stage.logs_in("AWSCURRENT"));
    let open = sql(
        stage,
        &format!(
            "SELECT count(*) FROM mysql.global_priv WHERE User = '{PARTNER}' AND JSON_VALUE(Priv, '$.account_locked') IS NULL"
        ),
    );
    assert_eq!(open, "0", "the partner is open: {message}");
    message
}

#[tokio::test]
async fn what_the_administrator_cannot_pass_on_is_told_with_the_grant_that_helps() {
    let setup = "CREATE ROLE keepers";
    for (given, number) in [
        ("GRANT ALL ON orders.* TO orders_app", "1044"),
        ("GRANT DELETE HISTORY ON orders.* TO orders_app", "1044"),
        ("GRANT ALL ON orders.items TO orders_app", "1142"),
        ("GRANT SLAVE MONITOR, SELECT ON *.* TO orders_app", "1045"),
        ("GRANT keepers TO orders_app", "1698"),
        ("GRANT keepers TO orders_app WITH ADMIN OPTION", "1698"),
        ("GRANT PROXY ON orders_other TO orders_app", "1698"),
    ] {
        let stage = maria::alternating().await;
        sql(&stage, &format!("{setup}; CREATE USER orders_other; CREATE TABLE orders.items (a int); {given}"));
        let token = stage.created().await;
        let foretold = dry_run(&stage, true).await;
        assert!(foretold["warnings"].to_string().contains("not rehearsed"), "{foretold:#}");
        let message = lacks(&stage, &token, number).await;
        let remedy = remedy(&message);
        sql(&stage, &remedy);
        goes_on(&stage, &token).await;
        assert_alike(&stage);
    }
}

#[tokio::test]
async fn an_administrator_who_may_not_make_accounts_or_read_them_is_told_so() {
    for (taken, words) in [
        ("CREATE USER, INSERT, UPDATE, DELETE", "GRANT CREATE USER ON *.* TO `orders_admin`@`%`"),
        ("SELECT", "GRANT SELECT ON `mysql`.* TO `orders_admin`@`%`"),
    ] {
        let stage = maria::alternating().await;
        sql(&stage, &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {DATABASE}.* TO {ADMIN} WITH GRANT OPTION"));
        sql(&stage, &format!("REVOKE {taken} ON *.* FROM {ADMIN}"));
        let token = stage.created().await;
        let before = stage.state();
        stage.refused("setSecret", &token, "RefusedAccount", &[words]).await;
        assert_eq!(stage.state(), before);
        sql(&stage, words);
        goes_on(&stage, &token).await;
        assert_alike(&stage);
        // The base's turn needs the same.
        sql(&stage, &format!("REVOKE {taken} ON {} FROM {ADMIN}", if taken == "SELECT" { "mysql.*" } else { "*.*" }));
        let right = words.trim_start_matches("GRANT ").split([' ', '`']).next().unwrap();
        let token = stage.created().await;
        stage.refused("setSecret", &token, "RefusedAccount", &[&format!("GRANT {right}"), "Remedy"]).await;
        sql(&stage, words);
        goes_on(&stage, &token).await;
    }
}

/// What a dry run plans for a step.
fn planned(answer: &Value, step: &str) -> Vec<String> {
    let steps = answer["steps"].as_array().unwrap();
    let found = steps.iter().find(|planned| planned["step"] == step).unwrap_or_else(|| panic!("no {step}: {answer:#}"));
    found["plan"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_dry_run_tells_every_change_of_the_partner_and_makes_none() {
    let stage = maria::alternating().await;
    sql(
        &stage,
        &format!("CREATE ROLE readers; GRANT readers TO {ADMIN} WITH ADMIN OPTION; GRANT readers TO {ACCOUNT}"),
    );
    for (turn, limit) in [(PARTNER, 20), (ACCOUNT, 30), (PARTNER, 25)] {
        sql(&stage, &format!("ALTER USER {ACCOUNT} WITH MAX_USER_CONNECTIONS {limit}"));
        let before = stage.state();
        let told = [dry_run(&stage, false).await, dry_run(&stage, true).await];
        assert_eq!(stage.state(), before);
        for answer in &told {
            assert_eq!(answer["verdict"], "wouldSucceed", "{answer:#}");
        }
        assert!(told[1]["warnings"].to_string().contains("not rehearsed: whether the statements"), "{:#}", told[1]);
        let [plan, same] = told.map(|answer| planned(&answer, "setSecret"));
        assert_eq!(plan, same);
        let rotation = stage.rotate().await;
        assert_eq!(account(&stage, "AWSCURRENT"), turn);
        let done = set_of(&rotation)["done"].as_array().unwrap();
        let done: Vec<String> = done.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let foretold: Vec<String> = plan.iter().map(|line| line.replacen("bring", "brought", 1)).collect();
        assert_eq!(foretold, done);
        // Of a new one they are in the statement that makes it.
        let told = done.iter().any(|line| line.contains("MAX_USER_CONNECTIONS"));
        assert!(told || limit == 20, "{done:?}");
        assert_in_step(&stage).await;
    }
}

#[tokio::test]
async fn a_default_role_takes_the_right_to_write_the_servers_own_tables() {
    let stage = maria::alternating().await;
    sql(
        &stage,
        &format!("CREATE ROLE readers; GRANT readers TO {ADMIN} WITH ADMIN OPTION; GRANT readers TO {ACCOUNT}"),
    );
    sql(
        &stage,
        &format!("SET DEFAULT ROLE readers FOR {ACCOUNT}; GRANT UPDATE ON {DATABASE}.* TO {ADMIN} WITH GRANT OPTION"),
    );
    sql(&stage, &format!("REVOKE UPDATE ON *.* FROM {ADMIN}"));
    let token = stage.created().await;
    let message = lacks(&stage, &token, "1044").await;
    let grant = format!("GRANT UPDATE ON `mysql`.* TO `{ADMIN}`@`%`");
    assert!(message.contains(&grant), "{message}");
    sql(&stage, &grant);
    goes_on(&stage, &token).await;
    assert_alike(&stage);
}

#[tokio::test]
async fn an_account_with_hundreds_of_rights_is_doubled_within_one_step() {
    let stage = maria::alternating().await;
    let tables = (0..500).map(|number| {
        format!(
            "CREATE TABLE {DATABASE}.t{number} (a int); GRANT SELECT, INSERT (a) ON {DATABASE}.t{number} TO {ACCOUNT};"
        )
    });
    sql(&stage, &tables.collect::<String>());
    let token = stage.created().await;
    let begun = std::time::Instant::now();
    stage.answer("setSecret", &token).await;
    told(&format!("setSecret of a partner with 500 rights more: {:?}", begun.elapsed()));
    assert_alike(&stage);
    for step in ["testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    let begun = std::time::Instant::now();
    stage.rotate().await;
    told(&format!("a rotation of the two, in step: {:?}", begun.elapsed()));
}
