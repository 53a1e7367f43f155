//! `Reconcile`, for one secret or for all that the function rotates: it does what an open mark says is left, and nothing
//! else.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use serde_json::{Value, json};
use support::rig::refused;
use support::scene::{Scene, statement, verdict, warnings, with_verdict};
use support::stage::Stage;

const HOUR: Duration = Duration::from_hours(1);

fn all() -> Value {
    json!({"Action": "Reconcile"})
}

/// Another function, and this one under one of its aliases.
fn turn_over(scene: &Scene, secret: &str, function: &str) {
    scene.aws.enable_rotation(secret, function, json!({})).unwrap();
}

#[tokio::test]
async fn a_secret_without_the_mark_gives_reconcile_nothing_to_do_whatever_its_dates() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    scene.aws.set_tag(&scene.arn, "team", "moves LastChangedDate").unwrap();
    let before = scene.aws.snapshot();
    let report = scene.reconcile().await;
    assert_eq!((&report["done"], &report["services"]), (&json!([]), &json!([])), "{report:#}");
    assert_eq!((&report["action"], &report["standing"]), (&json!("Reconcile"), &json!("Current")));
    assert_eq!((scene.aws.snapshot(), scene.operations()), (before, vec!["DescribeSecret".to_owned()]));
}

#[tokio::test]
async fn reconciling_again_once_everything_is_rolled_changes_nothing() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    let report = scene.reconcile().await;
    assert_eq!(report["versionId"], json!(scene.aws.holder(&scene.arn, "AWSCURRENT")));
    assert_eq!(report["secretArn"], json!(scene.arn));
    assert_eq!(report["done"].as_array().unwrap().len(), 2, "{report:#}");
    let before = scene.aws.snapshot();
    scene.reconcile().await;
    scene.answer(&all()).await;
    scene.answer(&scene.finish()).await;
    assert_eq!(scene.aws.snapshot(), before);
    assert_eq!(scene.redeployed("api"), 1);
}

