//! The HTTP side: connections, the record, the faults, and who answers a call.

use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::denial::denied;
use super::faults::{Fault, Subject};
use super::identity::is_function;
use super::inbound::Inbound;
use super::record::Call;
use super::wire::{Answer, ApiError, Reply};
use super::world::World;
use super::{random, upstream};
use crate::mutex::lock;

pub(crate) async fn serve(listener: TcpListener, world: Arc<World>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = lock(&world.record).connection();
        let world = Arc::clone(&world);
        let Ok((stream, caller)) = watched(stream) else { continue };
        let connection = Arc::new(Connection { number, caller });
        tokio::spawn(async move {
            let service = service_fn(|request| handle(Arc::clone(&world), Arc::clone(&connection), request));
            // An error here is a fault's doing, or a client that was killed: both are what tests want.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

struct Connection {
    number: u64,
    /// The same socket once more, only to see whether the other end is still there.
    caller: std::net::TcpStream,
}

impl Connection {
    /// Whether the caller has closed its end, as the kernel does for it when it is killed.
    fn is_gone(&self) -> bool {
        match self.caller.peek(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

fn watched(stream: TcpStream) -> std::io::Result<(TcpStream, std::net::TcpStream)> {
    let stream = stream.into_std()?;
    // Timings of the function are measured here: no 40 ms for a delayed acknowledgement.
    stream.set_nodelay(true)?;
    let caller = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, caller))
}

/// Answers one request. An error closes the connection without an answer.
async fn handle(
    world: Arc<World>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let inbound = Inbound::read(request).await?;
    let number = lock(&world.record).arrived(Call {
        service: inbound.service.clone(),
        operation: inbound.operation.clone(),
        at: world.started.elapsed(),
        request: inbound.json.clone(),
        status: None,
        error: None,
        connection: connection.number,
        access_key: inbound.access_key.clone(),
        applied: false,
    });
    let faults = lock(&world.faults).strike(&Subject {
        operation: &inbound.operation,
        access_key: &inbound.access_key,
        is_function: is_function(&inbound.access_key),
        request: &inbound.json,
    });
    for fault in &faults {
        match fault {
            Fault::Delay(by) => tokio::time::sleep(*by).await,
            Fault::Before(hook) => {
                hook();
                ensure!(!connection.is_gone(), "killed before the call");
            }
            Fault::Error(error) => return Ok(world.answer(number, inbound.reply(Err(error.clone())))),
            Fault::Denied => {
                let error = denied(&inbound.service, &inbound.operation, &inbound.json);
                return Ok(world.answer(number, inbound.reply(Err(error))));
            }
            Fault::Reset => bail!("reset, as a rule wants"),
            Fault::Hang => std::future::pending().await,
            Fault::LoseAnswer | Fault::After(_) => {}
        }
    }
    let reply = world.apply(&inbound).await;
    lock(&world.record).applied(number);
    for fault in &faults {
        match fault {
            Fault::After(hook) => {
                hook();
                ensure!(!connection.is_gone(), "killed before the answer");
            }
            Fault::LoseAnswer => bail!("answer lost, as a rule wants"),
            _ => {}
        }
    }
    Ok(world.answer(number, reply))
}

impl World {
    async fn apply(&self, inbound: &Inbound) -> Reply {
        let Some(address) = &self.upstream else { return inbound.reply(self.model(inbound, None)) };
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
            ("ecs", operation) => {
                model.let_tasks_read();
                let answer = model.ecs.answer(operation, &inbound.json);
                model.let_tasks_read();
                answer
            }
            ("rds", operation) => model.rds.answer(operation, &inbound.json),
            ("s3", operation) => model.s3.answer(operation, &inbound.json),
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
mod tests;
