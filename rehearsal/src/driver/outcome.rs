//! A rotation as it went: every step that was called, and the end.

use std::time::Duration;

use crate::aws::random;
use crate::lambda::Outcome;

/// The four steps, in their order.
pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

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

    /// A rotation of which no step was called yet.
    pub(super) fn begun(arn: &str, token: &str, verdict: Verdict) -> Self {
        Self {
            arn: arn.to_owned(),
            token: token.to_owned(),
            rotation_token: random::uuid(),
            verdict,
            timeline: Vec::new(),
        }
    }
}
