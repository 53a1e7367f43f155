//! The engine: the stage that it rotates the secrets of, what calls the function, and the rotations that are over.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::outcome::RotationOutcome;
use crate::aws::LocalAws;
use crate::lambda::{Function, Outcome};
use crate::mutex::lock;

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

/// The engine. Clones share their history.
#[derive(Clone)]
pub struct Driver {
    pub(super) aws: LocalAws,
    pub(super) invoker: Invoker,
    pub(super) options: Options,
    pub(super) history: History,
}

pub(super) type History = Arc<Mutex<Vec<RotationOutcome>>>;

impl Default for Options {
    fn default() -> Self {
        Self { attempts: 3, spacing: Duration::from_millis(10), retry_after_move: false, test_with_current: false }
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

    /// This engine with other options.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        Self { options, ..self }
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

    /// Adds a rotation that is over to the history.
    pub(super) fn keep(&self, outcome: RotationOutcome) -> RotationOutcome {
        lock(&self.history).push(outcome.clone());
        outcome
    }
}
