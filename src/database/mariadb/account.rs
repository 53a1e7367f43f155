//! What the server's answers mean: a failed login by its number, and whether the server takes a change.

use sqlx::Error as Driver;
use sqlx::mysql::MySqlDatabaseError;

use super::statements::Form;
use crate::database::{Probe, wire};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Login;

/// The port where a secret names none.
pub const PORT: u16 = 3306;

/// What the server shows of itself before an account is changed.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// `VERSION()`.
    pub(super) version: String,
    pub(super) read_only: bool,
    /// `strict_password_validation`: where a password is to be seen by a validator, a hash is refused.
    pub(super) strict: bool,
    /// The plugins that look at passwords.
    pub(super) validators: Vec<String>,
}

/// The validator that remembers every password it was shown, also where the statement failed.
const REMEMBERS: &str = "password_reuse_check";

impl Facts {
    /// Refuses a server that takes no change, or none in the form that the secret allows.
    pub(super) fn check(&self, plaintext: bool) -> Result<()> {
        self.check_product()?;
        if self.read_only {
            return Err(Error::new(
                ErrorKind::RefusedServer,
                "the server is read-only (read_only is on, as on a replica); it would answer ALTER USER with error 1290",
                "put the primary's address into the secret's host, or turn read_only off",
            ));
        }
        if self.insists() && !plaintext {
            return Err(Error::new(
                ErrorKind::RefusedServer,
                format!(
                    "the server lets no password be set by its hash (strict_password_validation, for {}: error 1396)",
                    self.validators.join(", ")
                ),
                "turn strict_password_validation off (SET GLOBAL, or in the DB parameter group), or tag the secret \
                 keyroll:plaintext-statements = true: the password then stands in the server's logs",
            ));
        }
        Ok(())
    }

    fn check_product(&self) -> Result<()> {
        if self.version.contains("MariaDB") {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RefusedServer,
            "the server is no MariaDB by its version; MySQL sets two passwords by other statements, which keyroll does not \
             know yet",
            "rotate this secret with the function that did so before",
        ))
    }

    /// In what form a statement has to carry a password. [`Facts::check`] comes first.
    pub(super) fn form(&self) -> Form {
        if self.insists() { Form::Plaintext } else { Form::Hash }
    }

    /// Why the password before cannot stay beside the new one, as far as that is up to the server.
    pub(super) fn no_second(&self) -> Option<String> {
        let remembers = self.insists() && self.validators.iter().any(|name| name == REMEMBERS);
        remembers.then(|| {
            format!(
                "{REMEMBERS} is loaded with strict_password_validation, and takes no password that it has seen before"
            )
        })
    }

    fn insists(&self) -> bool {
        self.strict && !self.validators.is_empty()
    }
}

/// Whether these lines of `SHOW GRANTS`, in which the active role's are among its own, let their holder alter other accounts:
/// by `CREATE USER`, or by writing to the server's own tables.
pub(super) fn may_alter_accounts(grants: &[String]) -> bool {
    let allows = |line: &String| {
        let privileges_on =
            |object: &str| line.strip_prefix("GRANT ")?.split_once(object).map(|(privileges, _)| privileges);
        let has =
            |privileges: &str, word: &str| privileges.split(", ").any(|has| has == word || has == "ALL PRIVILEGES");
        privileges_on(" ON *.* TO ").is_some_and(|all| has(all, "CREATE USER") || has(all, "UPDATE"))
            || privileges_on(" ON `mysql`.* TO ").is_some_and(|own| has(own, "UPDATE"))
            // A role may have one that is not shown: then it is for the server to say.
            || line.starts_with("GRANT `")
    };
    grants.iter().any(allows)
}

/// Whether these let their holder see the sessions of others.
pub(super) fn may_see_sessions(grants: &[String]) -> bool {
    let privileges = |line: &String| {
        let (privileges, _) = line.strip_prefix("GRANT ")?.split_once(" ON *.* TO ")?;
        Some(privileges.split(", ").any(|word| word == "PROCESS" || word == "ALL PRIVILEGES"))
    };
    grants.iter().any(|line| privileges(line).unwrap_or_default())
}

