//! MariaDB, one account that changes its own password.

use support::maria;
use support::stage::ACCOUNT;

#[tokio::test]
async fn an_account_changes_its_own_password_and_the_report_says_that_the_old_one_ended() {
    let stage = maria::stage().await;
    for _ in 0..2 {
        let rotation = stage.rotated().await;
        let set = rotation.last("setSecret").unwrap().answer().unwrap();
        let warnings = set["warnings"].to_string();
        assert!(warnings.contains("1227") && warnings.contains("ends at once"), "{set:#}");
        let finish = rotation.last("finishSecret").unwrap().answer().unwrap();
        assert!(finish["previousCredentialValidUntil"].is_null(), "{finish:#}");
        assert!(stage.logs_in("AWSCURRENT") && !stage.accepts(ACCOUNT, "another"));
    }
}
