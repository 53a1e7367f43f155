//! What such a secret is, by its tag.

use crate::config::{KindTag, Settings};

/// What such a secret is, as its tag `keyroll:kind` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `jwt`: a bare HMAC secret.
    Jwt,
    /// `jwt-keyring`: a JWK Set in which one key signs.
    KeyRing,
    /// `signing-key`: a document with a private key in PEM.
    SigningKey,
    /// `token`: any other random value.
    Token,
    /// `token-list`: such values, the newest first, of which services accept all.
    TokenList,
}

impl KeyKind {
    /// The kind, if the tag names one of these.
    #[must_use]
    pub fn of(settings: &Settings) -> Option<Self> {
        match settings.kind.as_ref()? {
            KindTag::Jwt => Some(Self::Jwt),
            KindTag::KeyRing => Some(Self::KeyRing),
            KindTag::SigningKey => Some(Self::SigningKey),
            KindTag::Token => Some(Self::Token),
            KindTag::TokenList => Some(Self::TokenList),
            KindTag::Postgres | KindTag::MariaDb | KindTag::MySql | KindTag::AuroraMySql | KindTag::Unknown(_) => None,
        }
    }

    /// Whether verifiers need the previous version, too: its value is one secret, and there is no public half.
    #[must_use]
    pub fn wants_previous(self) -> bool {
        matches!(self, Self::Jwt | Self::Token)
    }

    /// Whether what it signs lives for a while (`keyroll:token-lifetime`).
    #[must_use]
    pub fn signs(self) -> bool {
        !matches!(self, Self::Token | Self::TokenList)
    }
}
