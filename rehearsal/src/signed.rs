//! A client for the local AWS that signs its requests as AWS asks (Signature Version 4).
//!
//! It is for setting the stage and looking at it. The code under test has the real SDK.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use ring::{digest, hmac};
use serde_json::Value;

/// The Region of everything on the stage.
pub const REGION: &str = "us-east-1";

/// Whoever calls a local AWS at one port.
#[derive(Clone, Debug)]
pub struct Caller {
    port: u16,
    access_key: String,
    secret_key: String,
}

/// An answer with a status that says success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The headers.
    pub headers: hyper::HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; an empty one is null.
    pub fn json(&self) -> Result<Value> {
        if self.body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&self.body)?) }
    }
}

impl Caller {
    /// The administrator whom ministack lets do everything.
    #[must_use]
    pub fn administrator(port: u16) -> Self {
        Self::new(port, "test", "test")
    }

    /// Somebody with a key of their own.
    #[must_use]
    pub fn new(port: u16, access_key: &str, secret_key: &str) -> Self {
        Self { port, access_key: access_key.to_owned(), secret_key: secret_key.to_owned() }
    }

    /// One call of Secrets Manager, such as `CreateSecret`.
    pub async fn secrets(&self, action: &str, body: &Value) -> Result<Value> {
        self.target("secretsmanager", &format!("secretsmanager.{action}"), body).await
    }

    /// One call of ECS, such as `CreateService`.
    pub async fn ecs(&self, action: &str, body: &Value) -> Result<Value> {
        self.target("ecs", &format!("AmazonEC2ContainerServiceV20141113.{action}"), body).await
    }

    /// One call of `CloudWatch` Logs, such as `FilterLogEvents`.
    pub async fn logs(&self, action: &str, body: &Value) -> Result<Value> {
        self.target("logs", &format!("Logs_20140328.{action}"), body).await
    }

    /// One call of Lambda: a method, a path under its API's version `2015-03-31`, and a body.
    pub async fn lambda(&self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        let body = if body.is_null() { Bytes::new() } else { serde_json::to_vec(body)?.into() };
        self.send("lambda", method, &format!("/2015-03-31/{path}"), &[("content-type", "application/json")], body).await
    }

    /// One call of IAM, such as `CreateRole`; the answer is XML.
    pub async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let mut form = format!("Action={}&Version=2010-05-08", percent_encoded(action));
        for (name, value) in parameters {
            write!(form, "&{}={}", percent_encoded(name), percent_encoded(value))?;
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send("iam", Method::POST, "/", &headers, form.into()).await?;
        Ok(String::from_utf8(answer.body.into())?)
    }

    async fn target(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        self.send(service, Method::POST, "/", &headers, serde_json::to_vec(body)?.into()).await?.json()
    }

    async fn send(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let what =
            format!("{service} {method} {path}{}", headers.get(1).map_or(String::new(), |it| format!(" {}", it.1)));
        let date = timestamp(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
        let host = format!("127.0.0.1:{}", self.port);
        let mut signed = vec![("host", host.as_str()), ("x-amz-date", &date)];
        signed.extend(headers.iter().copied());
        let authorization = self.authorization(service, &method, path, &mut signed, &body);

        let mut request = Request::builder().method(method).uri(path).header("authorization", authorization);
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let stream = tokio::net::TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await;
        let stream = stream.with_context(|| format!("{what}: nothing answers at {host}"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request.body(Full::new(body))?).await.with_context(|| what.clone())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        if !parts.status.is_success() {
            bail!("{what}: {} {}", parts.status, String::from_utf8_lossy(&body));
        }
        Ok(Answer { headers: parts.headers, body })
    }

    fn authorization(
        &self,
        service: &str,
        method: &Method,
        path: &str,
        headers: &mut [(&str, &str)],
        body: &[u8],
    ) -> String {
        headers.sort_unstable();
        let date = headers.iter().find(|(name, _)| *name == "x-amz-date").map_or("", |(_, date)| date);
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines = headers.iter().map(|(name, value)| [*name, ":", *value, "\n"].concat()).collect::<String>();
        let path: Vec<_> = path.split('/').map(percent_encoded).collect();
        let canonical = format!("{method}\n{}\n\n{lines}\n{names}\n{}", path.join("/"), hex(sha256(body).as_ref()));

        let day = date.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{REGION}/{service}/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(sha256(canonical.as_bytes()).as_ref()));
        let mut key = mac(format!("AWS4{}", self.secret_key).as_bytes(), day);
        for part in [REGION, service, "aws4_request"] {
            key = mac(key.as_ref(), part);
        }
        let signature = hex(mac(key.as_ref(), &text).as_ref());
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.access_key)
    }
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Seconds since 1970 as AWS writes them in a signature, `20130524T000000Z`.
fn timestamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from March, so that the leap day is their last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(timestamp(0), "19700101T000000Z");
        assert_eq!(timestamp(951_782_400), "20000229T000000Z");
        assert_eq!(timestamp(1_369_353_600), "20130524T000000Z");
        assert_eq!(timestamp(1_798_761_599), "20261231T235959Z");
    }

    // The example `get-vanilla` of AWS's own test suite for Signature Version 4.
    #[test]
    fn the_signature_is_that_of_aws() {
        let caller = Caller::new(0, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let mut headers = [("x-amz-date", "20150830T123600Z"), ("host", "example.amazonaws.com")];
        let authorization = caller.authorization("service", &Method::GET, "/", &mut headers, b"");
        let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert!(authorization.ends_with(signature), "{authorization}");
    }
}
