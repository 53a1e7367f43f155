//! The three families of events that the function takes, parsed into types; anything else is refused by name.
//!
//! The rotation event is `aws_lambda_events`' own, with its catch-all fields: that type has no `RotationToken`, which
//! Secrets Manager sends where a rotation crosses accounts and which `PutSecretValue` must then be given.

mod operator;
mod refused;

use aws_lambda_events::event::secretsmanager::SecretsManagerSecretRotationEvent;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use self::refused::refused;
use crate::error::Result;
use crate::secret::{SecretId, Sensitive, Step, VersionId};

pub use operator::Operator;

/// One call by Secrets Manager. It is written as the event that the function is to be invoked with, unless it has a token.
pub struct Rotation {
    /// The step to do.
    pub step: Step,
    /// The secret that rotates, in practice by its ARN.
    pub secret: SecretId,
    /// The version that the rotation is about.
    pub version: VersionId,
    /// Names the caller where a rotation crosses accounts. Passed on to `PutSecretValue`, never logged.
    pub token: Option<Sensitive>,
}

/// An event, parsed.
pub enum Event {
    /// A step of a rotation.
    Rotation(Rotation),
    /// An operator's action.
    Operator(Operator),
    /// A change that EventBridge reports, by its source.
    Change(&'static str),
}

/// The sources of EventBridge events that the contract names.
const SOURCES: [&str; 3] = ["aws.ecs", "aws.secretsmanager", "aws.ssm"];

/// What Lambda was sent. Reading it never fails: text that is no JSON is refused like any other unknown event, in our
/// words, and not in the runtime's.
pub struct Payload(Option<Value>);

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Self(Value::deserialize(deserializer).ok()))
    }
}

impl Event {
    /// Reads what Lambda was sent.
    pub fn read(payload: Payload) -> Result<Self> {
        match payload.0 {
            Some(event) => Self::parse(event),
            None => Err(refused("the event is not JSON".to_owned())),
        }
    }

    /// Parses an event. The error never quotes more of it than names: an event may hold a token.
    pub fn parse(event: Value) -> Result<Self> {
        let Some(fields) = event.as_object() else {
            return Err(refused("the event is not a JSON object".to_owned()));
        };
        if fields.contains_key("Step") || fields.contains_key("ClientRequestToken") {
            return Rotation::parse(event).map(Self::Rotation);
        }
        if let Some(action) = fields.get("Action") {
            return Operator::parse(action, fields).map(Self::Operator);
        }
        if let (Some(source), Some(_)) = (fields.get("source"), fields.get("detail-type")) {
            return match SOURCES.into_iter().find(|known| source.as_str() == Some(known)) {
                Some(known) => Ok(Self::Change(known)),
                None => Err(refused(format!("the event's source is none of {}", SOURCES.join(", ")))),
            };
        }
        let mut names: Vec<_> = fields.keys().map(|name| name.chars().take(40).collect::<String>()).collect();
        names.truncate(8);
        Err(refused(format!("the event has none of the known shapes; its keys are [{}]", names.join(", "))))
    }
}

impl Rotation {
    fn parse(event: Value) -> Result<Self> {
        for key in ["Step", "SecretId", "ClientRequestToken"] {
            match event.get(key) {
                Some(Value::String(_)) => {}
                Some(_) => return Err(refused(format!("the rotation event's {key} is not a string"))),
                None => return Err(refused(format!("the rotation event lacks {key}"))),
            }
        }
        let event: SecretsManagerSecretRotationEvent =
            serde_json::from_value(event).map_err(|_| refused("the rotation event cannot be read".to_owned()))?;
        let token = match event.other.get("RotationToken") {
            None | Some(Value::Null) => None,
            Some(Value::String(token)) => Some(Sensitive::new(token.clone())),
            Some(_) => return Err(refused("the rotation event's RotationToken is not a string".to_owned())),
        };
        Ok(Self {
            step: step(&event.step)?,
            secret: SecretId::parse(&event.secret_id).ok_or_else(|| {
                refused("the rotation event's SecretId is empty, too long or not printable".to_owned())
            })?,
            version: VersionId::parse(&event.client_request_token).ok_or_else(|| {
                refused(
                    "the rotation event's ClientRequestToken is empty, over 64 characters or not printable".to_owned(),
                )
            })?,
            token,
        })
    }
}

