//! The look with the real SDK, over answers of ECS made here, in virtual time.
#![expect(clippy::disallowed_methods, reason = "tests measure how long a call takes")]

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::api::Doing;
use crate::aws::Clients;
use crate::config::{Config, Env};
use crate::context::{Clock, Memory, Scene};
use crate::rollout::search;
use crate::secret::{SecretId, Step};
use std::time::Duration;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";
const DENIED: &str = "AccessDeniedException";
const THROTTLED: &str = "ThrottlingException";
const SILENCE: &str = "no answer at all";

/// Services of the cluster `prod`, each with the containers of its revision; what fails; the calls.
#[derive(Clone, Default)]
struct Ecs {
    services: Arc<Mutex<Vec<(String, Value, Value)>>>,
    fault: Arc<Mutex<Option<(&'static str, &'static str)>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Ecs {
    /// A service with these containers: each a name and what it takes, by what follows the secret's ARN.
    fn add(&self, name: &str, containers: &[(&str, &[&str])]) {
        let secret = |suffix: &&str| json!({ "name": "S", "valueFrom": format!("{ARN}{suffix}") });
        let container = |(name, takes): &(&str, &[&str])| json!({ "name": name, "image": "app:1", "secrets": takes.iter().map(secret).collect::<Vec<_>>() });
        self.add_with(name, &json!({}), containers.iter().map(container).collect());
    }

    fn add_with(&self, name: &str, fields: &Value, containers: Value) {
        let revision = revision(name);
        let deployment =
            json!({ "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": revision, "createdAt": 1.0 });
        let mut service = json!({
            "serviceArn": format!("arn:aws:ecs:eu-west-1:000000000000:service/prod/{name}"), "serviceName": name,
            "status": "ACTIVE", "desiredCount": 2, "taskDefinition": revision, "deployments": [deployment],
        });
        service.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.services.lock().unwrap().push((name.to_owned(), service, containers));
    }

    fn fail(&self, operation: &'static str, how: &'static str) {
        *self.fault.lock().unwrap() = Some((operation, how));
    }

    fn called(&self, operation: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| *call == operation).count()
    }

    fn answer(&self, operation: &str, request: &Value) -> Result<Value, &'static str> {
        self.calls.lock().unwrap().push(operation.to_owned());
        if let Some((_, how)) = self.fault.lock().unwrap().filter(|(failing, _)| *failing == operation) {
            return Err(how);
        }
        let services = self.services.lock().unwrap();
        Ok(match operation {
            "ListClusters" => json!({ "clusterArns": ["arn:aws:ecs:eu-west-1:000000000000:cluster/prod"] }),
            "ListServices" => {
                json!({ "serviceArns": services.iter().map(|(_, one, _)| &one["serviceArn"]).collect::<Vec<_>>() })
            }
            "DescribeServices" => {
                let asked = request["services"].as_array().unwrap();
                let known = |name: &&Value| services.iter().find(|(known, ..)| **name == json!(known));
                let gone = asked.iter().filter(|name| known(name).is_none());
                let gone =
                    gone.map(|name| json!({ "arn": format!("x/{}", name.as_str().unwrap()), "reason": "MISSING" }));
                let found = asked.iter().filter_map(|name| known(&name)).map(|(_, service, _)| service);
                json!({ "services": found.collect::<Vec<_>>(), "failures": gone.collect::<Vec<_>>() })
            }
            "DescribeTaskDefinition" => {
                let of = |(name, ..): &&(String, Value, Value)| request["taskDefinition"] == revision(name);
                json!({ "taskDefinition": { "containerDefinitions": services.iter().find(of).unwrap().2 } })
            }
            other => panic!("{other}"),
        })
    }

    async fn respond(self, request: HttpRequest) -> HttpResponse {
        let target = request.headers().get("x-amz-target").unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
        let (status, body) = match self.answer(target.rsplit('.').next().unwrap(), &body) {
            Ok(body) => (200, body),
            Err(SILENCE) => std::future::pending().await,
            Err(code) => (400, json!({ "__type": code, "message": "no" })),
        };
        HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
    }

    /// Looks with these tags, in a function with this many seconds left. Gives how long it took.
    async fn look_within(&self, seconds: u64, tags: &[(&str, &str)]) -> (Option<Error>, Vec<String>, Duration) {
        let began = Instant::now();
        let looked =
            self.context(seconds, async |context| find(context, ARN, &Settings::read(tags.iter().copied())).await);
        let (error, warnings) = looked.await;
        (error, warnings, began.elapsed())
    }

    async fn look(&self, tags: &[(&str, &str)]) -> (Option<Error>, Vec<String>) {
        let (error, warnings, _) = self.look_within(60, tags).await;
        (error, warnings)
    }

    async fn context<T>(&self, seconds: u64, work: impl AsyncFnOnce(&Context<'_>) -> T) -> T {
        let (config, memory) = (Config::from_env(&Env::of(&[])).unwrap(), Memory::default());
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .http_client(self.clone());
        let clients = Clients::load(loader, &config).await;
        let longest = Clock::ending_at(0);
        let clock = longest.leaving(longest.left().saturating_sub(Duration::from_secs(seconds)));
        let (scene, secret) = (Scene::new(clock), SecretId::parse(ARN).unwrap());
        let (doing, scene) = (Doing::Step(Step::Create), &scene);
        work(&Context { config: &config, clients: &clients, memory: &memory, clock, secret: &secret, doing, scene })
            .await
    }
}

