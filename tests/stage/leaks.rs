//! The leak check itself: every stage fails its test when a secret shows up, and those of these tests show one on purpose.

use rehearsal::mariadb::native_hash;
use support::maria;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

#[tokio::test]
async fn a_leak_into_the_servers_log_is_caught() {
    let stage = Stage::start().await;
    stage.rotate().await;
    assert_eq!(stage.leaks(), Vec::<String>::new());
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    // What AWS's function does: the password as text.
    let statement = format!("ALTER ROLE {ACCOUNT} PASSWORD '{password}'");
    stage.postgres().sql_as(ACCOUNT, &password, "orders", &statement).unwrap();
    assert_eq!(stage.leaks(), ["1 secret value(s) in the server's log"]);
    stage.expect_leaks();
}

#[tokio::test]
async fn a_leak_into_an_answer_is_caught() {
    let stage = Stage::start().await;
    let token = stage.stage();
    stage.secret_text(&token);
    stage.answer("createSecret", &token).await;
    let leaks = stage.leaks();
    assert!(leaks.iter().any(|leak| leak.contains("an answer")), "{leaks:?}");
    assert!(leaks.iter().any(|leak| leak.contains("the function's output")), "{leaks:?}");
    stage.expect_leaks();
}

#[tokio::test]
async fn a_leak_into_any_log_of_mariadb_is_caught() {
    let stage = maria::stage().await;
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    let say = |statement: &str| stage.mariadb().sql_as(ACCOUNT, &password, "orders", statement).map(drop);
    say(&format!("SET PASSWORD = '{}'", native_hash(&password))).unwrap();
    assert_eq!(stage.leaks(), Vec::<String>::new());
    // What the general log shows, the slow log does too; the binary log shows what has an effect.
    say("SELECT 'told to the server'").unwrap();
    say("CREATE TABLE t (n INT) COMMENT 'told to replicas'").unwrap();
    stage.mariadb().try_login("told who came", "no", "").unwrap();
    for text in ["told to the server", "told to replicas", "told who came"] {
        stage.secret_text(text);
    }
    assert_eq!(stage.leaks(), ["3 secret value(s) in the server's log"]);
    stage.expect_leaks();
}

#[tokio::test]
async fn the_hash_of_a_password_is_caught_where_the_function_speaks() {
    let stage = maria::stage().await;
    let password = random_password();
    stage.secret_text(&password);
    stage.heard(&native_hash(&random_password()));
    assert_eq!(stage.leaks(), Vec::<String>::new());
    stage.heard(&native_hash(&password).to_lowercase());
    assert_eq!(stage.leaks(), ["a verifier in an answer"]);
    stage.expect_leaks();
}
