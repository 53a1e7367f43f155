//! The server's refusals as ours. Its texts stay behind: a syntax error quotes the statement, and so the password in it.

use sqlx::Error as Driver;

use super::account::number;
use crate::error::{Error, ErrorKind};
use crate::secret::give_up_command;

/// A driver's error.
pub(super) fn sanitised(doing: &str, error: &Driver) -> Error {
    match (number(error), error) {
        (Some(number), _) => told(doing, number),
        (None, Driver::Protocol(_)) => Error::new(
            ErrorKind::FailedDefect,
            format!("{doing}: the server answered in a form that keyroll does not know"),
            "report this defect with the server's version; nothing was changed by it",
        ),
        (None, _) => Error::new(
            ErrorKind::FailedDatabase,
            format!("{doing}: the connection failed or the server did not answer"),
            "run the step again: repeating it is safe",
        ),
    }
}

/// An error by its number.
pub(super) fn told(doing: &str, number: u16) -> Error {
    let (kind, cause, remedy) = match number {
        1044 | 1142 | 1227 => (
            ErrorKind::RefusedAccount,
            "the account lacks the right",
            "GRANT CREATE USER ON *.* and SELECT ON mysql.* to the administrator, or name another one in the tag \
             keyroll:admin-secret",
        ),
        1133 => (
            ErrorKind::FailedDatabase,
            "a row of the account is in the table, and not known to the server",
            "FLUSH PRIVILEGES on the server, or mend the table; then run the step again",
        ),
        1290 => return forbidden(doing, true),
        1396 => (
            ErrorKind::FailedDatabase,
            "the server could not change the account, which may have been dropped or renamed meanwhile",
            "see SHOW CREATE USER of it; then run the step again",
        ),
        1819 => (
            ErrorKind::RefusedValue,
            "a password validator of the server refused the new password, or remembers it from an attempt before",
            concat!(
                "make PASSWORD_LENGTH and the EXCLUDE_ variables of the function fit the validator; then clear AWSPENDING with `",
                give_up_command!(),
                "` and rotate again: a new token makes a new value"
            ),
        ),
        1820 => (
            ErrorKind::RefusedAccount,
            "the account's password has expired, and it may do nothing but set a new one",
            "rotate the secret, or set the password by hand to the one in AWSCURRENT (ALTER USER)",
        ),
        number if is_lock(number) => (
            ErrorKind::FailedDatabase,
            "the server waited too long for somebody else's lock",
            "see SHOW PROCESSLIST for who holds it (FLUSH TABLES WITH READ LOCK, a backup); then run the step again",
        ),
        _ => (
            ErrorKind::FailedDatabase,
            "the server refused",
            "see MariaDB's documentation for that number; then run the step again",
        ),
    };
    Error::new(kind, format!("{doing}: {cause} (error {number})"), remedy)
}

/// Whether an error says that somebody else's lock was in the way.
pub(super) fn is_lock(number: u16) -> bool {
    matches!(number, 1205 | 1213 | 1969 | 3024)
}

/// Error 1290, which says two things.
pub(super) fn forbidden(doing: &str, read_only: bool) -> Error {
    if read_only {
        return Error::new(
            ErrorKind::RefusedServer,
            format!("{doing}: the server is read-only, as a replica is (error 1290)"),
            "put the primary's address into the secret's host, or turn read_only off",
        );
    }
    Error::new(
        ErrorKind::RefusedServer,
        format!(
            "{doing}: the server lets no password be set by its hash (strict_password_validation), or runs without its grant \
             tables (error 1290)"
        ),
        "turn strict_password_validation off, or tag the secret keyroll:plaintext-statements = true: the password then stands in \
         the server's logs",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_says_two_things() {
        assert!(forbidden("x", true).to_string().contains("read-only"));
        assert!(forbidden("x", false).to_string().contains("keyroll:plaintext-statements"));
    }

    #[test]
    fn a_burnt_password_is_told_with_the_way_to_another() {
        let error = told("ALTER USER `app`@`%`", 1819);
        assert_eq!(error.kind(), ErrorKind::RefusedValue);
        assert!(error.to_string().contains("clear AWSPENDING") && error.to_string().contains("1819"), "{error}");
    }

    #[test]
    fn what_the_driver_quotes_stays_behind() {
        let quoting = Driver::Protocol("near 'SET PASSWORD = x'".to_owned());
        assert!(!sanitised("doing", &quoting).to_string().contains("near"));
    }
}