impl fmt::Debug for Ecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ecs")
    }
}

impl HttpConnector for Ecs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let ecs = self.clone();
        HttpConnectorFuture::new(async move { Ok(ecs.respond(request).await) })
    }
}

impl HttpClient for Ecs {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn revision(family: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:000000000000:task-definition/{family}:7")
}

const PAIR: &[&str] = &[":password::", ":username::"];
const HALF: &[&str] = &[":password::"];

#[tokio::test(start_paused = true)]
async fn every_container_of_every_dependent_is_told_in_one_refusal() {
    let ecs = Ecs::default();
    ecs.add("api", &[("app", PAIR), ("proxy", HALF)]);
    ecs.add("fine", &[("app", PAIR), ("sidecar", &[""]), ("other", &[])]);
    ecs.add("old", &[("app", &[":password:AWSPREVIOUS:", ":username::"])]);
    let expected = "prod/api: the container proxy of api:7 takes password by AWSCURRENT and no username; prod/old: the \
         container app of old:7 takes password by AWSPREVIOUS and username by AWSCURRENT";
    for tags in [&[][..], &[("keyroll:services", "prod/api prod/fine prod/old prod/gone")]] {
        let (error, warnings) = ecs.look(tags).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::RefusedSetting);
        assert!(error.cause().ends_with(&format!("the old name: {expected}")), "{error}");
        assert!(error.remedy().contains(&format!("\"valueFrom\": \"{ARN}:username::\"")), "{error}");
        assert!(error.remedy().contains("keyroll:strategy=single-user"), "{error}");
        assert_eq!(warnings, Vec::<String>::new());
    }
    let (error, _) = ecs.look(&[("keyroll:services", "prod/fine")]).await;
    assert_eq!(error, None);
}

#[tokio::test(start_paused = true)]
async fn only_the_environment_of_services_that_stay_is_judged() {
    let ecs = Ecs::default();
    let secret = json!([{ "name": "S", "valueFrom": format!("{ARN}:password::") }]);
    let log = json!({ "logDriver": "splunk", "secretOptions": secret });
    let container = json!([{
        "name": "app", "image": "app:1", "logConfiguration": log, "repositoryCredentials": { "credentialsParameter": ARN },
    }]);
    ecs.add_with("log", &json!({}), container);
    let half = || json!([{ "name": "app", "image": "app:1", "secrets": secret }]);
    ecs.add_with("draining", &json!({ "status": "DRAINING" }), half());
    assert_eq!(ecs.look(&[]).await, (None, vec![]));
    ecs.add_with("idle", &json!({ "desiredCount": 0 }), half());
    let (error, _) = ecs.look(&[]).await;
    assert!(
        error
            .unwrap()
            .cause()
            .ends_with("prod/idle: the container app of idle:7 takes password by AWSCURRENT and no username")
    );
}

