//! What a step or an action answers: what was found, what was done, and a verdict for every service.

use serde::{Deserialize, Serialize};

use super::{ActionName, ServiceReport, Verdict};
use crate::secret::{Standing, Step};

/// How many lines of a sort a message tells; all of them would not fit where there are thousands.
const TOLD: usize = 50;

/// Lines for a message, as many as fit.
pub(crate) fn listed<T: ToString>(lines: &[T]) -> String {
    let told: Vec<String> = lines.iter().take(TOLD).map(ToString::to_string).collect();
    match lines.len().saturating_sub(TOLD) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}

/// What a report is about, by its name in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Doing {
    /// A step of a rotation.
    Step(Step),
    /// An operator's action.
    Action(ActionName),
}

impl Doing {
    /// The name of the step or the action.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Step(step) => step.name(),
            Self::Action(action) => action.name(),
        }
    }
}

/// The answer to a step or an action on one secret. It holds no secret value and never will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The secret.
    pub secret_arn: String,
    /// The version that the rotation is about.
    pub version_id: String,
    /// `step` or `action`, with its name.
    #[serde(flatten)]
    pub doing: Doing,
    /// Where the version stands after the step.
    pub standing: Standing,
    /// What the step did, in order; empty where everything was done before.
    pub done: Vec<String>,
    /// Until when the credential before this one goes on working, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_credential_valid_until: Option<String>,
    /// Every dependent service with its verdict.
    pub services: Vec<ServiceReport>,
    /// What an operator should know although nothing failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Report {
    /// Notes an action that was carried out, told in the past tense.
    pub fn did(&mut self, action: String) {
        self.done.push(action);
    }

    /// Whether a service that should have been redeployed was not.
    #[must_use]
    pub fn any_failed(&self) -> bool {
        self.services.iter().any(|service| service.verdict == Verdict::Failed)
    }

    /// This report, told after that of what had to be done first.
    #[must_use]
    pub fn after(mut self, earlier: Self) -> Self {
        self.done.splice(0..0, earlier.done);
        self.services.splice(0..0, earlier.services);
        self.warnings.splice(0..0, earlier.warnings);
        self
    }

    /// Appends the report of a later round of the same step.
    pub fn append(&mut self, later: Self) {
        self.standing = later.standing;
        self.done.extend(later.done);
        self.services.extend(later.services);
        self.warnings.extend(later.warnings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{ARN, same_both_ways, service, texts};

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let report = Report {
            secret_arn: ARN.to_owned(),
            version_id: "v2".to_owned(),
            doing: Doing::Step(Step::Finish),
            standing: Standing::Current,
            done: texts(&["done"]),
            previous_credential_valid_until: Some("2026-12-31T00:00:00Z".to_owned()),
            services: vec![service(Verdict::Redeployed), service(Verdict::Failed)],
            warnings: texts(&["warning"]),
        };
        let json = r#"{
            "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
            "versionId":"v2",
            "step":"finishSecret",
            "standing":"Current",
            "done":["done"],
            "previousCredentialValidUntil":"2026-12-31T00:00:00Z",
            "services":[
                {"cluster":"prod","service":"api","verdict":"redeployed","reason":"because"},
                {"cluster":"prod","service":"api","verdict":"failed","reason":"because"}
            ],
            "warnings":["warning"]
        }"#;
        same_both_ways(&report, json);
        let nothing = Report {
            doing: Doing::Action(ActionName::Reconcile),
            standing: Standing::Pending,
            done: Vec::new(),
            previous_credential_valid_until: None,
            services: Vec::new(),
            warnings: Vec::new(),
            ..report
        };
        let json = r#"{
            "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
            "versionId":"v2",
            "action":"Reconcile",
            "standing":"Pending",
            "done":[],
            "services":[]
        }"#;
        same_both_ways(&nothing, json);
    }

    #[test]
    fn steps_and_standings_are_written_by_their_names() {
        for step in [Step::Create, Step::Set, Step::Test, Step::Finish] {
            same_both_ways(&Doing::Step(step), &format!(r#"{{"step":"{}"}}"#, step.name()));
        }
        for (standing, name) in [
            (Standing::Unstaged, "Unstaged"),
            (Standing::Superseded, "Superseded"),
            (Standing::Reserved, "Reserved"),
            (Standing::Pending, "Pending"),
            (Standing::Current, "Current"),
        ] {
            same_both_ways(&standing, &format!("{name:?}"));
        }
    }
}
