//! What an operator may ask the function for, by invoking it.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::refused::refused;
use crate::api::ActionName;
use crate::error::Result;
use crate::secret::SecretId;

/// What an operator may ask for. It is written as the event that the function is to be invoked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Show a secret, and what is left to do for it.
    Status(SecretId),
    /// Tell whether a rotation would succeed, and what it would do. True also rehearses what can be taken back.
    DryRun(SecretId, bool),
    /// Redeploy every dependent of a secret now.
    Redeploy(SecretId),
    /// Roll what an open mark says is left: of one secret, or of all that this function rotates.
    Reconcile(Option<SecretId>),
    /// End the previous credential now.
    Retire(SecretId),
    /// Replace everything old now, without an overlap, and end the sessions that were opened with it.
    Revoke(SecretId),
    /// An action of the contract that this version cannot do.
    NotBuilt(ActionName),
}

impl Operator {
    /// A key that is not known is refused: a mistyped `SecretId` would make Reconcile mean every secret.
    pub(super) fn parse(action: &Value, fields: &Map<String, Value>) -> Result<Self> {
        let Some(action) = ActionName::ALL.into_iter().find(|known| action.as_str() == Some(known.name())) else {
            let known = ActionName::ALL.map(ActionName::name).join(", ");
            return Err(refused(format!("the event's Action is none of {known}")));
        };
        let name = action.name();
        let keys: &[&str] = match action {
            ActionName::Status
            | ActionName::Redeploy
            | ActionName::Reconcile
            | ActionName::Retire
            | ActionName::Revoke => &["Action", "SecretId"],
            ActionName::DryRun => &["Action", "SecretId", "Prove"],
            ActionName::Check | ActionName::Rollback => return Ok(Self::NotBuilt(action)),
        };
        if let Some(stranger) = fields.keys().find(|key| !keys.contains(&key.as_str())) {
            let stranger: String = stranger.chars().take(40).collect();
            return Err(refused(format!("the event of the action {name} has the unknown key {stranger:?}")));
        }
        let secret = match fields.get("SecretId") {
            None => None,
            Some(id) => Some(id.as_str().and_then(SecretId::parse).ok_or_else(|| {
                refused(format!("the SecretId of the action {name} is no string, or empty, too long or not printable"))
            })?),
        };
        let prove = match fields.get("Prove") {
            None => false,
            Some(Value::Bool(prove)) => *prove,
            Some(_) => return Err(refused("the Prove of the action DryRun is neither true nor false".to_owned())),
        };
        match (action, secret) {
            (ActionName::Reconcile, secret) => Ok(Self::Reconcile(secret)),
            (_, None) => Err(refused(format!("the event of the action {name} lacks SecretId"))),
            (ActionName::Status, Some(secret)) => Ok(Self::Status(secret)),
            (ActionName::DryRun, Some(secret)) => Ok(Self::DryRun(secret, prove)),
            (ActionName::Retire, Some(secret)) => Ok(Self::Retire(secret)),
            (ActionName::Revoke, Some(secret)) => Ok(Self::Revoke(secret)),
            (ActionName::Redeploy, Some(secret)) => Ok(Self::Redeploy(secret)),
            (ActionName::Check | ActionName::Rollback, Some(_)) => Ok(Self::NotBuilt(action)),
        }
    }

    /// The action's name in the contract.
    #[must_use]
    pub fn action(&self) -> ActionName {
        match self {
            Self::Status(_) => ActionName::Status,
            Self::DryRun(..) => ActionName::DryRun,
            Self::Redeploy(_) => ActionName::Redeploy,
            Self::Reconcile(_) => ActionName::Reconcile,
            Self::Retire(_) => ActionName::Retire,
            Self::Revoke(_) => ActionName::Revoke,
            Self::NotBuilt(action) => *action,
        }
    }

    /// The action's name as text.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.action().name()
    }

    /// The secret that it is about, if it names one.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretId> {
        match self {
            Self::Status(secret)
            | Self::DryRun(secret, _)
            | Self::Redeploy(secret)
            | Self::Retire(secret)
            | Self::Revoke(secret) => Some(secret),
            Self::Reconcile(secret) => secret.as_ref(),
            Self::NotBuilt(_) => None,
        }
    }
}

/// The event as Lambda receives it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    action: ActionName,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<&'a SecretId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prove: Option<bool>,
}

impl Serialize for Operator {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let prove = match self {
            Self::DryRun(_, true) => Some(true),
            _ => None,
        };
        Written { action: self.action(), secret_id: self.secret(), prove }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::event::Event;
    use crate::error::ErrorKind;

    fn parse(event: &Value) -> Result<Operator> {
        Operator::parse(&event["Action"], event.as_object().unwrap())
    }