/// Name and host of what `CURRENT_USER()` gives. A name may hold an `@`, a host may not.
pub(super) fn parts(account: &str) -> (&str, &str) {
    account.rsplit_once('@').unwrap_or((account, ""))
}

/// Sorts a failed login. Two answers are about the password: 1045, and 1698, which servers give instead for an account that
/// does not exist, or takes none.
pub(super) fn classify<S>(login: &Login, error: &Driver) -> Probe<S> {
    let (place, account) = (place(login), &login.username);
    if let Some(error) = wire::failed(&place, error) {
        return Probe::Unreachable(error);
    }
    let refused = |cause: String, remedy: &str| (ErrorKind::RefusedAccount, cause, remedy.to_owned());
    let (kind, cause, remedy) = match (number(error), error) {
        (Some(1045 | 1698), _) => return Probe::Rejected,
        (Some(1044), _) => refused(
            format!("does not let {account:?} into the database (error 1044)"),
            "GRANT a right on it to the account, or correct dbname in the secret",
        ),
        (Some(1049), _) => (
            ErrorKind::RefusedValue,
            format!("has no database {:?} (error 1049)", login.dbname.as_deref().unwrap_or_default()),
            "correct dbname in the secret".to_owned(),
        ),
        (Some(1129), _) => refused(
            "has blocked the host that keyroll comes from, after many broken connections (error 1129)".to_owned(),
            "FLUSH HOSTS on the server, and see what broke them (max_connect_errors)",
        ),
        (Some(1130), _) => refused(
            format!("lets nobody in from the host that keyroll comes from (error 1130), {account:?} neither"),
            "CREATE USER for that host, or for '%'",
        ),
        // What a session begins with has a setting that MySQL does not know.
        (Some(1193), _) => (
            ErrorKind::RefusedServer,
            "is no MariaDB by its settings (error 1193): MySQL sets two passwords by other statements, which keyroll does not know \
             yet"
                .to_owned(),
            "rotate this secret with the function that did so before".to_owned(),
        ),
        (Some(1862), _) => refused(
            format!("does not let {account:?} in because its password has expired (error 1862)"),
            "turn disconnect_on_expired_password off, or set its password by hand to the one in AWSCURRENT",
        ),
        (Some(4150), _) => refused(
            format!("has blocked {account:?} after too many wrong passwords (max_password_errors, error 4150)"),
            "FLUSH PRIVILEGES on the server, and see who tries the old one",
        ),
        (Some(4151), _) => {
            refused(format!("has {account:?} locked (error 4151)"), "ALTER USER the account ACCOUNT UNLOCK")
        }
        (Some(3159), _) => (
            ErrorKind::RefusedTls,
            "demands TLS (require_secure_transport, error 3159)".to_owned(),
            "remove \"ssl\": false from the secret".to_owned(),
        ),
        (None, Driver::Protocol(text)) if plugin(text).is_some() => refused(
            format!("wants {account:?} to log in by the plugin {}, which keyroll cannot", plugin(text).unwrap_or_default()),
            "ALTER USER the account IDENTIFIED VIA mysql_native_password, with the password in AWSCURRENT; ed25519 and parsec \
             can be neither spoken nor overlapped by keyroll, and unix_socket and gssapi take no password",
        ),
        (Some(number), _) => (
            ErrorKind::FailedDatabase,
            format!("refused the connection (error {number})"),
            "see MariaDB's documentation for that number (1040, 1203, 1226: too many connections); then run the step again"
                .to_owned(),
        ),
        _ => (
            ErrorKind::FailedDatabase,
            "broke the login off".to_owned(),
            "see the server's log; then run the step again".to_owned(),
        ),
    };
    Probe::Unreachable(Error::new(kind, format!("{place} {cause}"), remedy))
}

