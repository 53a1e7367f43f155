//! A database login as AWS writes it into a secret: `engine`, `host`, `port`, `username`, `password`, `dbname`, `ssl`,
//! `masterarn`. Other keys are the service's own business.

use serde_json::Value;

use super::{Document, Sensitive};
use crate::error::{Error, ErrorKind, Result};

/// Whether a connection is encrypted. There is nothing between the two and no way from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted, with certificate and host name verified.
    Verified,
    /// In clear, because the secret says `"ssl": false`.
    Off,
}

/// A login to a database, checked as far as can be without the server.
#[derive(Clone)]
pub struct Login {
    /// The database engine, as the secret spells it.
    pub engine: String,
    /// The server's name or address.
    pub host: String,
    /// The server's port, where the secret names one.
    pub port: Option<u16>,
    /// The account.
    pub username: String,
    /// Its password.
    pub password: Sensitive,
    /// The database to connect to, where the secret names one.
    pub dbname: Option<String>,
    /// Whether to encrypt.
    pub tls: Tls,
    /// Whether the secret names a cluster by one of AWS's keys.
    pub cluster: bool,
    /// The ARN of the administrator's secret, where the secret names one.
    pub masterarn: Option<String>,
}

impl Login {
    /// Reads a login from a document.
    pub fn read(document: &Document) -> Result<Self> {
        Ok(Self {
            engine: required(document, "engine")?,
            host: host(required(document, "host")?)?,
            port: port(document.get("port")?)?,
            username: no_nul("username", required(document, "username")?)?,
            password: Sensitive::new(required(document, "password")?),
            dbname: optional(document, "dbname")?.map(|name| no_nul("dbname", name)).transpose()?,
            tls: tls(document.get("ssl")?.as_ref()),
            cluster: document.get("dbClusterIdentifier")?.is_some(),
            masterarn: optional(document, "masterarn")?,
        })
    }

    /// The first thing, besides account and password, in which another version's login differs from this one.
    ///
    /// A rotation changes nothing else. Without this rule, whoever may write one version could point the
    /// function at another server.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            ("engine", self.engine != other.engine),
            ("host", !self.host.eq_ignore_ascii_case(&other.host)),
            ("port", self.port != other.port),
            ("dbname", self.dbname != other.dbname),
            ("ssl", self.tls != other.tls),
        ]
        .into_iter()
        .find_map(|(key, differs)| differs.then_some(key))
    }
}

fn required(document: &Document, key: &str) -> Result<String> {
    match document.get(key)? {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) => Err(refused(format!("the JSON key {key} is empty"))),
        Some(_) => Err(refused(format!("the JSON key {key} is not a string"))),
        None => Err(refused(format!("the JSON key {key} is missing"))),
    }
}

/// Some tools write a key they have no value for as null, or empty.
fn optional(document: &Document, key: &str) -> Result<Option<String>> {
    match document.get(key)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(refused(format!("the JSON key {key} is not a string"))),
    }
}

/// Database names end at a NUL on the wire, so one inside a name would silently name another thing.
fn no_nul(key: &str, text: String) -> Result<String> {
    if text.contains('\0') { Err(refused(format!("the JSON key {key} contains a NUL"))) } else { Ok(text) }
}

/// A host that begins with a slash would be taken for a local socket, which skips TLS.
fn host(host: String) -> Result<String> {
    let fits = host.len() <= 253 && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:%".contains(c));
    let has_port = host.matches(':').count() == 1;
    if has_port {
        Err(refused("the JSON key host contains a port; a port belongs into the JSON key port".to_owned()))
    } else if fits {
        Ok(host)
    } else {
        Err(refused("the JSON key host is neither a host name nor an address".to_owned()))
    }
}

/// AWS's templates take a number or a string of digits.
fn port(value: Option<Value>) -> Result<Option<u16>> {
    let number = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(Value::String(digits)) => digits.trim().parse().ok(),
        Some(_) => None,
    };
    match number {
        Some(number) if number > 0 => Ok(Some(number)),
        _ => Err(refused("the JSON key port is not a number from 1 to 65535".to_owned())),
    }
}

/// Only a clear `false` turns encryption off. Where AWS's templates meet anything else they try without TLS after a
/// failed login; here everything else means verified TLS.
fn tls(ssl: Option<&Value>) -> Tls {
    match ssl {
        Some(Value::Bool(false)) => Tls::Off,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Tls::Off,
        _ => Tls::Verified,
    }
}

fn refused(cause: String) -> Error {
    Error::new(
        ErrorKind::RefusedValue,
        cause,
        "correct this secret's AWSCURRENT value: engine, host, username and password are strings; port, dbname and ssl are \
         optional",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Login> {
        Login::read(&Document::parse(Sensitive::new(value.to_string()))?)
    }

    fn with(key: &str, value: Value) -> Value {
        let mut login = json!({"engine": "postgres", "host": "db.example", "username": "app", "password": "p"});
        login[key] = value;
        login
    }

    fn accepted(value: &Value) -> Login {
        read(value).unwrap_or_else(|error| panic!("{value}: {error}"))
    }

    #[test]
    fn aws_shapes_of_port_and_ssl_are_read() {
        for (port, expected) in [(json!(5433), 5433), (json!("5433"), 5433), (json!(" 5433"), 5433)] {
            assert_eq!(accepted(&with("port", port)).port, Some(expected));
        }
        assert_eq!(accepted(&with("port", Value::Null)).port, None);
        for (ssl, expected) in [
            (json!(false), Tls::Off),
            (json!("False"), Tls::Off),
            (json!(true), Tls::Verified),
            (json!("maybe"), Tls::Verified),
            (json!(0), Tls::Verified),
            (Value::Null, Tls::Verified),
        ] {
            assert_eq!(accepted(&with("ssl", ssl.clone())).tls, expected, "{ssl}");
        }
        assert_eq!(accepted(&with("other", json!(1))).tls, Tls::Verified);
    }

    #[test]
    fn what_cannot_be_a_login_is_refused_by_key() {
        for (key, value, expected) in [
            ("engine", json!(7), "engine is not a string"),
            ("password", json!(""), "password is empty"),
            ("username", json!("a\0b"), "username contains a NUL"),
            ("port", json!("five"), "port is not a number"),
            ("port", json!(0), "port is not a number"),
            ("port", json!(65536), "port is not a number"),
            ("port", json!(54.5), "port is not a number"),
            ("host", json!("/var/run/postgresql"), "neither a host name"),
            ("host", json!("db.example:5432"), "contains a port"),
            ("host", json!("db example"), "neither a host name"),
            ("dbname", json!(["a"]), "dbname is not a string"),
        ] {
            let Err(error) = read(&with(key, value.clone())) else { panic!("accepted {key} = {value}") };
            assert!(error.to_string().contains(expected), "{key} = {value}: {error}");
        }
        let Err(error) = read(&json!({"engine": "postgres", "host": "h", "username": "u"})) else { panic!("accepted") };
        assert!(error.to_string().contains("password is missing"), "{error}");
    }

    #[test]
    fn a_difference_is_named_and_the_password_is_none() {
        let base = accepted(&with("port", json!(5432)));
        assert_eq!(base.difference(&accepted(&with("port", json!("5432")))), None);
        assert_eq!(base.difference(&accepted(&with("port", json!(5433)))), Some("port"));
        let mut other = with("port", json!(5432));
        other["password"] = json!("another");
        other["host"] = json!("DB.example");
        assert_eq!(base.difference(&accepted(&other)), None);
        other["ssl"] = json!(false);
        assert_eq!(base.difference(&accepted(&other)), Some("ssl"));
    }
}
