//! A database login as AWS writes it into a secret: `engine`, `host`, `port`, `username`, `password`, `dbname`, `ssl`,
//! `masterarn`. Other keys are the service's own business.

use serde_json::Value;

use super::{Document, Sensitive};
use crate::error::{Error, ErrorKind, Result};

/// The members that every login has.
const REQUIRED: [&str; 4] = ["engine", "host", "username", "password"];
/// Every member that AWS's functions read.
const KEYS: [&str; 8] = ["engine", "host", "port", "username", "password", "dbname", "ssl", "masterarn"];

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
    /// Reads a login from a document. Where `is_told`, a tag says what the server is, and the document need not.
    pub fn read(document: &Document, is_told: bool) -> Result<Self> {
        refuse_misspelt(document)?;
        let needed: &[&str] = if is_told { &["host", "username", "password"] } else { &REQUIRED };
        refuse_missing(document, needed)?;
        let engine =
            if is_told { optional(document, "engine")?.unwrap_or_default() } else { required(document, "engine")? };
        Ok(Self {
            engine: engine.trim().to_ascii_lowercase(),
            host: host(required(document, "host")?.trim().to_owned())?,
            port: port(document.get("port")?)?,
            username: no_nul("username", required(document, "username")?)?,
            password: Sensitive::new(required(document, "password")?),
            dbname: optional(document, "dbname")?.map(|name| no_nul("dbname", name)).transpose()?,
            tls: tls(document.get("ssl")?.as_ref()),
            cluster: document.get("dbClusterIdentifier")?.is_some(),
            masterarn: administrator(document)?,
        })
    }

    /// The first thing, besides account and password, in which another version's login differs from this one.
    ///
    /// A rotation changes nothing else. Without this rule, a writer of one version could point the
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

/// Refuses a value without the members that every login has, naming all that are missing.
fn refuse_missing(document: &Document, needed: &[&str]) -> Result<()> {
    let missing: Vec<&str> = needed.iter().copied().filter(|key| document.keys().all(|known| known != *key)).collect();
    match &missing[..] {
        [] => Ok(()),
        [key] => Err(refused(format!("the JSON key {key} is missing"))),
        keys => Err(refused(format!("the JSON keys {} are missing", keys.join(", ")))),
    }
}

/// Refuses a key that differs from one of AWS's in case, `-` or `_` only, where AWS's own is missing: it would be ignored, and a
/// misspelt `masterarn` would mean a single user.
fn refuse_misspelt(document: &Document) -> Result<()> {
    let plain = |key: &str| key.replace(['-', '_'], "").to_ascii_lowercase();
    let of_aws = |key: &str| KEYS.iter().find(|known| **known != key && **known == plain(key)).copied();
    let is_missing = |known: &&str| document.keys().all(|key| key != *known);
    match document.keys().find_map(|key| of_aws(key).filter(is_missing).map(|known| (key, known))) {
        None => Ok(()),
        Some((key, known)) => Err(Error::new(
            ErrorKind::RefusedValue,
            format!("the JSON key {key:?} is no key of AWS's, and {known} is missing"),
            format!("write it as {known}, as AWS does, or give it a name that cannot be taken for {known}"),
        )),
    }
}

/// The administrator's secret, if the value names one. A name that is empty would silently mean a single user.
fn administrator(document: &Document) -> Result<Option<String>> {
    match document.get("masterarn")? {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(Error::new(
            ErrorKind::RefusedValue,
            "the JSON key masterarn is empty, or no string",
            "put the ARN of the administrator's secret there for alternating users, or take the key out for a single user",
        )),
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
        // As AWS's functions do: some tools write whole numbers as 5432.0.
        Some(Value::Number(number)) => whole(&number),
        Some(Value::String(digits)) => digits.trim().parse().ok(),
        Some(_) => None,
    };
    match number {
        Some(number) if number > 0 => Ok(Some(number)),
        _ => Err(refused("the JSON key port is not a number from 1 to 65535".to_owned())),
    }
}

fn whole(number: &serde_json::Number) -> Option<u16> {
    let digits = number.to_string();
    let digits = digits
        .split_once('.')
        .map_or(&digits[..], |(whole, part)| if part.bytes().all(|c| c == b'0') { whole } else { "" });
    digits.parse().ok()
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
mod tests;
