//! A secret's rotation as it is configured, for an operator to read.

use serde::{Deserialize, Serialize};

/// A secret's rotation as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfiguredRotation {
    /// Whether rotation is on; absent where it was never configured.
    pub enabled: Option<bool>,
    /// The ARN of the function that rotates the secret.
    pub function: Option<String>,
    /// Whether that function is the one that answers.
    pub by_this_function: bool,
    /// The secret's schedule.
    pub rules: Option<RotationRules>,
    /// When the secret was rotated last.
    pub last_rotated: Option<String>,
    /// When Secrets Manager means to rotate the secret next.
    pub next: Option<String>,
}

/// When a secret rotates, in the words of AWS's `RotationRules`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationRules {
    /// The number of days between rotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatically_after_days: Option<i64>,
    /// A `rate(...)` or `cron(...)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_expression: Option<String>,
    /// The length of the rotation window, such as `3h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{configured, same_both_ways};

    #[test]
    fn what_is_configured_is_read_as_it_is_written() {
        let json = r#"{
            "enabled":true,
            "function":"arn:f",
            "byThisFunction":true,
            "rules":{"automaticallyAfterDays":30,"scheduleExpression":"rate(30 days)","duration":"2h"},
            "lastRotated":"2026-11-01T00:00:00Z",
            "next":"2026-12-31T00:00:00Z"
        }"#;
        same_both_ways(&configured(), json);
        let bare = ConfiguredRotation { rules: Some(RotationRules::default()), ..ConfiguredRotation::default() };
        let json = r#"{
            "enabled":null,
            "function":null,
            "byThisFunction":false,
            "rules":{},
            "lastRotated":null,
            "next":null
        }"#;
        same_both_ways(&bare, json);
    }
}
