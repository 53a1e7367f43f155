//! The way to another AWS: forwarding byte for byte, and reading an answer as a permission's verdict.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::TRANSFER_ENCODING;
use serde_json::Value;

use super::identity::REGION;
use super::inbound::Inbound;
use super::wire::{Reply, send};

/// Codes by which AWS and ministack say that the caller may not, or is not who it says.
const DENIALS: [&str; 14] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Sends a request on as it came, Host and signature included: the upstream checks both.
pub(crate) async fn forward(address: &str, inbound: &Inbound) -> Result<Reply> {
    let path = inbound.parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request =
        Request::builder().method(inbound.parts.method.clone()).uri(path).body(Full::new(inbound.body.clone()))?;
    *request.headers_mut() = inbound.parts.headers.clone();
    // The body was read whole, so it travels with a length.
    request.headers_mut().remove(TRANSFER_ENCODING);
    send(address, request).await
}

/// Whether an answer is about the caller's permission and not about the call.
pub(crate) fn is_denial(reply: &Reply) -> bool {
    let code = reply.error_code().unwrap_or_default();
    reply.status == 403 || code.starts_with("AccessDenied") || DENIALS.contains(&code.as_str())
}

/// One call in AWS JSON 1.1, with the shape of a signature so that the caller is known.
pub(crate) async fn call(address: &str, key: &str, service: &str, operation: &str, request: &Value) -> Result<Reply> {
    let prefix = if service == "ecs" { "AmazonEC2ContainerServiceV20141113" } else { service };
    let credential = format!("Credential={key}/20260101/{REGION}/{service}/aws4_request");
    let request = Request::post("/")
        .header("host", address)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("{prefix}.{operation}"))
        .header("authorization", format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"))
        .body(Full::new(Bytes::from(request.to_string())))?;
    send(address, request).await
}

#[cfg(test)]
mod tests;
