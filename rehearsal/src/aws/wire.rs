//! What travels: requests as read off the wire, errors as AWS words them, and the small HTTP client of the stage.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// What an operation of the model gives: a JSON answer, or an error as AWS would word it.
pub type Answer = Result<Value, ApiError>;

/// An error of the modelled API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The `__type` of the answer.
    pub code: String,
    /// The sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
}

impl ApiError {
    /// An error of the client's making, which is status 400 in these protocols.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400 }
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }
}

/// An answer as it goes back to the client.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn new(answer: Answer) -> Self {
        let (status, body) = match answer {
            Ok(value) => (200, value),
            // Secrets Manager spells it `Message`, ECS `message`; SDKs read either.
            Err(error) => {
                (error.status, json!({ "__type": error.code, "message": error.message, "Message": error.message }))
            }
        };
        Self { status, headers: HeaderMap::new(), body: Bytes::from(body.to_string()) }
    }

    /// The error code of an answer, from the JSON body or the header that REST services use.
    pub(crate) fn error_code(&self) -> Option<String> {
        if self.status < 400 {
            return None;
        }
        let header = self.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = || serde_json::from_slice::<Value>(&self.body).ok()?.text("__type").map(str::to_owned);
        let xml = || {
            let text = String::from_utf8_lossy(&self.body);
            let rest = text.split_once("<Code>")?.1;
            Some(rest.split_once("</Code>")?.0.to_owned())
        };
        let code = header.or_else(body).or_else(xml).unwrap_or_else(|| format!("HTTP {}", self.status));
        // "namespace#Code:http://documentation" is one of the spellings.
        let code = code.rsplit('#').next().unwrap_or_default();
        Some(code.split(':').next().unwrap_or_default().to_owned())
    }
}

/// Sends one request on a connection of its own and reads the whole answer.
pub(crate) async fn send(address: &str, request: Request<Full<Bytes>>) -> Result<Reply> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let response: Response<Incoming> = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    driving.abort();
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// Reading fields of a request without a struct for each of thirty operations.
pub(crate) trait Fields {
    fn text(&self, key: &str) -> Option<&str>;
    fn flag(&self, key: &str) -> bool;

    fn require(&self, key: &str) -> Result<&str, ApiError> {
        let absent = || {
            ApiError::validation(format!(
                "1 validation error detected: Value at '{key}' failed to satisfy constraint: Member must not be null"
            ))
        };
        self.text(key).ok_or_else(absent)
    }
}

impl Fields for Value {
    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// The strings of a JSON list, or none.
pub(crate) fn strings(request: &Value, key: &str) -> Option<Vec<String>> {
    let list = request.get(key)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// A page of a list: AWS's `MaxResults`/`NextToken`, where our token is the offset.
pub(crate) fn page<T>(items: Vec<T>, size: usize, token: Option<&str>) -> Result<(Vec<T>, Option<String>), ApiError> {
    let start = match token {
        None => 0,
        Some(token) => token.parse().map_err(|_| ApiError::parameter("Invalid token"))?,
    };
    let total = items.len();
    let rows: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let end = start + rows.len();
    Ok((rows, (end < total).then(|| end.to_string())))
}

/// Now, since 1970, to the millisecond as AWS's dates are.
pub(crate) fn now() -> Duration {
    let exact = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::new(exact.as_secs(), exact.subsec_millis() * 1_000_000)
}

/// A date as AWS JSON 1.1 writes it: epoch seconds with milliseconds.
pub(crate) fn date(at: Duration) -> Value {
    json!(at.as_secs_f64())
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_without_a_token_and_continue_where_they_stopped() {
        let (rows, next) = page(vec![1, 2, 3], 2, None).unwrap();
        assert_eq!((rows, next.as_deref()), (vec![1, 2], Some("2")));
        let (rows, next) = page(vec![1, 2, 3], 2, next.as_deref()).unwrap();
        assert_eq!((rows, next), (vec![3], None));
        assert!(page(vec![1], 2, Some("x")).is_err());
    }

    #[test]
    fn error_codes_are_read_from_json_header_and_xml() {
        let reply = |body: &'static str| Reply { status: 403, headers: HeaderMap::new(), body: Bytes::from(body) };
        assert_eq!(reply(r#"{"__type":"com.x#AccessDenied"}"#).error_code().as_deref(), Some("AccessDenied"));
        assert_eq!(reply("<E><Code>Nope</Code></E>").error_code().as_deref(), Some("Nope"));
        let mut named = reply("{}");
        named.headers.insert("x-amzn-errortype", "Gone:http://x".parse().unwrap());
        assert_eq!(named.error_code().as_deref(), Some("Gone"));
        assert_eq!(Reply::new(Ok(Value::Null)).error_code(), None);
    }

    #[test]
    fn dates_carry_milliseconds() {
        assert_eq!(date(Duration::from_millis(1_700_000_000_123)), json!(1_700_000_000.123));
        assert_eq!(now().subsec_nanos() % 1_000_000, 0);
    }
}
