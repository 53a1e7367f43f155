//! `Redeploy`, and which events of an operator are refused.

use rehearsal::aws::{Fault, Rule, Secret};
use serde_json::{Value, json};
use support::scene::{Scene, statement, verdict, with_verdict};

fn all() -> Value {
    json!({"Action": "Reconcile"})
}

#[tokio::test]
async fn redeploy_replaces_all_tasks_whatever_their_dates_and_closes_an_open_mark() {
    let scene = Scene::start().await;
    for name in ["old", "new"] {
        scene.service(name, &[&scene.arn]);
    }
    scene.service("pinned", &[&format!("{}:::some-version", scene.arn)]);
    scene.service("bystander", &[]);
    scene
        .aws
        .with_service("prod", "new", |service| {
            service.deploy();
            service.settle();
        })
        .unwrap();
    let before = scene.aws.secret(&scene.arn).unwrap();
    let report = scene.answer(&scene.action("Redeploy")).await;
    assert_eq!(
        (with_verdict(&report, "redeployed"), with_verdict(&report, "skipped")),
        (vec!["new".to_owned(), "old".to_owned()], vec!["pinned".to_owned()])
    );
    assert_eq!(report["action"], "Redeploy");
    assert!(verdict(&report, "new").1.contains("an operator wants every dependent redeployed"), "{report:#}");
    assert!(!scene.is_open() && scene.redeployed("bystander") == 0);
    let after = scene.aws.secret(&scene.arn).unwrap();
    let values = |secret: &Secret| {
        secret.versions.iter().map(|(id, version)| (id.clone(), version.content.clone())).collect::<Vec<_>>()
    };
    assert_eq!((values(&after), after.holder("AWSCURRENT")), (values(&before), before.holder("AWSCURRENT")));

    // Each time, also without a mark; and no mark is left behind.
    scene.aws.clear();
    scene.answer(&scene.action("Redeploy")).await;
    assert_eq!(scene.writes().iter().map(|call| call.operation.as_str()).collect::<Vec<_>>(), ["UpdateService"; 2]);
    assert_eq!(scene.aws.secret(&scene.arn).unwrap(), after);
}

#[tokio::test]
async fn redeploy_works_for_a_secret_that_nobody_rotates() {
    let scene = Scene::start().await;
    let arn = scene.aws.create_secret("by-hand", "{\"password\": \"changed by hand\"}", &[]).unwrap();
    scene.service("api", &[&arn]);
    let before = scene.aws.secret(&arn);
    for id in [arn.as_str(), "by-hand"] {
        let report = scene.answer(&json!({"Action": "Redeploy", "SecretId": id})).await;
        assert_eq!((verdict(&report, "api").0, &report["secretArn"]), ("redeployed", &json!(arn)));
    }
    assert_eq!((scene.redeployed("api"), scene.aws.secret(&arn)), (2, before));
    // Named services need no search.
    scene.aws.set_tag(&arn, "keyroll:services", "prod/api").unwrap();
    scene.aws.clear();
    scene.answer(&json!({"Action": "Redeploy", "SecretId": arn})).await;
    assert_eq!(scene.operations(), ["DescribeSecret", "DescribeServices", "UpdateService"]);
}

#[tokio::test]
async fn a_redeploy_that_fails_in_part_leaves_the_mark_and_says_to_redeploy_again() {
    let scene = Scene::start().await;
    for name in ["api", "worker"] {
        scene.service(name, &[&scene.arn]);
    }
    scene.aws.fault(Rule::on("UpdateService", Fault::Denied).about("\"api\""));
    let message = scene.error(&scene.action("Redeploy"), "FailedRollout").await;
    assert!(message.contains("prod/api failed") && message.contains("prod/worker redeployed"), "{message}");
    assert!(message.contains("the action Redeploy again"), "{message}");
    assert!(scene.is_open());
    scene.aws.set_tag(&scene.arn, "keyroll:services", "api").unwrap();
    let message = scene.error(&scene.action("Redeploy"), "RefusedSetting").await;
    assert!(message.contains("keyroll:services"), "{message}");
}

#[tokio::test]
async fn an_action_on_a_secret_that_is_not_there_or_may_not_be_seen_says_so() {
    let scene = Scene::start().await;
    for name in ["Status", "Redeploy", "Reconcile"] {
        let message = scene.error(&json!({"Action": name, "SecretId": "orders/dv"}), "RefusedVersion").await;
        assert!(message.contains("orders/dv") && message.contains("exist in this Region"), "{message}");
    }
    scene.aws.fault(Rule::on("DescribeSecret", Fault::Denied));
    let message = scene.error(&scene.action("Reconcile"), "RefusedPermission").await;
    let wanted = json!({"Effect": "Allow", "Action": "secretsmanager:DescribeSecret", "Resource": scene.arn});
    assert_eq!(statement(&message), wanted, "{message}");
    scene.aws.fault(Rule::on("ListSecrets", Fault::Denied));
    let message = scene.error(&all(), "RefusedPermission").await;
    let wanted = json!({"Effect": "Allow", "Action": "secretsmanager:ListSecrets", "Resource": "*"});
    assert_eq!(statement(&message), wanted, "{message}");
    assert_eq!(scene.writes(), []);
}

#[tokio::test]
async fn events_that_could_mean_something_else_are_refused_and_call_nothing() {
    let scene = Scene::start().await;
    for (event, word) in [
        (json!({"Action": "Status"}), "lacks SecretId"),
        (json!({"Action": "Redeploy"}), "lacks SecretId"),
        (json!({"Action": "Reconcile", "SecretID": scene.arn}), "SecretID"),
        (json!({"Action": "Reconcile", "SecretId": ""}), "SecretId"),
        (json!({"Action": "Reconcile", "SecretId": null}), "SecretId"),
        (json!({"Action": "Reconcile", "SecretId": [scene.arn]}), "SecretId"),
        (json!({"Action": "Status", "SecretId": scene.arn, "Verbose": true}), "Verbose"),
        (json!({"Action": "Redeploy", "SecretId": scene.arn, "Prove": true}), "Prove"),
        (json!({"Action": "reconcile"}), "Action"),
        (json!({"Action": "Rotate", "SecretId": scene.arn}), "Action"),
        (json!({"Action": null}), "Action"),
    ] {
        let message = scene.error(&event, "RefusedEvent").await;
        assert!(message.contains(word), "{event}: {message}");
    }
    assert_eq!(scene.operations(), Vec::<String>::new());
}
