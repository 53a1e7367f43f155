//! MariaDB. Single user with an administrator: the new and the previous password are both valid on the one account
//! until the next rotation (see `rows`). Single user without one: the account changes its own password, and the one before
//! ends at once. Alternating users: an administrator sets the password of the other one of two accounts, and keeps both in
//! step (see `partner`).
//!
//! What travels is the hash that `mysql_native_password` stores, never a password: MariaDB writes statements to its general
//! log, its slow log and its binary log as they come. Only where a password validator of the server insists on seeing the
//! password, and the secret's tag allows it, is it in a statement.
//!
//! Nothing of an account is transactional: every statement counts at once and for good. So each is written so that it may
//! be the last one that was heard, and may come again.

mod account;
mod definition;
mod errors;
mod partner;
mod rows;
mod session;
mod sessions;
mod statements;
mod tokens;
mod write;

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

pub use account::PORT;
use account::place;

pub use self::session::Session;
pub(super) use self::sessions::by_hand;
pub(super) use self::statements::verifier;
use super::Probe;
use super::wire::Wire;
use crate::context::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Limits, Login, Tls};

/// The longest that a connection and login may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How sqlx is to find the socket that leads to the server.
const SOCKET: &str = "mariadb.sock";

/// `USERNAME_CHAR_LENGTH`: the server refuses longer names of accounts.
pub const LONGEST_NAME: usize = 80;
/// The longest name of a database ("Identifier Names" in MariaDB's documentation).
const LONGEST_DATABASE: usize = 64;

/// Refuses what cannot be a MariaDB account.
pub fn check(login: &Login) -> Result<()> {
    let names =
        [("username", Some(&login.username), LONGEST_NAME), ("dbname", login.dbname.as_ref(), LONGEST_DATABASE)];
    for (key, name, most) in names {
        if let Some(length) = name.map(|name| name.chars().count()).filter(|length| *length > most) {
            return Err(Error::new(
                ErrorKind::RefusedValue,
                format!("the JSON key {key} has {length} characters; MariaDB takes at most {most}"),
                format!("correct {key} in this secret's AWSCURRENT value"),
            ));
        }
    }
    Ok(())
}

/// How long a password may be: RDS's own limits, which are tighter than MariaDB's (API `CreateDBInstance`,
/// `MasterUserPassword`).
#[must_use]
pub fn password_limits() -> Limits {
    Limits { least: 8, most: 41, rule: "RDS for MariaDB" }
}

/// Logs in.
pub async fn connect(login: &Login, ca_bundle: &[u8], clock: Clock) -> Probe<Session> {
    // The settings that sqlx sends with every login would end that of an account whose password has expired; what a session
    // needs is set by itself.
    let options = MySqlConnectOptions::new()
        .host(&login.host)
        .port(login.port.unwrap_or(PORT))
        .username(&login.username)
        .password(login.password.expose())
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .statement_cache_capacity(0)
        .disable_statement_logging();
    let options = match &login.dbname {
        Some(database) => options.database(database),
        None => options,
    };
    let options = match login.tls {
        Tls::Verified => options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca_from_pem(ca_bundle.to_vec()),
        Tls::Off => options.ssl_mode(MySqlSslMode::Disabled),
    };
    let limit = CONNECT.min(clock.left());
    let entered = async {
        let mut session = open(login, options).await?;
        let known = session.introduce(login).await;
        sqlx::Result::Ok((session, known))
    };
    match tokio::time::timeout(limit, entered).await {
        Ok(Ok((session, Ok(())))) => Probe::Accepted(session),
        Ok(Ok((session, Err(error)))) => {
            session.close().await;
            Probe::Unreachable(error)
        }
        Ok(Err(error)) => account::classify(login, &error),
        Err(_) => Probe::Unreachable(Error::new(
            ErrorKind::FailedDatabase,
            format!("{} did not answer within {} ms", place(login), limit.as_millis()),
            "check host and port, security groups, routes and that the server is up; then run the step again",
        )),
    }
}

async fn open(login: &Login, options: MySqlConnectOptions) -> sqlx::Result<Session> {
    let wire = Wire::open(&login.host, login.port.unwrap_or(PORT), SOCKET).await?;
    let options = match &wire {
        Some(wire) => options.socket(wire.directory().join(SOCKET)),
        None => options,
    };
    let mut session = Session::new(options.connect().await?, wire, login.username.clone());
    session.run(statements::SETTINGS.to_owned()).await?;
    Ok(session)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::{Document, Sensitive};

    fn login(key: &str, value: &str) -> Login {
        let mut login = json!({"engine": "mariadb", "host": "db.example", "username": "app", "password": "p"});
        login[key] = json!(value);
        let document = Document::parse(Sensitive::new(login.to_string())).unwrap_or_else(|e| panic!("{e}"));
        Login::read(&document, false).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn names_end_at_80_characters_not_bytes() {
        assert!(check(&login("username", &"ä".repeat(80))).is_ok());
        assert!(check(&login("username", &"a".repeat(81))).is_err());
        assert!(check(&login("dbname", &"ä".repeat(64))).is_ok());
        assert!(check(&login("dbname", &"a".repeat(65))).is_err());
    }
}