/// A rotation event as Lambda receives it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    step: Step,
    secret_id: &'a SecretId,
    client_request_token: &'a VersionId,
}

impl Serialize for Rotation {
    /// An event with a `RotationToken` is not written: the token is not to be seen, and without it the event is another one.
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if self.token.is_some() {
            return Err(S::Error::custom("a rotation event that has a RotationToken is not written"));
        }
        Written { step: self.step, secret_id: &self.secret, client_request_token: &self.version }.serialize(serializer)
    }
}

/// The step of this name. Events carry camelCase; AWS's user guide lists the same steps in `snake_case`.
fn step(name: &str) -> Result<Step> {
    match name {
        "createSecret" | "create_secret" => Ok(Step::Create),
        "setSecret" | "set_secret" => Ok(Step::Set),
        "testSecret" | "test_secret" => Ok(Step::Test),
        "finishSecret" | "finish_secret" => Ok(Step::Finish),
        other => Err(refused(format!(
            "the event's Step is {:?}, which is none of createSecret, setSecret, testSecret and finishSecret",
            other.chars().take(40).collect::<String>()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    fn refusal(event: Value) -> String {
        match Event::parse(event) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::RefusedEvent);
                error.to_string()
            }
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn rotation_events_are_read_in_both_spellings_of_the_step() {
        for name in ["setSecret", "set_secret"] {
            let event =
                json!({"Step": name, "SecretId": "arn:x", "ClientRequestToken": "v1", "RotationToken": "t", "New": 1});
            let Ok(Event::Rotation(rotation)) = Event::parse(event) else { panic!("refused") };
            assert_eq!(rotation.step, Step::Set);
            assert_eq!((rotation.secret.as_str(), rotation.version.as_str()), ("arn:x", "v1"));
            assert_eq!(rotation.token.unwrap().expose(), "t");
        }
    }

    #[test]
    fn a_rotation_event_is_written_as_it_is_read_and_its_token_never() {
        for step in [Step::Create, Step::Set, Step::Test, Step::Finish] {
            let event = json!({"Step": step.name(), "SecretId": "arn:x", "ClientRequestToken": "v1"});
            let Ok(Event::Rotation(rotation)) = Event::parse(event) else { panic!("refused") };
            let json = format!(r#"{{"Step":"{}","SecretId":"arn:x","ClientRequestToken":"v1"}}"#, step.name());
            assert_eq!(serde_json::to_string(&rotation).unwrap(), json);
            let with_token = Rotation { token: Some(Sensitive::new("kept-to-itself".to_owned())), ..rotation };
            let error = serde_json::to_string(&with_token).unwrap_err().to_string();
            assert!(error.contains("RotationToken") && !error.contains("kept-to-itself"), "{error}");
        }
    }

    #[test]
    fn changes_of_the_contract_are_known_by_name() {
        let change = json!({"source": "aws.ecs", "detail-type": "ECS Deployment State Change", "detail": {}});
        assert!(matches!(Event::parse(change), Ok(Event::Change("aws.ecs"))));
    }

    #[test]
    fn anything_else_is_refused_with_what_was_expected() {
        let rotation = |step: Value, secret: Value, token: Value| json!({"Step": step, "SecretId": secret, "ClientRequestToken": token});
        for (event, expected) in [
            (json!(null), "not a JSON object"),
            (json!([1]), "not a JSON object"),
            (json!({}), "none of the known shapes"),
            (json!({"Step": "setSecret"}), "lacks SecretId"),
            (rotation(json!("deleteSecret"), json!("a"), json!("v")), "\"deleteSecret\""),
            (rotation(json!(1), json!("a"), json!("v")), "Step is not a string"),
            (rotation(json!("setSecret"), json!(""), json!("v")), "SecretId is empty"),
            (rotation(json!("setSecret"), json!("a\n"), json!("v")), "not printable"),
            (rotation(json!("setSecret"), json!("a"), json!("v".repeat(65))), "over 64 characters"),
            (json!({"source": "aws.s3", "detail-type": "x"}), "source is none of"),
        ] {
            let message = refusal(event.clone());
            assert!(message.contains(expected), "{event}: {message}");
        }
    }

    #[test]
    fn a_refusal_never_quotes_the_rotation_token() {
        let event = json!({"Step": "x", "SecretId": "a", "ClientRequestToken": "v", "RotationToken": "kept-to-itself"});
        assert!(!refusal(event).contains("kept-to-itself"));
    }
}
