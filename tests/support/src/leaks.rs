//! The leak check: where secrets show up that should not. A key has many spellings, and none of them may: as it is stored, as
//! bytes in base64, base64url or hexadecimal digits, and each line of a PEM file.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use rehearsal::mariadb::native_hash;
use serde_json::Value;

/// A place with a name, and what stands there.
pub type Place = (&'static str, String);

/// What is shorter is found in any text.
const SHORT: usize = 6;
/// The members of a JWK that are private (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["k", "d", "p", "q", "dp", "dq", "qi", "oth"];
/// Values that stand for one which nobody has stored yet are no secret.
const PLACEHOLDERS: [&str; 2] = ["placeholder", "CHANGE_ME_IN_AWS_CONSOLE"];

/// Where secrets show up, each of which has these spellings.
pub fn found(places: &[Place], secrets: &[Vec<String>]) -> Vec<String> {
    let shows = |text: &str, spellings: &[String]| {
        spellings.iter().any(|spelling| spelling.len() >= SHORT && text.contains(spelling.as_str()))
    };
    let count = |text: &str| secrets.iter().filter(|spellings| shows(text, spellings)).count();
    let counts = places.iter().map(|(place, text)| (place, count(text))).filter(|(_, count)| *count > 0);
    counts.map(|(place, count)| format!("{count} secret value(s) in {place}")).collect()
}

/// Where a verifier shows up. It is no password, but it is enough to guess one offline: it belongs in the statement and
/// nowhere else.
pub fn verifiers(spoken: &[Place], passwords: &[String]) -> Vec<String> {
    let passwords = passwords.iter().filter(|password| password.len() >= SHORT);
    let hashes: Vec<String> = passwords.map(|password| native_hash(password)[1..].to_owned()).collect();
    let shows = |text: &str| {
        let upper = text.to_ascii_uppercase();
        text.contains("SCRAM-SHA-256$") || hashes.iter().any(|hash| upper.contains(hash))
    };
    spoken.iter().filter(|(_, text)| shows(text)).map(|(place, _)| format!("a verifier in {place}")).collect()
}

/// The secrets in a value without a database, each in all its spellings.
pub fn spelt_out(value: &str) -> Vec<Vec<String>> {
    if PLACEHOLDERS.contains(&value) {
        return Vec::new();
    }
    secrets_of(value).iter().map(|secret| spelt(secret)).collect()
}

/// The secrets in a value: all of a bare one; of a document every string but what may be known.
fn secrets_of(value: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(value) {
        Ok(Value::Object(members)) => members
            .iter()
            .flat_map(|(member, value)| match value {
                Value::Array(keys) => keys.iter().flat_map(private_members).collect(),
                Value::String(_) if is_public(member) => Vec::new(),
                Value::String(text) => secrets_of(text),
                _ => Vec::new(),
            })
            .collect(),
        _ => vec![value.to_owned()],
    }
}

fn is_public(member: &str) -> bool {
    [
        "current",
        "next",
        "previous",
        "alg",
        "key_id",
        "private-key-id",
        "valid_from",
        "valid_until",
        "notBefore",
        "notAfter",
        "issuer",
        "public_key",
        "publicKey",
        "certificate",
        "fingerprint",
        "rotate_on",
        "client_email",
    ]
    .contains(&member)
}

fn private_members(key: &Value) -> Vec<String> {
    PRIVATE.iter().filter_map(|member| key[member].as_str().map(str::to_owned)).collect()
}

/// A secret as it stands, its bytes in other spellings, what it stands for in those, and its lines.
pub fn spelt(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(secret).or_else(|_| BASE64_STANDARD.decode(secret)).ok();
    for bytes in [Some(secret.as_bytes().to_vec()), decoded].into_iter().flatten() {
        all.push(BASE64_STANDARD.encode(&bytes));
        all.push(BASE64_STANDARD_NO_PAD.encode(&bytes));
        all.push(BASE64_URL_SAFE_NO_PAD.encode(&bytes));
        let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        all.push(hex.to_ascii_uppercase());
        all.push(hex);
    }
    all.extend(secret.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned));
    all
}
