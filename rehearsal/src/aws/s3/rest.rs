//! S3's own protocol: what is meant stands in the method, the path and the headers; errors are XML.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use serde_json::{Map, Value};

use super::super::random;
use super::super::rds::decoded;
use super::super::wire::{Answer, Fields as _, Reply, header};

/// The headers of a request that a model or a test looks at, under the names of S3's API reference.
const HEADERS: [(&str, &str); 3] =
    [("content-type", "ContentType"), ("cache-control", "CacheControl"), ("x-amz-checksum-crc32", "ChecksumCRC32")];

/// The operation and its request. Bucket and key come from the path, as they do wherever the host is an address.
pub(crate) fn call(parts: &Parts, body: &Bytes) -> (String, Value) {
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    // A query names another operation, such as `?acl`; the SDK says with `x-id` which one it means.
    let query = parts.uri.query().unwrap_or_default();
    let plain = query.split('&').all(|part| part.is_empty() || part.starts_with("x-id="));
    let operation = match parts.method.as_str() {
        "PUT" if plain && !key.is_empty() => "PutObject".to_owned(),
        "GET" if plain && !key.is_empty() => "GetObject".to_owned(),
        method => format!("{method} {}", parts.uri),
    };
    let mut request = Map::new();
    // In a path, unlike in a form, a plus sign is one.
    let named = |text: &str| Value::from(decoded(&text.replace('+', "%2B")));
    request.insert("Bucket".to_owned(), named(bucket));
    request.insert("Key".to_owned(), named(key));
    for (name, member) in HEADERS {
        let value = header(&parts.headers, name);
        if !value.is_empty() {
            request.insert(member.to_owned(), Value::from(value));
        }
    }
    if operation == "PutObject" {
        request.insert("Body".to_owned(), Value::from(String::from_utf8_lossy(body)));
    }
    (operation, Value::Object(request))
}

/// An answer as S3 writes it.
pub(crate) fn reply(request: &Value, answer: &Answer) -> Reply {
    let id = random::uuid();
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: Option<&str>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    };
    put(HeaderName::from_static("x-amz-request-id"), Some(&id));
    let (status, body) = match answer {
        Ok(value) => {
            put(ETAG, value.text("ETag"));
            put(CONTENT_TYPE, value.text("ContentType"));
            put(CACHE_CONTROL, value.text("CacheControl"));
            (200, value.text("Body").unwrap_or_default().to_owned())
        }
        Err(error) => {
            put(CONTENT_TYPE, Some("application/xml"));
            let resource = ["Bucket", "Key"].map(|name| request.text(name).unwrap_or_default()).join("/");
            let element = |name: &str, text: &str| format!("<{name}>{}</{name}>", escaped(text));
            let inside = [
                ("Code", error.code.as_str()),
                ("Message", &error.message),
                ("Resource", &resource),
                ("RequestId", &id),
            ];
            let inside: String = inside.iter().map(|(name, text)| element(name, text)).collect();
            (error.status, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{inside}</Error>"))
        }
    };
    Reply { status, headers, body: Bytes::from(body) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use serde_json::json;

    use super::super::super::wire::ApiError;
    use super::*;

    fn read(method: &str, path: &str) -> (String, Value) {
        let request =
            Request::builder().method(method).uri(path).header("content-type", "text/plain").body(()).unwrap();
        call(&request.into_parts().0, &Bytes::from("body"))
    }

    #[test]
    fn the_path_names_bucket_and_key() {
        let (operation, request) = read("PUT", "/keys/a%20b/c+%2B%C3%A9?x-id=PutObject");
        assert_eq!(operation, "PutObject");
        let expected = json!({ "Bucket": "keys", "Key": "a b/c++é", "ContentType": "text/plain", "Body": "body" });
        assert_eq!(request, expected);
        let (operation, request) = read("GET", "/keys/a");
        assert_eq!((operation.as_str(), request.get("Body")), ("GetObject", None));
        for (method, path) in [("PUT", "/keys"), ("PUT", "/keys/"), ("PUT", "/keys/a?acl"), ("DELETE", "/keys/a")] {
            assert_eq!(read(method, path).0, format!("{method} {path}"));
        }
    }

    #[test]
    fn an_error_is_told_by_its_code_and_an_object_by_its_headers() {
        let request = json!({ "Bucket": "keys", "Key": "a<b" });
        let error = ApiError { status: 404, ..ApiError::new("NoSuchKey", "no & never") };
        let told = reply(&request, &Err(error));
        assert_eq!((told.status, told.error_code().as_deref()), (404, Some("NoSuchKey")));
        let body = String::from_utf8_lossy(&told.body).into_owned();
        assert!(body.contains("<Message>no &amp; never</Message><Resource>keys/a&lt;b</Resource>"), "{body}");
        let told = reply(&request, &Ok(json!({ "Body": "one", "ContentType": "text/plain", "CacheControl": null })));
        assert_eq!((told.status, &told.body[..], told.headers.len()), (200, &b"one"[..], 2));
    }
}