#[tokio::test]
async fn reconciling_all_asks_about_no_secret_that_has_nothing_left() {
    let scene = Scene::start().await;
    // Over a hundred secrets of this function, of which one has something left; and some that are not its business.
    for number in 0..120 {
        scene.secret(&format!("quiet/{number:03}"));
    }
    let open = scene.secret("zz/open");
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    scene.promote(&open);
    let pending = scene.secret("pending");
    scene.aws.put_value(&pending, "{\"password\": \"in the middle\"}", &["AWSPENDING", "KEYROLL_ROLLOUT"]).unwrap();
    let function = scene.function.arn().to_owned();
    for (name, other) in [
        ("theirs/longer", format!("{function}-staging")),
        ("theirs/account", function.replace("123456789012", "210987654321")),
        ("theirs/alias", function.replace(":keyroll", ":other:keyroll")),
        ("theirs/aws", "arn:aws:lambda:us-east-1:123456789012:function:SecretsManagerRotation".to_owned()),
    ] {
        let secret = scene.secret(name);
        scene.promote(&secret);
        turn_over(&scene, &secret, &other);
    }
    let nobodys = scene.aws.create_secret("nobodys", "{\"password\": \"nobody's own\"}", &[]).unwrap();
    scene.promote(&nobodys);
    scene.service("api", &[&open, &scene.arn, &pending, &nobodys]);

    let before = scene.aws.snapshot();
    let answer = scene.answer(&all()).await;
    assert_eq!(answer["lookedAt"], 123, "{answer:#}");
    assert_eq!(answer["action"], "Reconcile");
    let [report] = &answer["secrets"].as_array().unwrap()[..] else { panic!("{answer:#}") };
    assert_eq!(report["secretArn"], json!(open));
    assert_eq!(with_verdict(&answer, "redeployed"), ["api"]);
    assert!(answer["done"].as_array().unwrap().iter().all(|line| line.as_str().unwrap().starts_with(&open)));
    let search = ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition"];
    let mut calls = vec!["ListSecrets", "ListSecrets"];
    calls.extend(search);
    calls.extend(["DescribeSecret", "UpdateService", "UpdateSecretVersionStage"]);
    assert_eq!(scene.operations(), calls);
    let after = scene.aws.snapshot();
    for (arn, secret) in &before.secrets {
        assert!(*arn == open || after.secrets[arn] == *secret, "{arn} was touched");
    }
    assert_eq!(scene.aws.holder(&open, "KEYROLL_ROLLOUT"), None);

    // Now nothing is left anywhere.
    scene.aws.clear();
    let answer = scene.answer(&all()).await;
    assert_eq!((&answer["secrets"], &answer["services"], &answer["done"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!((scene.operations(), scene.aws.snapshot()), (vec!["ListSecrets".to_owned(); 2], after));
}

#[tokio::test]
async fn a_secret_that_names_the_function_by_an_alias_or_version_is_its_own() {
    let scene = Scene::start().await;
    let names = ["live", "7"].map(|qualifier| {
        let secret = scene.secret(qualifier);
        scene.promote(&secret);
        turn_over(&scene, &secret, &format!("{}:{qualifier}", scene.function.arn()));
        scene.service(qualifier, &[&secret]);
        qualifier
    });
    let answer = scene.answer(&all()).await;
    assert_eq!(answer["lookedAt"], 3, "{answer:#}");
    assert!(names.iter().all(|name| scene.redeployed(name) == 1), "{answer:#}");
    assert!(names.iter().all(|name| scene.aws.holder(name, "KEYROLL_ROLLOUT").is_none()));
}

#[tokio::test]
async fn a_service_of_two_secrets_with_open_marks_is_redeployed_once() {
    let scene = Scene::start().await;
    let other = scene.secret("payments/db");
    scene.promote(&other);
    scene.aws.age_secret(&other, HOUR).unwrap();
    scene.service("shared", &[&scene.arn, &other]);
    scene.service("payments", &[&other]);
    let answer = scene.answer(&all()).await;
    assert_eq!((scene.redeployed("shared"), scene.redeployed("payments")), (1, 1), "{answer:#}");
    assert_eq!(
        (with_verdict(&answer, "redeployed"), with_verdict(&answer, "alreadyCurrent")),
        (vec!["payments".to_owned(), "shared".to_owned()], vec!["shared".to_owned()])
    );
    assert!(!scene.is_open() && scene.aws.holder(&other, "KEYROLL_ROLLOUT").is_none());
}

#[tokio::test]
async fn a_secret_that_fails_stops_no_other_and_the_error_names_it() {
    let scene = Scene::start().await;
    let secrets = ["aa/db", "mm/db", "zz/db"].map(|name| {
        let secret = scene.secret(name);
        scene.promote(&secret);
        scene.aws.age_secret(&secret, HOUR).unwrap();
        scene.service(&name[..2], &[&secret]);
        secret
    });
    scene.service("api", &[&scene.arn]);
    scene.aws.fault(Rule::on("UpdateService", Fault::Denied).about("\"mm\""));
    let broken = scene.secret("bb/db");
    scene.promote(&broken);
    scene.aws.set_tag(&broken, "keyroll:services", "not a pair").unwrap();
    let message = scene.error(&all(), "RefusedSetting").await;
    // Each cause says whose it is, not only the remedy.
    let version = scene.aws.holder(&secrets[1], "AWSCURRENT").unwrap();
    assert!(message.contains(&format!("{}: version {version} is AWSCURRENT", secrets[1])), "{message}");
    assert!(message.contains(&format!("{broken}: AWSCURRENT has moved")), "{message}");
    assert!(message.contains("prod/mm failed") && message.contains("keyroll:services"), "{message}");
    let resource = "arn:aws:ecs:us-east-1:123456789012:service/prod/mm";
    assert_eq!(statement(&message)["Resource"], resource, "{message}");
    assert_eq!(["aa", "mm", "zz", "api"].map(|name| scene.redeployed(name)), [1, 0, 1, 1]);
    let open = |secret: &String| scene.aws.holder(secret, "KEYROLL_ROLLOUT").is_some();
    assert_eq!(secrets.each_ref().map(open), [false, true, false]);
    assert!(!scene.is_open() && open(&broken));
    scene.aws.clear_faults();
    scene.aws.set_tag(&broken, "keyroll:services", "none").unwrap();
    let answer = scene.answer(&all()).await;
    assert_eq!(with_verdict(&answer, "redeployed"), ["mm"], "{answer:#}");
    assert!(!open(&broken) && !secrets.iter().any(open));
}

#[tokio::test]
async fn a_secret_whose_service_hangs_takes_no_others_time() {
    let scene = Scene::start().await;
    for (secret, service) in [("aa/db", "aa"), ("zz/db", "zz")] {
        let secret = scene.secret(secret);
        scene.promote(&secret);
        scene.service(service, &[&secret]);
    }
    scene.aws.remove_label(&scene.arn, "KEYROLL_ROLLOUT").unwrap();
    scene.aws.age_service("prod", "zz", HOUR).unwrap();
    scene.aws.fault(Rule::on("UpdateService", Fault::Hang).about("\"aa\""));
    let message = refused("the event", scene.send_within(&all(), Duration::from_secs(5)).await, "FailedRollout");
    assert!(message.contains("prod/aa failed") && !message.contains("zz"), "{message}");
    assert_eq!((scene.redeployed("aa"), scene.redeployed("zz")), (0, 1));
    assert!(scene.aws.holder("aa/db", "KEYROLL_ROLLOUT").is_some());
    assert_eq!(scene.aws.holder("zz/db", "KEYROLL_ROLLOUT"), None);
}

#[tokio::test]
async fn a_rollout_is_finished_also_where_rotation_was_turned_off_meanwhile() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.aws.with_secret(&scene.arn, |secret| secret.rotation.as_mut().unwrap().enabled = false).unwrap();
    let answer = scene.answer(&all()).await;
    assert_eq!((with_verdict(&answer, "redeployed"), scene.is_open()), (vec!["api".to_owned()], false), "{answer:#}");
}

#[tokio::test]
async fn a_rotation_that_broke_off_is_told_with_the_command_and_left_as_it_is() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.reconcile().await;
    let dead = scene.secret("dead/db");
    scene.aws.stage_pending(&dead, "00000000-dead-dead-dead-000000000000").unwrap();
    scene.aws.age_secret(&dead, HOUR).unwrap();
    let before = scene.aws.snapshot();
    let event = json!({"Action": "Reconcile", "SecretId": dead});
    for (event, told) in [(&event, "one"), (&all(), "all")] {
        let told = (told, warnings(&scene.answer(event).await));
        for word in [
            "00000000-dead-dead-dead-000000000000, which is not current",
            &format!("aws secretsmanager rotate-secret --secret-id {dead}"),
            "--version-stage AWSPENDING --remove-from-version-id 00000000-dead-dead-dead-000000000000",
        ] {
            assert!(told.1.contains(word), "{told:?} lacks {word}");
        }
    }
    // AWSPENDING on the current version is what every rotation leaves.
    assert!(!warnings(&scene.answer(&all()).await).contains(&scene.arn));
    assert_eq!(scene.aws.snapshot(), before);
    // A rollout of a secret with a dead rotation is finished all the same.
    scene.promote(&dead);
    scene.aws.stage_pending(&dead, "00000000-dead-dead-dead-000000000001").unwrap();
    let report = scene.answer(&event).await;
    assert!(warnings(&report).contains("00000000-dead-dead-dead-000000000001"), "{report:#}");
    assert_eq!(scene.aws.holder(&dead, "KEYROLL_ROLLOUT"), None);
    assert_eq!(scene.aws.holder(&dead, "AWSPENDING").as_deref(), Some("00000000-dead-dead-dead-000000000001"));
}

#[tokio::test]
async fn a_secret_on_hold_is_not_rolled_and_keeps_its_mark() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    for hold in ["black friday", "2101-01-01T00:00Z"] {
        scene.aws.set_tag(&scene.arn, "keyroll:hold", hold).unwrap();
        let before = scene.aws.snapshot();
        for event in [scene.action("Reconcile"), all(), scene.finish()] {
            let report = scene.answer(&event).await;
            assert!(warnings(&report).contains(hold), "{report:#}");
        }
        let message = scene.error(&scene.action("Redeploy"), "RefusedHold").await;
        assert!(message.contains(hold) && message.contains("keyroll:hold"), "{message}");
        assert_eq!((scene.aws.snapshot(), scene.writes()), (before, vec![]));
    }
    scene.aws.set_tag(&scene.arn, "keyroll:hold", "2001-01-01").unwrap();
    scene.aws.age_secret(&scene.arn, HOUR).unwrap();
    assert_eq!(verdict(&scene.reconcile().await, "api").0, "redeployed");
    assert!(!scene.is_open());
}

#[tokio::test]
async fn reconcile_finishes_a_rotation_that_was_killed_right_after_the_move() {
    let stage = Stage::start().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    let kill = stage.function.kill_handle();
    stage.aws.fault(Rule::on("ListClusters", Fault::before(kill.hook())).nth(1));
    let rotation = stage.try_rotate(rehearsal::driver::Options::default()).await;
    assert!(rotation.succeeded(), "Secrets Manager takes a moved label for success");
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), Some(rotation.token.clone()));
    let outcome = stage.send(&all()).await;
    assert_eq!(with_verdict(outcome.answer().unwrap(), "redeployed"), ["api", "worker"]);
    stage.assert_finished(&rotation.token);
}
