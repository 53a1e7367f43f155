//! What `DryRun` answers.

use serde::{Deserialize, Serialize};

use super::{ActionName, ConfiguredRotation, ServiceReport};
use crate::error::ErrorKind;
use crate::secret::{Standing, Step};

/// The answer to `DryRun`: whether a rotation would succeed, and what it would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// The secret.
    pub secret_arn: String,
    /// The current version.
    pub version_id: Option<String>,
    /// Always [`ActionName::DryRun`].
    pub action: ActionName,
    /// Where the current version stands.
    pub standing: Standing,
    /// Whether a rotation would succeed.
    pub verdict: Forecast,
    /// Everything that would stop a rotation.
    pub reasons: Vec<Reason>,
    /// What each step would do.
    pub steps: Vec<PlannedStep>,
    /// What was shown by doing it.
    pub proven: Vec<String>,
    /// What was only looked at.
    pub checked: Vec<String>,
    /// What nobody looked at.
    pub not_checked: Vec<String>,
    /// The secret's rotation as it is configured.
    pub rotation: ConfiguredRotation,
    /// Always empty: `DryRun` changes nothing.
    pub done: Vec<String>,
    /// Every dependent service with its verdict.
    pub services: Vec<ServiceReport>,
    /// What an operator should know although it stops nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The verdict of a dry run on the rotation as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Forecast {
    /// Nothing was found that would stop a rotation.
    WouldSucceed,
    /// Something would stop a rotation.
    WouldFail,
}

impl Forecast {
    /// The verdict's name in reports and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WouldSucceed => "wouldSucceed",
            Self::WouldFail => "wouldFail",
        }
    }
}

/// What would stop a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The type of the error that the rotation would end with.
    pub error_type: ErrorKind,
    /// What stands in the way.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

/// What one step would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step.
    pub step: Step,
    /// What was proven, and each write in the imperative.
    pub plan: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{ARN, configured, same_both_ways, service, texts};
    use crate::api::{RotationRules, Verdict};

    #[test]
    fn a_dry_run_is_read_as_it_is_written() {
        let planned = |step, plan: &[&str]| PlannedStep { step, plan: texts(plan) };
        let dry_run = DryRun {
            secret_arn: ARN.to_owned(),
            version_id: Some("v2".to_owned()),
            action: ActionName::DryRun,
            standing: Standing::Current,
            verdict: Forecast::WouldFail,
            reasons: vec![Reason {
                error_type: ErrorKind::RefusedSetting,
                cause: "cause".to_owned(),
                remedy: "remedy".to_owned(),
            }],
            steps: vec![
                planned(Step::Create, &["store"]),
                planned(Step::Set, &[]),
                planned(Step::Test, &[]),
                planned(Step::Finish, &[]),
            ],
            proven: texts(&["proven"]),
            checked: texts(&["checked"]),
            not_checked: texts(&["not checked"]),
            rotation: configured(),
            done: Vec::new(),
            services: vec![service(Verdict::Skipped)],
            warnings: texts(&["warning"]),
        };
        let json = r#"{
            "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
            "versionId":"v2",
            "action":"DryRun",
            "standing":"Current",
            "verdict":"wouldFail",
            "reasons":[{"errorType":"RefusedSetting","cause":"cause","remedy":"remedy"}],
            "steps":[
                {"step":"createSecret","plan":["store"]},
                {"step":"setSecret","plan":[]},
                {"step":"testSecret","plan":[]},
                {"step":"finishSecret","plan":[]}
            ],
            "proven":["proven"],
            "checked":["checked"],
            "notChecked":["not checked"],
            "rotation":{
                "enabled":true,
                "function":"arn:f",
                "byThisFunction":true,
                "rules":{"automaticallyAfterDays":30,"scheduleExpression":"rate(30 days)","duration":"2h"},
                "lastRotated":"2026-11-01T00:00:00Z",
                "next":"2026-12-31T00:00:00Z"
            },
            "done":[],
            "services":[{"cluster":"prod","service":"api","verdict":"skipped","reason":"because"}],
            "warnings":["warning"]
        }"#;
        same_both_ways(&dry_run, json);
    }

    #[test]
    fn a_dry_run_that_found_nothing_is_read_as_it_is_written() {
        let dry_run = DryRun {
            secret_arn: ARN.to_owned(),
            version_id: None,
            action: ActionName::DryRun,
            standing: Standing::Unstaged,
            verdict: Forecast::WouldSucceed,
            reasons: Vec::new(),
            steps: Vec::new(),
            proven: Vec::new(),
            checked: Vec::new(),
            not_checked: Vec::new(),
            rotation: ConfiguredRotation { rules: Some(RotationRules::default()), ..ConfiguredRotation::default() },
            done: Vec::new(),
            services: Vec::new(),
            warnings: Vec::new(),
        };
        let json = r#"{
            "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
            "versionId":null,
            "action":"DryRun",
            "standing":"Unstaged",
            "verdict":"wouldSucceed",
            "reasons":[],
            "steps":[],
            "proven":[],
            "checked":[],
            "notChecked":[],
            "rotation":{
                "enabled":null,
                "function":null,
                "byThisFunction":false,
                "rules":{},
                "lastRotated":null,
                "next":null
            },
            "done":[],
            "services":[]
        }"#;
        same_both_ways(&dry_run, json);
    }

    #[test]
    fn verdicts_and_error_types_are_written_by_their_names() {
        for verdict in [Forecast::WouldSucceed, Forecast::WouldFail] {
            same_both_ways(&verdict, &format!("{:?}", verdict.name()));
        }
        for kind in ErrorKind::ALL {
            same_both_ways(&kind, &format!("{:?}", kind.name()));
        }
    }
}
