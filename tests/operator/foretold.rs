//! What a dry run tells and what the rotation then does are the same: over an open rollout, and with a pending version that
//! another function stored. And what Reconcile tells of a search for several secrets, it tells once.

use rehearsal::aws::Service;
use rehearsal::postgres::{PostgresOptions, literal};
use serde_json::json;
use support::dry_run::{discovering, dry_run};
use support::rig::random_password;
use support::scene::{Scene, warnings};
use support::stage::{ACCOUNT, Stage};

use crate::dry_run_halfway;

async fn left_open() -> Stage {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    dry_run_halfway::left_open(&stage).await;
    stage
}

#[tokio::test]
async fn a_rotation_fails_where_the_dry_run_said_so_because_of_a_failed_deployment() {
    let stage = left_open().await;
    let roll_back = |service: &mut Service| {
        service.deploy();
        service.roll_back("tasks failed to start");
    };
    stage.aws.with_service("prod", "api", roll_back).unwrap();
    assert_eq!(dry_run(&stage, false).await["verdict"], "wouldFail");
    let token = stage.stage();
    stage.error("createSecret", &token, "FailedRollout").await;
    assert_eq!(stage.aws.value(&stage.arn, &token), None);
}

#[tokio::test]
async fn a_dry_run_over_an_open_rollout_plans_every_redeploy_that_create_secret_makes() {
    let stage = left_open().await;
    stage.aws.with_service("prod", "worker", Service::deploy).unwrap();
    let plan = dry_run(&stage, false).await["steps"][0]["plan"].to_string();
    let done = stage.answer("createSecret", &stage.stage()).await["done"].to_string();
    assert_eq!(plan.contains("redeploy prod/worker"), done.contains("redeployed prod/worker"), "{plan} {done}");
}

#[tokio::test]
async fn a_dry_run_sees_that_the_pending_version_of_another_function_logs_in() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let (token, password) = (rehearsal::aws::random::uuid(), random_password());
    let mut value = stage.value("AWSCURRENT");
    value["password"] = json!(password);
    stage.aws.put_version(&stage.arn, &token, &value.to_string(), &["AWSPENDING"]).unwrap();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD {}", literal(&password))).unwrap();
    let verdict = dry_run(&stage, false).await["verdict"].clone();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        stage.answer(step, &token).await;
    }
    assert_eq!(verdict, "wouldSucceed");
}

#[tokio::test]
async fn a_dry_run_compares_the_pending_version_of_another_function_too() {
    let stage = discovering(&PostgresOptions::default(), &json!({})).await;
    let token = rehearsal::aws::random::uuid();
    let mut value = stage.value("AWSCURRENT");
    value["password"] = json!(random_password());
    value["username"] = json!("somebody_else");
    stage.aws.put_version(&stage.arn, &token, &value.to_string(), &["AWSPENDING"]).unwrap();
    let verdict = dry_run(&stage, false).await["verdict"].clone();
    stage.answer("createSecret", &token).await;
    stage.error("setSecret", &token, "RefusedChanged").await;
    assert_eq!(verdict, "wouldFail");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_not_told_as_looked_at_and_a_warning_comes_once() {
    let scene = Scene::start().await;
    let other = scene.secret("payments/db");
    scene.promote(&other);
    scene.service("payments", &[&other]);
    scene.function.set_env("KEYROLL_CLUSTERS", "gone prod");
    let answer = scene.answer(&json!({"Action": "Reconcile"})).await;
    let told = warnings(&answer);
    assert_eq!(told.matches("KEYROLL_CLUSTERS names gone").count(), 1, "{told}");
    assert!(told.contains("1 services of 1 clusters were looked at"), "{told}");
    assert!(told.contains(&scene.arn), "{told}");
}
