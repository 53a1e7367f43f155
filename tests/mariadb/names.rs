//! MariaDB: accounts, databases and first passwords of any letters, under every `sql_mode` that changes what quotes mean.

use rehearsal::mariadb::{MariaDbOptions, identifier, literal, native_hash};
use serde_json::{Value, json};
use support::dice::Dice;
use support::maria::{self, ADMIN};
use support::stage::Stage;
use support::told::{Shown, told};

const MODES: [&str; 4] = ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"];
const NAMES: [&str; 14] = [
    "o'neil",
    "back`tick",
    "double\"quote",
    "back\\slash",
    "back\\",
    "quote'",
    "tick`",
    "a b c",
    "a@b@c",
    "'; DROP USER x; -- ",
    "`@`%` IDENTIFIED BY 'x",
    "größe",
    "%s_%d",
    "日本",
];
const PASSWORDS: [&str; 6] = [
    "first, it's \"quoted\"",
    "first back\\slash\\",
    "first'; DROP USER x; --",
    "first `tick` ' ",
    "first größe-日本",
    "first 100% #?&;",
];
/// What a name may be made of.
const PIECES: [&str; 20] =
    ["'", "`", "\"", "\\", "@", " a", "%", "_", ";", "--", "/*", "*/", "$1", "?", "é", "馬", "\\'", "''", "``", "x"];
const DRAWN: usize = 12;

/// Makes an account with its own database and its secret.
fn account(stage: &Stage, number: usize, name: &str, password: &str, database: &str) -> String {
    let (user, base) = (identifier(name), identifier(database));
    let rule = format!("IDENTIFIED VIA mysql_native_password USING '{}'", native_hash(password));
    // In a grant the name is a pattern.
    let pattern = identifier(&database.replace('\\', "\\\\").replace('_', "\\_"));
    let make = format!(
        "CREATE USER {user}@'%' {rule}; CREATE DATABASE IF NOT EXISTS {base}; GRANT ALL ON {pattern}.* TO {user}@'%'"
    );
    stage.mariadb().sql(&make).unwrap();
    let value = json!({
        "engine": "mariadb", "host": "localhost", "port": stage.server.port(), "username": name, "password": password,
        "dbname": database
    });
    let tags = [("keyroll:services", "none"), ("keyroll:admin-secret", "orders/admin")];
    // Every second one changes itself.
    let arn = stage.aws.create_secret(&format!("names/{number}"), &value.to_string(), &tags[..=number % 2]).unwrap();
    stage.aws.enable_rotation(&arn, stage.function.arn(), json!({})).unwrap();
    stage.secret_text(password);
    arn
}

fn password(stage: &Stage, arn: &str) -> String {
    let value: Value = serde_json::from_str(&stage.aws.value_of(arn, "AWSCURRENT").unwrap()).unwrap();
    value["password"].as_str().unwrap().to_owned()
}

/// Every account and what lets it in, but this one.
fn others(stage: &Stage, name: &str) -> String {
    let query =
        format!("SELECT HEX(User), Host, Priv FROM mysql.global_priv WHERE User <> {} ORDER BY 1, 2", literal(name));
    stage.mariadb().sql(&query).unwrap()
}

async fn rotates(stage: &Stage, number: usize, name: &str, first: &str, database: &str) {
    let arn = account(stage, number, name, first, database);
    let before = others(stage, name);
    for turn in 0..2 {
        let old = password(stage, &arn);
        let rotation = stage.driver.rotate(&arn).await.unwrap();
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{name:?} {database:?}: {rotation:#?}");
        let new = password(stage, &arn);
        stage.secret_text(&new);
        let in_database = |password: &str| stage.server.try_login(name, password, database);
        assert_eq!(in_database(&new), rehearsal::postgres::Login::Accepted, "{name:?}, turn {turn}");
        let overlaps = number % 2 == 1;
        assert_eq!(in_database(&old) == rehearsal::postgres::Login::Accepted, overlaps, "{name:?}, turn {turn}");
    }
    assert_eq!(others(stage, name), before, "another account was touched");
}

async fn stage(mode: &str) -> Stage {
    let settings = vec![("sql_mode".to_owned(), mode.to_owned())];
    let stage = maria::with(&MariaDbOptions { settings, ..MariaDbOptions::default() }, "orders_app", &json!({})).await;
    maria::appoint(&stage);
    stage
}

#[tokio::test]
async fn accounts_of_any_name_rotate_under_any_mode_and_no_other_is_touched() {
    for mode in MODES {
        let stage = stage(mode).await;
        let mut shown = Shown(String::new());
        // Half of them under each mode that is one of the two.
        let every = if mode.is_empty() || mode.contains(',') { 1 } else { 2 };
        for (number, name) in NAMES.into_iter().enumerate().step_by(every) {
            shown.0 = format!("sql_mode {mode:?}, {name:?}");
            let first = PASSWORDS[number % PASSWORDS.len()];
            // Alone and with an administrator, by turns.
            let number = number / every + usize::from(mode.contains("ANSI"));
            rotates(&stage, number, name, first, &format!("d_{number}")).await;
        }
    }
}

#[tokio::test]
async fn the_longest_name_and_any_database_rotate() {
    let stage = stage("NO_BACKSLASH_ESCAPES,ANSI_QUOTES").await;
    rotates(&stage, 1, &"ä".repeat(80), "a first password", "orders").await;
    for (number, database) in ["we`ird", "it's", "a\\b", "dou\"ble", "größe x", "UPPER"].into_iter().enumerate() {
        rotates(&stage, number + 2, &format!("of_{number}"), "another password", database).await;
    }
}

#[tokio::test]
async fn names_that_are_drawn_rotate() {
    let stage = stage("").await;
    let (mut dice, mut shown) = (Dice::seeded(), Shown(String::new()));
    for number in 0..DRAWN {
        let mut name = format!("{number}");
        while name.chars().count() < 40 && dice.below(12) > 0 {
            let piece = *dice.pick(&PIECES);
            name.push_str(piece);
        }
        // Both servers and tables pad with spaces: none at the end is told from one.
        let name = name.trim_end().to_owned();
        shown.0 = format!("KEYROLL_SEED={}, {name:?}", dice.seed);
        rotates(&stage, number, &name, "a first password", "orders").await;
    }
    told(&format!("{DRAWN} names, seed {}", dice.seed));
}

fn is_let_in(stage: &Stage) -> bool {
    stage.server.try_login("Orders_App", "password of another", "") == rehearsal::postgres::Login::Accepted
}

#[tokio::test]
async fn an_account_that_differs_by_case_only_is_another_one() {
    let stage = maria::overlapping().await;
    maria::make_account(stage.mariadb(), "Orders_App", "password of another");
    stage.secret_text("password of another");
    let mariadb = stage.mariadb();
    mariadb.sql(&format!("GRANT PROCESS, CONNECTION ADMIN ON *.* TO orders_app@'%', {ADMIN}@'%'")).unwrap();
    let mut session = stage.server.hold("Orders_App", "password of another", "");
    stage.rotate().await;
    assert!(is_let_in(&stage));
    stage.action("Revoke").await;
    assert!(session.is_open() && is_let_in(&stage));
}
