//! AWS's query protocol: forms in, XML out.

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::super::random;
use super::super::wire::{Answer, Reply};

const NAMESPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";

/// An answer as RDS writes it. Objects become elements, lists repeat their element, and null is left out.
pub(crate) fn reply(operation: &str, answer: &Answer) -> Reply {
    let request = random::uuid();
    let (status, body) = match answer {
        Ok(value) => (
            200,
            format!(
                "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{}</{operation}Result><ResponseMetadata>\
                 <RequestId>{request}</RequestId></ResponseMetadata></{operation}Response>",
                inner(value)
            ),
        ),
        Err(error) => (
            error.status,
            format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error>\
                 <RequestId>{request}</RequestId></ErrorResponse>",
                if error.status < 500 { "Sender" } else { "Receiver" },
                escaped(&error.code),
                escaped(&error.message)
            ),
        ),
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/xml"))]);
    Reply { status, headers, body: Bytes::from(body) }
}

/// A value of a form, where `+` is a space and `%` begins a byte in hexadecimal.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let code: Vec<u8> = rest.by_ref().take(2).collect();
                let code = std::str::from_utf8(&code).ok().and_then(|code| u8::from_str_radix(code, 16).ok());
                code.unwrap_or(b'?')
            }
            plain => plain,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn inner(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields.iter().fold(String::new(), |mut text, (name, value)| {
            let several = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for one in several.iter().filter(|one| !one.is_null()) {
                let _ = write!(text, "<{name}>{}</{name}>", inner(one));
            }
            text
        }),
        Value::String(text) => escaped(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::wire::ApiError;
    use super::*;

    #[test]
    fn lists_repeat_their_element_and_null_is_left_out() {
        let value = json!({"A": {"B": [{"C": "<&>"}, {"C": 1}], "D": null, "E": true, "F": []}});
        assert_eq!(inner(&value), "<A><B><C>&lt;&amp;&gt;</C></B><B><C>1</C></B><E>true</E></A>");
        let reply = reply("Describe", &Ok(json!({"A": 1})));
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(body.contains("<DescribeResult><A>1</A></DescribeResult>"), "{body}");
        assert_eq!((reply.status, reply.error_code()), (200, None));
    }

    #[test]
    fn an_error_is_told_by_its_code() {
        let reply = reply("Describe", &Err(ApiError { status: 404, ..ApiError::new("Gone", "not <here>") }));
        assert_eq!((reply.status, reply.error_code().as_deref()), (404, Some("Gone")));
        assert!(String::from_utf8_lossy(&reply.body).contains("<Message>not &lt;here&gt;</Message>"));
    }

    #[test]
    fn forms_are_read_as_clients_write_them() {
        assert_eq!(decoded("arn%3Aaws%3ards+x-1"), "arn:aws:rds x-1");
        assert_eq!(decoded("caf%C3%A9 %zz %4"), "café ? \u{4}");
    }
}
