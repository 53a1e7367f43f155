//! The statements, as text. MariaDB takes no parameters where accounts are named, so that everything that comes from a
//! secret passes through one of two quoting functions. Both hold under the settings that every session of ours begins with.

use std::fmt::Write as _;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::definition::{NATIVE, Rule};
use crate::secret::Sensitive;

/// How long a statement may wait for locks of others, and for our own lock.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(3);

/// What every session begins with. `NO_BACKSLASH_ESCAPES`: a literal then ends at the first quote that is not doubled, whatever
/// the server's own mode. `NO_AUTO_CREATE_USER`: a GRANT to an account that somebody has just dropped makes none without a
/// password. The limits are the server's, so that nothing of ours goes on
/// there after Lambda has ended the process.
pub(super) const SETTINGS: &str = "SET NAMES utf8mb4, SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER', \
     SESSION sql_quote_show_create = 1, SESSION lock_wait_timeout = 3, SESSION max_statement_time = 5, \
     SESSION wait_timeout = 60";

/// What the server shows of itself and of the account that asks.
pub(super) const FACTS: &str = "SELECT VERSION(), @@GLOBAL.read_only, @@GLOBAL.strict_password_validation, \
     (SELECT GROUP_CONCAT(PLUGIN_NAME ORDER BY PLUGIN_NAME) FROM information_schema.PLUGINS \
       WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE')";

/// The identity of the session.
pub(super) const IDENTITY: &str = "SELECT USER(), CURRENT_USER(), COALESCE(DATABASE(), '')";

/// How the account that is logged in is defined.
pub(super) const OWN_DEFINITION: &str = "SHOW CREATE USER";

/// The rights of the account that is logged in.
pub(super) const OWN_GRANTS: &str = "SHOW GRANTS";

/// Releases every lock that the session holds.
pub(super) const RELEASE: &str = "DO RELEASE_ALL_LOCKS()";

/// The hosts from which an account may come. A role has none.
pub(super) fn hosts(user: &str) -> String {
    format!("{} ORDER BY Host", of_user(user))
}

/// The same, with the row that a login from here meets as the last: where passwords change one row after the other and it
/// breaks off in between, the password before still lets us in, and so all of them are set by the next try. Rows by netmask are
/// not found by this: then the retry looks at all rows.
pub(super) fn hosts_ours_last(user: &str) -> String {
    format!("{} ORDER BY SUBSTRING_INDEX(USER(), '@', -1) LIKE Host, Host", of_user(user))
}

fn of_user(user: &str) -> String {
    format!("SELECT Host FROM mysql.user WHERE User = {} AND is_role = 'N'", literal(user))
}

/// How an account is defined for one host.
pub(super) fn definition(user: &str, host: &str) -> String {
    format!("SHOW CREATE USER {}", account(user, host))
}

/// Takes the account's lock.
pub(super) fn lock(account: &str) -> String {
    format!("SELECT GET_LOCK('{}', {})", lock_name(account), LOCK_WAIT.as_secs())
}

/// The session that holds the account's lock.
pub(super) fn holder(account: &str) -> String {
    format!(
        "SELECT IS_USED_LOCK('{0}'), (SELECT USER FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK('{0}'))",
        lock_name(account)
    )
}

/// The name of the account's lock: a digest, as it may not be longer than 64 characters.
fn lock_name(account: &str) -> String {
    format!("keyroll:{}", hex(&Sha1::digest(account)))
}

/// How a password is put into a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the hash that the server stores.
    Hash,
    /// As it is, for a password validator to see.
    Plaintext,
}

