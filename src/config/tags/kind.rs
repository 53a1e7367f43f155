//! The tag `keyroll:kind`.

/// What a secret is, as its tag `keyroll:kind` says. Every text is one: whether a secret may have that kind is judged where
/// the kind is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindTag {
    /// `postgres`: a PostgreSQL login.
    Postgres,
    /// `mariadb`: a MariaDB login.
    MariaDb,
    /// `mysql`: a `MySQL` login. Not built.
    MySql,
    /// `aurora-mysql`: a login to Aurora `MySQL`. Not built.
    AuroraMySql,
    /// `jwt`: a bare HMAC secret.
    Jwt,
    /// `jwt-keyring`: a JWK Set in which one key signs.
    KeyRing,
    /// `signing-key`: a document with a private key in PEM.
    SigningKey,
    /// `token`: any other random value.
    Token,
    /// `token-list`: random values, the newest first.
    TokenList,
    /// Any other text.
    Unknown(String),
}

impl KindTag {
    /// The kind that a tag's value names.
    pub(super) fn parse(value: &str) -> Self {
        match value {
            "postgres" => Self::Postgres,
            "mariadb" => Self::MariaDb,
            "mysql" => Self::MySql,
            "aurora-mysql" => Self::AuroraMySql,
            "jwt" => Self::Jwt,
            "jwt-keyring" => Self::KeyRing,
            "signing-key" => Self::SigningKey,
            "token" => Self::Token,
            "token-list" => Self::TokenList,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The tag's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
            Self::AuroraMySql => "aurora-mysql",
            Self::Jwt => "jwt",
            Self::KeyRing => "jwt-keyring",
            Self::SigningKey => "signing-key",
            Self::Token => "token",
            Self::TokenList => "token-list",
            Self::Unknown(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_read_and_written_alike() {
        for value in
            ["postgres", "mariadb", "mysql", "aurora-mysql", "jwt", "jwt-keyring", "signing-key", "token", "token-list"]
        {
            let kind = KindTag::parse(value);
            assert!(!matches!(kind, KindTag::Unknown(_)), "{value}");
            assert_eq!(kind.as_str(), value);
        }
        for value in ["", "Postgres", "aurora-postgresql", "tokens", "oracle"] {
            assert_eq!(KindTag::parse(value), KindTag::Unknown(value.to_owned()));
            assert_eq!(KindTag::parse(value).as_str(), value);
        }
    }
}
