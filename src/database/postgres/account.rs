//! What the server's answers mean: a failed login by its SQLSTATE, and whether an account may and should be changed.

use postgres_protocol::escape::escape_identifier;
use sqlx::Error as Driver;

use crate::database::{Probe, wire};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Login;

/// The port where a secret names none.
pub const PORT: u16 = 5432;
/// The database where a secret names none, as in AWS's templates.
pub(super) const DATABASE: &str = "postgres";

/// What the server shows before a password is changed.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one field per column of the query, as the catalogue has them")]
pub(super) struct Facts {
    pub(super) in_recovery: bool,
    pub(super) read_only: bool,
    /// Where the read-only default comes from, in the words of `pg_settings.source`.
    pub(super) read_only_source: String,
    pub(super) version: u32,
    pub(super) passwords_restricted: bool,
    pub(super) writer: String,
    pub(super) writer_super: bool,
    pub(super) writer_create_role: bool,
    pub(super) target_super: bool,
    pub(super) target_replication: bool,
    pub(super) target_iam: bool,
    pub(super) writer_password_role: bool,
    pub(super) writer_has_admin_option: bool,
}

/// Refuses a server that takes no change, and an account that cannot or should not be changed by this writer.
pub(super) fn check_writer(facts: &Facts, account: &str) -> Result<()> {
    check_server(facts, account)?;
    if facts.writer != account {
        check_administrator(facts, account)?;
    }
    Ok(())
}

/// Refuses a server that takes no change of passwords, or none from this writer, and an account that has none.
pub(super) fn check_server(facts: &Facts, account: &str) -> Result<()> {
    if facts.in_recovery {
        return Err(Error::new(
            ErrorKind::RefusedServer,
            "the server is a replica or reader (pg_is_in_recovery is true); it would answer ALTER ROLE with SQLSTATE 25006",
            "put the writer's endpoint into the secret's host",
        ));
    }
    let set_on_the_account = matches!(facts.read_only_source.as_str(), "user" | "database" | "database user");
    if facts.read_only && !set_on_the_account {
        return Err(Error::new(
            ErrorKind::RefusedServer,
            format!(
                "the server is read-only (default_transaction_read_only is on, set by: {}); it would answer ALTER ROLE with \
                 SQLSTATE 25006",
                facts.read_only_source
            ),
            "turn default_transaction_read_only off on the server, then rotate again",
        ));
    }
    if facts.target_iam {
        return Err(account_refused(
            format!("{account:?} is a member of rds_iam: it logs in by IAM token, and its password is not used"),
            "remove the secret's rotation, or REVOKE rds_iam from the account",
        ));
    }
    if facts.passwords_restricted && !facts.writer_password_role && !facts.writer_super {
        return Err(account_refused(
            format!("rds.restrict_password_commands is on and {:?} is no member of rds_password", facts.writer),
            "GRANT rds_password to that account, or tag the secret keyroll:admin-secret with a login that has it",
        ));
    }
    Ok(())
}

fn check_administrator(facts: &Facts, account: &str) -> Result<()> {
    if facts.writer_super {
        return Ok(());
    }
    if facts.target_super || (facts.target_replication && facts.version < 160_000) {
        return Err(account_refused(
            format!(
                "{account:?} is a superuser, or before PostgreSQL 16 a REPLICATION role, which only a superuser may change \
                 (SQLSTATE 42501)"
            ),
            "let the account change its own password: remove the tag keyroll:admin-secret",
        ));
    }
    if !facts.writer_create_role || (facts.version >= 160_000 && !facts.writer_has_admin_option) {
        return Err(account_refused(
            format!("the administrator {:?} may not change the password of {account:?} (SQLSTATE 42501)", facts.writer),
            format!(
                "ALTER ROLE {0} CREATEROLE, and from PostgreSQL 16 on GRANT {1} TO {0} WITH ADMIN OPTION",
                escape_identifier(&facts.writer),
                escape_identifier(account)
            ),
        ));
    }
    Ok(())
}

fn account_refused(cause: String, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedAccount, cause, remedy)
}

/// Whether the server rejected the password. Only one answer says so: SQLSTATE 28P01.
pub(super) fn is_rejection(error: &Driver) -> bool {
    matches!(error, Driver::Database(answer) if answer.code().as_deref() == Some("28P01"))
}

