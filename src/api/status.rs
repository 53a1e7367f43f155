//! What `Status` answers.

use serde::{Deserialize, Serialize};

use super::{ActionName, ConfiguredRotation, ServiceReport};
use crate::secret::Standing;

/// The answer to `Status`: a secret as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The secret.
    pub secret_arn: String,
    /// The current version.
    pub version_id: Option<String>,
    /// Always [`ActionName::Status`].
    pub action: ActionName,
    /// Where the current version stands.
    pub standing: Standing,
    /// Always empty: `Status` changes nothing.
    pub done: Vec<String>,
    /// Every version that has labels.
    pub versions: Vec<VersionStatus>,
    /// The secret's rotation as it is configured.
    pub rotation: ConfiguredRotation,
    /// When the secret was changed last.
    pub last_changed: Option<String>,
    /// Until when the previous credential goes on working. Absent where only the value could tell that there are two
    /// accounts. Whether the credential was retired no date tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_credential_valid_until: Option<String>,
    /// Every dependent service.
    pub services: Vec<ServiceStatus>,
    /// What `Reconcile` would do, and what only a person can.
    pub left: Vec<String>,
    /// What an operator should know although nothing failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A version of a secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionStatus {
    /// The version's id.
    #[serde(rename = "versionId")]
    pub id: String,
    /// The staging labels on the version.
    pub labels: Vec<String>,
    /// Where the version stands. Absent where only reading the value could tell: an AWSPENDING that keyroll did not store.
    pub standing: Option<Standing>,
    /// When the version was created.
    pub created: Option<String>,
}

/// A dependent service and what it runs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// The service's line, as in a report.
    #[serde(flatten)]
    pub report: ServiceReport,
    /// Whether all tasks of the service run with the current value, where dates prove it.
    pub runs_current: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Verdict;
    use crate::api::sample::{ARN, configured, same_both_ways, service, texts};

    #[test]
    fn a_status_is_read_as_it_is_written() {
        let version = |id: &str, labels: &[&str], standing, created: Option<&str>| VersionStatus {
            id: id.to_owned(),
            labels: texts(labels),
            standing,
            created: created.map(str::to_owned),
        };
        let status = Status {
            secret_arn: ARN.to_owned(),
            version_id: Some("v2".to_owned()),
            action: ActionName::Status,
            standing: Standing::Current,
            done: Vec::new(),
            versions: vec![
                version(
                    "v2",
                    &["AWSCURRENT", "KEYROLL_ROLLOUT"],
                    Some(Standing::Current),
                    Some("2026-12-01T00:00:00Z"),
                ),
                version("v3", &["AWSPENDING"], None, None),
            ],
            rotation: configured(),
            last_changed: Some("2026-12-01T00:00:01Z".to_owned()),
            previous_credential_valid_until: Some("next-rotation".to_owned()),
            services: vec![
                ServiceStatus { report: service(Verdict::AlreadyCurrent), runs_current: Some(true) },
                ServiceStatus { report: service(Verdict::Skipped), runs_current: None },
            ],
            left: texts(&["left"]),
            warnings: texts(&["warning"]),
        };
        let json = r#"{
            "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
            "versionId":"v2",
            "action":"Status",
            "standing":"Current",
            "done":[],
            "versions":[
                {
                    "versionId":"v2",
                    "labels":["AWSCURRENT","KEYROLL_ROLLOUT"],
                    "standing":"Current",
                    "created":"2026-12-01T00:00:00Z"
                },
                {"versionId":"v3","labels":["AWSPENDING"],"standing":null,"created":null}
            ],
            "rotation":{
                "enabled":true,
                "function":"arn:f",
                "byThisFunction":true,
                "rules":{"automaticallyAfterDays":30,"scheduleExpression":"rate(30 days)","duration":"2h"},
                "lastRotated":"2026-11-01T00:00:00Z",
                "next":"2026-12-31T00:00:00Z"
            },
            "lastChanged":"2026-12-01T00:00:01Z",
            "previousCredentialValidUntil":"next-rotation",
            "services":[
                {"cluster":"prod","service":"api","verdict":"alreadyCurrent","reason":"because","runsCurrent":true},
                {"cluster":"prod","service":"api","verdict":"skipped","reason":"because","runsCurrent":null}
            ],
            "left":["left"],
            "warnings":["warning"]
        }"#;
        same_both_ways(&status, json);
    }

    #[test]
    fn the_status_of_a_secret_without_anything_is_read_as_it_is_written() {
        let status = Status {
            secret_arn: ARN.to_owned(),
            version_id: None,
            action: ActionName::Status,
            standing: Standing::Unstaged,
            done: Vec::new(),
            versions: Vec::new(),
            rotation: ConfiguredRotation::default(),
            last_changed: None,
            previous_credential_valid_until: None,
            services: Vec::new(),
            left: Vec::new(),
            warnings: Vec::new(),
        };
        let json = r#"{
            "secretArn":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf",
            "versionId":null,
            "action":"Status",
            "standing":"Unstaged",
            "done":[],
            "versions":[],
            "rotation":{
                "enabled":null,
                "function":null,
                "byThisFunction":false,
                "rules":null,
                "lastRotated":null,
                "next":null
            },
            "lastChanged":null,
            "services":[],
            "left":[]
        }"#;
        same_both_ways(&status, json);
    }
}
