//! The part of S3 that publishing an object needs: buckets, `PutObject` and `GetObject`, by the path of the URL.

mod rest;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::wire::{Answer, ApiError, Fields as _};
pub(crate) use rest::{call, reply};

/// An object, with everything that was ever put there: tests look at the order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// What it holds now.
    pub body: String,
    /// `Content-Type`, as it was put.
    pub content_type: Option<String>,
    /// `Cache-Control`, as it was put.
    pub cache_control: Option<String>,
    /// What each put brought, the last one included.
    pub bodies: Vec<String>,
}

/// Objects by bucket and key.
pub type Buckets = BTreeMap<String, BTreeMap<String, Object>>;

/// Everything in S3.
#[derive(Default)]
pub(crate) struct S3 {
    buckets: Buckets,
}

impl S3 {
    /// Makes an empty bucket.
    pub(crate) fn create_bucket(&mut self, name: &str) {
        self.buckets.entry(name.to_owned()).or_default();
    }

    pub(crate) fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Answers one call, as [`call`] reads it, in the shape that [`reply`] writes.
    pub(crate) fn answer(&mut self, operation: &str, request: &Value) -> Answer {
        let absent = |code: &str, message: &str| ApiError { status: 404, ..ApiError::new(code, message) };
        let (name, key) = (request.require("Bucket")?, request.require("Key")?);
        let bucket = self.buckets.get_mut(name);
        let bucket = bucket.ok_or_else(|| absent("NoSuchBucket", "The specified bucket does not exist"))?;
        match operation {
            "PutObject" => {
                let body = request.require("Body")?.to_owned();
                let crc = checksum(body.as_bytes());
                if request.text("ChecksumCRC32").is_some_and(|sent| sent != crc) {
                    return Err(ApiError::new(
                        "BadDigest",
                        "The CRC32 you specified did not match the calculated checksum.",
                    ));
                }
                let object = bucket.entry(key.to_owned()).or_default();
                object.content_type = request.text("ContentType").map(str::to_owned);
                object.cache_control = request.text("CacheControl").map(str::to_owned);
                object.bodies.push(body.clone());
                object.body = body;
                Ok(json!({ "ETag": etag(&object.body) }))
            }
            "GetObject" => {
                let object = bucket.get(key);
                let object = object.ok_or_else(|| absent("NoSuchKey", "The specified key does not exist."))?;
                Ok(json!({
                    "Body": object.body,
                    "ContentType": object.content_type.as_deref().unwrap_or("binary/octet-stream"),
                    "CacheControl": object.cache_control,
                    "ETag": etag(&object.body),
                }))
            }
            unknown => {
                let message = format!("the stage has no {unknown} of `s3` without an upstream");
                Err(ApiError { status: 501, ..ApiError::new("NotImplemented", message) })
            }
        }
    }
}

/// S3's is an MD5 in most cases; a client may only compare it.
fn etag(body: &str) -> String {
    format!("\"{:08x}\"", crc32(body.as_bytes()))
}

/// `x-amz-checksum-crc32`: big-endian, in base64.
fn checksum(body: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(crc32(body).to_be_bytes())
}

/// CRC-32 of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, body: &str) -> Value {
        json!({ "Bucket": "keys", "Key": key, "ContentType": "text/plain", "CacheControl": "no-store", "Body": body })
    }

    fn s3() -> S3 {
        S3 { buckets: BTreeMap::from([("keys".to_owned(), BTreeMap::new())]) }
    }

    #[test]
    fn an_object_is_replaced_whole_and_remembers_what_it_was() {
        let mut s3 = s3();
        let first = s3.answer("PutObject", &put("a/b", "one")).unwrap();
        let second = s3.answer("PutObject", &json!({ "Bucket": "keys", "Key": "a/b", "Body": "two" })).unwrap();
        assert_ne!(first, second);
        let object = &s3.buckets()["keys"]["a/b"];
        assert_eq!((object.body.as_str(), &object.content_type, &object.cache_control), ("two", &None, &None));
        assert_eq!(object.bodies, ["one", "two"]);
        let answer = s3.answer("GetObject", &json!({ "Bucket": "keys", "Key": "a/b" })).unwrap();
        assert_eq!((&answer["Body"], &answer["ContentType"]), (&json!("two"), &json!("binary/octet-stream")));
    }

    #[test]
    fn what_is_not_there_is_told_as_s3_words_it() {
        let mut s3 = s3();
        for (operation, bucket, status, code) in [
            ("PutObject", "other", 404, "NoSuchBucket"),
            ("GetObject", "other", 404, "NoSuchBucket"),
            ("GetObject", "keys", 404, "NoSuchKey"),
            ("DELETE /keys/a", "keys", 501, "NotImplemented"),
        ] {
            let error = s3.answer(operation, &json!({ "Bucket": bucket, "Key": "a", "Body": "" })).unwrap_err();
            assert_eq!((error.status, error.code.as_str()), (status, code), "{operation} {bucket}");
        }
    }

    #[test]
    fn a_body_that_does_not_fit_its_checksum_is_not_taken() {
        let mut s3 = s3();
        // The check value of CRC-32/ISO-HDLC: "123456789" gives cbf43926.
        let mut request = put("a", "123456789");
        request["ChecksumCRC32"] = json!("y/Q5Jg==");
        assert!(s3.answer("PutObject", &request).is_ok());
        request["Body"] = json!("123456780");
        assert_eq!(s3.answer("PutObject", &request).unwrap_err().code, "BadDigest");
        assert_eq!(s3.buckets()["keys"]["a"].bodies.len(), 1);
    }
}
