//! Redeploying: what is skipped and why, what is left after a failure, and that nothing of ECS delays AWSCURRENT.

use std::time::{Duration, Instant};

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::Options;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};
use support::stage::Stage;

fn verdict<'a>(report: &'a Value, service: &str) -> (&'a str, &'a str) {
    let line = report["services"].as_array().unwrap().iter().find(|line| line["service"] == service).unwrap();
    (line["verdict"].as_str().unwrap(), line["reason"].as_str().unwrap())
}

async fn finished(stage: &Stage) -> Value {
    stage.rotate().await.last("finishSecret").unwrap().answer().unwrap().clone()
}

#[tokio::test]
async fn what_no_retry_can_change_is_skipped_with_a_reason_and_closes_the_mark() {
    let stage = Stage::start().await;
    let definition = stage.aws.service("prod", "api").unwrap().task_definition;
    for service in ["idle", "gone", "external", "blue-green"] {
        stage.aws.create_service("prod", service, &definition).unwrap();
    }
    stage.aws.with_service("prod", "idle", |service| service.desired_count = 0).unwrap();
    stage.aws.with_service("prod", "gone", |service| service.status = "INACTIVE".to_owned()).unwrap();
    stage.aws.with_service("prod", "external", |service| service.controller = "EXTERNAL".to_owned()).unwrap();
    stage.aws.with_service("prod", "blue-green", |service| service.controller = "CODE_DEPLOY".to_owned()).unwrap();
    let named = "prod/api prod/idle prod/gone prod/external prod/blue-green prod/missing";
    stage.aws.set_tag(&stage.arn, "keyroll:services", named).unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:services-2", "nowhere/api prod/worker").unwrap();
    let report = finished(&stage).await;
    for (service, reason) in [
        ("idle", "desired count is 0"),
        ("gone", "not ACTIVE"),
        ("external", "EXTERNAL"),
        ("blue-green", "CODE_DEPLOY"),
        ("missing", "no service of this name"),
    ] {
        let (verdict, given) = verdict(&report, service);
        assert_eq!(verdict, "skipped", "{service}");
        assert!(given.contains(reason), "{service}: {given}");
    }
    let nowhere = report["services"].as_array().unwrap().iter().find(|line| line["cluster"] == "nowhere").unwrap();
    assert_eq!(nowhere["verdict"], "skipped");
    assert_eq!((verdict(&report, "worker").0, stage.calls("UpdateService")), ("redeployed", 2));
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), None);
}

#[tokio::test]
async fn services_are_described_ten_to_a_call_and_redeployed_with_nothing_but_force() {
    let stage = Stage::start().await;
    let definition = stage.aws.service("prod", "api").unwrap().task_definition;
    let mut tags = [String::new(), String::new()];
    for number in 0..21 {
        let name = format!("service-{number}");
        stage.aws.create_service("prod", &name, &definition).unwrap();
        tags[number / 12].extend([" prod/", &name]);
    }
    stage.aws.set_tag(&stage.arn, "keyroll:services", tags[0].trim()).unwrap();
    stage.aws.set_tag(&stage.arn, "keyroll:services-9", tags[1].trim()).unwrap();
    finished(&stage).await;
    assert_eq!((stage.calls("DescribeServices"), stage.calls("UpdateService")), (3, 21));
    let updates = stage.aws.function_calls().into_iter().filter(|call| call.operation == "UpdateService");
    for update in updates {
        let mut keys: Vec<&String> = update.request.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["cluster", "forceNewDeployment", "service"]);
    }
}

#[tokio::test]
async fn one_failure_stops_no_other_and_a_retry_does_only_what_is_left() {
    let stage = Stage::start().await;
    // No network is so quick that the move and a redeploy fall into one millisecond, but this stage is.
    stage.aws.fault(Rule::on("DescribeServices", Fault::Delay(Duration::from_millis(3))));
    let denied = Fault::error("AccessDeniedException", 400, "not authorized to perform ecs:UpdateService");
    stage.aws.fault(Rule::on("UpdateService", denied).about("\"api\""));
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    let message = stage.error("finishSecret", &token, "FailedRollout").await;
    assert!(message.contains("prod/api failed") && message.contains("prod/worker redeployed"), "{message}");
    assert!(message.contains("add a statement that allows ecs:UpdateService"), "{message}");
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(token.clone()));
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), Some(token.clone()));

    stage.aws.clear_faults();
    let report = stage.answer("finishSecret", &token).await;
    assert_eq!((verdict(&report, "api").0, verdict(&report, "worker").0), ("redeployed", "alreadyCurrent"));
    stage.assert_finished(&token);
    assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2));
}

