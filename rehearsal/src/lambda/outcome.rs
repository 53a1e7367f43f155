//! How the invocation of a function ends.

use std::process::ExitStatus;

use serde_json::Value;

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The function answered.
    Answer(Value),
    /// The function, or its start, answered an error.
    Error {
        /// `errorType`.
        error_type: String,
        /// `errorMessage`.
        message: String,
    },
    /// The process ended without an answer.
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// All it ever wrote.
        output: String,
    },
    /// There was no answer in time, and the process was killed.
    TimedOut,
}

impl Outcome {
    /// The answer, if there is one.
    #[must_use]
    pub fn answer(&self) -> Option<&Value> {
        if let Self::Answer(value) = self { Some(value) } else { None }
    }

    /// Whether the function answered without an error.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.answer().is_some()
    }
}
