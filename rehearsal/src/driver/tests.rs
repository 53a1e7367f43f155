//! The function of these tests is a closure that does what a rotation function does, and fails where it is told to.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::aws::{CURRENT, LocalAws, PENDING, PREVIOUS};
use crate::lambda::Outcome;
use crate::mutex::lock;

const LAMBDA: &str = "arn:aws:lambda:us-east-1:123456789012:function:keyroll";

struct Stage {
    aws: LocalAws,
    arn: String,
    driver: Driver,
    events: Arc<Mutex<Vec<Value>>>,
    /// What the next calls answer instead of working: a step, and whether it works first.
    faults: Arc<Mutex<Vec<(&'static str, bool)>>>,
}

async fn stage() -> Stage {
    let aws = LocalAws::start().await.unwrap();
    let arn = aws.create_secret("app/db", "one", &[]).unwrap();
    let events: Arc<Mutex<Vec<Value>>> = Arc::default();
    let faults: Arc<Mutex<Vec<(&'static str, bool)>>> = Arc::default();
    let (weak, heard, due) = (aws.downgrade(), Arc::clone(&events), Arc::clone(&faults));
    let call = invoker(move |event| {
        lock(&heard).push(event.clone());
        let aws = weak.upgrade().unwrap();
        let (step, arn, token) =
            ["Step", "SecretId", "ClientRequestToken"].map(|key| event[key].as_str().unwrap().to_owned()).into();
        let fault = {
            let mut due = lock(&due);
            let found = due.iter().position(|(at, _)| *at == step);
            found.map(|found| due.remove(found))
        };
        if fault.is_none_or(|(_, works)| works) {
            match step.as_str() {
                "createSecret" => aws.put_version(&arn, &token, &format!("new {token}"), &[PENDING]).unwrap(),
                "finishSecret" => aws.move_label(&arn, CURRENT, &token).unwrap(),
                _ => {}
            }
        }
        let outcome = match fault {
            None => Outcome::Answer(json!({ "step": step })),
            Some(_) => Outcome::Error { error_type: "FailedTest".into(), message: step },
        };
        std::future::ready(Ok(outcome))
    });
    let driver = Driver::new(&aws, call);
    Stage { aws, arn, driver, events, faults }
}

impl Stage {
    fn fail(&self, step: &'static str) {
        lock(&self.faults).push((step, false));
    }

    async fn rotate_secret(&self, fields: Value) -> crate::aws::Response {
        let mut request = json!({ "SecretId": "app/db", "RotationLambdaARN": LAMBDA });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.aws.call("secretsmanager", "RotateSecret", request).await.unwrap()
    }

    async fn over(&self, rotations: usize) -> RotationOutcome {
        assert!(eventually(Duration::from_secs(10), || self.driver.history().len() >= rotations).await);
        self.driver.history().pop().unwrap()
    }
}

#[tokio::test]
async fn a_rotation_calls_the_four_steps_with_arn_token_and_rotation_token() {
    let stage = stage().await;
    let first = stage.aws.holder("app/db", CURRENT).unwrap();
    let ended = stage.driver.rotate("app/db").await.unwrap();
    assert!(ended.succeeded());
    assert_eq!(ended.steps(), STEPS);
    assert_eq!(ended.last("testSecret").unwrap().answer(), Some(&json!({ "step": "testSecret" })));
    assert!(ended.timeline.windows(2).all(|pair| pair[0].at + pair[0].took <= pair[1].at));
    assert_eq!(ended.rotation_token.len(), 36);
    for (event, step) in lock(&stage.events).iter().zip(STEPS) {
        assert_eq!(*event, Driver::event(step, &stage.arn, &ended.token, &ended.rotation_token));
    }
    // AWSPENDING stays where finishSecret left it.
    assert_eq!(stage.aws.stages("app/db")[&ended.token], [CURRENT, PENDING]);
    assert_eq!(stage.aws.stages("app/db")[&first], [PREVIOUS]);
    let secret = stage.aws.secret("app/db").unwrap();
    assert!(secret.rotated.is_some() && secret.rotating.is_none());
    assert!(stage.driver.rotate("app/db").await.unwrap().succeeded(), "the next rotation begins on a finished one");
}

#[tokio::test]
async fn the_pending_version_is_empty_when_create_is_called() {
    let stage = stage().await;
    let (weak, arn) = (stage.aws.downgrade(), stage.arn.clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let call = invoker(move |event| {
        let aws = weak.upgrade().unwrap();
        let token = event["ClientRequestToken"].as_str().unwrap();
        lock(&note).push((aws.stages(&arn)[token].clone(), aws.value(&arn, token)));
        std::future::ready(Ok(Outcome::TimedOut))
    });
    let driver = Driver::new(&stage.aws, call).with(Options { attempts: 1, ..Options::default() });
    let ended = driver.rotate("app/db").await.unwrap();
    assert_eq!(*lock(&seen), [(vec![PENDING.to_owned()], None)]);
    assert_eq!((ended.verdict, ended.timeline.len()), (Verdict::Failed, 1));
}

#[tokio::test]
async fn a_failed_step_stops_the_attempt_and_the_whole_is_tried_again_with_the_same_token() {
    let stage = stage().await;
    stage.fail("setSecret");
    let spacing = Duration::from_millis(20);
    let driver = stage.driver.clone().with(Options { spacing, ..Options::default() });
    let ended = driver.rotate("app/db").await.unwrap();
    assert!(ended.succeeded());
    assert_eq!(ended.steps(), ["createSecret", "setSecret", "createSecret", "setSecret", "testSecret", "finishSecret"]);
    assert_eq!(ended.timeline.iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 1, 2, 2, 2, 2]);
    assert!(ended.timeline[2].at >= ended.timeline[1].at + spacing);
    assert_eq!(ended.failures().len(), 1);
    let tokens: std::collections::BTreeSet<String> =
        lock(&stage.events).iter().map(|event| event["ClientRequestToken"].to_string()).collect();
    assert_eq!(tokens.len(), 1);
}

#[tokio::test]
async fn after_all_attempts_it_stays_unfinished_is_not_begun_again_and_can_be_resumed() {
    let stage = stage().await;
    for _ in 0..3 {
        stage.fail("testSecret");
    }
    let failed = stage.driver.rotate("app/db").await.unwrap();
    assert_eq!((&failed.verdict, failed.timeline.len()), (&Verdict::Failed, 9));
    assert_eq!(stage.aws.holder("app/db", PENDING).as_ref(), Some(&failed.token));
    assert!(stage.aws.secret("app/db").unwrap().rotated.is_none());
    let again = stage.driver.rotate("app/db").await.unwrap();
    let refusal = "A previous rotation isn't complete. That rotation will be reattempted.";
    assert_eq!(again.verdict, Verdict::Refused(refusal.to_owned()));
    let resumed = stage.driver.resume("app/db").await.unwrap();
    assert!(resumed.succeeded());
    assert_eq!(resumed.token, failed.token);
    assert!(stage.driver.resume("app/db").await.is_err());
}

#[tokio::test]
async fn once_current_has_moved_an_error_of_finish_counts_as_complete_by_default() {
    let stage = stage().await;
    lock(&stage.faults).push(("finishSecret", true));
    let ended = stage.driver.rotate("app/db").await.unwrap();
    assert!(ended.succeeded());
    assert_eq!((ended.timeline.len(), ended.failures().len()), (4, 1));
    assert!(stage.aws.secret("app/db").unwrap().rotated.is_some());

    let driver = stage.driver.clone().with(Options { retry_after_move: true, ..Options::default() });
    lock(&stage.faults).push(("finishSecret", true));
    let ended = driver.rotate("app/db").await.unwrap();
    assert!(ended.succeeded());
    assert_eq!(ended.steps(), [STEPS, STEPS].concat());
}

#[tokio::test]
async fn an_answer_of_finish_that_moved_nothing_is_a_failure() {
    let stage = stage().await;
    let call = invoker(|_| std::future::ready(Ok(Outcome::Answer(Value::Null))));
    let driver = Driver::new(&stage.aws, call).with(Options { attempts: 2, ..Options::default() });
    let ended = driver.rotate("app/db").await.unwrap();
    assert_eq!((ended.verdict, ended.timeline.len()), (Verdict::Failed, 8));
}

#[tokio::test]
async fn a_version_of_somebody_else_abandons_the_rotation() {
    let stage = stage().await;
    let weak = stage.aws.downgrade();
    let inner = stage.driver.invoker.clone();
    let meddling = invoker(move |event| {
        if event["Step"] == "setSecret" {
            weak.upgrade().unwrap().put_value("app/db", "manual", &[CURRENT]).unwrap();
        }
        inner(event)
    });
    let ended = Driver::new(&stage.aws, meddling).rotate("app/db").await.unwrap();
    assert_eq!(ended.verdict, Verdict::Abandoned);
    assert_eq!(ended.steps(), ["createSecret", "setSecret"]);
    assert_eq!(stage.aws.holder("app/db", PENDING), None);
    assert_eq!(stage.aws.value_of("app/db", CURRENT).as_deref(), Some("manual"));
}

#[tokio::test]
async fn rotate_secret_answers_at_once_and_runs_in_the_background() {
    let stage = stage().await;
    stage.driver.serve();
    let rules = json!({ "AutomaticallyAfterDays": 3 });
    let answer = stage.rotate_secret(json!({ "RotationRules": rules })).await;
    assert_eq!((answer.status, &answer.body["ARN"]), (200, &json!(stage.arn)));
    let ended = stage.over(1).await;
    assert!(ended.succeeded());
    assert_eq!(answer.body["VersionId"], ended.token.as_str());
    let described = stage.aws.call("secretsmanager", "DescribeSecret", json!({ "SecretId": "app/db" })).await.unwrap();
    assert_eq!(described.body["RotationEnabled"], true);
    assert_eq!((&described.body["RotationLambdaARN"], &described.body["RotationRules"]), (&json!(LAMBDA), &rules));
    assert!(described.body["LastRotatedDate"].is_f64());
}

#[tokio::test]
async fn a_rotation_for_later_only_tests_a_temporary_version_which_is_removed() {
    let stage = stage().await;
    stage.driver.serve();
    stage.fail("testSecret");
    for (number, verdict) in [(1, Verdict::Failed), (2, Verdict::Succeeded)] {
        let answer = stage.rotate_secret(json!({ "RotateImmediately": false })).await;
        assert_eq!(answer.status, 200);
        let ended = stage.over(number).await;
        assert_eq!((&ended.verdict, ended.steps()), (&verdict, vec!["testSecret"]));
        assert_eq!(stage.aws.holder("app/db", PENDING), None);
        assert_eq!(stage.aws.secret("app/db").unwrap().versions.len(), 1);
    }
    assert!(stage.aws.secret("app/db").unwrap().rotated.is_none());
}

#[tokio::test]
async fn the_temporary_version_is_empty_or_a_copy_of_the_current_value() {
    let stage = stage().await;
    for (test_with_current, expected) in [(false, None), (true, Some("one".to_owned()))] {
        let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
        let (weak, note) = (stage.aws.downgrade(), Arc::clone(&seen));
        let call = invoker(move |_| {
            let aws = weak.upgrade().unwrap();
            let pending = aws.holder("app/db", PENDING).unwrap();
            lock(&note).push(aws.value("app/db", &pending));
            std::future::ready(Ok(Outcome::Answer(Value::Null)))
        });
        let driver = Driver::new(&stage.aws, call).with(Options { test_with_current, ..Options::default() });
        assert!(driver.test_only("app/db").await.unwrap().succeeded());
        assert_eq!(*lock(&seen), [expected]);
    }
}

#[tokio::test]
async fn single_steps_can_be_called_at_any_time_and_a_broken_stage_is_told() {
    let stage = stage().await;
    let outcome = stage.driver.step("testSecret", "app/db", "late").await.unwrap();
    assert!(outcome.is_answer());
    assert_eq!(lock(&stage.events)[0]["ClientRequestToken"], "late");
    assert!(stage.driver.rotate("none").await.is_err());
    let broken = Driver::new(&stage.aws, invoker(|_| std::future::ready(Err(anyhow::anyhow!("no function")))));
    broken.serve();
    stage.rotate_secret(json!({})).await;
    assert!(eventually(Duration::from_secs(10), || !broken.history().is_empty()).await);
    assert!(matches!(&broken.history()[0].verdict, Verdict::Refused(why) if why.contains("no function")));
}

#[tokio::test]
async fn the_stage_ends_although_it_serves_rotations() {
    let stage = stage().await;
    stage.driver.serve();
    let weak = stage.aws.downgrade();
    drop(stage);
    assert!(weak.upgrade().is_none());
}
