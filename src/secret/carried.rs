//! Second copies of a password in a value: a connection URL, a copy under another name. A rotation that left one behind would
//! redeploy the services that read it into a dead password.

use base64ct::{Base64, Base64Unpadded, Base64UrlUnpadded, Encoding};
use serde_json::Value;

use super::Sensitive;

/// A shorter password may stand in another text by chance.
const LEAST: usize = 8;

/// The first string of a JSON value that carries this password, by its path, besides the top-level members of these names.
#[must_use]
pub(super) fn find(document: &Value, password: &Sensitive, besides: &[&str]) -> Option<String> {
    let members = document.as_object()?;
    members
        .iter()
        .filter(|(key, _)| !besides.contains(&key.as_str()))
        .find_map(|(key, value)| within(value, password, key))
}

fn within(value: &Value, password: &Sensitive, path: &str) -> Option<String> {
    match value {
        Value::String(text) => carries(text, password).then(|| path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(number, item)| within(item, password, &format!("{path}[{number}]")))
        }
        Value::Object(members) => {
            members.iter().find_map(|(key, value)| within(value, password, &format!("{path}.{key}")))
        }
        _ => None,
    }
}

/// Whether a text is the password, or has it in it: as it stands, percent-encoded (RFC 3986, section 2.1), or in base64.
fn carries(text: &str, password: &Sensitive) -> bool {
    let password = password.expose();
    if text == password {
        return true;
    }
    if password.len() < LEAST {
        return false;
    }
    let holds = |bytes: &[u8]| bytes.windows(password.len()).any(|part| part == password.as_bytes());
    holds(text.as_bytes()) || holds(&decoded(text)) || of_base64(text).is_some_and(|bytes| holds(&bytes))
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

    fn found(document: &Value, password: &str) -> Option<String> {
        find(document, &Sensitive::new(password.to_owned()), &["username", "password"])
    }

    #[test]
    fn a_copy_is_found_at_any_depth_and_in_any_spelling() {
        let password = "p@ss/w0rd+1";
        let base64 = Base64::encode_string(format!("app:{password}").as_bytes());
        let url_safe = Base64UrlUnpadded::encode_string(password.as_bytes());
        for (copy, path) in [
            (json!({"url": "postgresql://app:p@ss/w0rd+1@db/orders"}), "url"),
            (json!({"url": "postgresql://app:p%40ss%2Fw0rd%2b1@db/orders"}), "url"),
            (json!({"DB_PASSWORD": password}), "DB_PASSWORD"),
            (json!({"basic": base64}), "basic"),
            (json!({"basic": url_safe}), "basic"),
            (json!({"pools": [{"size": 4}, {"dsn": format!("password={password} host=db")}]}), "pools[1].dsn"),
            (json!({"env": "{\"PGPASSWORD\":\"p@ss/w0rd+1\"}"}), "env"),
        ] {
            assert_eq!(found(&copy, password).as_deref(), Some(path), "{copy}");
        }
    }

    #[test]
    fn what_is_no_copy_is_none() {
        let value =
            json!({"username": "a-long-password", "password": "a-long-password", "note": "%zz%", "team": "orders"});
        assert_eq!(found(&value, "a-long-password"), None);
        // By chance.
        assert_eq!(found(&json!({"note": "the secret of the app"}), "app"), None);
        assert_eq!(found(&json!({"note": "app"}), "app").as_deref(), Some("note"));
        assert_eq!(found(&json!(["a"]), "a"), None);
    }
}
