//! A container that takes the password from the secret and the user name from elsewhere would log in with the new password
//! and the old name once users alternate. createSecret refuses to begin, before anything has changed, and says which
//! containers those are.

use std::time::Duration;

use rehearsal::aws::{Fault, Rule, Service};
use rehearsal::driver::STEPS;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};
use support::dry_run::dry_run;
use support::pair;
use support::rig::SERVICES;
use support::scene::warnings;
use support::stage::Stage;

/// Deploys a service with these containers: each a name and what it takes of the secret, by what follows the ARN. Gives the
/// revision as `family:number`.
fn deploy(stage: &Stage, service: &str, containers: &[(&str, &[&str])]) -> String {
    let take = |key: &&str| json!({"name": "S", "valueFrom": format!("{}{key}", stage.arn)});
    let container = |(name, takes): &(&str, &[&str])| {
        let secrets: Vec<Value> = takes.iter().map(take).collect();
        json!({"name": name, "image": "app:1.4.2", "secrets": secrets})
    };
    let containers: Vec<Value> = containers.iter().map(container).collect();
    let definition = json!({"family": service, "containerDefinitions": containers});
    let revision = stage.aws.register_task_definition(&definition).unwrap();
    let deployed = |service: &mut Service| {
        service.deploy_revision(&revision);
        service.settle();
    };
    stage.aws.with_service("prod", service, deployed).unwrap();
    stage.aws.age_service("prod", service, Duration::from_hours(1)).unwrap();
    revision.rsplit('/').next().unwrap().to_owned()
}

/// A stage of two accounts whose services are named by tag, or found.
async fn stage(named: bool) -> Stage {
    let stage = pair::stage().await;
    if !named {
        stage.aws.remove_tag(&stage.arn, "keyroll:services").unwrap();
    }
    stage
}

/// createSecret refuses, has stored and changed nothing, and names what it found.
async fn refuses(stage: &Stage, token: &str, words: &[&str]) {
    let before = stage.state();
    let message = stage.error("createSecret", token, "RefusedSetting").await;
    for word in words {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert!(stage.state() == before && stage.aws.value(&stage.arn, token).is_none(), "something was changed");
}

/// All four steps.
async fn goes_on(stage: &Stage, token: &str) {
    for step in STEPS {
        stage.answer(step, token).await;
    }
    stage.assert_finished(token);
}

#[tokio::test]
async fn a_container_with_the_password_and_without_the_name_stops_the_rotation() {
    for named in [true, false] {
        let stage = stage(named).await;
        let revision = deploy(&stage, "api", &[("app", &[":password::"])]);
        let token = stage.stage();
        let told = format!("prod/api: the container app of {revision} takes password by AWSCURRENT and no username");
        refuses(&stage, &token, &[&told, &format!("{}:username::", stage.arn), "keyroll:strategy=single-user"]).await;
        // Secrets Manager tries again by itself, to the same end; and then somebody mends the service.
        refuses(&stage, &token, &[&told]).await;
        deploy(&stage, "api", &[("app", &[":password::", ":username::"])]);
        goes_on(&stage, &token).await;
        assert_eq!(pair::account(&stage, "AWSCURRENT"), pair::PARTNER);
    }
}

#[tokio::test]
async fn a_container_with_both_does_not_speak_for_the_one_beside_it() {
    for named in [true, false] {
        let stage = stage(named).await;
        let both: &[&str] = &[":username::", ":password::"];
        let revision = deploy(&stage, "worker", &[("app", both), ("sidecar", &[":password::"])]);
        let told = format!("prod/worker: the container sidecar of {revision} takes password");
        refuses(&stage, &stage.stage(), &[&told]).await;
    }
}

#[tokio::test]
async fn every_such_container_of_every_service_is_named_at_once() {
    let stage = stage(false).await;
    let [api, worker] = SERVICES.map(|service| deploy(&stage, service, &[("app", &[":password::"])]));
    refuses(&stage, &stage.stage(), &[&format!("prod/api: the container app of {api}"), &format!("of {worker}")]).await;
}

#[tokio::test]
async fn the_whole_secret_both_keys_or_neither_are_fine() {
    for named in [true, false] {
        let stage = stage(named).await;
        deploy(&stage, "api", &[("app", &[""]), ("log", &[]), ("map", &[":host::", ":username::"])]);
        deploy(&stage, "worker", &[("app", &[":username::", ":password::"]), ("both", &["", ":password::"])]);
        stage.rotated().await;
    }
}

#[tokio::test]
async fn with_a_single_user_the_name_stays_and_nobody_looks() {
    let stage = stage(false).await;
    stage.aws.set_tag(&stage.arn, "keyroll:strategy", "single-user").unwrap();
    deploy(&stage, "api", &[("app", &[":password::"])]);
    let token = stage.stage();
    stage.aws.clear();
    stage.answer("createSecret", &token).await;
    assert!(stage.aws.function_calls().iter().all(|call| call.service != "ecs"));
    goes_on(&stage, &token).await;
}

#[tokio::test]
async fn what_may_not_be_looked_at_stops_no_rotation_and_is_told() {
    for (named, operation) in [
        (true, "DescribeServices"),
        (true, "DescribeTaskDefinition"),
        (false, "ListClusters"),
        (false, "ListServices"),
        (false, "DescribeServices"),
        (false, "DescribeTaskDefinition"),
    ] {
        let stage = stage(named).await;
        let token = stage.stage();
        stage.aws.fault(Rule::on(operation, Fault::Denied));
        let report = stage.answer("createSecret", &token).await;
        let told = warnings(&report);
        assert!(told.contains("could not be checked") && told.contains(&format!("ecs:{operation}")), "{report:#}");
        stage.aws.clear_faults();
        goes_on(&stage, &token).await;
    }
}

#[tokio::test]
async fn a_dry_run_tells_it_among_the_reasons() {
    for named in [true, false] {
        let stage = stage(named).await;
        let report = dry_run(&stage, false).await;
        assert_eq!(report["verdict"], "wouldSucceed", "{report:#}");
        let revision = deploy(&stage, "api", &[("app", &[":password::"])]);
        let report = dry_run(&stage, true).await;
        assert_eq!(report["verdict"], "wouldFail", "{report:#}");
        let told = format!("prod/api: the container app of {revision} takes password");
        let reasons = report["reasons"].as_array().unwrap();
        let [reason] = &reasons[..] else { panic!("{report:#}") };
        assert_eq!(reason["errorType"], "RefusedSetting", "{report:#}");
        assert!(reason.to_string().contains(&told), "{report:#}");
        // As does the preflight.
        let tested = stage.driver.test_only(&stage.arn).await.unwrap();
        let Some(Outcome::Error { error_type, message }) = tested.last("testSecret") else { panic!("{tested:#?}") };
        assert!(error_type == "RefusedSetting" && message.contains(&told), "{message}");
    }
}
