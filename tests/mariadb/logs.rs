//! MariaDB writes down what it is told: the general, the slow and the binary log have the hash that was set, and no password.

use rehearsal::mariadb::native_hash;
use support::maria;
use support::relay::Relay;
use support::server::Mark;
use support::stage::{ACCOUNT, Stage};

fn hash(stage: &Stage, label: &str) -> String {
    native_hash(stage.value(label)["password"].as_str().unwrap())
}

/// In how many of the logs this stands: general and slow log together count by line, the binary log by itself.
fn told(stage: &Stage, mark: Mark, text: &str) -> (usize, usize) {
    let (Mark::MariaDb(mark), mariadb) = (mark, stage.mariadb()) else { panic!("another server") };
    let of = |log: &str| log.matches(text).count();
    (of(&mariadb.log_since(mark)), of(&mariadb.binlog_since(mark)))
}

#[tokio::test]
async fn every_log_has_the_hash_and_none_the_password() {
    for stage in [maria::overlapping().await, maria::stage().await] {
        let mark = stage.server.mark();
        stage.rotate().await;
        stage.rotate().await;
        let (texts, binary) = told(&stage, mark, &hash(&stage, "AWSCURRENT"));
        assert!(texts >= 2 && binary >= 1, "the check looks at nothing: {texts} {binary}");
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let password = stage.value(label)["password"].as_str().unwrap().to_owned();
            assert_eq!(told(&stage, mark, &password), (0, 0));
        }
    }
}

#[tokio::test]
async fn what_ends_a_password_writes_no_other_one_down() {
    let stage = maria::overlapping().await;
    stage.rotate().await;
    let mark = stage.server.mark();
    stage.action("Retire").await;
    let (texts, binary) = told(&stage, mark, &hash(&stage, "AWSCURRENT"));
    assert!(texts >= 2 && binary >= 1, "{texts} {binary}");
    assert_eq!(told(&stage, mark, &hash(&stage, "AWSPREVIOUS")).1, 0);
    let mark = stage.server.mark();
    stage.action("Revoke").await;
    assert!(told(&stage, mark, &hash(&stage, "AWSCURRENT")).1 >= 1);
    assert_eq!(told(&stage, mark, &hash(&stage, "AWSPREVIOUS")).1, 0);
}

#[tokio::test]
async fn in_the_clear_too_no_password_travels() {
    let (stage, relay): (Stage, Relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    stage.rotate().await;
    relay.clear();
    stage.rotate().await;
    let said = relay.said();
    let changes: Vec<&String> = said.iter().filter(|text| text.starts_with("ALTER USER")).collect();
    assert_eq!(
        changes,
        [&format!(
            "ALTER USER `{ACCOUNT}`@`%` IDENTIFIED VIA mysql_native_password USING '' OR mysql_native_password USING ''"
        )]
    );
    // What is said of each login, in its order, for whoever changes it to see what it costs.
    support::told::told(&format!("{} things said: {said:#?}", said.len()));
    assert!(said.len() < 60, "{said:#?}");
}
