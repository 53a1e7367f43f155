//! What `mysql_native_password` makes of a password.

use std::fmt::Write as _;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// What the server keeps, and what stands in statements: enough to guess a password offline.
#[must_use]
pub fn native_hash(password: &str) -> String {
    let mut text = "*".to_owned();
    for byte in sha1(&[&sha1(&[password.as_bytes()])]) {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// A client's answer to what the server has drawn for this login.
#[must_use]
pub fn native_answer(password: &str, drawn: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = sha1(&[password.as_bytes()]);
    let mask = sha1(&[drawn, &sha1(&[&once])]);
    once.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect()
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; 20];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_one_that_the_documentation_shows() {
        assert_eq!(native_hash("mypass"), "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4");
    }
}
