//! A search that may not look everywhere, or has no time to: what can be found is rolled all the same, the error says what
//! to mend, and the rest is done once it is.

use std::time::{Duration, Instant};

use rehearsal::aws::{Fault, Rule, Service};
use serde_json::json;
use support::rig::refused;
use support::scene::{SECRET, Scene, statement, verdict, with_verdict};
use support::stage::Stage;

fn tag(scene: &Scene, service: &str) {
    let add = |service: &mut Service| service.tags.insert("keyroll:secret".to_owned(), SECRET.to_owned());
    scene.aws.with_service("prod", service, add).unwrap();
}

/// What a policy calls a service of `prod`.
fn arn_of(service: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:service/prod/{service}")
}

/// What a denied call costs the search: the statement that is missing, and which services are rolled all the same.
struct Denied<'a> {
    rule: Rule,
    action: &'a str,
    resource: String,
    rolled: &'a [&'a str],
    told: &'a str,
}

#[tokio::test]
async fn a_call_that_is_denied_names_the_statement_to_add_and_holds_nothing_else_back() {
    let on = |operation: &str| Rule::on(operation, Fault::Denied);
    for denied in [
        Denied {
            rule: on("ListClusters"),
            action: "ecs:ListClusters",
            resource: "*".to_owned(),
            rolled: &[],
            told: "name the clusters to search in KEYROLL_CLUSTERS",
        },
        Denied {
            rule: on("ListServices").about("batch"),
            action: "ecs:ListServices",
            resource: "*".to_owned(),
            rolled: &["api", "tagged"],
            told: "1 of 2 clusters could not be searched",
        },
        Denied {
            rule: on("DescribeServices").about("batch"),
            action: "ecs:DescribeServices",
            resource: arn_of("*").replace("prod", "batch"),
            rolled: &["api", "tagged"],
            told: "1 of 3 services could not be looked at",
        },
        Denied {
            rule: on("DescribeTaskDefinition"),
            action: "ecs:DescribeTaskDefinition",
            resource: "*".to_owned(),
            rolled: &["tagged"],
            told: "3 of 3 task definitions could not be read",
        },
        Denied {
            rule: on("UpdateService").about("\"api\""),
            action: "ecs:UpdateService",
            resource: arn_of("api"),
            rolled: &["job", "tagged"],
            told: "prod/api failed",
        },
    ] {
        let scene = Scene::start().await;
        scene.service("api", &[&scene.arn]);
        scene.service("tagged", &[]);
        tag(&scene, "tagged");
        scene.aws.create_cluster("batch").unwrap();
        scene.aws.create_service("batch", "job", &scene.revision("job", &[&scene.arn])).unwrap();
        scene.aws.age_service("batch", "job", Duration::from_hours(24)).unwrap();
        scene.aws.fault(denied.rule);

        let message = scene.error(&scene.finish(), "FailedRollout").await;
        let wanted = json!({"Effect": "Allow", "Action": denied.action, "Resource": denied.resource});
        assert_eq!(statement(&message), wanted, "{message}");
        assert!(message.contains(denied.told), "{message}");
        assert!(message.contains("{\"Action\": \"Reconcile\""), "{message}");
        let cluster = |name: &str| if name == "job" { "batch" } else { "prod" };
        let rolled = |name: &str| scene.aws.service(cluster(name), name).unwrap().deployments.len() == 2;
        let all = ["api", "job", "tagged"];
        assert_eq!(all.into_iter().filter(|name| rolled(name)).collect::<Vec<_>>(), denied.rolled, "{message}");
        let asked = scene.aws.function_calls().iter().filter(|call| call.error.is_some()).count();
        assert_eq!(asked, 1, "{} was asked again after a denial", denied.action);
        assert!(scene.is_open(), "{message}");

        // The permission came.
        scene.aws.clear_faults();
        let finish = scene.finish();
        let event = if denied.rolled.is_empty() { &finish } else { &scene.action("Reconcile") };
        let report = scene.answer(event).await;
        assert_eq!(with_verdict(&report, "alreadyCurrent"), denied.rolled, "{report:#}");
        let left: Vec<&str> = all.into_iter().filter(|name| !denied.rolled.contains(name)).collect();
        assert_eq!(with_verdict(&report, "redeployed"), left, "{report:#}");
        assert!(!scene.is_open());
    }
}

#[tokio::test]
async fn a_rotation_whose_search_is_denied_is_finished_by_a_second_finish() {
    let stage = Stage::start().await;
    stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    stage.aws.fault(Rule::on("DescribeTaskDefinition", Fault::Denied));
    let message = stage.error("finishSecret", &token, "FailedRollout").await;
    assert_eq!(statement(&message)["Action"], "ecs:DescribeTaskDefinition", "{message}");
    assert!(message.contains("no service was found"), "{message}");
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(token.clone()));
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), Some(token.clone()));
    stage.aws.clear_faults();
    stage.answer("finishSecret", &token).await;
    stage.assert_finished(&token);
}

#[tokio::test]
async fn task_definitions_that_may_not_be_read_are_asked_for_once_whatever_their_number() {
    let scene = Scene::start().await;
    for number in 0..12 {
        scene.service(&format!("s{number}"), &[&scene.arn]);
    }
    scene.aws.fault(Rule::on("DescribeTaskDefinition", Fault::Denied));
    let message = scene.error(&scene.action("Reconcile"), "FailedRollout").await;
    assert!(message.contains("12 of 12 task definitions could not be read"), "{message}");
    assert_eq!((scene.calls("DescribeTaskDefinition"), scene.calls("UpdateService")), (1, 0));
}

