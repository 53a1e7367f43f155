//! `Status`: what a secret, its versions and its dependents look like before, in and after a rotation. It changes nothing
//! and reads no value.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule, Service};
use serde_json::{Value, json};
use support::rig::SERVICES;
use support::scene::{Scene, statement, verdict, warnings};
use support::stage::Stage;

/// The keys of an object, sorted.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What is left, as one text.
pub fn left(status: &Value) -> String {
    status["left"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// A service's line: verdict, reason and whether it runs with the current value.
pub fn line<'a>(status: &'a Value, service: &str) -> (&'a str, &'a str, &'a Value) {
    let (verdict, reason) = verdict(status, service);
    let lines = status["services"].as_array().unwrap();
    (verdict, reason, &lines.iter().find(|line| line["service"] == service).unwrap()["runsCurrent"])
}

/// A version's labels and standing.
fn version<'a>(status: &'a Value, id: &str) -> (&'a Value, &'a Value) {
    let versions = status["versions"].as_array().unwrap();
    let version = versions.iter().find(|version| version["versionId"] == id).unwrap();
    (&version["labels"], &version["standing"])
}

/// The secret's status, and that nothing was changed and no value read.
pub async fn status(scene: &Scene) -> Value {
    let before = scene.aws.snapshot();
    scene.aws.clear();
    let status = scene.answer(&scene.action("Status")).await;
    assert_eq!((scene.aws.snapshot(), scene.writes()), (before, vec![]));
    assert_eq!(scene.calls("GetSecretValue"), 0);
    status
}

#[tokio::test]
async fn status_shows_versions_schedule_dependents_and_what_is_left() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.service("fresh", &[&scene.arn]);
    scene.service("pinned", &[&format!("{}:::some-version", scene.arn)]);
    scene.service("bystander", &[]);
    scene.aws.with_service("prod", "fresh", Service::deploy).unwrap();
    let status = status(&scene).await;
    let all = [
        "action",
        "done",
        "lastChanged",
        "left",
        "rotation",
        "schema",
        "secretArn",
        "services",
        "standing",
        "versionId",
        "versions",
    ];
    assert_eq!(keys(&status), all);
    assert_eq!(
        (&status["action"], &status["done"], &status["standing"]),
        (&json!("Status"), &json!([]), &json!("Current"))
    );
    assert_eq!(status["secretArn"], json!(scene.arn));
    let current = scene.aws.holder(&scene.arn, "AWSCURRENT").unwrap();
    let previous = scene.aws.holder(&scene.arn, "AWSPREVIOUS").unwrap();
    assert_eq!(status["versionId"], json!(current));
    assert_eq!(
        version(&status, &current),
        (&json!(["AWSCURRENT", "AWSPENDING", "KEYROLL_ROLLOUT"]), &json!("Current"))
    );
    assert_eq!(version(&status, &previous), (&json!(["AWSPREVIOUS"]), &json!("Superseded")));
    for version in status["versions"].as_array().unwrap() {
        assert_eq!(keys(version), ["created", "labels", "standing", "versionId"]);
        assert!(version["created"].as_str().unwrap().ends_with('Z'), "{version}");
    }
    let rotation = &status["rotation"];
    assert_eq!(keys(rotation), ["byThisFunction", "enabled", "function", "lastRotated", "next", "rules"]);
    assert_eq!(rotation["function"], scene.function.arn());
    assert_eq!(rotation["rules"], json!({"automaticallyAfterDays": 30}));
    assert_eq!((&rotation["enabled"], &rotation["byThisFunction"]), (&json!(true), &json!(true)));
    assert!(rotation["next"].as_str().unwrap().ends_with('Z') && rotation["lastRotated"].is_null());

    for service in status["services"].as_array().unwrap() {
        assert_eq!(keys(service), ["cluster", "reason", "runsCurrent", "service", "verdict"]);
    }
    assert_eq!(status["services"].as_array().unwrap().len(), 3, "{status:#}");
    let (verdict, reason, runs) = line(&status, "api");
    assert_eq!((verdict, runs), ("skipped", &json!(false)));
    assert!(reason.contains("Reconcile would redeploy it"), "{reason}");
    // Its older tasks are still being replaced.
    let (verdict, _, runs) = line(&status, "fresh");
    assert_eq!((verdict, runs), ("alreadyCurrent", &Value::Null));
    assert!(line(&status, "pinned").1.contains("pinned to version some-version"), "{status:#}");
    let told = left(&status);
    assert_eq!(status["left"].as_array().unwrap().len(), 2, "{told}");
    assert!(told.contains("prod/api") && told.contains("KEYROLL_ROLLOUT"), "{told}");

    // What Status says is left is what Reconcile then does.
    let done = scene.reconcile().await["done"].as_array().unwrap().len();
    assert_eq!(done, 2);
}

