//! The leak check, of keys and tokens: stages of these tests show a secret on purpose.

use support::leaks::{found, spelt, spelt_out};

use crate::stage::Stage;

#[tokio::test]
async fn a_leak_of_any_spelling_is_caught() {
    let stage = Stage::start("jwt", "placeholder").await;
    stage.rotate().await;
    let secret = stage.value("AWSCURRENT");
    assert_eq!(stage.leaks(), Vec::<String>::new());
    for spelling in spelt(&secret) {
        let spoken = [("an answer", format!("...{spelling}..."))];
        assert!(!found(&spoken, &spelt_out(&secret)).is_empty(), "{spelling}");
    }
    stage.heard(&secret);
    assert!(stage.leaks()[0].contains("an answer"), "{:?}", stage.leaks());
    stage.expect_leaks();
}

#[tokio::test]
async fn a_leak_of_a_private_member_is_caught() {
    let stage = Stage::start("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#).await;
    stage.rotate().await;
    let ring = stage.json("AWSCURRENT");
    let (private, public) = (ring["keys"][1]["d"].as_str().unwrap(), ring["keys"][1]["x"].as_str().unwrap());
    stage.heard(public);
    assert_eq!(stage.leaks(), Vec::<String>::new());
    stage.heard(private);
    assert!(!stage.leaks().is_empty());
    stage.expect_leaks();
}
