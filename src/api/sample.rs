//! What the tests of answers share.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ConfiguredRotation, RotationRules, ServiceReport, Verdict};

/// The ARN of a secret.
pub(crate) const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:orders/db-AbCdEf";

/// A service's line with this verdict.
pub(crate) fn service(verdict: Verdict) -> ServiceReport {
    ServiceReport { cluster: "prod".to_owned(), service: "api".to_owned(), verdict, reason: "because".to_owned() }
}

/// A rotation with everything that can be configured.
pub(crate) fn configured() -> ConfiguredRotation {
    ConfiguredRotation {
        enabled: Some(true),
        function: Some("arn:f".to_owned()),
        by_this_function: true,
        rules: Some(RotationRules {
            automatically_after_days: Some(30),
            schedule_expression: Some("rate(30 days)".to_owned()),
            duration: Some("2h".to_owned()),
        }),
        last_rotated: Some("2026-11-01T00:00:00Z".to_owned()),
        next: Some("2026-12-31T00:00:00Z".to_owned()),
    }
}

/// Texts as a list.
pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().copied().map(str::to_owned).collect()
}

/// Checks that a value is written as this JSON, byte for byte but for the line breaks and indents of the literal, and that
/// this JSON is read as the value.
pub(crate) fn same_both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    let json: String = json.lines().map(str::trim_start).collect();
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}
