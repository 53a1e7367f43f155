//! PostgreSQL with two accounts that take turns: what AWS's multi-user secrets become once this function rotates them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::pair::{ADMIN, PARTNER, account, run_as, stage};
use support::stage::{ACCOUNT, DATABASE, Stage};

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
    assert_eq!(stage.postgres().sql_in(DATABASE, owner).unwrap(), ACCOUNT);
}

#[tokio::test]
async fn a_warm_rotation_takes_eleven_calls_and_four_logins_whosever_turn_it_is() {
    let stage = stage().await;
    for _ in 0..3 {
        stage.aws.clear();
        let mark = stage.postgres().mark();
        stage.rotate().await;
        let calls = stage.aws.function_calls();
        let secrets = calls.iter().filter(|call| call.service == "secretsmanager").count();
        let logins = stage.postgres().logins_since(mark);
        assert_eq!(secrets, 11, "{calls:#?}");
        let turn = account(&stage, "AWSCURRENT");
        let before = account(&stage, "AWSPREVIOUS");
        assert_eq!(logins.accepted, [before.as_str(), ADMIN, &turn, &turn]);
        assert_eq!(logins.failed, [""; 0]);
    }
}

#[tokio::test]
async fn the_report_and_a_metric_say_until_when_the_previous_password_works() {
    let stage = stage().await;
    let days = Duration::from_hours(30 * 24);
    stage.aws.enable_rotation(&stage.arn, stage.function.arn(), json!({"AutomaticallyAfterDays": 30})).unwrap();
    let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + days;
    let rotation = stage.rotate().await;
    let ended = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + days;
    for step in ["createSecret", "setSecret", "testSecret"] {
        assert_eq!(rotation.last(step).unwrap().answer().unwrap().get("previousCredentialValidUntil"), None);
    }
    let report = rotation.last("finishSecret").unwrap().answer().unwrap().clone();
    let output = stage.function.output();
    let metrics: Vec<Value> = output
        .lines()
        .filter(|line| line.contains("\"_aws\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(metrics.len(), 1, "{metrics:#?}");
    let seconds = metrics[0]["previousCredentialValidUntil"].as_u64().unwrap();
    assert!((begun.as_secs()..=ended.as_secs()).contains(&seconds), "{metrics:#?}");
    assert_eq!(metrics[0]["secretArn"], json!(stage.arn));
    let epoch = format!("SELECT extract(epoch FROM {}::timestamptz)::bigint", literal(&report));
    assert_eq!(stage.postgres().sql(&epoch).unwrap(), seconds.to_string());

    // What is current already is not promoted again, and tells nothing.
    let report = stage.answer("finishSecret", &rotation.token).await;
    assert_eq!(report.get("previousCredentialValidUntil"), None);
}

fn literal(report: &Value) -> String {
    rehearsal::postgres::literal(report["previousCredentialValidUntil"].as_str().unwrap())
}

#[tokio::test]
async fn without_a_schedule_the_previous_password_works_until_the_next_rotation() {
    let pair = stage().await;
    let rotation = pair.rotate().await;
    let report = rotation.last("finishSecret").unwrap().answer().unwrap();
    assert_eq!(report["previousCredentialValidUntil"], "next-rotation");
    assert!(!pair.function.output().contains("\"_aws\""));

    // One password has no overlap to tell of.
    let single = Stage::start().await;
    let rules = json!({"AutomaticallyAfterDays": 30});
    single.aws.enable_rotation(&single.arn, single.function.arn(), rules).unwrap();
    let rotation = single.rotate().await;
    let report = rotation.last("finishSecret").unwrap().answer().unwrap();
    assert_eq!(report.get("previousCredentialValidUntil"), None);
    assert!(!single.function.output().contains("\"_aws\""));
}

#[tokio::test]
async fn status_tells_of_the_overlap_where_no_value_has_to_be_read_for_it() {
    let stage = stage().await;
    let valid_until = async || stage.action("Status").await.get("previousCredentialValidUntil").cloned();
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "alternating-users").unwrap();
    assert_eq!(valid_until().await, None, "there is no previous version");
    stage.rotate().await;
    assert_eq!(valid_until().await, Some(json!("next-rotation")));
    stage.aws.enable_rotation(&stage.arn, stage.function.arn(), json!({"AutomaticallyAfterDays": 30})).unwrap();
    let status = stage.action("Status").await;
    // To the second, as a metric is.
    let second = |date: &Value| date.as_str().unwrap()[..19].to_owned();
    assert_eq!(second(&status["previousCredentialValidUntil"]), second(&status["rotation"]["next"]));
    // Without the tag only the value would tell, and that is not read.
    stage.aws.remove_tag(&stage.arn, "keyroll:strategy").unwrap();
    stage.aws.clear();
    assert_eq!((valid_until().await, stage.calls("GetSecretValue")), (None, 0));
}
