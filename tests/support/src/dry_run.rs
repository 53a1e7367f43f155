//! Dry runs, and that they change nothing.

use rehearsal::lambda::Outcome;
use rehearsal::postgres::PostgresOptions;
use serde_json::{Value, json};

use crate::stage::{ACCOUNT, Stage};

/// Every operation of AWS that a dry run may call.
const READS: [&str; 10] = [
    "ListSecrets",
    "ListSecretVersionIds",
    "DescribeSecret",
    "GetSecretValue",
    "ListClusters",
    "ListServices",
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeDBInstances",
    "DescribeDBClusters",
];

/// A stage whose services are found, not named.
pub async fn discovering(options: &PostgresOptions, keys: &Value) -> Stage {
    let stage = Stage::with(options, ACCOUNT, keys).await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    stage
}

/// Dry-runs, and sees that nothing at all has changed and that AWS was only read.
pub async fn dry_run(stage: &Stage, prove: bool) -> Value {
    let before = stage.state();
    stage.aws.clear();
    let event = json!({"Action": "DryRun", "SecretId": stage.arn, "Prove": prove});
    let Outcome::Answer(report) = stage.send(&event).await else { panic!("no answer") };
    assert_eq!(stage.state(), before, "the dry run changed something");
    let called: Vec<String> = stage.aws.function_calls().into_iter().map(|call| call.operation).collect();
    assert!(called.iter().all(|operation| READS.contains(&operation.as_str())), "{called:?}");
    assert_eq!((&report["action"], &report["done"]), (&json!("DryRun"), &json!([])));
    report
}

/// Dry-runs with a planted fault: the verdict names it, and a real rotation fails as was told.
pub async fn finds(stage: &Stage, error_type: &str, words: &[&str]) {
    let report = dry_run(stage, false).await;
    assert_eq!(report["verdict"], "wouldFail", "{report:#}");
    let reasons = report["reasons"].as_array().unwrap();
    let reason = reasons.iter().find(|reason| {
        let texts = ["cause", "remedy"].map(|key| reason[key].as_str().unwrap());
        reason["errorType"] == error_type && words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    });
    let reason = reason.unwrap_or_else(|| panic!("{error_type} with {words:?}: {report:#}"));
    assert!(!reason["remedy"].as_str().unwrap().is_empty());
}