/// Sorts a failed login. Only one answer is about the password: SQLSTATE 28P01.
pub(super) fn classify<S>(login: &Login, error: &Driver) -> Probe<S> {
    let place = place(login);
    let unreachable =
        |kind, cause: String, remedy: &str| Probe::Unreachable(Error::new(kind, format!("{place} {cause}"), remedy));
    if let Some(error) = wire::failed(&place, error) {
        return Probe::Unreachable(error);
    }
    match error {
        rejected if is_rejection(rejected) => Probe::Rejected,
        Driver::Database(answer) => match answer.code().as_deref() {
            Some("28000") => unreachable(
                ErrorKind::RefusedAccount,
                format!("does not let {:?} in whatever its password (SQLSTATE 28000)", login.username),
                "look at the account (LOGIN, rds_iam) and at pg_hba.conf or rds.force_ssl; with \"ssl\": false the server may \
                 demand TLS",
            ),
            Some("3D000") => unreachable(
                ErrorKind::RefusedValue,
                format!("has no database {:?} (SQLSTATE 3D000)", login.dbname.as_deref().unwrap_or(DATABASE)),
                "correct dbname in the secret",
            ),
            Some("42501") => unreachable(
                ErrorKind::RefusedAccount,
                format!("does not let {:?} connect to this database (SQLSTATE 42501)", login.username),
                "GRANT CONNECT ON DATABASE to the account, or correct dbname in the secret",
            ),
            code => unreachable(
                ErrorKind::FailedDatabase,
                format!("refused the connection (SQLSTATE {})", code.unwrap_or("unknown")),
                "see the server's log for that code (53300: too many connections; 57P03: starting up); then run the step again",
            ),
        },
        // sqlx prepares passwords by SASLprep, as the protocol demands, and refuses control characters.
        Driver::Configuration(_) => unreachable(
            ErrorKind::RefusedValue,
            "cannot be tried: the stored password holds characters that SASLprep (RFC 4013) forbids".to_owned(),
            "set a password of printable characters for the account by hand and store it as AWSCURRENT",
        ),
        _ => unreachable(
            ErrorKind::FailedDatabase,
            "broke the login off".to_owned(),
            "see the server's log; then run the step again",
        ),
    }
}

/// Where a login goes, for messages.
pub(super) fn place(login: &Login) -> String {
    format!("PostgreSQL at {}:{}", login.host, login.port.unwrap_or(PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            in_recovery: false,
            read_only: false,
            read_only_source: "default".to_owned(),
            version: 150_000,
            passwords_restricted: false,
            writer: "app".to_owned(),
            writer_super: false,
            writer_create_role: false,
            target_super: false,
            target_replication: false,
            target_iam: false,
            writer_password_role: false,
            writer_has_admin_option: false,
        }
    }

    fn admin() -> Facts {
        Facts { writer: "admin".to_owned(), writer_create_role: true, ..facts() }
    }

    #[test]
    fn what_may_be_changed() {
        for facts in [
            facts(),
            Facts { target_super: true, writer_super: true, ..facts() },
            Facts { read_only: true, read_only_source: "user".to_owned(), ..facts() },
            Facts { passwords_restricted: true, writer_password_role: true, ..facts() },
            admin(),
            Facts { writer_super: true, target_super: true, ..admin() },
            Facts { version: 160_000, writer_has_admin_option: true, target_replication: true, ..admin() },
        ] {
            assert_eq!(check_writer(&facts, "app"), Ok(()), "{facts:?}");
        }
    }

    #[test]
    fn what_may_not_be_changed_and_why() {
        let server_wide = "configuration file".to_owned();
        for (facts, kind, expected) in [
            (Facts { in_recovery: true, ..facts() }, ErrorKind::RefusedServer, "replica"),
            (
                Facts { read_only: true, read_only_source: server_wide, ..facts() },
                ErrorKind::RefusedServer,
                "read-only",
            ),
            (Facts { target_iam: true, ..facts() }, ErrorKind::RefusedAccount, "rds_iam"),
            (Facts { passwords_restricted: true, ..facts() }, ErrorKind::RefusedAccount, "rds_password"),
            (Facts { writer_create_role: false, ..admin() }, ErrorKind::RefusedAccount, "CREATEROLE"),
            (Facts { target_super: true, ..admin() }, ErrorKind::RefusedAccount, "superuser"),
            (Facts { target_replication: true, ..admin() }, ErrorKind::RefusedAccount, "REPLICATION"),
            (Facts { version: 160_000, ..admin() }, ErrorKind::RefusedAccount, "ADMIN OPTION"),
        ] {
            let error = check_writer(&facts, "app").unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
