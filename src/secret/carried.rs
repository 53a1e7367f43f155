//! Second copies of a password in a value: a connection URL, a copy under another name. A rotation that left one behind would
//! redeploy the services that read it into a dead password.

use base64ct::{Base64, Base64Unpadded, Base64UrlUnpadded, Encoding};
use serde_json::Value;

use super::Sensitive;

/// A shorter password may stand in another text by chance.
const LEAST: usize = 8;

/// Whether a value of a member carries this password in a string, at any depth.
#[must_use]
pub(super) fn is_in(value: &Value, password: &Sensitive) -> bool {
    match value {
        Value::String(text) => {
            let nested =
                || serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object() || value.is_array());
            carries(text, password) || nested().is_some_and(|value| is_in(&value, password))
        }
        Value::Array(items) => items.iter().any(|item| is_in(item, password)),
        Value::Object(members) => members.values().any(|value| is_in(value, password)),
        _ => false,
    }
}

/// Whether a text is the password, or has it in it: as it stands, percent-encoded (RFC 3986, section 2.1), or in base64.
fn carries(text: &str, password: &Sensitive) -> bool {
    let password = password.expose();
    if text == password {
        return true;
    }
    if password.len() < LEAST {
        // In the place of a URL's password no chance has put it.
        return text.contains(&format!(":{password}@"));
    }
    let holds = |bytes: &[u8]| bytes.windows(password.len()).any(|part| part == password.as_bytes());
    let words = text.split_ascii_whitespace().chain([text]);
    holds(text.as_bytes()) || holds(&decoded(text)) || words.filter_map(of_base64).any(|bytes| holds(&bytes))
}

/// A text without its percent-encoding. What is no such encoding stays as it is.
fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, behind @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pair = match (first, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        bytes.push(pair.map_or(*first, |(high, low)| high * 16 + low));
        rest = if pair.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    bytes
}

fn of_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    let bare = text.trim_end_matches('=');
    Base64::decode_vec(&text)
        .or_else(|_| Base64Unpadded::decode_vec(bare))
        .or_else(|_| Base64UrlUnpadded::decode_vec(bare))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: &Value, password: &str) -> bool {
        is_in(value, &Sensitive::new(password.to_owned()))
    }

    #[test]
    fn a_copy_is_found_at_any_depth_and_in_any_spelling() {
        let password = "p@ss/w0rd+1";
        let base64 = Base64::encode_string(format!("app:{password}").as_bytes());
        let url_safe = Base64UrlUnpadded::encode_string(password.as_bytes());
        for copy in [
            json!("postgresql://app:p@ss/w0rd+1@db/orders"),
            json!("postgresql://app:p%40ss%2Fw0rd%2b1@db/orders"),
            json!(password),
            json!(base64),
            json!(format!("Basic {base64}")),
            json!(url_safe),
            json!([{"size": 4}, {"dsn": format!("password={password} host=db")}]),
            json!("{\"PGPASSWORD\":\"p@ss/w0rd+1\"}"),
        ] {
            assert!(found(&copy, password), "{copy}");
        }
        assert!(found(&json!("{\"PGPASSWORD\":\"abc\\\"def12\"}"), "abc\"def12"));
        assert!(found(&json!("postgres://app:s3cret@db/x"), "s3cret"));
    }

    #[test]
    fn what_is_no_copy_is_none() {
        assert!(!found(&json!({"note": "%zz%", "team": "orders", "size": 4}), "a-long-password"));
        // By chance.
        assert!(!found(&json!("the secret of the app"), "app"));
        assert!(found(&json!("app"), "app"));
    }
}