    #[test]
    fn actions_of_the_contract_are_known_by_name() {
        let secret = SecretId::parse("x").unwrap();
        for (event, expected) in [
            (json!({"Action": "Status", "SecretId": "x"}), Operator::Status(secret.clone())),
            (json!({"Action": "Redeploy", "SecretId": "x"}), Operator::Redeploy(secret.clone())),
            (json!({"Action": "DryRun", "SecretId": "x"}), Operator::DryRun(secret.clone(), false)),
            (json!({"Action": "DryRun", "SecretId": "x", "Prove": true}), Operator::DryRun(secret.clone(), true)),
            (json!({"Action": "Reconcile", "SecretId": "x"}), Operator::Reconcile(Some(secret.clone()))),
            (json!({"Action": "Reconcile"}), Operator::Reconcile(None)),
            (json!({"Action": "Retire", "SecretId": "x"}), Operator::Retire(secret.clone())),
            (json!({"Action": "Revoke", "SecretId": "x"}), Operator::Revoke(secret)),
            (json!({"Action": "Check", "SecretIds": ["x"]}), Operator::NotBuilt(ActionName::Check)),
            (json!({"Action": "Rollback", "Any": 1}), Operator::NotBuilt(ActionName::Rollback)),
        ] {
            let parsed = parse(&event).unwrap();
            assert_eq!(parsed.name(), event["Action"]);
            assert_eq!(parsed.secret().map(SecretId::as_str), event["SecretId"].as_str());
            assert_eq!(parsed, expected);
        }
    }

    #[test]
    fn every_action_is_written_as_the_event_that_it_is_read_from() {
        let secret = SecretId::parse("arn:x").unwrap();
        let written = [
            (Operator::Status(secret.clone()), r#"{"Action":"Status","SecretId":"arn:x"}"#),
            (Operator::DryRun(secret.clone(), false), r#"{"Action":"DryRun","SecretId":"arn:x"}"#),
            (Operator::DryRun(secret.clone(), true), r#"{"Action":"DryRun","SecretId":"arn:x","Prove":true}"#),
            (Operator::Redeploy(secret.clone()), r#"{"Action":"Redeploy","SecretId":"arn:x"}"#),
            (Operator::Reconcile(Some(secret.clone())), r#"{"Action":"Reconcile","SecretId":"arn:x"}"#),
            (Operator::Reconcile(None), r#"{"Action":"Reconcile"}"#),
            (Operator::Retire(secret.clone()), r#"{"Action":"Retire","SecretId":"arn:x"}"#),
            (Operator::Revoke(secret), r#"{"Action":"Revoke","SecretId":"arn:x"}"#),
            (Operator::NotBuilt(ActionName::Check), r#"{"Action":"Check"}"#),
            (Operator::NotBuilt(ActionName::Rollback), r#"{"Action":"Rollback"}"#),
        ];
        for action in ActionName::ALL {
            assert!(written.iter().any(|(operator, _)| operator.action() == action), "{action:?}");
        }
        for (operator, json) in written {
            assert_eq!(serde_json::to_string(&operator).unwrap(), json);
            let Ok(Event::Operator(read)) = Event::parse(serde_json::to_value(&operator).unwrap()) else {
                panic!("{json} is refused")
            };
            assert_eq!(read, operator);
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for (event, expected) in [
            (json!({"Action": "Explode"}), "Action is none of"),
            (json!({"Action": 1}), "Action is none of"),
            (json!({"Action": "Status"}), "lacks SecretId"),
            (json!({"Action": "Redeploy"}), "lacks SecretId"),
            (json!({"Action": "DryRun"}), "lacks SecretId"),
            (json!({"Action": "Retire"}), "lacks SecretId"),
            (json!({"Action": "Revoke"}), "lacks SecretId"),
            (json!({"Action": "Retire", "SecretId": "x", "Prove": true}), "unknown key \"Prove\""),
            (json!({"Action": "Revoke", "SecretId": "x", "Force": true}), "unknown key \"Force\""),
            (json!({"Action": "DryRun", "SecretId": "x", "Prove": "yes"}), "neither true nor false"),
            (json!({"Action": "Status", "SecretId": "x", "Prove": true}), "unknown key \"Prove\""),
            (json!({"Action": "Reconcile", "SecretID": "x"}), "unknown key \"SecretID\""),
            (json!({"Action": "Reconcile", "SecretId": ""}), "no string, or empty"),
            (json!({"Action": "Reconcile", "SecretId": null}), "no string"),
        ] {
            let error = parse(&event).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RefusedEvent);
            assert!(error.to_string().contains(expected), "{event}: {error}");
        }
    }
}
