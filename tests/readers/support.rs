//! Rings and claims to try the readers with.

use std::time::SystemTime;

use rehearsal::readers::{Language, Maker, Reader};
use serde_json::{Value, json};

/// What a ring may be made for.
pub(crate) const ALGORITHMS: [&str; 5] = ["HS256", "HS512", "RS256", "ES256", "EdDSA"];

/// A service in each language.
pub(crate) fn readers() -> [Reader; 3] {
    Language::ALL.map(Reader::start)
}

/// Seconds since 1970, and how many from now.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + seconds
}

pub(crate) fn claims(sub: &str) -> Value {
    json!({ "sub": sub, "exp": in_seconds(600) })
}

/// A ring's text: the current key first, then the next and the previous one.
pub(crate) fn ring(keys: &[Value]) -> String {
    let mut ring = json!({ "alg": keys[0]["alg"], "current": keys[0]["kid"], "keys": keys });
    for (role, key) in ["next", "previous"].into_iter().zip(&keys[1..]) {
        ring[role] = key["kid"].clone();
    }
    ring.to_string()
}

/// A ring of three keys for each algorithm.
pub(crate) fn rings(maker: &Maker) -> Vec<(&'static str, Vec<Value>)> {
    ALGORITHMS.map(|alg| (alg, vec![maker.key(alg), maker.key(alg), maker.key(alg)])).into()
}

/// The header of a token by that key.
pub(crate) fn header(key: &Value) -> Value {
    json!({ "alg": key["alg"], "kid": key["kid"], "typ": "JWT" })
}
