//! The statements, as text. Everything that comes from a secret passes through one of two quoting functions, which are
//! the PostgreSQL client library's own.

use std::time::Duration;

use postgres_protocol::escape::{escape_identifier, escape_literal};
use postgres_protocol::password::scram_sha_256;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Sensitive;

/// How long a statement may wait for locks of others.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(3);

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(5);

/// What the server shows of itself, of the account that logged in and of the account to change; no row where that one
/// does not exist.
///
/// A superuser counts as a member of every role, so membership in `rds_iam` says nothing about one.
pub(super) fn facts(account: &str) -> String {
    format!(
        "SELECT pg_catalog.pg_is_in_recovery(), \
         pg_catalog.current_setting('default_transaction_read_only'), \
         (SELECT source FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'), \
         pg_catalog.current_setting('server_version_num'), \
         COALESCE(pg_catalog.current_setting('rds.restrict_password_commands', true), 'off'), \
         session_user::text, me.rolsuper, me.rolcreaterole, target.rolsuper, target.rolreplication, \
         NOT target.rolsuper AND COALESCE((SELECT pg_catalog.pg_has_role(target.oid, r.oid, 'MEMBER') \
           FROM pg_catalog.pg_roles r WHERE r.rolname = 'rds_iam'), false), \
         COALESCE((SELECT pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER') \
           FROM pg_catalog.pg_roles r WHERE r.rolname = 'rds_password'), false), \
         EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.roleid = target.oid AND m.admin_option \
           AND pg_catalog.pg_has_role(me.oid, m.member, 'USAGE')) \
         FROM pg_catalog.pg_roles me, pg_catalog.pg_roles target \
         WHERE me.rolname = session_user AND target.rolname = {}",
        escape_literal(account)
    )
}

/// Who we are, and whom the account's settings would have us act as. Where the account is no member of that role, the
/// server lets it in all the same and only warns; of several settings the closest one counts, as in the manual's "Managing
/// Configuration": for the role in the database, for the role, for the database, for all.
pub(super) const IDENTITY: &str = "SELECT session_user::text, current_user::text, pg_catalog.current_database()::text, \
     COALESCE(NULLIF((SELECT pg_catalog.substr(e, 6) FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) e \
       WHERE pg_catalog.starts_with(e, 'role=') \
       AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)) AND s.setdatabase IN \
         (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) \
       ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1), 'none'), session_user::text)";

/// Whether the server replays what another one writes.
pub(super) const IN_RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";

/// A look outside a transaction of ours, with settings for itself only: several statements sent at once are a transaction.
///
/// Functions are named in full, but operators cannot be in a readable way: the owner of the account's database could put
/// operators of their own first in its `search_path`, to be called by an administrator. And an account's own
/// `statement_timeout` is not meant for us.
pub(super) fn aside(query: &str) -> String {
    format!("SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = {}; {query}", LOOK.as_millis())
}

/// Begins a transaction that only looks.
pub(super) fn begin_to_look(left: Duration) -> String {
    format!(
        "BEGIN READ ONLY; SET LOCAL role = none; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = {}",
        timeout(left).as_millis()
    )
}

/// One statement of a change, within what is left of the invocation.
pub(super) fn limited(statement: &str, left: Duration) -> String {
    format!("SET LOCAL statement_timeout = {}; {statement}", timeout(left).as_millis())
}

/// Begins a transaction and takes the account's advisory lock, held until the transaction ends.
///
/// `role = none` because an account may be set to act as another: then `ALTER ROLE` of itself would be somebody else's.
/// `READ WRITE` because an account may be set to read-only by default. The timeouts are the server's, so that nothing of
/// ours goes on there after Lambda has ended the process.
pub(super) fn begin_and_lock(account: &str, left: Duration) -> String {
    format!(
        "BEGIN READ WRITE; SET LOCAL role = none; SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = {}; \
         SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = 30000; \
         SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended({}, 0))",
        LOCK_WAIT.as_millis(),
        timeout(left).as_millis(),
        escape_literal(&format!("keyroll:{account}"))
    )
}

/// Changes a password, by verifier, within what is left of the invocation.
pub(super) fn set_password(account: &str, verifier: &str, left: Duration) -> String {
    limited(&format!("ALTER ROLE {} PASSWORD {}", escape_identifier(account), escape_literal(verifier)), left)
}

/// The server's limit for a statement: a second before Lambda's own.
fn timeout(left: Duration) -> Duration {
    left.saturating_sub(Duration::from_secs(1)).clamp(Duration::from_secs(1), Duration::from_secs(5))
}

/// The SCRAM-SHA-256 verifier of a password, as the server would store it (RFC 5803, 4096 rounds, 16 bytes of salt).
///
/// The server hashes anything that is not exactly a verifier as if it were a password, so the shape is checked here.
pub(super) fn verifier(password: &Sensitive) -> Result<String> {
    let verifier = scram_sha_256(password.expose().as_bytes());
    if well_formed(&verifier) {
        return Ok(verifier);
    }
    Err(Error::new(
        ErrorKind::RefusedValue,
        "no SCRAM-SHA-256 verifier can be made of the pending password",
        "store a new AWSPENDING value by rotating again once AWSCURRENT is seen to log in",
    ))
}

fn well_formed(verifier: &str) -> bool {
    let base64 = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    let parts = || {
        let (salt, keys) = verifier.strip_prefix("SCRAM-SHA-256$4096:")?.split_once('$')?;
        let (stored, server) = keys.split_once(':')?;
        Some(base64(salt, 24) && base64(stored, 44) && base64(server, 44))
    };
    parts().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        let verifier = verifier(&Sensitive::new("p".to_owned())).unwrap();
        for (name, quoted) in [
            ("app", "\"app\""),
            ("a\"; DROP ROLE b; --", "\"a\"\"; DROP ROLE b; --\""),
            ("a'b\\c\nd", "\"a'b\\c\nd\""),
            ("Größe", "\"Größe\""),
        ] {
            let statement = set_password(name, &verifier, LOCK_WAIT);
            assert!(statement.ends_with(&format!("; ALTER ROLE {quoted} PASSWORD '{verifier}'")), "{statement}");
        }
        assert!(facts("o'neil").ends_with("target.rolname = 'o''neil'"));
        assert!(facts("a\\b").ends_with("target.rolname =  E'a\\\\b'"));
    }

    #[test]
    fn a_statement_carries_a_verifier_and_no_password() {
        let password = Sensitive::new("a-password-of-this-test".to_owned());
        let statement = set_password("app", &verifier(&password).unwrap(), LOCK_WAIT);
        assert!(statement.contains("ALTER ROLE \"app\" PASSWORD 'SCRAM-SHA-256$4096:"));
        assert!(!statement.contains(password.expose()));
    }

    #[test]
    fn what_the_server_would_hash_as_a_password_is_noticed() {
        let good = verifier(&Sensitive::new("p".to_owned())).unwrap();
        assert!(well_formed(&good));
        for bad in
            [String::new(), format!("{good},{good}"), good.replace("4096", "4095"), good[..good.len() - 1].to_owned()]
        {
            assert!(!well_formed(&bad), "{bad}");
        }
    }

    #[test]
    fn the_server_gives_up_before_lambda_does() {
        for (left, expected) in [(60, 5000), (4, 3000), (0, 1000)] {
            let left = Duration::from_secs(left);
            for statement in [begin_and_lock("app", left), set_password("app", "v", left)] {
                assert!(statement.contains(&format!("statement_timeout = {expected};")), "{left:?}: {statement}");
            }
        }
    }
}
