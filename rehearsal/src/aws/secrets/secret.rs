//! A secret as the service knows it: its versions, their labels, and its rotation's configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::wire::now;

/// The label of the version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the version a rotation is making.
pub const PENDING: &str = "AWSPENDING";
/// The label of the version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret, with everything the service knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Secret {
    /// The full ARN, with its suffix of six characters.
    pub arn: String,
    /// The friendly name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// All versions, also those that lost their labels.
    pub versions: BTreeMap<String, Version>,
    /// The rotation's configuration; absent until it was configured for the first time.
    pub rotation: Option<Rotation>,
    /// The service that manages the secret, for example `rds`.
    pub owning_service: Option<String>,
    /// The resource policy.
    pub policy: Option<String>,
    /// When it was created, since 1970.
    pub created: Duration,
    /// When a value, a label or a tag changed last.
    pub changed: Duration,
    /// When a rotation succeeded last.
    pub rotated: Option<Duration>,
    /// When it was marked for deletion.
    pub deleted: Option<Duration>,
    /// The version that a running rotation works on: another version's creation abandons it.
    pub rotating: Option<String>,
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When it came to be, since 1970.
    pub created: Duration,
    /// What it holds; nothing between the start of a rotation and createSecret.
    pub content: Option<Content>,
    /// Its labels.
    pub stages: BTreeSet<String>,
    /// The `RotationToken` its value was stored with.
    pub rotation_token: Option<String>,
    /// When AWSCURRENT came to it, since 1970. AWS shows this nowhere; tests need it.
    pub promoted: Option<Duration>,
}

/// A version's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`, in the base64 it came in.
    Binary(String),
}

/// A secret's rotation, once configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    /// Whether it is on.
    pub enabled: bool,
    /// The function that does the steps.
    pub lambda_arn: Option<String>,
    /// `RotationRules` as they came.
    pub rules: Value,
}

impl Secret {
    pub(super) fn named(&self) -> Value {
        json!({ "ARN": self.arn, "Name": self.name })
    }

    pub(super) fn goes_by(&self, id: &str) -> bool {
        // The suffix is a hyphen and six characters, all ASCII.
        id == self.name || id == self.arn || Some(id) == self.arn.get(..self.arn.len().saturating_sub(7))
    }

    pub(super) fn touch(&mut self) {
        self.changed = now();
    }
}
