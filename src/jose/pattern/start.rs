//! What stands before the random characters of a value, and tells its readers what it is: `base64:`, `0x`, `acme_live_`.

use super::body::Body;

/// What follows a word and a colon has to encode at least this number of bytes: a password of a `user:password` pair is shorter, or
/// encodes none.
const LEAST_BYTES: usize = 16;
/// What follows a word and `_` or `-` has at least this number of characters.
const LEAST_CHARACTERS: usize = 16;
/// The words before random characters are no longer.
const LONGEST_WORD: usize = 12;
/// Words in capitals are abbreviations.
const LONGEST_CAPITALS: usize = 8;
/// Words before a colon that say what is behind them: no random bytes.
const DIGESTS: [&str; 7] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3"];
/// The sizes of keys, in bytes.
const SIZES: [usize; 5] = [16, 24, 32, 48, 64];

/// The start of a value and the random characters behind it, if it has such a start.
pub(super) fn split(value: &str) -> Option<(&str, Body)> {
    hexadecimal(value).or_else(|| behind_colon(value)).or_else(|| behind_words(value))
}

/// `0x` and hexadecimal digits.
fn hexadecimal(value: &str) -> Option<(&str, Body)> {
    let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X"))?;
    match Body::named(digits) {
        Some(body @ Body::Hex { bytes, .. }) if bytes * 2 >= LEAST_CHARACTERS && has_one_case(digits) => {
            Some((value.get(..2)?, body))
        }
        _ => None,
    }
}

/// A word, or `urn:uuid`, a colon, and encoded bytes.
fn behind_colon(value: &str) -> Option<(&str, Body)> {
    let start = value.get(..value.rfind(':')? + 1)?;
    let word = start.strip_suffix(':')?;
    let is_word = word == "urn:uuid" || is_word(word, LONGEST_WORD * 2) && !DIGESTS.contains(&word);
    let rest = value.get(start.len()..)?;
    let body = Body::named(rest).filter(|body| body.bytes().is_some_and(|bytes| bytes >= LEAST_BYTES))?;
    let fits = match &body {
        Body::Hex { .. } => has_one_case(rest),
        // Letters and digits that nothing tells to be base64 are so only of the size of a key, or where the word says it.
        Body::Base64 { bytes, .. } if rest.bytes().all(|c| c.is_ascii_alphanumeric()) => {
            word == "base64" || SIZES.contains(bytes)
        }
        _ => true,
    };
    (is_word && fits).then_some((start, body))
}

/// Words that each end with `_` or `-`, and what is no such word: `acme_live_4f9…`. Base64url may begin so, too; it goes on decoding,
/// see [`super::Pattern`].
fn behind_words(value: &str) -> Option<(&str, Body)> {
    let mut start = 0;
    while let Some(length) = value.get(start..)?.find(['_', '-']) {
        let word = value.get(start..start + length)?;
        if !is_word(word, LONGEST_WORD) {
            break;
        }
        start += length + 1;
    }
    let (before, rest) = value.split_at_checked(start)?;
    let plain = rest.bytes().all(|c| c.is_ascii_alphanumeric());
    let random = rest.len() >= LEAST_CHARACTERS && !rest.bytes().all(|c| c.is_ascii_alphabetic());
    let body = Body::encoded(rest).or_else(|| plain.then(|| Body::of(rest)))?;
    (start > 0 && random).then_some((before, body))
}

/// Letters of one case, and digits behind them: what a person writes, and hardly any random characters are.
fn is_word(text: &str, longest: usize) -> bool {
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let all = |class: fn(&u8) -> bool| letters.as_bytes().iter().all(class);
    let lower = all(u8::is_ascii_lowercase) && text.len() <= longest;
    let upper = all(u8::is_ascii_uppercase) && text.len() <= longest.min(LONGEST_CAPITALS);
    !letters.is_empty() && (lower || upper)
}

fn has_one_case(digits: &str) -> bool {
    let has = |class: fn(&u8) -> bool| digits.as_bytes().iter().any(class);
    !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase))
}