#[tokio::test(start_paused = true)]
async fn named_services_take_no_search_and_none_takes_no_call() {
    let ecs = Ecs::default();
    ecs.add("api", &[("app", HALF)]);
    ecs.add("other", &[("app", HALF)]);
    let outgoing = json!([
        { "id": "ecs-svc/2", "status": "PRIMARY", "taskDefinition": revision("api") },
        { "id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": revision("other") },
    ]);
    ecs.services.lock().unwrap()[0].1["deployments"] = outgoing;
    assert!(ecs.look(&[("keyroll:services", "prod/api")]).await.0.is_some());
    assert_eq!(*ecs.calls.lock().unwrap(), ["DescribeServices", "DescribeTaskDefinition"]);
    ecs.calls.lock().unwrap().clear();
    assert_eq!(ecs.look(&[("keyroll:services", "none")]).await, (None, vec![]));
    assert_eq!(ecs.look(&[("keyroll:services", "prod")]).await.1.len(), 1);
    assert!(ecs.calls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_a_warning_and_no_refusal() {
    for (tags, operations) in [
        (&[][..], &["ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition"][..]),
        (&[("keyroll:services", "prod/api")], &["DescribeServices", "DescribeTaskDefinition"]),
    ] {
        for operation in operations {
            let ecs = Ecs::default();
            ecs.add("api", &[("app", HALF)]);
            for how in [DENIED, THROTTLED, SILENCE, "ServerException"] {
                ecs.fail(operation, how);
                let (error, warnings, took) = ecs.look_within(30, tags).await;
                assert_eq!(error, None, "{operation} {how}");
                assert!(matches!(&warnings[..], [one] if one.contains(operation)), "{operation} {how}: {warnings:?}");
                assert!(took <= Duration::from_millis(10_100), "{operation} {how}: {took:?}");
                let allowed = warnings[0].contains(&format!("allows ecs:{operation}"));
                assert_eq!(allowed, how == DENIED, "{warnings:?}");
                // An owner who has named the services gets no advice to do so.
                let narrow = warnings[0].contains("in the tag keyroll:services");
                assert!(how != DENIED || narrow == tags.is_empty(), "{warnings:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_look_takes_a_third_of_the_time_and_20_seconds_at_most() {
    let ecs = Ecs::default();
    for number in 0..1000 {
        ecs.add(&format!("s{number:03}"), &[("app", if number == 0 { HALF } else { PAIR })]);
    }
    for (seconds, most) in [(900, 20), (61, 20), (30, 10), (3, 1), (0, 0)] {
        let (error, warnings, took) = ecs.look_within(seconds, &[]).await;
        assert!(took <= Duration::from_millis(most * 1000 + 100), "{seconds}: {took:?}");
        // What was read in time counts.
        assert_eq!(error.is_some(), most >= 10, "{seconds}");
        assert!(!warnings.is_empty() && warnings[0].contains("20 s at most"), "{seconds}: {warnings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_one_search_in_an_invocation_and_one_with_gaps_is_not_kept() {
    let ecs = Ecs::default();
    ecs.add("api", &[("app", HALF)]);
    let settings = Settings::read([]);
    ecs.context(60, async |context| {
        search(context).await;
        assert!(find(context, ARN, &settings).await.0.is_some());
    })
    .await;
    assert_eq!((ecs.called("ListServices"), ecs.called("DescribeTaskDefinition")), (1, 1));
    ecs.context(60, async |context| {
        assert!(find(context, ARN, &settings).await.0.is_some());
        search(context).await;
    })
    .await;
    assert_eq!((ecs.called("ListServices"), ecs.called("DescribeTaskDefinition")), (2, 2));
    ecs.context(60, async |context| {
        ecs.fail("DescribeServices", THROTTLED);
        assert_eq!(find(context, ARN, &settings).await.1.len(), 1);
        ecs.fail("none", THROTTLED);
        assert!(search(context).await.unseen.is_empty());
        assert!(find(context, ARN, &settings).await.0.is_some());
    })
    .await;
    assert_eq!((ecs.called("ListServices"), ecs.called("DescribeTaskDefinition")), (4, 3));
}
