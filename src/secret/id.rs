//! The names that events carry.

use serde::Serialize;

/// The name or ARN of a secret, as an event or a tag gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SecretId(String);

impl SecretId {
    /// A secret id, unless the text cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Secrets Manager: names are at most 512 characters, SecretId at most 2,048 (an ARN).
        let plain = !text.is_empty() && text.len() <= 2048 && !text.chars().any(char::is_control);
        plain.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a version of a secret. In a rotation event it is called `ClientRequestToken`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionId(String);

impl VersionId {
    /// A version id, unless the text cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The API's own minimum of 32 characters is left to the API: too short an id names no version and is refused so.
        let plain = !text.is_empty() && text.len() <= 64 && !text.chars().any(char::is_control);
        plain.then(|| Self(text.to_owned()))
    }

    /// A version id of our own, of these random bytes: a UUID, version 4 (RFC 9562, section 5.4), as Secrets Manager makes
    /// them.
    #[must_use]
    pub fn drawn(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
    }

    /// A version id that Secrets Manager itself has named.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_id_is_a_uuid_of_version_4() {
        assert_eq!(VersionId::drawn([0xff; 16]).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(VersionId::drawn([0; 16]).as_str(), "00000000-0000-4000-8000-000000000000");
        let drawn = VersionId::drawn([0x12; 16]);
        assert_eq!(VersionId::parse(drawn.as_str()), Some(drawn));
    }
}
