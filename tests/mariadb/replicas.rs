//! An account whose secret names a replica of MariaDB: RDS says whose it is, the administrator works on the primary, and the
//! proof waits for the replica. At 127.0.0.1 is the replica here, and at `localhost` the primary.

use std::time::Duration;

use rehearsal::aws::DbInstance;
use rehearsal::mariadb::MariaDb;
use serde_json::json;
use support::maria;
use support::stage::{ACCOUNT, Stage};

/// A stage with an administrator, whose account logs in at a replica.
async fn stage() -> (Stage, MariaDb) {
    let stage = maria::overlapping().await;
    let replica = MariaDb::start_replica_of(stage.mariadb()).unwrap();
    let both = [stage.mariadb(), &replica].map(|server| std::fs::read_to_string(server.ca_pem_path()).unwrap());
    let bundle = replica.ca_pem_path().with_file_name("both.pem");
    std::fs::write(&bundle, both.concat()).unwrap();
    stage.function.set_env("KEYROLL_CA_BUNDLE", &bundle.display().to_string());
    stage.edit_current(&json!({"host": "127.0.0.1", "port": replica.port()}));
    (stage, replica)
}

fn known_to_rds(stage: &Stage, replica: &MariaDb) {
    stage.aws.put_db_instance(DbInstance::new("localhost", "localhost", stage.mariadb().port()));
    stage.aws.put_db_instance(DbInstance::new("127", "127.0.0.1", replica.port()).replica_of("localhost"));
}

#[tokio::test]
async fn a_replicas_account_is_changed_on_the_primary_and_both_passwords_reach_it() {
    let (stage, replica) = stage().await;
    known_to_rds(&stage, &replica);
    for _ in 0..2 {
        let rotation = stage.rotated().await;
        let test = rotation.last("testSecret").unwrap().answer().unwrap();
        assert_eq!(test["done"].as_array().unwrap().len(), 2, "both were proved: {test:#}");
        replica.catch_up_with(stage.mariadb()).unwrap();
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let password = stage.value(label)["password"].as_str().unwrap().to_owned();
            assert!(replica.sql_as(ACCOUNT, &password, "orders", "SELECT 1").is_ok(), "{label}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_waits_until_the_replica_has_the_new_password() {
    let (stage, replica) = stage().await;
    known_to_rds(&stage, &replica);
    let token = stage.created().await;
    replica.sql("STOP SLAVE SQL_THREAD").unwrap();
    stage.answer("setSecret", &token).await;
    let goes_on = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        replica.sql("START SLAVE SQL_THREAD").unwrap();
    };
    let (proved, ()) = tokio::join!(stage.answer("testSecret", &token), goes_on);
    assert!(proved["done"].to_string().contains("proved the pending login"), "{proved:#}");
    stage.answer("finishSecret", &token).await;
    stage.assert_finished(&token);
}

#[tokio::test]
async fn a_replica_changes_nothing_itself() {
    let (stage, replica) = stage().await;
    let token = stage.created().await;
    // RDS knows of no replica.
    stage.refused("setSecret", &token, "RefusedSetting", &["RDS knows no instance"]).await;
    // Without an administrator the account would change itself there.
    stage.aws.remove_tag(&stage.arn, "keyroll:admin-secret").unwrap();
    stage.function.cold().await;
    stage.refused("setSecret", &token, "RefusedServer", &["read-only", "primary"]).await;
    replica.catch_up_with(stage.mariadb()).unwrap();
    assert!(stage.logs_in("AWSCURRENT"));
}
