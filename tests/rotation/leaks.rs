//! The leak check itself: every stage fails its test when a secret shows up, and this one shows one on purpose.

use crate::support::{ACCOUNT, Stage};

#[tokio::test]
async fn a_leak_into_the_servers_log_is_caught() {
    let stage = Stage::start().await;
    stage.rotate().await;
    assert_eq!(stage.leaks(), Vec::<String>::new());
    let password = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    // What AWS's function does: the password as text.
    let statement = format!("ALTER ROLE {ACCOUNT} PASSWORD '{password}'");
    stage.postgres.sql_as(ACCOUNT, &password, "orders", &statement).unwrap();
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
