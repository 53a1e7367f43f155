//! An account of MariaDB whose password somebody guesses too often (`max_password_errors`). With one password the server
//! blocks it; with two it skips the first one, until the second has been used. What everybody holds must outlive that.

use support::maria;
use support::rig::random_password;
use support::stage::{ACCOUNT, Stage};

use crate::overlap::{BOTH, rules};

fn guess(stage: &Stage, times: usize) {
    stage.mariadb().sql("SET GLOBAL max_password_errors = 3").unwrap();
    for _ in 0..times {
        assert!(!stage.accepts(ACCOUNT, &random_password()));
    }
}

#[tokio::test]
async fn the_current_password_is_kept_although_the_server_skips_it_after_guesses() {
    let stage = maria::overlapping().await;
    stage.rotate().await;
    guess(&stage, 4);
    assert!(!stage.logs_in("AWSCURRENT"), "nothing is shown: the server does not skip the first password");
    let held = stage.value("AWSCURRENT")["password"].as_str().unwrap().to_owned();
    let rotation = stage.rotate().await;
    assert!(stage.accepts(ACCOUNT, &held), "whoever holds the password before is locked out");
    assert_eq!(rules(&stage, "%"), BOTH);
    stage.assert_finished(&rotation.token);
}

#[tokio::test]
async fn an_account_with_one_password_is_told_to_be_blocked() {
    let stage = maria::stage().await;
    guess(&stage, 3);
    let token = stage.created().await;
    stage.refused("setSecret", &token, "RefusedAccount", &["4150", "FLUSH PRIVILEGES"]).await;
}
