//! What an event is answered with.

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{ActionName, DryRun, Reconciled, Report, Status};

/// The version of the shape of answers. What a reader does not know it ignores, so that a new field needs no new version.
const SCHEMA: u32 = 1;

/// What an event is answered with: JSON with the number of its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a step, or to an action on one secret.
    Report(Report),
    /// To `Status`.
    Status(Status),
    /// To `DryRun`.
    DryRun(DryRun),
    /// To `Reconcile` for all secrets.
    Reconciled(Reconciled),
}

/// An answer with the number of its schema in front.
#[derive(Serialize)]
struct Numbered<'a, T> {
    schema: u32,
    #[serde(flatten)]
    answer: &'a T,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Report(answer) => Numbered { schema: SCHEMA, answer }.serialize(serializer),
            Self::Status(answer) => Numbered { schema: SCHEMA, answer }.serialize(serializer),
            Self::DryRun(answer) => Numbered { schema: SCHEMA, answer }.serialize(serializer),
            Self::Reconciled(answer) => Numbered { schema: SCHEMA, answer }.serialize(serializer),
        }
    }
}

/// What tells the answers apart: a status has every field of a report, so that the first type that fits will not do.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    action: Option<ActionName>,
    secret_arn: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let answer = Value::deserialize(deserializer)?;
        let head = Head::deserialize(&answer).map_err(D::Error::custom)?;
        let read = match (head.action, head.secret_arn) {
            (Some(ActionName::Status), _) => serde_json::from_value(answer).map(Self::Status),
            (Some(ActionName::DryRun), _) => serde_json::from_value(answer).map(Self::DryRun),
            (Some(ActionName::Reconcile), None) => serde_json::from_value(answer).map(Self::Reconciled),
            _ => serde_json::from_value(answer).map(Self::Report),
        };
        read.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The fields that every answer about one secret has, and these.
    fn about(more: Value) -> Value {
        let mut answer = json!({
            "secretArn": "arn:x", "versionId": "v2", "standing": "Current", "done": [], "services": [], "later": true
        });
        let Value::Object(more) = more else { panic!("no object") };
        answer.as_object_mut().unwrap().extend(more);
        answer
    }

    fn name(answer: &Answer) -> &'static str {
        match answer {
            Answer::Report(_) => "report",
            Answer::Status(_) => "status",
            Answer::DryRun(_) => "dry run",
            Answer::Reconciled(_) => "reconciled",
        }
    }

    #[test]
    fn an_answer_is_read_as_what_it_answers() {
        let rotation = json!({"byThisFunction": false});
        let status = json!({"action": "Status", "versions": [], "rotation": rotation, "left": []});
        let dry_run = json!({
            "action": "DryRun", "verdict": "wouldSucceed", "reasons": [], "steps": [], "proven": [], "checked": [],
            "notChecked": [], "rotation": rotation
        });
        let all = json!({"action": "Reconcile", "lookedAt": 0, "done": [], "services": [], "secrets": []});
        for (json, expected) in [
            (about(json!({"step": "setSecret"})), "report"),
            (about(json!({"action": "Redeploy"})), "report"),
            (about(json!({"action": "Retire"})), "report"),
            (about(json!({"action": "Revoke"})), "report"),
            (about(json!({"action": "Reconcile"})), "report"),
            (about(status), "status"),
            (about(dry_run), "dry run"),
            (all, "reconciled"),
        ] {
            let answer: Answer = serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!(serde_json::to_value(&answer).unwrap()["schema"], 1);
            assert_eq!(name(&answer), expected, "{json}");
            let again = serde_json::to_value(&answer).unwrap();
            assert_eq!(serde_json::from_value::<Answer>(again).unwrap(), answer);
        }
    }

    #[test]
    fn what_is_no_answer_is_not_read_as_one() {
        for (json, told) in [
            (json!({"action": "Status"}), "missing field"),
            (json!({"action": "Explode"}), "unknown variant `Explode`"),
            (about(json!({"step": "dropSecret"})), "unknown variant `dropSecret`"),
            (about(json!({})), "no variant of enum Doing"),
            (json!([]), "invalid"),
        ] {
            let error = serde_json::from_value::<Answer>(json.clone()).unwrap_err().to_string();
            assert!(error.contains(told), "{json}: {error}");
        }
    }
}