#[tokio::test]
async fn ecs_that_hangs_or_fails_never_delays_the_move_of_awscurrent() {
    for fault in [Fault::Hang, Fault::Reset, Fault::error("ServerException", 500, "internal")] {
        let stage = Stage::start().await;
        stage.aws.fault(Rule::on("DescribeServices", fault.clone()));
        stage.aws.fault(Rule::on("UpdateService", fault));
        let token = stage.stage();
        for step in ["createSecret", "setSecret", "testSecret"] {
            stage.answer(step, &token).await;
        }
        let begun = Instant::now();
        let moved = async {
            while stage.aws.holder(&stage.arn, "AWSCURRENT").as_deref() != Some(token.as_str()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            begun.elapsed()
        };
        let (message, moved) = tokio::join!(stage.error("finishSecret", &token, "FailedRollout"), moved);
        assert!(moved < Duration::from_secs(2), "AWSCURRENT moved only after {moved:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(message.contains("prod/api failed"), "{message}");
        stage.aws.clear_faults();
        stage.answer("finishSecret", &token).await;
        stage.assert_finished(&token);
    }
}

#[tokio::test]
async fn a_redeploy_that_hangs_takes_no_others_time_and_every_service_gets_its_verdict() {
    let stage = Stage::start().await;
    stage.aws.fault(Rule::on("UpdateService", Fault::Hang).about("\"api\""));
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    // Less time than one call may take: the deadline is shared out.
    let event = json!({"Step": "finishSecret", "SecretId": stage.arn, "ClientRequestToken": token});
    let outcome = stage.send_within(&event, Duration::from_secs(8)).await;
    let Outcome::Error { error_type, message } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error_type, "FailedRollout", "{message}");
    assert!(message.contains("prod/api failed") && message.contains("prod/worker redeployed"), "{message}");
    stage.aws.clear_faults();
    let report = stage.answer("finishSecret", &token).await;
    assert_eq!((verdict(&report, "api").0, verdict(&report, "worker").0), ("redeployed", "alreadyCurrent"));
    stage.assert_finished(&token);
}

#[tokio::test]
async fn a_tag_mistyped_in_the_middle_of_a_rotation_does_not_hold_the_label_back() {
    let stage = Stage::start().await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    stage.aws.set_tag(&stage.arn, "keyroll:services", "api").unwrap();
    let message = stage.error("finishSecret", &token, "RefusedSetting").await;
    assert!(message.contains("AWSCURRENT has moved") && message.contains("keyroll:services"), "{message}");
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(token.clone()));
    stage.aws.set_tag(&stage.arn, "keyroll:services", "prod/api prod/worker").unwrap();
    stage.answer("finishSecret", &token).await;
    stage.assert_finished(&token);
    let token = stage.stage();
    stage.aws.set_tag(&stage.arn, "keyroll:servces", "prod/api").unwrap();
    stage.error("createSecret", &token, "RefusedSetting").await;
}

#[tokio::test]
async fn a_duplicate_finish_that_comes_second_redeploys_nothing_again() {
    let stage = Stage::start().await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    // The first call's move and rollout happen while the second stands right before its own move.
    let (aws, arn, moved) = (stage.aws.downgrade(), stage.arn.clone(), token.clone());
    stage.aws.fault(
        Rule::on(
            "UpdateSecretVersionStage",
            Fault::before(move || {
                let aws = aws.upgrade().unwrap();
                aws.move_label(&arn, "AWSCURRENT", &moved).unwrap();
                for service in ["api", "worker"] {
                    std::thread::sleep(Duration::from_millis(5));
                    aws.with_service("prod", service, rehearsal::aws::Service::deploy).unwrap();
                }
            }),
        )
        .nth(1),
    );
    let report = stage.answer("finishSecret", &token).await;
    assert_eq!((verdict(&report, "api").0, verdict(&report, "worker").0), ("alreadyCurrent", "alreadyCurrent"));
    assert_eq!(stage.calls("UpdateService"), 0);
}

#[tokio::test]
async fn nothing_of_ecs_is_called_before_the_label_has_moved() {
    let stage = Stage::start().await;
    stage.rotate().await;
    let calls = stage.aws.function_calls();
    let moved = calls.iter().position(|call| call.operation == "UpdateSecretVersionStage").unwrap();
    assert!(calls.iter().take(moved).all(|call| call.service == "secretsmanager"));
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let stage = Stage::start().await;
    stage.aws.fault(Rule::on("UpdateService", Fault::throttle()).times(2));
    stage.aws.fault(Rule::on("PutSecretValue", Fault::throttle()).times(2));
    stage.rotated().await;
}

