//! A secret whose host is a replica that is behind: the password is set on the primary, and the proof waits for it to
//! arrive.

use std::time::{Duration, Instant};

use rehearsal::aws::DbInstance;
use rehearsal::driver::STEPS;
use rehearsal::postgres::{Login, Postgres};
use serde_json::json;
use support::pair::{self, ADMIN, PARTNER};
use support::stage::{DATABASE, Stage};

use crate::replicas;

/// A stage of two accounts that log in at 127.0.0.1, a replica so far behind; the administrator is at `localhost`.
async fn behind(delay: &str) -> (Stage, Postgres) {
    let stage = pair::stage().await;
    let standby = replicas::log_in_at_a_standby(&stage);
    for statement in
        [format!("ALTER SYSTEM SET recovery_min_apply_delay = '{delay}'"), "SELECT pg_reload_conf()".to_owned()]
    {
        standby.sql(&statement).unwrap();
    }
    stage.function.cold().await;
    let primary = DbInstance::new("localhost", "localhost", stage.postgres().port());
    stage.aws.put_db_instance(primary);
    stage.aws.put_db_instance(DbInstance::new("127", "127.0.0.1", standby.port()).replica_of("localhost"));
    (stage, standby)
}

#[tokio::test]
async fn the_proof_waits_for_a_replica_that_is_behind() {
    let (stage, standby) = behind("1500ms").await;
    for expected in [PARTNER, "orders_app"] {
        let begun = Instant::now();
        let rotation = stage.rotate().await;
        assert!(begun.elapsed() > Duration::from_secs(1), "the replica was not behind: {:?}", begun.elapsed());
        assert_eq!(stage.value("AWSCURRENT")["username"], expected);
        let value = stage.value("AWSCURRENT");
        let login = standby.try_login(expected, value["password"].as_str().unwrap(), DATABASE).unwrap();
        assert_eq!(login, Login::Accepted);
        let set = rotation.last("setSecret").unwrap().answer().unwrap();
        assert!(set["done"].to_string().contains(ADMIN), "{set}");
    }
    // The administrator has no business on the account's host.
    let logins = standby.logins_since(rehearsal::postgres::Mark::default());
    assert!(!logins.accepted.iter().chain(&logins.failed).any(|name| name == ADMIN), "{logins:?}");
}

#[tokio::test]
async fn a_replica_that_is_too_far_behind_fails_the_proof_and_a_later_try_finds_it() {
    let (stage, standby) = behind("20s").await;
    let token = stage.stage();
    for step in &STEPS[..2] {
        stage.answer(step, &token).await;
    }
    let event = json!({"Step": "testSecret", "SecretId": stage.arn, "ClientRequestToken": token});
    let begun = Instant::now();
    let outcome = stage.send_within(&event, Duration::from_secs(8)).await;
    let took = begun.elapsed();
    assert!(format!("{outcome:?}").contains("FailedProof"), "{outcome:?}");
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&took), "{took:?}");
    assert_eq!(pair::account(&stage, "AWSCURRENT"), "orders_app");
    for statement in ["ALTER SYSTEM SET recovery_min_apply_delay = 0", "SELECT pg_reload_conf()"] {
        standby.sql(statement).unwrap();
    }
    for step in &STEPS[2..] {
        stage.answer(step, &token).await;
    }
    assert_eq!(pair::account(&stage, "AWSCURRENT"), PARTNER);
}

#[tokio::test]
async fn a_rejected_password_on_a_primary_is_not_tried_again() {
    let stage = pair::stage().await;
    let token = stage.stage();
    for step in &STEPS[..2] {
        stage.answer(step, &token).await;
    }
    stage.postgres().sql(&format!("ALTER ROLE {PARTNER} PASSWORD '{}'", support::rig::random_password())).unwrap();
    let mark = stage.postgres().mark();
    stage.error("testSecret", &token, "FailedProof").await;
    assert_eq!(stage.postgres().logins_since(mark).failed, [PARTNER]);
}
