//! S3: objects that anybody may read.

use std::sync::OnceLock;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::error::{code, failed};
use crate::error::{Error, ErrorKind, Result};

/// How long a reader may go on using the object that it has fetched, in seconds. The publisher of a key has to wait that
/// long before anything is signed with it.
pub(crate) const CACHE_SECONDS: u32 = 300;

/// A JWK Set, RFC 7517, section 8.5.2.
const JWK_SET: &str = "application/jwk-set+json";

/// The client, made when it is first used: most functions never publish anything.
pub(crate) struct S3 {
    shared: SdkConfig,
    client: OnceLock<Client>,
}

impl S3 {
    pub(crate) fn new(shared: &SdkConfig) -> Self {
        Self { shared: shared.clone(), client: OnceLock::new() }
    }

    /// Stores the public half of signing keys, a JWK Set, as this object.
    ///
    /// Safe to repeat: a put replaces the object as a whole or not at all, and the same put again leaves the same object; a
    /// bucket that keeps versions has one more of them, equal to the last. Of two different puts the later one stays, so that
    /// the caller has to make sure that its own is not overdue.
    ///
    /// The SDK's default sends a CRC-32 of the body, which it has at hand as a whole, as a header: S3 refuses a put without
    /// any checksum where the bucket retains its objects (Object Lock), and a trailer would ask for chunks (`aws-chunked`).
    pub(crate) async fn put_public(&self, bucket: &str, key: &str, body: &str) -> Result<()> {
        let client = self.client.get_or_init(|| Client::new(&self.shared));
        client
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type(JWK_SET)
            .cache_control(format!("public, max-age={CACHE_SECONDS}"))
            .body(ByteStream::from(body.as_bytes().to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(|error| told(bucket, &self.arn(bucket, key), &error))
    }

    fn arn(&self, bucket: &str, key: &str) -> String {
        let partition = match self.shared.region().map_or("", AsRef::as_ref) {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            region if region.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        format!("arn:{partition}:s3:::{bucket}/{key}")
    }
}

/// Our error for a put that failed.
fn told(bucket: &str, arn: &str, error: &SdkError<PutObjectError, HttpResponse>) -> Error {
    let code = code(error).unwrap_or_default();
    let message = error.as_service_error().and_then(|error| error.message()).unwrap_or("no message");
    let refused = |cause: String, remedy: &str| {
        Error::new(ErrorKind::RefusedSetting, format!("s3:PutObject on {arn} was answered with {cause}"), remedy)
    };
    if code == "NoSuchBucket" {
        return refused(
            format!("{code}: there is no bucket {bucket}"),
            "correct the bucket's name in the tag keyroll:copies, or create the bucket in the function's Region",
        );
    }
    // Each endpoint knows the buckets of its own Region; S3 tells in a header where another one lies.
    let answer = error.raw_response();
    let region = answer.and_then(|answer| answer.headers().get("x-amz-bucket-region"));
    let elsewhere = match code {
        "PermanentRedirect" | "IllegalLocationConstraintException" => true,
        "AuthorizationHeaderMalformed" => message.contains("expecting"),
        _ => answer.is_some_and(|answer| answer.status().as_u16() == 301),
    };
    if elsewhere {
        return refused(
            format!("{code}: the bucket lies in {}, not in the function's Region", region.unwrap_or("another Region")),
            "name a bucket in the function's Region; S3 can replicate the object to others",
        );
    }
    if code.starts_with("KMS.") {
        return refused(
            format!("{code}: {message}"),
            "see the KMS key of the bucket's default encryption: it has to exist in this Region and to be enabled",
        );
    }
    failed("s3:PutObject", arn, error)
}

#[cfg(test)]
mod tests;
