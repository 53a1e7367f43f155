//! What messages say in the words of a kind's server.

use super::Kind;

impl Kind {
    /// What else a server may mean by the words with which it rejects a password.
    #[must_use]
    pub fn rejected_also_where(self) -> &'static str {
        match self {
            Self::Postgres => {
                "see whether the account has expired (VALID UNTIL) or is gone, which the server tells in the same words"
            }
            Self::MariaDb => {
                "see whether the account is gone, demands TLS or a certificate (REQUIRE, require_secure_transport), takes no \
                 password (unix_socket), has a row with another password for the host that keyroll comes from, or is taken for an \
                 anonymous user (''@host), which the server tells in the same words"
            }
        }
    }

    /// How somebody ends the password of an account by hand.
    #[must_use]
    pub fn password_ended_by(self) -> &'static str {
        match self {
            Self::Postgres => "ALTER ROLE ... PASSWORD NULL",
            Self::MariaDb => "ALTER USER ... ACCOUNT LOCK, for each of its hosts",
        }
    }

    /// The statement that shows the settings of an account, to find what was changed.
    #[must_use]
    pub fn settings_shown_by(self) -> &'static str {
        match self {
            Self::Postgres => "\\drds in psql",
            Self::MariaDb => "SHOW CREATE USER and SHOW GRANTS",
        }
    }
}