/// The server's number of an error.
pub(super) fn number(error: &Driver) -> Option<u16> {
    match error {
        Driver::Database(answer) => answer.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number),
        _ => None,
    }
}

/// The plugin by which sqlx was asked to log in and cannot, in letters that may be told.
fn plugin(text: &str) -> Option<String> {
    let named = text.split_once("unknown authentication plugin: ").map(|(_, plugin)| plugin);
    let named = named.or_else(|| text.contains("cleartext").then_some("mysql_clear_password"))?;
    Some(named.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect())
}

/// Where a login goes, for messages.
pub(super) fn place(login: &Login) -> String {
    format!("MariaDB at {}:{}", login.host, login.port.unwrap_or(PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts { version: "10.11.6-MariaDB-log".to_owned(), read_only: false, strict: true, validators: Vec::new() }
    }

    fn validated(by: &[&str]) -> Facts {
        Facts { validators: by.iter().map(|name| (*name).to_owned()).collect(), ..facts() }
    }

    #[test]
    fn what_takes_a_change_and_in_what_form() {
        let lenient = Facts { strict: false, ..validated(&["simple_password_check"]) };
        for (facts, plaintext, form) in [
            (facts(), false, Form::Hash),
            (facts(), true, Form::Hash),
            (lenient, false, Form::Hash),
            (validated(&["simple_password_check"]), true, Form::Plaintext),
        ] {
            assert_eq!(facts.check(plaintext), Ok(()), "{facts:?}");
            assert_eq!(facts.form(), form, "{facts:?}");
        }
    }

    #[test]
    fn what_takes_none_and_why() {
        for (facts, expected) in [
            (Facts { read_only: true, ..facts() }, "read_only"),
            (validated(&["simple_password_check"]), "keyroll:plaintext-statements"),
            (Facts { version: "8.4.0".to_owned(), ..facts() }, "MySQL"),
        ] {
            let error = facts.check(false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RefusedServer);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_validator_that_remembers_allows_no_second_password() {
        assert_eq!(facts().no_second(), None);
        assert_eq!(validated(&["cracklib_password_check"]).no_second(), None);
        assert!(validated(&["password_reuse_check"]).no_second().is_some());
    }

    #[test]
    fn who_may_alter_accounts() {
        for (line, expected) in [
            ("GRANT SELECT, CREATE USER, EVENT ON *.* TO `dba`@`%` IDENTIFIED BY PASSWORD 'x' WITH GRANT OPTION", true),
            ("GRANT ALL PRIVILEGES ON *.* TO `dba`@`%`", true),
            ("GRANT CREATE USER ON *.* TO `a_role`", true),
            ("GRANT SELECT, UPDATE ON `mysql`.* TO `dba`@`%`", true),
            ("GRANT SELECT, UPDATE ON *.* TO `dba`@`%`", true),
            ("GRANT USAGE ON *.* TO `CREATE USER`@`%`", false),
            ("GRANT SELECT ON `mysql`.* TO `dba`@`%`", false),
            ("GRANT ALL PRIVILEGES ON `orders`.* TO `dba`@`%` WITH GRANT OPTION", false),
            ("GRANT `a_role` TO `dba`@`%`", true),
        ] {
            assert_eq!(may_alter_accounts(&[line.to_owned()]), expected, "{line}");
        }
    }

    #[test]
    fn an_account_ends_at_the_last_at() {
        assert_eq!(parts("app@%"), ("app", "%"));
        assert_eq!(parts("a@b@10.0.0.1"), ("a@b", "10.0.0.1"));
    }

    #[test]
    fn the_plugin_that_cannot_be_spoken_is_named() {
        let text = "encountered unexpected or invalid data: unknown authentication plugin: client_ed25519";
        assert_eq!(plugin(text).as_deref(), Some("client_ed25519"));
        assert_eq!(plugin("mysql_cleartext_plugin disabled").as_deref(), Some("mysql_clear_password"));
        assert_eq!(plugin("something else"), None);
    }
}
