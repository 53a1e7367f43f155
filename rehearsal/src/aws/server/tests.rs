//! Over real connections, each rule of the server and of faults.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::super::{ADMIN_KEY, FUNCTION_KEY, LocalAws, Rule};
use super::*;

async fn stage() -> LocalAws {
    let aws = LocalAws::start().await.unwrap();
    aws.create_secret("app/db", "one", &[]).unwrap();
    aws
}

async fn put(aws: &LocalAws, key: &str) -> Result<super::super::Response> {
    let request = json!({"SecretId": "app/db", "SecretString": "two"});
    aws.call_as(key, "secretsmanager", "PutSecretValue", request).await
}

fn current(aws: &LocalAws) -> String {
    aws.value_of("app/db", super::super::CURRENT).unwrap()
}

#[tokio::test]
async fn calls_are_answered_and_recorded_with_their_caller() {
    let aws = stage().await;
    let answer = put(&aws, FUNCTION_KEY).await.unwrap();
    assert_eq!(answer.status, 200);
    let request = json!({"cluster": "none"});
    let answer = aws.call("ecs", "ListServices", request.clone()).await.unwrap();
    assert_eq!((answer.status, &answer.body["__type"]), (400, &json!("ClusterNotFoundException")));
    let calls = aws.calls();
    assert_eq!((calls[0].service.as_str(), calls[0].operation.as_str()), ("secretsmanager", "PutSecretValue"));
    assert_eq!((calls[0].status, calls[0].access_key.as_str()), (Some(200), FUNCTION_KEY));
    assert_eq!((calls[1].service.as_str(), calls[1].status), ("ecs", Some(400)));
    assert_eq!(calls[1].error.as_deref(), Some("ClusterNotFoundException"));
    assert_eq!((&calls[1].request, calls[1].connection), (&request, 2));
    assert!(calls[1].at >= calls[0].at);
    assert_eq!(aws.calls_of(ADMIN_KEY), calls[1..]);
    assert_eq!(aws.function_calls(), calls[..1]);
    assert_eq!(aws.connections(), 2);
    aws.clear();
    assert!(aws.calls().is_empty());
}

