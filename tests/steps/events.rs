//! Every sample in `events/`, sent to the built function about a secret that exists.

use std::path::PathBuf;

use rehearsal::lambda::Outcome;
use serde_json::{Value, json};
use support::stage::Stage;

/// The samples by name, with the stage's own secret and version in them.
fn samples(stage: &Stage, token: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/events"));
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<(String, Value)> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let mut event: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            for (key, value) in [("SecretId", stage.arn.as_str()), ("ClientRequestToken", token)] {
                if let Some(field) = event.get_mut(key) {
                    *field = json!(value);
                }
            }
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), event)
        })
        .collect();
    samples.sort_by(|one, other| one.0.cmp(&other.0));
    samples
}

async fn send(stage: &Stage, samples: &[(String, Value)], name: &str) -> Outcome {
    let (_, event) = samples.iter().find(|(sample, _)| sample == name).unwrap();
    stage.send(event).await
}

#[tokio::test]
async fn the_samples_of_the_steps_are_a_rotation_and_those_of_the_actions_are_answered() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let samples = samples(&stage, &token);
    for name in [
        "operator-Status",
        "operator-DryRun",
        "operator-DryRun-prove",
        "rotation-createSecret",
        "rotation-createSecret-cross-account",
        "rotation-setSecret",
        "rotation-testSecret",
        "rotation-finishSecret",
        "operator-Reconcile",
        "operator-Reconcile-all",
        "operator-Redeploy",
        "operator-Status",
    ] {
        let outcome = send(&stage, &samples, name).await;
        let Outcome::Answer(report) = outcome else { panic!("{name}: {outcome:?}") };
        let told = report.get("step").or_else(|| report.get("action")).unwrap().as_str().unwrap();
        assert!(name.contains(told), "{name} was answered as {told}");
    }
    stage.assert_finished(&token);
}

#[tokio::test]
async fn the_other_samples_are_refused_by_name_and_change_nothing() {
    let stage = Stage::start().await;
    let token = stage.stage();
    let before = stage.state();
    let mut refused = Vec::new();
    for (name, event) in samples(&stage, &token) {
        let built = [
            "operator-Status",
            "operator-DryRun",
            "operator-Reconcile",
            "operator-Redeploy",
            "operator-Retire",
            "operator-Revoke",
            "rotation-",
        ];
        if built.iter().any(|built| name.starts_with(built)) {
            continue;
        }
        let Outcome::Error { error_type, message } = stage.send(&event).await else { panic!("{name} was accepted") };
        assert_eq!(error_type, "RefusedNotBuilt", "{name}: {message}");
        let word = event.get("Action").or_else(|| event.get("source")).unwrap().as_str().unwrap();
        assert!(message.contains(word), "{name}: {message}");
        refused.push(name);
    }
    assert_eq!(
        refused,
        [
            "ecs-deployment-state-change",
            "operator-Check",
            "operator-Rollback",
            "secretsmanager-PutSecretValue",
            "secretsmanager-RotationSucceeded",
            "secretsmanager-UpdateSecret",
            "secretsmanager-UpdateSecretVersionStage",
            "ssm-parameter-store-change",
        ]
    );
    assert_eq!(stage.state(), before);
}
