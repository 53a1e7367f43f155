//! PostgreSQL. Single user: the account changes its own password, or an administrator does. Alternating users: an
//! administrator sets the password of the other one of two accounts, and keeps both in step (see `partner`).
//!
//! What travels is a SCRAM-SHA-256 verifier made here, never a password: PostgreSQL masks nothing in its logs, and a
//! server logs statements that fail even where it logs no others. A verifier that is malformed in the least is silently
//! hashed *as a password*, which is why nothing counts as set until a login has proven it.

mod account;
mod partner;
mod session;
mod sessions;
mod statements;

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use account::PORT;
use account::{DATABASE, place};

pub use self::session::Session;
pub(super) use self::sessions::by_hand;
use super::Probe;
use super::wire::Wire;
use crate::context::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Limits, Login, Tls};

/// The longest that a connection and login may take.
const CONNECT: Duration = Duration::from_secs(5);

/// NAMEDATALEN: the server cuts longer names off at 63 bytes, so that another account would be meant.
pub const LONGEST_NAME: usize = 63;

/// Refuses what cannot be a PostgreSQL account.
pub fn check(login: &Login) -> Result<()> {
    for (key, name) in [("username", Some(&login.username)), ("dbname", login.dbname.as_ref())] {
        if let Some(name) = name.filter(|name| name.len() > LONGEST_NAME) {
            return Err(Error::new(
                ErrorKind::RefusedValue,
                format!("the JSON key {key} is {} bytes long; PostgreSQL names have at most 63", name.len()),
                format!("correct {key} in this secret's AWSCURRENT value"),
            ));
        }
    }
    Ok(())
}

/// How long a password may be: RDS's own limits, which are tighter than PostgreSQL's (API `CreateDBInstance` and
/// `CreateDBCluster`, `MasterUserPassword`).
#[must_use]
pub fn password_limits(login: &Login) -> Limits {
    let host = login.host.to_ascii_lowercase();
    let rds_cluster = host.contains(".rds.amazonaws.com") && host.contains(".cluster-");
    if login.cluster || login.engine == "aurora-postgresql" || rds_cluster {
        Limits { least: 8, most: 41, rule: "an RDS cluster" }
    } else {
        Limits { least: 8, most: 128, rule: "RDS for PostgreSQL" }
    }
}

/// Logs in.
pub async fn connect(login: &Login, ca_bundle: &[u8], clock: Clock) -> Probe<Session> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&login.host)
        .port(login.port.unwrap_or(PORT))
        .password(login.password.expose())
        .database(login.dbname.as_deref().unwrap_or(DATABASE))
        .statement_cache_capacity(0)
        .disable_statement_logging();
    let options = match login.tls {
        Tls::Verified => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(ca_bundle.to_vec()),
        Tls::Off => options.ssl_mode(PgSslMode::Disable),
    };
    let limit = CONNECT.min(clock.left());
    match tokio::time::timeout(limit, log_in(login, options)).await {
        Ok(Ok(session)) => Probe::Accepted(session),
        Ok(Err(error)) => account::classify(login, &error),
        Err(_) => Probe::Unreachable(Error::new(
            ErrorKind::FailedDatabase,
            format!("{} did not answer within {} ms", place(login), limit.as_millis()),
            "check host and port, security groups, routes and that the server is up; then run the step again",
        )),
    }
}

/// Logs in by the account's name.
///
/// sqlx also writes the name into the SCRAM exchange, where PostgreSQL ignores it (libpq sends it empty, see "SCRAM-SHA-256
/// Authentication" in the protocol's documentation) but where a comma, or a character that SASLprep forbids, ends the
/// login. Names may hold both. Such a name goes into the start-up message only: that is a list of NUL-terminated names and
/// values in which the last `user` counts, so it can follow the application's name. No NUL can be in it: see [`Login`].
async fn log_in(login: &Login, options: PgConnectOptions) -> sqlx::Result<Session> {
    let account = &login.username;
    let plainly = || options.clone().username(account).application_name("keyroll");
    if stringprep::saslprep(&format!("n={account}")).is_ok() && !account.contains(',') {
        return open(login, plainly()).await;
    }
    let aside = options.clone().username("keyroll").application_name(&format!("keyroll\0user\0{account}"));
    match open(login, aside).await {
        // A server that still keeps MD5 hashes mixes the name into them: there the plain way is right. On others it fails
        // before any password is tried, and the first answer stands.
        Err(rejected) if account::is_rejection(&rejected) => match open(login, plainly()).await {
            Ok(session) => Ok(session),
            Err(_) => Err(rejected),
        },
        answer => answer,
    }
}

async fn open(login: &Login, options: PgConnectOptions) -> sqlx::Result<Session> {
    let port = login.port.unwrap_or(PORT);
    let wire = Wire::open(&login.host, port, &format!(".s.PGSQL.{port}")).await?;
    let options = match &wire {
        Some(wire) => options.socket(wire.directory()),
        None => options,
    };
    Ok(Session::new(options.connect().await?, wire))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::{Document, Sensitive};

    fn login(key: &str, value: &str) -> Login {
        let mut login = json!({"engine": "postgres", "host": "db.example", "username": "app", "password": "p"});
        login[key] = json!(value);
        let document = Document::parse(Sensitive::new(login.to_string())).unwrap_or_else(|e| panic!("{e}"));
        Login::read(&document, false).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn names_end_at_63_bytes_not_characters() {
        assert!(check(&login("username", &"a".repeat(63))).is_ok());
        assert!(check(&login("username", &"a".repeat(64))).is_err());
        assert!(check(&login("username", &"ä".repeat(31))).is_ok());
        assert!(check(&login("username", &"ä".repeat(32))).is_err());
        assert!(check(&login("dbname", &"a".repeat(64))).is_err());
    }

    #[test]
    fn clusters_take_shorter_passwords() {
        for (key, value, most) in [
            ("host", "db.abc.eu-west-1.rds.amazonaws.com", 128),
            ("host", "db.cluster-abc.eu-west-1.rds.amazonaws.com", 41),
            ("host", "db.cluster-ro-abc.eu-west-1.rds.amazonaws.com", 41),
            ("engine", "aurora-postgresql", 41),
            ("dbClusterIdentifier", "orders", 41),
            ("dbInstanceIdentifier", "orders", 128),
        ] {
            assert_eq!(password_limits(&login(key, value)).most, most, "{key} = {value}");
        }
    }
}
