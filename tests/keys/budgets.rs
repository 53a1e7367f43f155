//! What a rotation of keys costs, counted.

use std::collections::BTreeMap;

use rehearsal::driver::STEPS;
use serde_json::json;

use crate::stage::Stage;
use crate::values::hex;

const PLACE: &str = "s3://auth-keys/jwks.json";

/// Every kind, with a value and whether its public half goes to S3.
fn kinds() -> Vec<(&'static str, String, bool)> {
    let ring = |alg: &str| json!({"alg": alg, "keys": []}).to_string();
    let document = r#"{"private_key":"placeholder","key_id":"signing-1"}"#.to_owned();
    vec![
        ("jwt", hex(64), false),
        ("token", hex(64), false),
        ("jwt-keyring", ring("HS256"), false),
        ("jwt-keyring", ring("RS256"), false),
        ("jwt-keyring", ring("ES256"), true),
        ("signing-key", document.clone(), false),
        ("signing-key", document, true),
    ]
}

/// A stage without services, after a first rotation that has made keys of what stood there.
async fn alone(kind: &str, value: &str, published: bool) -> Stage {
    let stage = Stage::start(kind, value).await;
    stage.tag("keyroll:services", "none");
    if published {
        stage.tag("keyroll:copies", PLACE);
        stage.aws.create_bucket("auth-keys");
    }
    stage.rotate().await;
    stage.aws.clear();
    stage
}

fn counted(stage: &Stage) -> BTreeMap<String, usize> {
    let calls = stage.aws.function_calls();
    assert!(calls.iter().all(|call| call.error.is_none()), "{calls:#?}");
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation).or_insert(0) += 1;
    }
    counts
}

fn expected(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(operation, count)| ((*operation).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_warm_rotation_takes_nine_calls_of_secrets_manager_and_publishing_some_more() {
    for (kind, value, published) in kinds() {
        let stage = alone(kind, &value, published).await;
        stage.rotate().await;
        let mut wanted = expected(&[
            ("DescribeSecret", 2),
            ("GetSecretValue", 4),
            ("PutSecretValue", 1),
            ("UpdateSecretVersionStage", 2),
        ]);
        if published {
            // What is published is read by the labels, before and after the move: of a document AWSPREVIOUS, too.
            let labels = if kind == "jwt-keyring" { 2 } else { 3 };
            wanted.extend([("PutObject".to_owned(), 2), ("GetSecretValue".to_owned(), 4 + 1 + 2 * labels)]);
        }
        assert_eq!(counted(&stage), wanted, "{kind}");
    }
}

#[tokio::test]
async fn each_step_keeps_to_its_budget_and_a_cold_process_asks_for_what_it_forgot() {
    for (kind, value, published) in kinds() {
        let stage = alone(kind, &value, published).await;
        let labels = match (published, kind) {
            (false, _) => 0,
            (true, "jwt-keyring") => 2,
            (true, _) => 3,
        };
        // Whether somebody has overtaken it is seen after setSecret has published.
        let more = if published { labels + 1 } else { 0 };
        for (cold, budgets) in [(false, [3, 1 + more, 1, 4 + labels]), (true, [3, 2 + more, 3, 5 + labels])] {
            let token = stage.stage();
            for (step, budget) in STEPS.into_iter().zip(budgets) {
                if cold {
                    stage.function.cold().await;
                }
                stage.aws.clear();
                stage.answer(step, &token).await;
                let counts = counted(&stage);
                let secrets: usize = counts.iter().filter(|it| it.0 != "PutObject").map(|it| it.1).sum();
                assert_eq!(secrets, budget, "{kind} {step}, cold {cold}: {counts:?}");
                let publishes = published && ["setSecret", "finishSecret"].contains(&step);
                assert_eq!(counts.contains_key("PutObject"), publishes, "{kind} {step}");
            }
        }
    }
}

#[tokio::test]
async fn named_services_are_looked_at_once_before_and_once_after_and_redeployed_once_each() {
    let stage = Stage::start("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#).await;
    // The second one reads the services' task definition, which the process remembers: revisions never change.
    for _ in 0..2 {
        stage.rotate().await;
    }
    stage.aws.clear();
    stage.rotate().await;
    let wanted = [
        ("DescribeSecret", 2),
        ("GetSecretValue", 4),
        ("PutSecretValue", 1),
        ("UpdateSecretVersionStage", 2),
        ("DescribeServices", 2),
        // One for each service: since when all its tasks hold AWSCURRENT.
        ("ListServiceDeployments", 2),
        ("UpdateService", 2),
    ];
    assert_eq!(counted(&stage), expected(&wanted));
}

#[tokio::test]
async fn a_process_opens_one_connection() {
    for (kind, value, published) in kinds() {
        let stage = alone(kind, &value, published).await;
        stage.rotate().await;
        stage.rotate().await;
        assert_eq!(stage.function.cold_starts(), 1);
        let mut connections: Vec<u64> = stage.aws.function_calls().iter().map(|call| call.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        // All services share the stage's one address.
        assert_eq!(connections.len(), 1, "{kind}");
    }
}

#[tokio::test]
#[ignore = "measures the release binary: make test does"]
async fn the_process_stays_below_16_mb_whatever_keys_it_makes() {
    for (kind, value, published) in kinds() {
        let stage = alone(kind, &value, published).await;
        for _ in 0..4 {
            stage.rotate().await;
        }
        let peak = stage.function.peak_rss_kib().unwrap();
        assert!(peak <= 16 * 1024, "{kind}: peak memory is {peak} KiB");
    }
}
