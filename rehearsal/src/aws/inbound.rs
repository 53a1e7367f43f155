//! Requests as they are read off the wire, in the protocol of the service that they are for.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use serde_json::{Map, Value};

use super::wire::{Answer, Fields as _, Reply, header};
use super::{rds, s3};

/// A request, read whole.
pub(crate) struct Inbound {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) access_key: String,
    pub(crate) json: Value,
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

impl Inbound {
    pub(crate) async fn read(request: Request<Incoming>) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.context("the request's body")?.to_bytes();
        let authorization = header(&parts.headers, "authorization");
        let scope: Vec<&str> = authorization
            .split_once("Credential=")
            .map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or_default().split('/').collect())
            .unwrap_or_default();
        let signed_for = scope.get(3).copied().unwrap_or_default();
        let target = header(&parts.headers, "x-amz-target");
        let form = form_of(&parts, &body);
        let access_key = scope.first().copied().unwrap_or_default().to_owned();
        if signed_for == "s3" {
            let (operation, json) = s3::call(&parts, &body);
            return Ok(Self { service: "s3".to_owned(), operation, access_key, json, parts, body });
        }
        let (service, operation) = match target.rsplit_once('.') {
            Some(("secretsmanager", operation)) => ("secretsmanager", operation.to_owned()),
            Some((prefix, operation)) if prefix.starts_with("AmazonEC2ContainerService") => {
                ("ecs", operation.to_owned())
            }
            Some((_, operation)) => (signed_for, operation.to_owned()),
            None => match form.text("Action") {
                Some(action) => (signed_for, action.to_owned()),
                None => (signed_for, format!("{} {}", parts.method, parts.uri.path())),
            },
        };
        let json = serde_json::from_slice(&body).unwrap_or(form);
        Ok(Self { service: service.to_owned(), operation, access_key, json, parts, body })
    }

    /// The model's answer in the protocol of the service that was called.
    pub(crate) fn reply(&self, answer: Answer) -> Reply {
        match self.service.as_str() {
            "rds" => rds::reply(&self.operation, &answer),
            "s3" => s3::reply(&self.json, &answer),
            _ => Reply::new(answer),
        }
    }
}

/// A query string or form body as JSON, for services of the query protocol.
fn form_of(parts: &Parts, body: &Bytes) -> Value {
    let is_form = header(&parts.headers, "content-type").starts_with("application/x-www-form-urlencoded");
    let body = if is_form { String::from_utf8_lossy(body) } else { "".into() };
    let pairs = parts.uri.query().unwrap_or_default().split('&').chain(body.split('&'));
    let fields: Map<String, Value> = pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), Value::from(rds::decoded(value))))
        .collect();
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}
