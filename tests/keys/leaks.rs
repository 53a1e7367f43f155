//! The leak check. A key has many spellings, and none of them may show up: as it is stored, as bytes in base64, base64url or
//! hexadecimal digits, and each line of a PEM file.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::stage::Stage;

/// What is shorter is found in any text.
const SHORT: usize = 6;
/// The members of a JWK that are private (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["k", "d", "p", "q", "dp", "dq", "qi", "oth"];

/// Values that stand for one which nobody has stored yet are no secret.
const PLACEHOLDERS: [&str; 2] = ["placeholder", "CHANGE_ME_IN_AWS_CONSOLE"];

/// Where secrets of these values show up.
pub fn found(spoken: &[(&str, String)], values: &[String]) -> Vec<String> {
    let values = values.iter().filter(|value| !PLACEHOLDERS.contains(&value.as_str()));
    let mut spellings: Vec<String> = values.flat_map(|value| secrets_of(value)).flat_map(|it| spelt(&it)).collect();
    spellings.retain(|spelling| spelling.len() >= SHORT);
    spellings.sort_unstable();
    spellings.dedup();
    let count = |text: &str| spellings.iter().filter(|spelling| text.contains(spelling.as_str())).count();
    spoken
        .iter()
        .map(|(place, text)| (place, count(text)))
        .filter(|(_, count)| *count > 0)
        .map(|(place, count)| format!("{count} spelling(s) of a secret in {place}"))
        .collect()
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
    ["current", "next", "previous", "alg", "key_id", "valid_from", "valid_until", "issuer", "public_key"]
        .contains(&member)
}

fn private_members(key: &Value) -> Vec<String> {
    PRIVATE.iter().filter_map(|member| key[member].as_str().map(str::to_owned)).collect()
}

/// A secret as it stands, its bytes in other spellings, what it stands for in those, and its lines.
fn spelt(secret: &str) -> Vec<String> {
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

#[tokio::test]
async fn a_leak_of_any_spelling_is_caught() {
    let stage = Stage::start("jwt", "placeholder").await;
    stage.rotate().await;
    let secret = stage.value("AWSCURRENT");
    assert_eq!(stage.leaks(), Vec::<String>::new());
    for spelling in spelt(&secret) {
        let spoken = [("an answer", format!("...{spelling}..."))];
        assert!(!found(&spoken, std::slice::from_ref(&secret)).is_empty(), "{spelling}");
    }
    stage.heard(&secret);
    assert!(stage.leaks()[0].contains("an answer"), "{:?}", stage.leaks());
    stage.expect_leaks();
}

#[tokio::test]
async fn a_leak_of_a_private_member_is_caught() {
    let stage = Stage::start("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#).await;
    stage.rotate().await;
    let ring = stage.json("AWSCURRENT");
    let (private, public) = (ring["keys"][1]["d"].as_str().unwrap(), ring["keys"][1]["x"].as_str().unwrap());
    stage.heard(public);
    assert_eq!(stage.leaks(), Vec::<String>::new());
    stage.heard(private);
    assert!(!stage.leaks().is_empty());
    stage.expect_leaks();
}
