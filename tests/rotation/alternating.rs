//! PostgreSQL with two accounts that take turns: what AWS's multi-user secrets become once this function rotates them.

use crate::pair::{ADMIN, PARTNER, account, run_as, stage};
use crate::support::{ACCOUNT, DATABASE};

#[tokio::test]
async fn two_accounts_take_turns_and_the_previous_one_goes_on_working() {
    let stage = stage().await;
    for (current, previous) in [(PARTNER, ACCOUNT), (ACCOUNT, PARTNER), (PARTNER, ACCOUNT)] {
        let rotation = stage.rotate().await;
        assert_eq!([account(&stage, "AWSCURRENT"), account(&stage, "AWSPREVIOUS")], [current, previous]);
        assert!(stage.logs_in("AWSCURRENT") && stage.logs_in("AWSPREVIOUS"));
        assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), None);
        assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(rotation.token));
    }
}

#[tokio::test]
async fn one_owner_whoever_creates() {
    let stage = stage().await;
    stage.rotate().await;
    assert_eq!(run_as(&stage, "AWSCURRENT", "SELECT session_user, current_user"), format!("{PARTNER}|{ACCOUNT}"));
    run_as(&stage, "AWSCURRENT", "CREATE SCHEMA shop; CREATE TABLE shop.made_by_partner (n int)");
    stage.rotate().await;
    assert_eq!(account(&stage, "AWSCURRENT"), ACCOUNT);
    run_as(
        &stage,
        "AWSCURRENT",
        "INSERT INTO shop.made_by_partner VALUES (1); ALTER TABLE shop.made_by_partner ADD m int",
    );
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_partner'";
    assert_eq!(stage.postgres.sql_in(DATABASE, owner).unwrap(), ACCOUNT);
}

#[tokio::test]
async fn a_warm_rotation_takes_eleven_calls_and_four_logins_whosever_turn_it_is() {
    let stage = stage().await;
    for _ in 0..3 {
        stage.aws.clear();
        let mark = stage.postgres.mark();
        stage.rotate().await;
        let calls = stage.aws.function_calls();
        let secrets = calls.iter().filter(|call| call.service == "secretsmanager").count();
        let logins = stage.postgres.logins_since(mark);
        assert_eq!(secrets, 11, "{calls:#?}");
        let turn = account(&stage, "AWSCURRENT");
        let before = account(&stage, "AWSPREVIOUS");
        assert_eq!(logins.accepted, [before.as_str(), ADMIN, &turn, &turn]);
        assert_eq!(logins.failed, [""; 0]);
    }
}
