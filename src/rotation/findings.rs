//! What a dry run or a preflight has found out.

use std::fmt;

use crate::api::{PlannedStep, ServiceReport};
use crate::error::Error;
use crate::plan::Plan;
use crate::secret::Step;

impl Findings {
    /// Notes what a step would do.
    pub(crate) fn would<A: fmt::Display>(&mut self, step: Step, plan: &Plan<A>) {
        self.steps.push(PlannedStep { step, plan: plan.lines().collect() });
    }
}

/// What a look at everything that a rotation needs came to.
#[derive(Default)]
pub(crate) struct Findings {
    /// What each step would do, as far as it can be planned.
    pub(crate) steps: Vec<PlannedStep>,
    /// The dependents, none of them touched.
    pub(crate) services: Vec<ServiceReport>,
    /// What would stop a rotation.
    pub(crate) lacking: Vec<Error>,
    /// What was shown by doing it.
    pub(crate) proven: Vec<String>,
    /// What was only looked at.
    pub(crate) checked: Vec<String>,
    /// What an operator should know although it stops nothing.
    pub(crate) warnings: Vec<String>,
}
