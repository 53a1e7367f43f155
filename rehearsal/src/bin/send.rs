//! `make send`: events, sent to the built function on a stage of its own, and what it answers. A secret's ARN and version
//! in an event are replaced by those of the stage, so that the samples in `events/` do what they do in earnest: the four
//! rotation steps one after the other are a rotation.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rehearsal::aws::{LocalAws, random};
use rehearsal::lambda::{Function, Outcome};
use rehearsal::postgres::{Postgres, identifier, literal};
use serde_json::{Value, json};

const ROLE: &str = "orders_app";
const TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let binary = arguments.next().context("call it as: send BOOTSTRAP EVENT.json...")?;
    let events: Vec<PathBuf> = arguments.collect();
    let postgres = Postgres::start()?;
    let password = random::uuid();
    postgres.sql(&format!("CREATE ROLE {} LOGIN PASSWORD {}", identifier(ROLE), literal(&password)))?;
    let aws = LocalAws::start().await?;
    let authority = postgres.ca_pem_path().display().to_string();
    let function = Function::start(binary, [("AWS_ENDPOINT_URL", aws.url()), ("KEYROLL_CA_BUNDLE", authority)])?;
    let (secret, version) = set(&aws, &function, postgres.port(), &password)?;
    for path in events {
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let event = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
        let answer = match function.invoke(&here(event, &secret, &version), TIMEOUT).await? {
            Outcome::Answer(answer) => answer,
            Outcome::Error { error_type, message } => json!({ "errorType": error_type, "errorMessage": message }),
            other => json!({ "ended": format!("{other:?}") }),
        };
        writeln!(std::io::stdout(), "{}\n{answer:#}", path.display())?;
    }
    Ok(())
}

/// A secret with a rotation under way, and two services that take it.
fn set(aws: &LocalAws, function: &Function, port: u16, password: &str) -> Result<(String, String)> {
    let value = json!({
        "engine": "postgres", "host": "localhost", "port": port, "username": ROLE, "password": password,
        "dbname": "postgres",
    });
    let secret = aws.create_secret("orders/db", &value.to_string(), &[])?;
    aws.enable_rotation(&secret, function.arn(), json!({ "AutomaticallyAfterDays": 30 }))?;
    aws.create_cluster("prod")?;
    let definition = aws.register_with_secrets("orders", &[&format!("{secret}:password::")])?;
    for service in ["orders-api", "orders-worker"] {
        aws.create_service("prod", service, &definition)?;
    }
    let version = random::uuid();
    aws.stage_pending(&secret, &version)?;
    Ok((secret, version))
}

/// The event, about this stage's secret and version.
fn here(mut event: Value, secret: &str, version: &str) -> Value {
    for (key, value) in [("SecretId", secret), ("ClientRequestToken", version)] {
        if let Some(field) = event.get_mut(key) {
            *field = json!(value);
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ids_of_an_event_are_replaced() {
        let rotation = json!({"Step": "setSecret", "SecretId": "a", "ClientRequestToken": "v", "RotationToken": "t"});
        let expected = json!({"Step": "setSecret", "SecretId": "s", "ClientRequestToken": "w", "RotationToken": "t"});
        assert_eq!(here(rotation, "s", "w"), expected);
        assert_eq!(here(json!({"Action": "Reconcile"}), "s", "w"), json!({"Action": "Reconcile"}));
    }
}
