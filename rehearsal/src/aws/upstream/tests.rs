//! First against a second stage in the upstream's place, then against ministack itself.

use hyper::HeaderMap;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::{CURRENT, FUNCTION_KEY, Fault, LocalAws, PENDING, Rule, UPSTREAM_ACCOUNT};
use super::*;
use crate::ministack::Ministack;
use crate::signed::Caller;

struct Pair {
    upstream: LocalAws,
    aws: LocalAws,
}

async fn pair() -> Pair {
    let upstream = LocalAws::start().await.unwrap();
    let aws = LocalAws::start_with_upstream(&upstream.url()).await.unwrap();
    let request = json!({"Name": "app/db", "SecretString": "one", "ClientRequestToken": "1".repeat(32)});
    assert_eq!(aws.call("secretsmanager", "CreateSecret", request).await.unwrap().status, 200);
    Pair { upstream, aws }
}

impl Pair {
    async fn call(&self, operation: &str, fields: Value) -> super::super::Response {
        let mut request = json!({ "SecretId": "app/db" });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.aws.call_as(FUNCTION_KEY, "secretsmanager", operation, request).await.unwrap()
    }
}

#[test]
fn denials_are_told_from_errors_of_the_call() {
    let reply = |status, code: &str| Reply {
        status,
        headers: HeaderMap::new(),
        body: Bytes::from(format!(r#"{{"__type":"{code}"}}"#)),
    };
    for code in ["AccessDeniedException", "InvalidSignatureException", "ExpiredTokenException"] {
        assert!(is_denial(&reply(400, code)), "{code}");
    }
    assert!(is_denial(&reply(403, "Whatever")));
    assert!(!is_denial(&reply(400, "ResourceNotFoundException")));
    assert!(!is_denial(&reply(200, "")));
}

#[tokio::test]
async fn the_upstream_makes_the_arn_and_the_model_answers() {
    let pair = pair().await;
    let arn = pair.aws.secret("app/db").unwrap().arn;
    assert_eq!(pair.upstream.secret("app/db").unwrap().arn, arn);
    // What the upstream holds is nobody's business.
    pair.upstream.put_value("app/db", "theirs", &[CURRENT]).unwrap();
    assert_eq!(pair.call("GetSecretValue", json!({})).await.body["SecretString"], "one");
    pair.upstream.fault(Rule::any(Fault::error("InternalServiceError", 500, "broken")));
    assert_eq!(pair.call("GetSecretValue", json!({})).await.body["SecretString"], "one");
}

#[tokio::test]
async fn what_the_upstream_denies_is_denied_and_not_applied() {
    let pair = pair().await;
    let before = pair.aws.snapshot();
    pair.upstream.fault(Rule::on("PutSecretValue", Fault::error("AccessDeniedException", 400, "not you")));
    let answer = pair.call("PutSecretValue", json!({"SecretString": "two"})).await;
    assert_eq!((answer.status, &answer.body["__type"]), (400, &json!("AccessDeniedException")));
    assert_eq!(pair.aws.snapshot(), before);
    assert_eq!(pair.aws.function_calls()[0].error.as_deref(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn rotations_never_reach_the_upstream() {
    let pair = pair().await;
    let answer = pair.call("RotateSecret", json!({"RotationLambdaARN": "arn:x"})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(pair.call("CancelRotateSecret", json!({})).await.status, 200);
    assert!(pair.aws.holder("app/db", PENDING).is_some());
    let seen: Vec<String> = pair.upstream.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(seen, ["CreateSecret"]);
}

#[tokio::test]
async fn other_services_are_the_upstreams_and_are_recorded() {
    let pair = pair().await;
    pair.upstream.create_cluster("main").unwrap();
    let answer = pair.aws.call("ecs", "ListClusters", json!({})).await.unwrap();
    assert_eq!(answer.body["clusterArns"].as_array().unwrap().len(), 1);
    assert_eq!(pair.aws.calls().last().unwrap().service, "ecs");
}

#[tokio::test]
async fn a_request_travels_with_its_path_headers_and_bytes_as_they_were() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let received = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4096];
        let mut length = 0;
        while !buffer[..length].ends_with(b"\x00\xff!") {
            length += stream.read(&mut buffer[length..]).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 418 Pot\r\nx-theirs: yes\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        buffer.truncate(length);
        String::from_utf8_lossy(&buffer).into_owned()
    });
    let aws = LocalAws::start_with_upstream(&url).await.unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", aws.port())).await.unwrap();
    let request = "PUT /2015-03-31/functions/a%2Fb?x=1 HTTP/1.1\r\nhost: of.my.own:1\r\nx-amz-date: now\r\n\
                authorization: AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/lambda/aws4_request\r\n\
                connection: close\r\ncontent-length: 3\r\n\r\n";
    stream.write_all(&[request.as_bytes(), b"\x00\xff!"].concat()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 418") && answer.contains("x-theirs: yes") && answer.ends_with("hi"),
        "{answer}"
    );
    let heard = received.await.unwrap();
    assert!(heard.starts_with("PUT /2015-03-31/functions/a%2Fb?x=1 HTTP/1.1\r\n"), "{heard}");
    for line in ["host: of.my.own:1\r\n", "x-amz-date: now\r\n", "authorization: AWS4-HMAC-SHA256 Credential=KEY"] {
        assert!(heard.contains(line), "{heard}");
    }
    let call = aws.calls().remove(0);
    assert_eq!((call.service.as_str(), call.access_key.as_str(), call.status), ("lambda", "KEY", Some(418)));
    assert_eq!(call.operation, "PUT /2015-03-31/functions/a%2Fb");
}

#[tokio::test]
async fn an_upstream_that_is_gone_is_said_so() {
    let pair = pair().await;
    drop(pair.upstream);
    tokio::task::yield_now().await;
    let answer = pair.aws.call("secretsmanager", "ListSecrets", json!({})).await.unwrap();
    assert_eq!((answer.status, &answer.body["__type"]), (503, &json!("ServiceUnavailable")));
    assert!(LocalAws::start_with_upstream("127.0.0.1:1").await.is_err());
}

#[tokio::test]
async fn ministack_decides_who_may_and_the_model_what_happens() {
    let ministack = Ministack::start().unwrap();
    let aws = LocalAws::start_with_upstream(&ministack.endpoint()).await.unwrap();
    let admin = Caller::administrator(aws.port());
    let token = "11111111-1111-1111-1111-111111111111";
    let created = json!({"Name": "app/db", "SecretString": "one", "ClientRequestToken": token});
    let arn = admin.secrets("CreateSecret", &created).await.unwrap()["ARN"].as_str().unwrap().to_owned();
    assert!(arn.contains(&format!(":{UPSTREAM_ACCOUNT}:secret:app/db-")), "{arn}");
    // ministack would have made up a version id.
    assert_eq!(aws.holder(&arn, CURRENT).as_deref(), Some(token));

    admin.iam("CreateUser", &[("UserName", "reader")]).await.unwrap();
    let statement = json!([{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn}]);
    let policy = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let put = [("UserName", "reader"), ("PolicyName", "p"), ("PolicyDocument", policy.as_str())];
    admin.iam("PutUserPolicy", &put).await.unwrap();
    let keys = admin.iam("CreateAccessKey", &[("UserName", "reader")]).await.unwrap();
    let inside = |tag: &str| keys.split(&format!("<{tag}>")).nth(1).unwrap().split('<').next().unwrap().to_owned();
    let (key, secret) = (inside("AccessKeyId"), inside("SecretAccessKey"));

    let reader = Caller::new(aws.port(), &key, &secret);
    let value = reader.secrets("GetSecretValue", &json!({"SecretId": "app/db"})).await.unwrap();
    assert_eq!((&value["SecretString"], &value["VersionId"]), (&json!("one"), &json!(token)));
    let before = aws.snapshot();
    for (operation, fields) in [("PutSecretValue", json!({"SecretString": "two"})), ("DescribeSecret", json!({}))] {
        let mut request = json!({"SecretId": arn});
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let error = reader.secrets(operation, &request).await.unwrap_err().to_string();
        assert!(error.contains("AccessDenied"), "{error}");
    }
    let liar = Caller::new(aws.port(), &key, "not the secret key");
    let error = liar.secrets("GetSecretValue", &json!({"SecretId": arn})).await.unwrap_err().to_string();
    assert!(error.contains("InvalidSignatureException"), "{error}");
    assert_eq!(aws.snapshot(), before);
    assert_eq!(aws.calls_of(&key).len(), 4);

    // ministack lets two versions hold one label and overwrites the value of a token; the model does neither.
    let pending = "22222222-2222-2222-2222-222222222222";
    let put = |value: &str| json!({"SecretId": arn, "SecretString": value, "ClientRequestToken": pending, "VersionStages": [PENDING]});
    admin.secrets("PutSecretValue", &put("two")).await.unwrap();
    let error = admin.secrets("PutSecretValue", &put("other")).await.unwrap_err().to_string();
    assert!(error.contains("ResourceExistsException"), "{error}");
    admin.ecs("CreateCluster", &json!({"clusterName": "c"})).await.unwrap();
    assert!(aws.snapshot().secrets[&arn].versions.len() == 2 && aws.calls().last().unwrap().service == "ecs");
}