#[tokio::test]
async fn status_follows_a_rotation_from_before_it_to_after_a_crash_and_its_repair() {
    let stage = Stage::start().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    let event = json!({"Action": "Status", "SecretId": stage.arn});
    let look = async || {
        let before = stage.state();
        let status = stage.send(&event).await.answer().unwrap().clone();
        assert_eq!(stage.state(), before);
        status
    };
    let runs = |status: &Value| SERVICES.map(|service| line(status, service).2.clone());
    let before = look().await;
    assert_eq!((left(&before), runs(&before)), (String::new(), [json!(false), json!(false)]), "{before:#}");

    let token = stage.stage();
    let reserved = look().await;
    assert_eq!(version(&reserved, &token), (&json!(["AWSPENDING"]), &Value::Null), "only its value could tell");
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    let middle = look().await;
    assert_eq!(version(&middle, &token), (&json!(["AWSPENDING", "KEYROLL_ROLLOUT"]), &json!("Pending")));
    assert_eq!(middle["versionId"], before["versionId"]);
    let told = left(&middle);
    assert!(told.contains(&format!("rotate-secret --secret-id {}", stage.arn)), "{told}");
    assert!(told.contains("unless a rotation is running") && !told.contains("prod/"), "{told}");

    // Killed after the first of two services.
    let kill = stage.function.kill_handle();
    stage.aws.fault(Rule::on("UpdateService", Fault::before(kill.hook())).nth(2));
    let finish = json!({"Step": "finishSecret", "SecretId": stage.arn, "ClientRequestToken": token});
    assert!(!stage.send(&finish).await.is_answer());
    stage.aws.clear_faults();
    let crashed = look().await;
    assert_eq!(version(&crashed, &token).1, &json!("Current"));
    assert_eq!(crashed["versionId"], json!(token));
    let verdicts = SERVICES.map(|service| line(&crashed, service).0);
    assert_eq!((verdicts, runs(&crashed)), (["alreadyCurrent", "skipped"], [Value::Null, json!(false)]), "{crashed:#}");
    let told = left(&crashed);
    assert!(told.contains("prod/worker") && !told.contains("prod/api") && told.contains("KEYROLL_ROLLOUT"), "{told}");

    stage.send(&json!({"Action": "Reconcile"})).await.answer().unwrap();
    stage.assert_finished(&token);
    for service in SERVICES {
        stage.aws.with_service("prod", service, Service::settle).unwrap();
    }
    let after = look().await;
    assert_eq!((left(&after), runs(&after)), (String::new(), [json!(true), json!(true)]), "{after:#}");
    assert_eq!(SERVICES.map(|service| line(&after, service).0), ["alreadyCurrent"; 2], "{after:#}");
    assert!(after.get("warnings").is_none(), "{after:#}");
}

