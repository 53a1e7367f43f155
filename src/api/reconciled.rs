//! What `Reconcile` answers for all secrets of a function.

use serde::{Deserialize, Serialize};

use super::{ActionName, Report, ServiceReport};

/// The answer to `Reconcile` without a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciled {
    /// Always [`ActionName::Reconcile`].
    pub action: ActionName,
    /// How many secrets the function rotates.
    pub looked_at: usize,
    /// What was done, over all secrets.
    pub done: Vec<String>,
    /// The services of all secrets that had something left.
    pub services: Vec<ServiceReport>,
    /// What an operator should know although nothing failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// One report for each secret that had something left.
    pub secrets: Vec<Report>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{ARN, same_both_ways, service, texts};
    use crate::api::{Doing, Verdict};
    use crate::secret::Standing;

    #[test]
    fn what_was_reconciled_is_read_as_it_is_written() {
        let report = Report {
            secret_arn: ARN.to_owned(),
            version_id: "v2".to_owned(),
            doing: Doing::Action(ActionName::Reconcile),
            standing: Standing::Pending,
            done: Vec::new(),
            previous_credential_valid_until: None,
            services: Vec::new(),
            warnings: Vec::new(),
        };
        let all = Reconciled {
            action: ActionName::Reconcile,
            looked_at: 3,
            done: texts(&["arn: done"]),
            services: vec![service(Verdict::Redeployed)],
            warnings: texts(&["warning"]),
            secrets: vec![report],
        };
        let json = r#"{
            "action":"Reconcile",
            "lookedAt":3,
            "done":["arn: done"],
            "services":[{"cluster":"prod","service":"api","verdict":"redeployed","reason":"because"}],
            "warnings":["warning"],
            "secrets":[
                {
                    "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
                    "versionId":"v2",
                    "action":"Reconcile",
                    "standing":"Pending",
                    "done":[],
                    "services":[]
                }
            ]
        }"#;
        same_both_ways(&all, json);
        let nothing = Reconciled {
            action: ActionName::Reconcile,
            looked_at: 0,
            done: Vec::new(),
            services: Vec::new(),
            warnings: Vec::new(),
            secrets: Vec::new(),
        };
        same_both_ways(&nothing, r#"{"action":"Reconcile","lookedAt":0,"done":[],"services":[],"secrets":[]}"#);
    }
}