#[tokio::test]
async fn a_kept_connection_keeps_its_number() {
    let aws = stage().await;
    let stream = TcpStream::connect(aws.world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::post("/")
            .header("host", "x")
            .header("x-amz-target", "secretsmanager.ListSecrets")
            .body(Full::new(Bytes::from("{}")))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert!(response.headers().contains_key("x-amzn-requestid"));
        http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
    }
    assert_eq!(aws.calls().iter().map(|call| call.connection).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn an_error_and_a_reset_are_not_applied_and_a_lost_answer_is() {
    let aws = stage().await;
    aws.fault(Rule::on("PutSecretValue", Fault::throttle()).nth(1));
    aws.fault(Rule::on("PutSecretValue", Fault::Reset).nth(2));
    aws.fault(Rule::on("PutSecretValue", Fault::LoseAnswer).nth(4));
    aws.fault(Rule::on("PutSecretValue", Fault::Denied).nth(3));
    let answer = put(&aws, FUNCTION_KEY).await.unwrap();
    assert_eq!((answer.status, &answer.body["__type"]), (400, &json!("ThrottlingException")));
    assert!(put(&aws, FUNCTION_KEY).await.is_err());
    let answer = put(&aws, FUNCTION_KEY).await.unwrap();
    assert!(
        answer.body["message"].as_str().unwrap().contains("not authorized to perform: secretsmanager:PutSecretValue")
    );
    assert_eq!(current(&aws), "one");
    assert!(put(&aws, FUNCTION_KEY).await.is_err());
    assert_eq!(current(&aws), "two");
    let seen: Vec<_> = aws.calls().into_iter().map(|call| (call.status, call.applied)).collect();
    assert_eq!(seen, [(Some(400), false), (None, false), (Some(400), false), (None, true)]);
    assert_eq!(aws.fired().len(), 4);
    assert_eq!(put(&aws, FUNCTION_KEY).await.unwrap().status, 200);
}

#[tokio::test]
async fn hooks_run_before_and_after_the_call_is_applied() {
    let aws = stage().await;
    let seen = Arc::new(AtomicU64::new(0));
    let look = |weight: u64| {
        let (aws, seen) = (aws.clone(), Arc::clone(&seen));
        move || {
            let applied = u64::from(current(&aws) == "two");
            seen.fetch_add(weight * (1 + applied), Ordering::SeqCst);
        }
    };
    aws.fault(Rule::any(Fault::before(look(1))));
    aws.fault(Rule::any(Fault::after(look(10))));
    put(&aws, FUNCTION_KEY).await.unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 21);
    aws.clear_faults();
}

#[tokio::test]
async fn a_delay_is_late_and_a_hang_is_never_and_neither_strikes_the_administrator() {
    let aws = stage().await;
    let by = Duration::from_millis(30);
    aws.fault(Rule::any(Fault::Delay(by)).nth(1));
    aws.fault(Rule::any(Fault::Hang).nth(2));
    let started = std::time::Instant::now();
    put(&aws, FUNCTION_KEY).await.unwrap();
    assert!(started.elapsed() >= by);
    assert!(timeout(by, put(&aws, FUNCTION_KEY)).await.is_err());
    assert!(timeout(Duration::from_secs(5), put(&aws, ADMIN_KEY)).await.unwrap().is_ok());
}

#[tokio::test]
async fn rotate_secret_hands_the_job_to_the_rotator_after_staging() {
    let aws = stage().await;
    let (sender, mut jobs) = tokio::sync::mpsc::unbounded_channel();
    aws.set_rotator(Arc::new(move |job| sender.send(job).unwrap()));
    let request = json!({"SecretId": "app/db", "RotationLambdaARN": "arn:x"});
    let answer = aws.call("secretsmanager", "RotateSecret", request.clone()).await.unwrap();
    let job = jobs.try_recv().unwrap();
    assert_eq!(answer.body["VersionId"], job.token.as_str());
    assert_eq!(aws.stages("app/db")[&job.token], [super::super::PENDING]);
    assert_eq!(aws.call("secretsmanager", "RotateSecret", request).await.unwrap().status, 400);
    assert!(jobs.try_recv().is_err());
}

#[tokio::test]
async fn the_stage_stops_listening_with_its_last_handle() {
    let aws = stage().await;
    let (address, weak) = (aws.world.address, aws.downgrade());
    assert!(weak.upgrade().is_some());
    drop(aws);
    tokio::task::yield_now().await;
    assert!(weak.upgrade().is_none());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_object_is_put_by_its_path_and_struck_like_any_call() {
    let aws = stage().await;
    let put = async |bucket: &str| {
        let credential = format!("Credential={FUNCTION_KEY}/20260101/us-east-1/s3/aws4_request");
        let request = Request::put(format!("/{bucket}/a/b"))
            .header("host", "x")
            .header("authorization", format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"))
            .body(Full::new(Bytes::from("{\"__type\":\"not an error\"}")))
            .unwrap();
        super::super::wire::send(&aws.world.address.to_string(), request).await
    };
    assert_eq!(put("keys").await.unwrap().error_code().as_deref(), Some("NoSuchBucket"));
    let empty = aws.snapshot();
    aws.create_bucket("keys");
    let made = aws.snapshot();
    aws.fault(Rule::on("PutObject", Fault::Denied).about("keys").nth(1));
    aws.fault(Rule::on("PutObject", Fault::LoseAnswer).nth(2));
    let denied = put("keys").await.unwrap();
    assert_eq!((denied.status, denied.error_code().as_deref()), (403, Some("AccessDenied")));
    assert!(empty != made && aws.snapshot() == made);
    assert!(put("keys").await.is_err());
    let stored = aws.snapshot();
    assert_ne!(stored, made);
    assert_eq!(put("keys").await.unwrap().status, 200);
    assert_ne!(aws.snapshot(), stored, "a repeated put is seen");
    let object = aws.object("keys", "a/b").unwrap();
    assert_eq!((object.bodies.len(), object.content_type), (2, None));
    let calls = aws.function_calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.error.as_deref(), call.status, call.applied)).collect();
    assert_eq!(
        seen,
        [
            (Some("NoSuchBucket"), Some(404), true),
            (Some("AccessDenied"), Some(403), false),
            (None, None, true),
            (None, Some(200), true)
        ]
    );
    assert!(calls.iter().all(|call| call.service == "s3" && call.operation == "PutObject"), "{calls:?}");
}
