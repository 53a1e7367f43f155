//! Secrets Manager's own part: it makes the pending version, calls the four steps one after the other, and retries the
//! whole from createSecret with the same token. No emulator plays it.

mod run;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::aws::{LocalAws, RotationJob, WeakAws, lock};
use crate::lambda::{Function, Outcome};
pub use run::eventually;

/// The four steps, in their order.
pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Invokes the function with an event, however that is done. An error means that the stage is broken, not the function.
pub type Invoker = Arc<dyn Fn(Value) -> Pin<Box<dyn Future<Output = Result<Outcome>> + Send>> + Send + Sync>;

/// How the engine behaves where AWS's documentation is silent.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often the whole rotation is tried.
    pub attempts: u32,
    /// The pause before each further attempt.
    pub spacing: Duration,
    /// Whether an error of finishSecret is retried although AWSCURRENT has moved. By default the rotation counts as
    /// complete then, and nobody calls again.
    pub retry_after_move: bool,
    /// Whether the temporary version of `RotateImmediately=false` holds a copy of the current value; by default it is
    /// empty.
    pub test_with_current: bool,
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// AWSCURRENT is on the new version (or, when only testSecret was asked for, the test passed).
    Succeeded,
    /// All attempts failed; AWSPENDING stays where it is, and the rotation can be resumed.
    Failed,
    /// Somebody stored another version meanwhile.
    Abandoned,
    /// It was not begun, for this reason.
    Refused(String),
}

/// One call of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRun {
    /// Which attempt it belongs to, from 1.
    pub attempt: u32,
    /// The step.
    pub step: &'static str,
    /// When it began, since the rotation did.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

/// A rotation, told from its beginning to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct RotationOutcome {
    /// The secret.
    pub arn: String,
    /// The version, which is the `ClientRequestToken` of the steps.
    pub token: String,
    /// The `RotationToken` of the steps, which may never appear in a log.
    pub rotation_token: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Every step that was called.
    pub timeline: Vec<StepRun>,
}

/// The engine. Clones share their history.
#[derive(Clone)]
pub struct Driver {
    aws: LocalAws,
    invoker: Invoker,
    options: Options,
    history: History,
}

type History = Arc<Mutex<Vec<RotationOutcome>>>;

impl Default for Options {
    fn default() -> Self {
        Self { attempts: 3, spacing: Duration::from_millis(10), retry_after_move: false, test_with_current: false }
    }
}

impl RotationOutcome {
    /// Whether the rotation succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.verdict == Verdict::Succeeded
    }

    /// The names of the steps that were called, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<&'static str> {
        self.timeline.iter().map(|run| run.step).collect()
    }

    /// The calls that did not end in an answer.
    #[must_use]
    pub fn failures(&self) -> Vec<&StepRun> {
        self.timeline.iter().filter(|run| !run.outcome.is_answer()).collect()
    }

    /// The latest outcome of a step.
    #[must_use]
    pub fn last(&self, step: &str) -> Option<&Outcome> {
        self.timeline.iter().rev().find(|run| run.step == step).map(|run| &run.outcome)
    }
}

/// An invoker that runs the function here, with this timeout for every step.
#[must_use]
pub fn over(function: &Function, timeout: Duration) -> Invoker {
    let function = function.clone();
    Arc::new(move |event| {
        let function = function.clone();
        Box::pin(async move { function.invoke(&event, timeout).await })
    })
}

/// An invoker from an asynchronous closure.
pub fn invoker<F, R>(call: F) -> Invoker
where
    F: Fn(Value) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Outcome>> + Send + 'static,
{
    Arc::new(move |event| Box::pin(call(event)))
}

impl Driver {
    /// An engine for the secrets of this stage.
    #[must_use]
    pub fn new(aws: &LocalAws, invoker: Invoker) -> Self {
        Self { aws: aws.clone(), invoker, options: Options::default(), history: History::default() }
    }

    /// The same engine with other options.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Runs the rotations that `RotateSecret` starts over HTTP, in the background. They are found in
    /// [`Driver::history`] when they are over.
    pub fn serve(&self) {
        let (aws, parts) = (self.aws.downgrade(), (self.invoker.clone(), self.options.clone(), self.history.clone()));
        // What the stage holds must not hold the stage, or neither would ever end.
        self.aws.set_rotator(Arc::new(move |job| {
            if let Some(driver) = revive(&aws, parts.clone()) {
                tokio::spawn(async move { driver.work(job).await });
            }
        }));
    }

    /// The rotations that are over, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<RotationOutcome> {
        lock(&self.history).clone()
    }

    /// The event of a step, as Secrets Manager sends it.
    #[must_use]
    pub fn event(step: &str, arn: &str, token: &str, rotation_token: &str) -> Value {
        serde_json::json!({
            "Step": step, "SecretId": arn, "ClientRequestToken": token, "RotationToken": rotation_token,
        })
    }

    async fn work(&self, job: RotationJob) {
        let ended =
            if job.whole { self.run(&job.arn, &job.token).await } else { self.test(&job.arn, &job.token).await };
        if let Err(error) = ended {
            let verdict = Verdict::Refused(format!("the stage is broken: {error:#}"));
            self.keep(run::begun(&job.arn, &job.token, verdict));
        }
    }

    fn keep(&self, outcome: RotationOutcome) -> RotationOutcome {
        lock(&self.history).push(outcome.clone());
        outcome
    }
}

fn revive(aws: &WeakAws, (invoker, options, history): (Invoker, Options, History)) -> Option<Driver> {
    Some(Driver { aws: aws.upgrade()?, invoker, options, history })
}

#[cfg(test)]
mod tests;
