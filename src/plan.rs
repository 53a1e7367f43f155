//! A plan: what one round of a step is about to do, as data. Pure functions make it from what was seen. It leaves no choice
//! to the code that carries it out, except drawing a random value. It can be printed anywhere: no secret is in it.
//!
//! The actions belong to the rounds that may do them: each round has a type of its own, and a plan of that type.

use std::convert::Infallible;
use std::fmt;

use crate::api::ServiceReport;
use crate::error::Error;
use crate::secret::Standing;

/// One write of a round. `Display` says it in the imperative, for a plan.
pub trait Action: fmt::Display {
    /// The action in the past tense, for a report.
    fn done(&self) -> String;
}

/// What one round of a step will do, and what it has found out on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<A> {
    /// Where the version stands once the plan is carried out.
    pub standing: Standing,
    /// The writes, in order.
    pub actions: Vec<A>,
    /// What was proven by looking.
    pub proven: Vec<String>,
    /// The services that need nothing, each with its verdict.
    pub services: Vec<ServiceReport>,
    /// What could not be looked at, so that there may be more to do than is planned.
    pub unseen: Vec<Error>,
    /// What an operator should know although nothing is refused.
    pub warnings: Vec<String>,
}

/// A plan without writes: what was proven by looking, and warnings.
pub type Proof = Plan<Infallible>;

impl<A> Plan<A> {
    /// The plan of what is done already.
    #[must_use]
    pub fn nothing(standing: Standing) -> Self {
        Self::of(standing, Vec::new())
    }

    /// A plan of these writes.
    #[must_use]
    pub fn of(standing: Standing, actions: Vec<A>) -> Self {
        let [proven, warnings] = [Vec::new(), Vec::new()];
        Self { standing, actions, proven, services: Vec::new(), unseen: Vec::new(), warnings }
    }

    /// Adds a line of what was proven.
    #[must_use]
    pub fn proving(mut self, line: impl Into<String>) -> Self {
        self.proven.push(line.into());
        self
    }

    /// Adds warnings.
    #[must_use]
    pub fn warning(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

impl<A: fmt::Display> Plan<A> {
    /// The lines that a dry run shows: what was proven, then each write in the imperative.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.proven.iter().cloned().chain(self.actions.iter().map(ToString::to_string))
    }
}

impl<A: fmt::Display> fmt::Display for Plan<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actions.is_empty() {
            return f.write_str("nothing");
        }
        let actions: Vec<String> = self.actions.iter().map(ToString::to_string).collect();
        f.write_str(&actions.join("; "))
    }
}
