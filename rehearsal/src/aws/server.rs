//! The HTTP side: connections, the record, the faults, and who answers a call.

use std::sync::Arc;

use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::faults::{Fault, Subject};
use super::record::Call;
use super::wire::{Answer, ApiError, Inbound, Reply};
use super::{Inner, is_function, lock, random, upstream};

pub(crate) async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = lock(&inner.record).connection();
        let inner = Arc::clone(&inner);
        tokio::spawn(async move {
            let service = service_fn(|request| handle(Arc::clone(&inner), number, request));
            // An error here is a fault's doing, or a client that was killed: both are what tests want.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Answers one request. An error closes the connection without an answer.
async fn handle(inner: Arc<Inner>, connection: u64, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let inbound = Inbound::read(request).await?;
    let number = lock(&inner.record).arrived(Call {
        service: inbound.service.clone(),
        operation: inbound.operation.clone(),
        at: inner.started.elapsed(),
        request: inbound.json.clone(),
        status: None,
        error: None,
        connection,
        access_key: inbound.access_key.clone(),
        applied: false,
    });
    let faults = lock(&inner.faults).strike(&Subject {
        operation: &inbound.operation,
        access_key: &inbound.access_key,
        is_function: is_function(&inbound.access_key),
        request: &inbound.json,
    });
    for fault in &faults {
        match fault {
            Fault::Delay(by) => tokio::time::sleep(*by).await,
            Fault::Before(hook) => hook(),
            Fault::Error(error) => return Ok(inner.answer(number, Reply::new(Err(error.clone())))),
            Fault::Reset => bail!("reset, as a rule wants"),
            Fault::Hang => std::future::pending().await,
            Fault::LoseAnswer | Fault::After(_) => {}
        }
    }
    let reply = inner.apply(&inbound).await;
    lock(&inner.record).applied(number);
    for fault in &faults {
        match fault {
            Fault::After(hook) => hook(),
            Fault::LoseAnswer => bail!("answer lost, as a rule wants"),
            _ => {}
        }
    }
    Ok(inner.answer(number, reply))
}

impl Inner {
    async fn apply(&self, inbound: &Inbound) -> Reply {
        let Some(address) = &self.upstream else { return Reply::new(self.model(inbound, None)) };
        // RotateSecret must not reach the upstream: it would promote a copy of the value by itself.
        let only_ours = matches!(inbound.operation.as_str(), "RotateSecret" | "CancelRotateSecret");
        if inbound.service == "secretsmanager" && only_ours {
            return Reply::new(self.model(inbound, None));
        }
        let reply = match upstream::forward(address, inbound).await {
            Ok(reply) => reply,
            Err(error) => {
                let message = format!("the upstream does not answer: {error:#}");
                return Reply::new(Err(ApiError { status: 503, ..ApiError::new("ServiceUnavailable", message) }));
            }
        };
        if inbound.service != "secretsmanager" || upstream::is_denial(&reply) {
            return reply;
        }
        let creating = inbound.operation == "CreateSecret";
        let theirs: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        let arn = theirs.get("ARN").and_then(Value::as_str).filter(|_| creating).map(str::to_owned);
        Reply::new(self.model(inbound, arn))
    }

    fn model(&self, inbound: &Inbound, arn: Option<String>) -> Answer {
        let mut model = lock(&self.model);
        match (inbound.service.as_str(), inbound.operation.as_str()) {
            ("secretsmanager", "RotateSecret") => {
                let (answer, job) = model.secrets.rotate(&inbound.json)?;
                drop(model);
                let rotator = lock(&self.rotator).clone();
                if let (Some(job), Some(rotator)) = (job, rotator) {
                    rotator(job);
                }
                Ok(answer)
            }
            ("secretsmanager", operation) => model.secrets.answer(operation, &inbound.json, arn),
            ("ecs", operation) => model.ecs.answer(operation, &inbound.json),
            (service, operation) => Err(ApiError::new(
                "UnknownOperationException",
                format!("the stage has no {operation} of `{service}` without an upstream"),
            )),
        }
    }

    fn answer(&self, number: usize, reply: Reply) -> Response<Full<Bytes>> {
        lock(&self.record).answered(number, reply.status, reply.error_code());
        let mut response = Response::new(Full::new(reply.body));
        *response.status_mut() = hyper::StatusCode::from_u16(reply.status).unwrap_or_default();
        *response.headers_mut() = reply.headers;
        let headers = response.headers_mut();
        // These describe the upstream's connection, not ours.
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/x-amz-json-1.1"));
        if let Ok(id) = HeaderValue::from_str(&random::uuid()) {
            headers.entry("x-amzn-requestid").or_insert(id);
        }
        response
    }
}

#[cfg(test)]
mod tests {
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
        let stream = tokio::net::TcpStream::connect(aws.inner.address).await.unwrap();
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
        aws.fault(Rule::on("PutSecretValue", Fault::LoseAnswer).nth(3));
        let answer = put(&aws, FUNCTION_KEY).await.unwrap();
        assert_eq!((answer.status, &answer.body["__type"]), (400, &json!("ThrottlingException")));
        assert!(put(&aws, FUNCTION_KEY).await.is_err());
        assert_eq!(current(&aws), "one");
        assert!(put(&aws, FUNCTION_KEY).await.is_err());
        assert_eq!(current(&aws), "two");
        let seen: Vec<_> = aws.calls().into_iter().map(|call| (call.status, call.applied)).collect();
        assert_eq!(seen, [(Some(400), false), (None, false), (None, true)]);
        assert_eq!(aws.fired().len(), 3);
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
        let (address, weak) = (aws.inner.address, aws.downgrade());
        assert!(weak.upgrade().is_some());
        drop(aws);
        tokio::task::yield_now().await;
        assert!(weak.upgrade().is_none());
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}
