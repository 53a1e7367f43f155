//! What a step answers: what was found, what was done, and a verdict for every service.

use serde::Serialize;

use crate::event::{Step, VersionId};
use crate::plan::{Action, Plan};
use crate::rollout::ServiceReport;
use crate::stages::Standing;

/// The answer to a rotation step. It holds no secret value and never will.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The secret.
    pub secret_arn: String,
    /// The version that the rotation is about.
    pub version_id: String,
    /// AWS's name of the step.
    pub step: &'static str,
    /// Where the version stands after the step.
    pub standing: Standing,
    /// What the step did, in order; empty where everything was done before.
    pub done: Vec<String>,
    /// Every dependent service with its verdict.
    pub services: Vec<ServiceReport>,
    /// What an operator should know although nothing failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Report {
    /// The report of a plan that is about to be carried out: what was found, and nothing done.
    #[must_use]
    pub fn of(arn: &str, version: &VersionId, step: Step, plan: &Plan) -> Self {
        Self {
            secret_arn: arn.to_owned(),
            version_id: version.as_str().to_owned(),
            step: step.name(),
            standing: plan.standing,
            done: plan.proven.clone(),
            services: plan.services.clone(),
            warnings: plan.warnings.clone(),
        }
    }

    /// Notes an action that was carried out.
    pub fn did(&mut self, action: &Action) {
        self.done.push(action.done());
    }

    /// Appends the report of a later round of the same step.
    pub fn append(&mut self, later: Self) {
        self.standing = later.standing;
        self.done.extend(later.done);
        self.services.extend(later.services);
        self.warnings.extend(later.warnings);
    }
}
