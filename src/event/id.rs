//! The names that events carry.

/// The name or ARN of a secret, as an event or a tag gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionId(String);

impl VersionId {
    /// A version id, unless the text cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The API's own minimum of 32 characters is left to the API: too short an id names no version and is refused so.
        let plain = !text.is_empty() && text.len() <= 64 && !text.chars().any(char::is_control);
        plain.then(|| Self(text.to_owned()))
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