#[tokio::test]
async fn a_new_rotation_first_rolls_what_the_last_one_left() {
    let stage = Stage::start().await;
    let denied = Fault::error("AccessDeniedException", 400, "no");
    stage.aws.fault(Rule::on("UpdateService", denied));
    let first = stage.try_rotate(Options::default()).await;
    assert!(first.succeeded(), "Secrets Manager takes a moved label for success");
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), Some(first.token.clone()));

    let token = stage.stage();
    stage.error("createSecret", &token, "FailedRollout").await;
    assert_eq!(stage.aws.value(&stage.arn, &token), None, "a value was stored over an open rollout");
    stage.aws.clear_faults();
    stage.answer("createSecret", &token).await;
    assert_eq!((stage.deployments("api"), stage.deployments("worker")), (2, 2));
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), Some(token));
}

#[tokio::test]
async fn the_tag_none_means_that_nothing_is_looked_for_or_rolled() {
    let stage = Stage::start().await;
    stage.aws.set_tag(&stage.arn, "keyroll:services", "none").unwrap();
    let report = finished(&stage).await;
    assert_eq!((report.get("warnings"), &report["services"]), (None, &json!([])));
    assert!(stage.aws.function_calls().iter().all(|call| call.service != "ecs"));
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), None);
}

#[tokio::test]
async fn a_hold_stops_a_rotation_before_it_begins_and_a_rollout_before_it_ends() {
    let stage = Stage::start().await;
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "black friday").unwrap();
    let token = stage.stage();
    let before = stage.aws.snapshot();
    stage.refused("createSecret", &token, "RefusedHold", &["black friday"]).await;
    assert_eq!(stage.aws.snapshot(), before);
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "2001-01-01").unwrap();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "2101-01-01T00:00Z").unwrap();
    let report = stage.answer("finishSecret", &token).await;
    assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT"), Some(token.clone()), "a hold locks nobody out");
    assert_eq!(verdict(&report, "api").0, "skipped");
    assert_eq!(
        (stage.calls("UpdateService"), stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT")),
        (0, Some(token.clone()))
    );
    stage.aws.remove_tag(&stage.arn, "keyroll:hold").unwrap();
    stage.answer("finishSecret", &token).await;
    stage.assert_finished(&token);
}

#[tokio::test]
async fn a_finished_secret_is_never_rolled_again_whatever_its_dates() {
    let stage = Stage::start().await;
    let token = stage.rotate().await.token;
    stage.aws.set_tag(&stage.arn, "team", "moves LastChangedDate").unwrap();
    let Outcome::Answer(report) = stage.step("finishSecret", &token).await else { panic!("not an answer") };
    assert_eq!(report["services"], json!([]));
    assert_eq!(stage.deployments("api"), 2);
}

#[tokio::test]
async fn a_deployment_begun_between_the_storing_of_the_value_and_the_move_is_redeployed() {
    let stage = Stage::start().await;
    let token = stage.stage();
    for step in ["createSecret", "setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    // Its tasks read the password that ends with the move.
    std::thread::sleep(Duration::from_millis(5));
    stage.aws.with_service("prod", "api", rehearsal::aws::Service::deploy).unwrap();
    let report = stage.answer("finishSecret", &token).await;
    assert_eq!((verdict(&report, "api").0, verdict(&report, "worker").0), ("redeployed", "redeployed"));
}

#[tokio::test]
async fn what_a_version_of_another_function_left_to_roll_is_remembered() {
    let stage = Stage::start().await;
    let token = rehearsal::aws::random::uuid();
    let mut value = stage.value("AWSCURRENT");
    value["password"] = json!(support::rig::random_password());
    stage.aws.put_version(&stage.arn, &token, &value.to_string(), &["AWSPENDING"]).unwrap();
    for step in ["setSecret", "testSecret"] {
        stage.answer(step, &token).await;
    }
    stage.aws.fault(Rule::on("UpdateService", Fault::error("AccessDeniedException", 400, "no")));
    stage.error("finishSecret", &token, "FailedRollout").await;
    assert_eq!(stage.aws.holder(&stage.arn, "KEYROLL_ROLLOUT"), Some(token.clone()));
    stage.aws.clear_faults();
    stage.answer("finishSecret", &token).await;
    stage.assert_finished(&token);
}

#[tokio::test]
async fn a_hold_in_the_middle_of_a_rotation_leaves_the_password_alone_but_stops_no_retry() {
    let stage = Stage::start().await;
    let token = stage.created().await;
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "black friday").unwrap();
    // A warm process remembers the tags for a minute.
    stage.function.cold().await;
    let before = stage.state();
    stage.error("setSecret", &token, "RefusedHold").await;
    assert_eq!(stage.state(), before);
    stage.aws.remove_tag(&stage.arn, "keyroll:hold").unwrap();
    stage.function.cold().await;
    stage.answer("setSecret", &token).await;
    stage.aws.set_tag(&stage.arn, "keyroll:hold", "black friday").unwrap();
    stage.function.cold().await;
    stage.answer("setSecret", &token).await;
}
