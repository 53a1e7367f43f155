//! The Runtime API of one process: a server of its own, so that a late answer of a dead one reaches nobody.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::outcome::Outcome;

const PREFIX: &str = "/2018-06-01/runtime/";

/// An event on its way to the function.
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) event: Bytes,
    /// Milliseconds since 1970.
    pub(super) deadline: Duration,
    pub(super) arn: String,
}

/// What the process said.
#[derive(Debug)]
pub(super) enum Reported {
    /// It asked for its first event.
    Ready,
    /// It could not start.
    InitError(Bytes),
    /// It answered this invocation.
    Response(String, Bytes),
    /// It answered this invocation with an error.
    Error(String, Bytes),
}

/// The server; it ends with this value.
pub(super) struct RuntimeApi {
    pub(super) address: String,
    pub(super) events: UnboundedSender<Invocation>,
    pub(super) reports: UnboundedReceiver<Reported>,
    task: JoinHandle<()>,
}

struct Shared {
    queue: Mutex<(UnboundedReceiver<Invocation>, bool)>,
    reports: UnboundedSender<Reported>,
}

impl RuntimeApi {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a free port on loopback")?;
        let address = listener.local_addr()?.to_string();
        let (events, queue) = unbounded_channel();
        let (sender, reports) = unbounded_channel();
        let shared = Arc::new(Shared { queue: Mutex::new((queue, false)), reports: sender });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Init and invocation times are measured through here.
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(|request| handle(Arc::clone(&shared), request));
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, events, reports, task })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reported {
    /// The outcome of an invocation or of a start.
    pub(super) fn into_outcome(self) -> Outcome {
        let (body, failed) = match self {
            Self::Ready => return Outcome::Answer(Value::Null),
            Self::Response(_, body) => (body, false),
            Self::Error(_, body) | Self::InitError(body) => (body, true),
        };
        let value = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        if !failed {
            return Outcome::Answer(value);
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Outcome::Error { error_type: text("errorType"), message: text("errorMessage") }
    }

    /// The invocation it belongs to.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Response(id, _) | Self::Error(id, _) => Some(id),
            Self::Ready | Self::InitError(_) => None,
        }
    }
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    if request.method() == Method::GET && path == "invocation/next" {
        return shared.next().await;
    }
    let body = request.into_body().collect().await?.to_bytes();
    let report = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["init", "error"] => Reported::InitError(body),
        ["invocation", id, "response"] => Reported::Response((*id).to_owned(), body),
        ["invocation", id, "error"] => Reported::Error((*id).to_owned(), body),
        _ => return Ok(status(StatusCode::NOT_FOUND)),
    };
    // Nobody may listen any more: the invocation timed out.
    let _ = shared.reports.send(report);
    Ok(status(StatusCode::ACCEPTED))
}

impl Shared {
    async fn next(&self) -> Result<Response<Full<Bytes>>> {
        let mut queue = self.queue.lock().await;
        if !queue.1 {
            queue.1 = true;
            let _ = self.reports.send(Reported::Ready);
        }
        let invocation = queue.0.recv().await.context("the function is gone")?;
        let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0";
        Ok(Response::builder()
            .header("content-type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", invocation.id)
            .header("Lambda-Runtime-Deadline-Ms", invocation.deadline.as_millis().to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", invocation.arn)
            .header("Lambda-Runtime-Trace-Id", trace)
            .body(Full::new(invocation.event))?)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(br#"{"status":"OK"}"#)));
    *response.status_mut() = status;
    response
}
