//! The rotation as it happens: each step with its time, the calls it made and the logins it needed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hyper::Method;
use rehearsal::aws::{Call, LocalAws};
use rehearsal::driver::{Driver, RotationOutcome, invoker};
use rehearsal::lambda::Outcome;
use rehearsal::postgres::Logins;
use rehearsal::signed::Caller;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::screen::{Screen, wrapped};
use crate::stage::{FUNCTION, Stage};

/// What is left of a line beside the times and the step.
const WIDTH: usize = 58;

/// A step that is over.
struct Seen {
    step: String,
    begun: Instant,
    took: Duration,
    outcome: Outcome,
    calls: Vec<Call>,
}

/// Runs the rotations that `RotateSecret` starts, by invoking the function as Secrets Manager does.
pub(crate) struct Rotation {
    driver: Driver,
    steps: UnboundedReceiver<Seen>,
}

/// A rotation that is over.
pub(crate) struct Run(RotationOutcome);

impl Rotation {
    pub(crate) fn watch(stage: &Stage) -> Self {
        let (seen, steps) = unbounded_channel();
        // Past the proxy: this call is Secrets Manager's, not one that the function makes.
        let (lambda, aws) = (stage.ministack.administrator(), stage.aws.downgrade());
        let call = invoker(move |event: Value| {
            let (lambda, aws, seen) = (lambda.clone(), aws.clone(), seen.clone());
            async move {
                let made = |aws: &LocalAws| aws.function_calls();
                let before = aws.upgrade().map_or(0, |aws| made(&aws).len());
                let begun = Instant::now();
                let outcome = invoke(&lambda, &event).await?;
                let took = begun.elapsed();
                let calls = aws.upgrade().map(|aws| made(&aws).split_off(before)).unwrap_or_default();
                let step = event["Step"].as_str().unwrap_or_default().to_owned();
                // Nobody listens any more when the demo ends early.
                let _ = seen.send(Seen { step, begun, took, outcome: outcome.clone(), calls });
                Ok(outcome)
            }
        });
        let driver = Driver::new(&stage.aws, call);
        driver.serve();
        Self { driver, steps }
    }

    /// Shows the steps as they end, until the rotation is over.
    pub(crate) async fn show(mut self, screen: &Screen, stage: &Stage) -> Result<Run> {
        let mut start = None;
        let begin = stage.postgres.mark();
        let mut mark = begin;
        loop {
            let step = tokio::time::timeout(Duration::from_millis(20), self.steps.recv()).await.ok().flatten();
            if let Some(step) = step {
                let start = *start.get_or_insert(step.begun);
                step.show(screen, start, &stage.postgres.logins_since(mark));
                mark = stage.postgres.mark();
            } else if let Some(outcome) = self.driver.history().pop() {
                let run = Run(outcome);
                let (calls, logins) = (stage.aws.function_calls().len(), stage.postgres.logins_since(begin));
                let logins = logins.accepted.len() + logins.failed.len();
                let took = run.took().as_secs_f64();
                screen.line(format!("in all {took:>6.3} s: {calls} calls of AWS, {logins} logins at the database"));
                return Ok(run);
            }
        }
    }

    /// Waits until the rotation is over.
    pub(crate) async fn end(self) -> Run {
        loop {
            if let Some(outcome) = self.driver.history().pop() {
                return Run(outcome);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Seen {
    fn show(&self, screen: &Screen, start: Instant, logins: &Logins) {
        let mut calls = wrapped(&grouped(&self.calls), WIDTH).into_iter();
        screen.moment(self.begun - start, &self.step, Some(self.took), calls.next().unwrap_or_default());
        calls.for_each(|line| screen.under(line));
        if !logins.accepted.is_empty() || !logins.failed.is_empty() {
            let accepted = logins.accepted.iter().map(|role| format!("login as {role}"));
            let failed = logins.failed.iter().map(|role| screen.bad(&format!("failed login as {role}")));
            screen.under(accepted.chain(failed).collect::<Vec<_>>().join(", "));
        }
        match &self.outcome {
            Outcome::Answer(report) => {
                for done in report["done"].as_array().into_iter().flatten() {
                    let text = done.as_str().map_or_else(|| done.to_string(), str::to_owned);
                    for line in paragraph(&text) {
                        screen.under(screen.dim(&line));
                    }
                }
            }
            other => {
                for line in paragraph(&told(other)) {
                    screen.under(screen.bad(&line));
                }
            }
        }
    }
}

impl Run {
    /// The new version.
    pub(crate) fn token(&self) -> &str {
        &self.0.token
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.0.succeeded() && self.0.failures().is_empty()
    }

    pub(crate) fn took(&self) -> Duration {
        self.0.timeline.last().map_or(Duration::ZERO, |last| last.at + last.took)
    }

    /// All that the function answered.
    pub(crate) fn answers(&self) -> String {
        self.0.timeline.iter().map(|run| told(&run.outcome) + "\n").collect::<Vec<_>>().concat()
    }

    /// What must not be in any log: the permission to write in the name of the rotation.
    pub(crate) fn rotation_token(&self) -> &str {
        &self.0.rotation_token
    }

    /// The function's verdict on a service, and its reason.
    pub(crate) fn verdict(&self, service: &str) -> (String, String) {
        let report = self.0.last("finishSecret").and_then(Outcome::answer);
        let services = report.and_then(|it| it["services"].as_array()).into_iter().flatten();
        let mut found = services.filter(|it| it["service"] == service);
        found.next().map_or_else(Default::default, |it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            (text("verdict"), text("reason"))
        })
    }
}

fn paragraph(text: &str) -> Vec<String> {
    wrapped(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), WIDTH)
}

/// One invocation, through Lambda's own API.
pub(crate) async fn invoke(lambda: &Caller, event: &Value) -> Result<Outcome> {
    let answer = lambda.lambda(Method::POST, &format!("functions/{FUNCTION}/invocations"), event).await?;
    let body = answer.json().context("the function answers in JSON")?;
    if !answer.headers.contains_key("x-amz-function-error") {
        return Ok(Outcome::Answer(body));
    }
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    Ok(Outcome::Error { error_type: text("errorType"), message: text("errorMessage") })
}

pub(crate) fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answer(answer) => answer.to_string(),
        Outcome::Error { error_type, message } => format!("{error_type}: {message}"),
        Outcome::Exited { status, .. } => format!("the function ended: {status}"),
        Outcome::TimedOut => "the function did not answer in time".to_owned(),
    }
}

/// The calls in order, with those that were made several times in a row counted; a refused one says so.
fn grouped(calls: &[Call]) -> Vec<String> {
    let mut groups: Vec<(String, usize)> = Vec::new();
    for call in calls {
        let name = match &call.error {
            Some(error) => format!("{}({error})", call.operation),
            None => call.operation.clone(),
        };
        match groups.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => groups.push((name, 1)),
        }
    }
    groups.into_iter().map(|(name, count)| if count == 1 { name } else { format!("{name}\u{d7}{count}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_in_a_row_are_counted_and_errors_named() {
        let call = |operation: &str, error: Option<&str>| Call {
            service: "ecs".to_owned(),
            operation: operation.to_owned(),
            at: Duration::ZERO,
            request: Value::Null,
            status: Some(200),
            error: error.map(str::to_owned),
            connection: 1,
            access_key: String::new(),
            applied: true,
        };
        let calls = [call("A", None), call("B", None), call("B", None), call("A", Some("Denied"))];
        assert_eq!(grouped(&calls), ["A", "B\u{d7}2", "A(Denied)"]);
    }
}
