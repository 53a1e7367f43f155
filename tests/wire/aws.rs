//! AWS at the wire: an HTTP client that answers in virtual time, counts as AWS counts, and fails where it is told to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::World;

/// A call as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    pub request: Value,
    /// Since the model was made.
    pub at: Duration,
}

/// How a call goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is not carried out, and this is the answer.
    Instead(u16, &'static str),
    /// It is carried out, and this is the answer.
    Afterwards(u16, &'static str),
    /// The connection breaks before anything is done.
    LostBefore,
    /// It is carried out, and the connection breaks before the answer.
    LostAfter,
    /// It is carried out, and the answer never comes.
    Silence,
    /// It is carried out; the answer takes its time.
    Slow(Duration),
}

pub const THROTTLED: Fault = Fault::Instead(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
pub const DENIED: Fault = Fault::Instead(
    400,
    r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: it on resource: arn:y because no z"}"#,
);
pub const BROKEN: Fault = Fault::Instead(500, r#"{"__type":"ServerException","message":"Service Unavailable"}"#);

type Plan = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

#[derive(Clone)]
pub struct Aws(Arc<Mutex<State>>);

pub struct State {
    pub world: World,
    pub calls: Vec<Call>,
    /// How often AWS's own rates have refused a call.
    pub over_rate: usize,
    /// How long the call of this number takes.
    pub latency: fn(u64) -> Duration,
    /// What goes wrong.
    pub fault: Plan,
    buckets: BTreeMap<&'static str, Bucket>,
    began: Instant,
}

impl Aws {
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(State {
            world,
            calls: Vec::new(),
            over_rate: 0,
            latency: |_| Duration::from_millis(40),
            fault: Box::new(|_| None),
            buckets: BTreeMap::new(),
            began: Instant::now(),
        })))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What goes wrong from now on.
    pub fn fail(&self, fault: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.state().fault = Box::new(fault);
    }

    /// These calls go wrong, each of them in this way, the first so many times.
    pub fn fail_first(&self, times: usize, operation: &'static str, fault: Fault) {
        let mut left = times;
        self.fail(move |call| {
            let hit = call.operation == operation && left > 0;
            left -= usize::from(hit);
            hit.then(|| fault.clone())
        });
    }

    pub fn calls(&self, operation: &str) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// How many calls of each operation of ECS have arrived.
    pub fn counts(&self) -> [usize; 5] {
        ["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition", "UpdateService"]
            .map(|operation| self.calls(operation).len())
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let request: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let latency = {
            let state = self.state();
            (state.latency)(state.calls.len() as u64)
        };
        tokio::time::sleep(latency / 2).await;
        let (fault, answer) = self.state().receive(operation, request);
        tokio::time::sleep(latency / 2).await;
        let lost = || Err(ConnectorError::io("connection reset by peer".into()));
        match fault {
            None => Ok(response(answer.0, answer.1.to_string())),
            Some(Fault::Instead(status, body) | Fault::Afterwards(status, body)) => {
                Ok(response(status, body.to_owned()))
            }
            Some(Fault::LostBefore | Fault::LostAfter) => lost(),
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(response(answer.0, answer.1.to_string()))
            }
        }
    }
}

impl State {
    fn receive(&mut self, operation: String, request: Value) -> (Option<Fault>, (u16, Value)) {
        let at = self.began.elapsed();
        let call = Call { operation, request, at };
        let within = self.within_rate(&call.operation);
        self.over_rate += usize::from(!within);
        let fault = (self.fault)(&call);
        let done = !matches!(fault, Some(Fault::Instead(..) | Fault::LostBefore));
        let answer = match within {
            false => (400, json!({ "__type": "ThrottlingException", "message": "Rate exceeded" })),
            true if done => match self.world.answer(&call.operation, &call.request) {
                Ok(answer) => (200, answer),
                Err(error) => (error.status, json!({ "__type": error.code, "message": error.message })),
            },
            true => (200, json!({})),
        };
        self.calls.push(call);
        (fault, answer)
    }

    /// ECS API reference, "Request throttling": tokens at most, and tokens a second.
    fn within_rate(&mut self, operation: &str) -> bool {
        let (name, most, per_second) = match operation {
            "ListClusters" => ("cluster reads", 50.0, 20.0),
            "ListServices" | "DescribeServices" => ("service reads", 100.0, 20.0),
            "DescribeTaskDefinition" => ("task definition reads", 50.0, 20.0),
            "UpdateService" => ("service changes", 50.0, 5.0),
            _ => return true,
        };
        let now = Instant::now();
        let bucket = self.buckets.entry(name).or_insert(Bucket { tokens: most, filled: now });
        bucket.tokens = (bucket.tokens + (now - bucket.filled).as_secs_f64() * per_second).min(most);
        bucket.filled = now;
        let within = bucket.tokens >= 1.0;
        bucket.tokens -= if within { 1.0 } else { 0.0 };
        within
    }
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

fn response(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

impl HttpClient for Aws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