#[tokio::test]
async fn one_task_definition_that_cannot_be_read_hides_no_other() {
    let scene = Scene::start().await;
    for name in ["api", "broken", "worker"] {
        scene.service(name, &[&scene.arn]);
    }
    let gone = Fault::error("ClientException", 400, "Unable to describe task definition.");
    scene.aws.fault(Rule::on("DescribeTaskDefinition", gone).about("/broken:"));
    let message = scene.error(&scene.action("Reconcile"), "FailedRollout").await;
    assert!(message.contains("1 of 3 task definitions could not be read"), "{message}");
    assert_eq!(["api", "broken", "worker"].map(|name| scene.redeployed(name)), [1, 0, 1]);
    assert!(scene.is_open());
    scene.aws.clear_faults();
    scene.aws.clear();
    let report = scene.reconcile().await;
    assert_eq!(verdict(&report, "broken").0, "redeployed");
    assert_eq!((scene.calls("DescribeTaskDefinition"), scene.is_open()), (1, false));
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_hides_no_other() {
    let scene = Scene::start().await;
    scene.service("api", &[&scene.arn]);
    scene.aws.create_cluster("batch").unwrap();
    scene.aws.fault(Rule::on("ListServices", Fault::Hang).about("batch"));
    let outcome = scene.send_within(&scene.action("Reconcile"), Duration::from_secs(30)).await;
    let message = refused("Reconcile", outcome, "FailedRollout");
    assert!(message.contains("1 of 2 clusters could not be searched"), "{message}");
    assert!(message.contains("prod/api redeployed"), "{message}");
    assert!(scene.is_open() && scene.redeployed("api") == 1);
}

#[tokio::test]
async fn a_search_over_the_timeout_rolls_what_it_found_and_says_what_to_set() {
    let scene = Scene::start().await;
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        scene.service(name, &[&scene.arn]);
    }
    scene.aws.fault(Rule::on("DescribeTaskDefinition", Fault::Delay(Duration::from_millis(300))));
    let timeout = Duration::from_secs(3);
    let begun = Instant::now();
    let message = refused("the event", scene.send_within(&scene.finish(), timeout).await, "FailedRollout");
    assert!(begun.elapsed() < timeout, "{:?}", begun.elapsed());
    let rolled = names.iter().filter(|name| scene.redeployed(name) == 1).count();
    assert!((1..names.len()).contains(&rolled), "{rolled}: {message}");
    let told = format!("{} of 6 task definitions could not be read", names.len() - rolled);
    assert!(message.contains(&told), "{rolled}: {message}");
    assert!(message.contains("set the function's timeout to 60 seconds or more"), "{message}");
    assert!(message.contains("KEYROLL_CLUSTERS") && message.contains("keyroll:services"), "{message}");
    assert!(scene.is_open());

    // The process goes on where it stopped.
    scene.aws.clear();
    let report = scene.reconcile().await;
    assert_eq!(with_verdict(&report, "alreadyCurrent").len(), rolled, "{report:#}");
    assert_eq!(with_verdict(&report, "redeployed").len(), names.len() - rolled);
    assert_eq!(scene.calls("DescribeTaskDefinition"), names.len() - rolled);
    assert!(!scene.is_open() && names.iter().all(|name| scene.redeployed(name) == 1));
}

#[tokio::test]
async fn a_service_that_may_not_be_looked_at_holds_none_of_its_batch_back() {
    let names = ["api", "private", "worker"];
    for named in [false, true] {
        let scene = Scene::start().await;
        for name in names {
            scene.service(name, &[&scene.arn]);
        }
        if named {
            scene.aws.set_tag(&scene.arn, "keyroll:services", "prod/api prod/private prod/worker").unwrap();
            scene.aws.age_secret(&scene.arn, Duration::from_hours(1)).unwrap();
        }
        scene.aws.fault(Rule::on("DescribeServices", Fault::Denied).about("\"private\""));
        let message = scene.error(&scene.action("Reconcile"), "FailedRollout").await;
        // As IAM does, the call about all three is denied as a whole; then each is asked for.
        assert_eq!(scene.calls("DescribeServices"), 1 + 3, "{message}");
        let told = if named { "prod/private failed (" } else { "1 of 3 services could not be looked at" };
        assert!(message.contains(told) && message.contains("prod/worker redeployed"), "{message}");
        assert!(message.contains("service/prod/private"), "{message}");
        let wanted = json!({"Effect": "Allow", "Action": "ecs:DescribeServices", "Resource": arn_of("*")});
        assert_eq!(statement(&message), wanted, "{message}");
        assert_eq!(names.map(|name| scene.redeployed(name)), [1, 0, 1], "{message}");
        assert!(scene.is_open());

        scene.aws.clear_faults();
        let report = scene.reconcile().await;
        assert_eq!(with_verdict(&report, "alreadyCurrent"), ["api", "worker"], "{report:#}");
        assert_eq!((verdict(&report, "private").0, scene.is_open()), ("redeployed", false));
        assert_eq!(names.map(|name| scene.redeployed(name)), [1; 3]);
    }
}