/// A way to log in that an account is given.
pub(super) enum Way<'a> {
    /// By a password of ours.
    Password(&'a Sensitive),
    /// As before, by another plugin.
    Other(&'a Rule),
}

/// Gives an account of one host these ways to log in, and no other. `unlock` also lets it in.
pub(super) fn set_ways(user: &str, host: &str, ways: &[Way<'_>], form: Form, unlock: bool) -> Sensitive {
    let rule = |way: &Way<'_>| match way {
        Way::Password(password) => format!("{NATIVE} USING {}", given(password, form)),
        Way::Other(Rule { plugin, text: None }) => identifier(plugin),
        Way::Other(Rule { plugin, text: Some(text) }) => {
            format!("{} USING {}", identifier(plugin), literal(text.expose()))
        }
    };
    let rules: Vec<String> = ways.iter().map(rule).collect();
    let unlocked = if unlock { " ACCOUNT UNLOCK" } else { "" };
    Sensitive::new(format!("ALTER USER {} IDENTIFIED VIA {}{unlocked}", account(user, host), rules.join(" OR ")))
}

/// Gives the account that is logged in another password.
pub(super) fn set_own_password(password: &Sensitive, form: Form) -> Sensitive {
    Sensitive::new(format!("SET PASSWORD = {}", given(password, form)))
}

fn given(password: &Sensitive, form: Form) -> String {
    match form {
        Form::Hash => format!("'{}'", verifier(password).expose()),
        Form::Plaintext => format!("PASSWORD({})", literal(password.expose())),
    }
}

/// What `mysql_native_password` stores of a password: an asterisk and the SHA-1 of its SHA-1, in capitals.
pub(in crate::database) fn verifier(password: &Sensitive) -> Sensitive {
    let once = Sha1::digest(password.expose());
    Sensitive::new(format!("*{}", hex(&Sha1::digest(once))))
}

/// An account of one host. Backticks are the one quote that holds in every `sql_mode`.
pub(super) fn account(user: &str, host: &str) -> String {
    format!("{}@{}", identifier(user), identifier(host))
}

/// A quoted name.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A quoted text, under [`SETTINGS`].
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensitive(text: &str) -> Sensitive {
        Sensitive::new(text.to_owned())
    }

    #[test]
    fn a_hash_is_the_servers_own() {
        // SELECT PASSWORD('pw1') of MariaDB 10.11.
        assert_eq!(verifier(&sensitive("pw1")).expose(), "*2B602296A79E0A8784ACC5C88D92E46588CCA3C3");
        assert_eq!(verifier(&sensitive("")).expose().len(), 41);
    }

    #[test]
    fn names_are_quoted_whatever_they_are() {
        let hash = sensitive("p");
        for (account, host, quoted) in [
            ("app", "%", "`app`@`%`"),
            ("a`b", "10.%", "`a``b`@`10.%`"),
            ("a'b\"c\\d", "localhost", "`a'b\"c\\d`@`localhost`"),
            ("a`; DROP USER b; --", "%", "`a``; DROP USER b; --`@`%`"),
        ] {
            let statement = set_ways(account, host, &[Way::Password(&hash)], Form::Hash, false);
            assert!(statement.expose().starts_with(&format!("ALTER USER {quoted} IDENTIFIED VIA ")));
        }
        for hosts in [hosts("o'neil\\"), hosts_ours_last("o'neil\\")] {
            assert!(hosts.contains("User = 'o''neil\\' AND"), "{hosts}");
        }
    }

    #[test]
    fn a_statement_carries_hashes_and_no_password() {
        let (new, old) = (sensitive("the-new-one-of-this-test"), sensitive("the-old-one-of-this-test"));
        let ways = [Way::Password(&new), Way::Password(&old)];
        let statement = set_ways("app", "%", &ways, Form::Hash, true);
        let [new_hash, old_hash] = [&new, &old].map(|password| verifier(password).expose().to_owned());
        assert_eq!(
            statement.expose(),
            format!(
                "ALTER USER `app`@`%` IDENTIFIED VIA mysql_native_password USING '{new_hash}' \
                 OR mysql_native_password USING '{old_hash}' ACCOUNT UNLOCK"
            )
        );
        assert_eq!(set_own_password(&new, Form::Hash).expose(), format!("SET PASSWORD = '{new_hash}'"));
    }

    #[test]
    fn what_other_plugins_let_in_goes_on() {
        let socket = Rule { plugin: "unix_socket".to_owned(), text: None };
        let pam = Rule { plugin: "pam".to_owned(), text: Some(sensitive("mari'adb")) };
        let (new, other) = (sensitive("p"), Form::Plaintext);
        let statement =
            set_ways("app", "%", &[Way::Password(&new), Way::Other(&socket), Way::Other(&pam)], other, false);
        assert_eq!(
            statement.expose(),
            "ALTER USER `app`@`%` IDENTIFIED VIA mysql_native_password USING PASSWORD('p') OR `unix_socket` \
             OR `pam` USING 'mari''adb'"
        );
    }

    #[test]
    fn a_validator_is_shown_the_password_in_quotes() {
        let statement = set_own_password(&sensitive("it's"), Form::Plaintext);
        assert_eq!(statement.expose(), "SET PASSWORD = PASSWORD('it''s')");
    }

    #[test]
    fn a_lock_has_a_name_that_fits() {
        let statement = lock(&"ä".repeat(80));
        assert_eq!(statement.len(), "SELECT GET_LOCK('keyroll:', 3)".len() + 40);
        assert_ne!(statement, lock("app"));
    }
}
