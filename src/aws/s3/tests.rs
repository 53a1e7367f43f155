//! Against the stage's S3 over HTTP, and over a connection that only notes what it is given.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use rehearsal::aws::{FUNCTION_KEY, Fault, LocalAws, Rule};
use serde_json::json;

use super::*;
use crate::config::{Config, Env};

const KEY: &str = ".well-known/a+b c/jwks.json";

async fn client(http: impl HttpClient + 'static, endpoint: Option<&str>, region: &'static str) -> S3 {
    let config = Config::from_env(&Env::of(&[])).unwrap();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(region))
        .credentials_provider(Credentials::new(FUNCTION_KEY, "secret", None, None, "test"))
        .http_client(http);
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    crate::Clients::load(loader, &config).await.s3
}

async fn stage() -> (LocalAws, S3) {
    let aws = LocalAws::start().await.unwrap();
    aws.create_bucket("keys");
    let s3 = client(Builder::new().build_http(), Some(&aws.url()), "us-east-1").await;
    (aws, s3)
}

async fn put(s3: &S3, body: &str) -> Result<()> {
    s3.put_public("keys", KEY, body).await
}

/// Answers everything alike.
#[derive(Clone, Debug)]
struct Wire {
    status: u16,
    body: &'static str,
    seen: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Wire {
    fn answering(status: u16, body: &'static str) -> Self {
        Self { status, body, seen: Arc::default() }
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.seen.lock().unwrap().push(request);
        let mut answer = HttpResponse::new(self.status.try_into().unwrap(), SdkBody::from(self.body));
        answer.headers_mut().insert("x-amz-bucket-region", "eu-north-1");
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[tokio::test]
async fn an_object_is_put_whole_with_its_type_its_time_to_live_and_a_checksum() {
    let (aws, s3) = stage().await;
    for body in ["{\"keys\":[]}", "{}", "{}"] {
        put(&s3, body).await.unwrap();
    }
    let object = aws.object("keys", KEY).unwrap();
    assert_eq!(object.content_type.as_deref(), Some("application/jwk-set+json"));
    assert_eq!(object.cache_control.as_deref(), Some("public, max-age=300"));
    assert_eq!(object.bodies, ["{\"keys\":[]}", "{}", "{}"]);
    let calls = aws.function_calls();
    assert_eq!((calls[1].service.as_str(), calls[1].operation.as_str()), ("s3", "PutObject"));
    let expected = json!({
        "Bucket": "keys", "Key": KEY, "Body": "{}", "ContentType": "application/jwk-set+json",
        "CacheControl": "public, max-age=300", "ChecksumCRC32": "o6a/Qw==",
    });
    assert_eq!(calls[1].request, expected);
    assert_eq!(calls.iter().map(|call| call.connection).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test]
async fn a_bucket_is_called_at_its_own_host_and_one_with_dots_by_the_path() {
    for (region, bucket, uri) in [
        ("eu-west-1", "keys", "https://keys.s3.eu-west-1.amazonaws.com/.well-known/a%2Bb%20c/jwks.json"),
        ("us-east-1", "keys", "https://keys.s3.us-east-1.amazonaws.com/.well-known/a%2Bb%20c/jwks.json"),
        ("cn-north-1", "keys", "https://keys.s3.cn-north-1.amazonaws.com.cn/.well-known/a%2Bb%20c/jwks.json"),
        // One name of the certificate's wildcard has no dots.
        ("eu-west-1", "a.example", "https://s3.eu-west-1.amazonaws.com/a.example/.well-known/a%2Bb%20c/jwks.json"),
    ] {
        let wire = Wire::answering(200, "");
        client(wire.clone(), None, region).await.put_public(bucket, KEY, "{}").await.unwrap();
        let seen = wire.seen.lock().unwrap();
        let [request] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!((request.method(), request.uri().split('?').next().unwrap()), ("PUT", uri));
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        assert!(header("authorization").contains(&format!("/{region}/s3/aws4_request")), "{request:?}");
        assert_eq!(header("x-amz-content-sha256").len(), 64, "the body is signed: {request:?}");
        assert_eq!((header("content-type"), header("x-amz-checksum-crc32")), (JWK_SET, "o6a/Qw=="));
        assert_eq!(request.body().bytes(), Some(&b"{}"[..]));
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_told() {
    let (aws, s3) = stage().await;
    for fault in [Fault::error("InternalError", 500, "again"), Fault::error("SlowDown", 503, "less"), Fault::LoseAnswer]
    {
        aws.clear_faults();
        aws.fault(Rule::on("PutObject", fault).nth(1));
        put(&s3, "{}").await.unwrap();
    }
    // The put whose answer was lost has been done, and once more.
    assert_eq!(aws.object("keys", KEY).unwrap().bodies.len(), 4);
    aws.fault(Rule::on("PutObject", Fault::error("InvalidRequest", 400, "no")));
    let error = put(&s3, "{}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedAws);
    assert!(error.to_string().contains("InvalidRequest: no"), "{error}");
}

#[tokio::test]
async fn a_denial_names_the_statement_that_is_lacking() {
    let (aws, s3) = stage().await;
    aws.fault(Rule::on("PutObject", Fault::Denied).nth(1));
    let of_kms =
        "User: arn:x is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:r:1:key/k because no y";
    aws.fault(Rule::on("PutObject", Fault::error("AccessDenied", 403, of_kms)).nth(2));
    aws.fault(Rule::on("PutObject", Fault::error("AccessDenied", 403, "Access Denied")).nth(3));
    let object = "arn:aws:s3:::keys/.well-known/a+b c/jwks.json";
    for (action, resource) in [
        ("s3:PutObject", "arn:aws:s3:::keys/.well-known/a+b c/jwks.json"),
        ("kms:GenerateDataKey", "arn:aws:kms:r:1:key/k"),
        ("s3:PutObject", object),
    ] {
        let error = put(&s3, "{}").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedPermission);
        let statement = format!("{{\"Effect\": \"Allow\", \"Action\": \"{action}\", \"Resource\": \"{resource}\"}}");
        assert!(error.remedy().contains(&statement), "{error}");
    }
    assert_eq!(aws.object("keys", KEY), None);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_or_lies_elsewhere_is_refused_with_what_to_change() {
    let (_aws, s3) = stage().await;
    let error = s3.put_public("kyes", "a", "{}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RefusedSetting);
    assert!(
        error.to_string().contains("s3:PutObject on arn:aws:s3:::kyes/a was answered with NoSuchBucket"),
        "{error}"
    );
    for (status, body, told) in [
        (301, "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>", "lies in eu-north-1"),
        (
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'a' is wrong; expecting 'b'</Message></Error>",
            "lies in eu-north-1",
        ),
        (301, "", "lies in eu-north-1"),
        (400, "<Error><Code>KMS.DisabledException</Code><Message>key is disabled</Message></Error>", "key is disabled"),
    ] {
        let wire = Wire::answering(status, body);
        let error = put(&client(wire.clone(), None, "us-gov-west-1").await, "{}").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedSetting, "{error}");
        assert!(error.to_string().contains(told) && error.to_string().contains("arn:aws-us-gov:s3:::keys/"), "{error}");
        assert_eq!(wire.seen.lock().unwrap().len(), 1, "{body} is not tried again");
    }
}
