//! keyroll in this process, over the model of AWS.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use keyroll::error::Error;
use keyroll::{App, Clients, Config, Env};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::aws::Aws;
use crate::world::{SECRET, World};

pub struct Stage {
    pub aws: Aws,
    app: App,
    variables: Vec<(&'static str, &'static str)>,
}

/// What an action came to, and how long it took.
pub struct Outcome {
    pub answer: Result<Value, Error>,
    pub took: Duration,
}

impl Stage {
    pub async fn of(world: World) -> Self {
        Self::with(world, &[]).await
    }

    pub async fn with(world: World, variables: &[(&'static str, &'static str)]) -> Self {
        let aws = Aws::new(world);
        Self { app: app(&aws, variables).await, aws, variables: variables.to_vec() }
    }

    /// Another process, which remembers nothing.
    pub async fn cold(&mut self) {
        self.app = app(&self.aws, &self.variables).await;
    }

    /// Does an action on the secret in a function of this timeout, which must answer before Lambda would end it.
    pub async fn act(&self, action: &str, timeout: u64) -> Outcome {
        let begun = Instant::now();
        let mut context = Context::default();
        context.deadline = now() + timeout * 1000;
        let payload = serde_json::from_value(json!({ "Action": action, "SecretId": SECRET })).unwrap();
        let answer = self.app.handle(LambdaEvent::new(payload, context)).await;
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(timeout), "{action} took {took:?} of {timeout} s");
        Outcome { answer: answer.map(|answer| serde_json::to_value(answer).unwrap()), took }
    }

    /// Finishes the rollout in a function with time enough, and tells what that came to.
    pub async fn reconcile(&self) -> Outcome {
        self.act("Reconcile", 300).await
    }

    /// The names of the services with this verdict.
    pub async fn verdicts(&self, verdict: &str) -> Vec<String> {
        self.reconcile().await.verdicts(verdict)
    }

    pub fn closed(&self) -> bool {
        self.aws.state().world.closed()
    }
}

impl Outcome {
    pub fn ok(&self) -> &Value {
        self.answer.as_ref().unwrap()
    }

    /// The names of the services with this verdict.
    pub fn verdicts(&self, verdict: &str) -> Vec<String> {
        let services = self.ok()["services"].as_array().unwrap().iter();
        let of_it = services.filter(|service| service["verdict"] == verdict);
        of_it.map(|service| service["service"].as_str().unwrap().to_owned()).collect()
    }

    pub fn error(&self) -> String {
        let error = self.answer.as_ref().unwrap_err();
        format!("{}: {error}", error.kind().name())
    }
}

async fn app(aws: &Aws, variables: &[(&str, &str)]) -> App {
    let config = Config::from_env(&Env::of(variables)).unwrap();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(aws.clone());
    let clients = Clients::load(loader, &config).await;
    App::new(config, clients)
}

#[expect(clippy::disallowed_methods, reason = "Lambda tells its deadline in the system's time")]
fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Shows a line with the test's result.
#[expect(clippy::print_stdout, reason = "what it took is part of the result")]
pub fn told(line: &str) {
    println!("{line}");
}