#[tokio::test]
async fn what_a_service_runs_with_is_said_only_where_dates_prove_it() {
    let scene = Scene::start().await;
    for name in ["older", "younger", "replacing", "failed"] {
        scene.service(name, &[&scene.arn]);
    }
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    // The current version is one hour old, and the secret was changed a moment ago.
    scene.aws.set_tag(&scene.arn, "team", "orders").unwrap();
    for name in ["younger", "replacing", "failed"] {
        scene.aws.with_service("prod", name, Service::deploy).unwrap();
        scene
            .aws
            .with_service("prod", name, |service| service.deployments[0].created -= Duration::from_mins(30))
            .unwrap();
    }
    scene.aws.with_service("prod", "failed", |service| service.fail_rollout("no tasks")).unwrap();
    scene.aws.with_service("prod", "younger", Service::settle).unwrap();
    let status = status(&scene).await;
    for (name, runs, expected, word) in [
        ("older", json!(false), "skipped", "the action Redeploy replaces its tasks"),
        ("younger", json!(true), "alreadyCurrent", "no rollout is open"),
        ("replacing", Value::Null, "alreadyCurrent", "still replacing older tasks"),
        ("failed", Value::Null, "skipped", "dates do not tell"),
    ] {
        let (verdict, reason, runs_current) = line(&status, name);
        assert_eq!((verdict, runs_current), (expected, &runs), "{name}: {reason}");
        assert!(reason.contains(word), "{name}: {reason}");
    }
    assert_eq!(status["left"], json!([]));
}

#[tokio::test]
async fn status_of_a_secret_that_nobody_rotates_or_another_function_does() {
    let scene = Scene::start().await;
    let nobodys = scene.aws.create_secret("nobodys", "{\"password\": \"by hand only\"}", &[]).unwrap();
    let theirs = scene.secret("theirs");
    let other = format!("{}-staging", scene.function.arn());
    scene
        .aws
        .enable_rotation(&theirs, &other, json!({"ScheduleExpression": "rate(4 hours)", "Duration": "2h"}))
        .unwrap();
    let of = async |id: &str| scene.answer(&json!({"Action": "Status", "SecretId": id})).await["rotation"].clone();
    let rotation = of(&nobodys).await;
    assert_eq!((&rotation["enabled"], &rotation["function"]), (&Value::Null, &Value::Null));
    assert_eq!((&rotation["byThisFunction"], &rotation["rules"]), (&json!(false), &Value::Null));
    let rotation = of("theirs").await;
    assert_eq!((&rotation["byThisFunction"], &rotation["function"]), (&json!(false), &json!(other)));
    assert_eq!(rotation["rules"], json!({"scheduleExpression": "rate(4 hours)", "duration": "2h"}));
    scene.aws.enable_rotation(&theirs, &format!("{}:live", scene.function.arn()), json!({})).unwrap();
    assert_eq!(of("theirs").await["byThisFunction"], true);
}

#[tokio::test]
async fn what_status_may_not_see_is_told_and_the_rest_is_shown() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.aws.fault(Rule::on("ListSecretVersionIds", Fault::Denied));
    let shown = status(&scene).await;
    assert_eq!(statement(&warnings(&shown).replace("\\\"", "\""))["Action"], "secretsmanager:ListSecretVersionIds");
    assert!(shown["versions"].as_array().unwrap().iter().all(|version| version["created"].is_null()), "{shown:#}");
    assert_eq!((shown["versions"].as_array().unwrap().len(), line(&shown, "api").0), (2, "skipped"));

    scene.aws.clear_faults();
    scene.function.cold().await;
    scene.aws.fault(Rule::on("DescribeTaskDefinition", Fault::Denied));
    let shown = status(&scene).await;
    assert_eq!(statement(&left(&shown))["Action"], "ecs:DescribeTaskDefinition", "{shown:#}");
    // What could not be looked at may be what is left, so the mark's removal is not promised.
    assert!(!left(&shown).contains("KEYROLL_ROLLOUT"), "{shown:#}");

    scene.aws.clear_faults();
    scene.aws.set_tag(&scene.arn, "keyroll:servces", "prod/api").unwrap();
    assert!(warnings(&status(&scene).await).contains("unknown tag keyroll:servces"));
}
