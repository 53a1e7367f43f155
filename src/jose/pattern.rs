//! What a bare secret looks like, so that its readers take the next one alike: a service may decode base64 or hex
//! before it takes the bytes for a key, or hold a length against its own rule.
//!
//! RFC 7518, section 3.2, demands a key of at least as many bits as the hash for HMAC: 256 for HS256. What counts is the
//! least that any reader could take the value for, so that 32 hexadecimal digits are 128 bits.

mod draw;

use self::draw::{STANDARD, URL_SAFE, characters, encoded, new_uuid, of_classes};
use crate::error::Result;
use crate::secret::{Sensitive, is_placeholder};

/// The least number of bytes of an HMAC key for HS256.
const LEAST_BYTES: usize = 32;
/// Its bits.
const LEAST_BITS: f64 = 256.0;
/// The length of a value that takes a placeholder's place.
const FRESH_LENGTH: usize = 64;
/// An alphabet of fewer characters than digits is widened: it would say more of one value than of how values look.
const LEAST_ALPHABET: usize = 10;
/// How many values are drawn to find one of the same form; of a handful of characters there may be hardly any.
const DRAWS: usize = 1000;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";

/// How values of a secret look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    body: Body,
    /// A line end that came with the value, as `echo` writes it: readers may count it in.
    end: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    /// None yet.
    Placeholder,
    /// Hexadecimal digits of this many bytes.
    Hex { bytes: usize, upper: bool },
    /// Base64 (RFC 4648, section 4) or base64url (section 5) of this many bytes.
    Base64 { bytes: usize, url: bool, padded: bool },
    /// A random UUID (RFC 9562, version 4).
    Uuid { upper: bool },
    /// So many characters of these classes, each of which occurs.
    Text { length: usize, classes: Vec<Vec<u8>> },
}

impl Pattern {
    /// The form of a value.
    pub(super) fn of(value: &str) -> Self {
        let body = value.trim_end_matches(['\r', '\n']);
        let end = value.get(body.len()..).unwrap_or_default().to_owned();
        let form = if is_placeholder(body) {
            Body::Placeholder
        } else {
            uuid(body).or_else(|| hex(body)).or_else(|| base64(body)).unwrap_or_else(|| text(body))
        };
        Self { body: form, end }
    }

    /// The form that a new HMAC key has: the same, or a stronger one where RFC 7518 demands it.
    pub(super) fn strengthened(&self) -> Self {
        let body = match &self.body {
            Body::Hex { bytes, upper } => Body::Hex { bytes: LEAST_BYTES.max(*bytes), upper: *upper },
            Body::Base64 { bytes, url, padded } => {
                Body::Base64 { bytes: LEAST_BYTES.max(*bytes), url: *url, padded: *padded }
            }
            Body::Uuid { .. } => Body::Placeholder,
            Body::Text { length, classes } if *length < LEAST_BYTES => {
                Body::Text { length: enough(classes), classes: classes.clone() }
            }
            other => other.clone(),
        };
        Self { body, end: self.end.clone() }
    }

    /// Whether no value has been stored yet.
    pub(super) fn is_placeholder(&self) -> bool {
        self.body == Body::Placeholder
    }

    /// A new value of this form. One that looks like another form, such as text that could be padded base64, would change the
    /// form for ever: it is drawn again, as often as that may help.
    pub(super) fn draw(&self, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<Sensitive> {
        let mut drawn = self.candidate(random)?;
        for _ in 0..DRAWS {
            if self.is_placeholder() || Self::of(drawn.expose()) == *self {
                break;
            }
            drawn = self.candidate(random)?;
        }
        Ok(drawn)
    }

    fn candidate(&self, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<Sensitive> {
        let mut value = match &self.body {
            Body::Placeholder => characters(FRESH_LENGTH, URL_SAFE, random)?,
            Body::Hex { bytes, upper } => {
                let digits: &[u8] = if *upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
                characters(bytes * 2, digits, random)?
            }
            Body::Base64 { bytes, url, padded } => encoded(*bytes, *url, *padded, random)?,
            Body::Uuid { upper } => new_uuid(*upper, random)?,
            Body::Text { length, classes } => of_classes(*length, classes, random)?,
        };
        value.push_str(&self.end);
        Ok(Sensitive::new(value))
    }

    /// The form in words.
    pub(super) fn text(&self) -> String {
        match &self.body {
            Body::Placeholder => format!("{FRESH_LENGTH} URL-safe characters"),
            Body::Hex { bytes, .. } => format!("{} hexadecimal digits", bytes * 2),
            Body::Base64 { bytes, url: false, .. } => format!("base64 of {bytes} bytes"),
            Body::Base64 { bytes, url: true, .. } => format!("base64url of {bytes} bytes"),
            Body::Uuid { .. } => "a random UUID".to_owned(),
            Body::Text { length, .. } => format!("{length} characters of the same classes"),
        }
    }

    /// How many bits of randomness a value of this form has, rounded down.
    pub(super) fn bits(&self) -> usize {
        match &self.body {
            Body::Placeholder => FRESH_LENGTH * 6,
            Body::Hex { bytes, .. } | Body::Base64 { bytes, .. } => bytes * 8,
            Body::Uuid { .. } => 122,
            Body::Text { length, classes } => whole(count(*length) * bits_each(classes)),
        }
    }
}

/// `8-4-4-4-12` hexadecimal digits.
fn uuid(value: &str) -> Option<Body> {
    let parts: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let all_hex = parts.iter().all(|part| part.bytes().all(|c| c.is_ascii_hexdigit()));
    (lengths == [8, 4, 4, 4, 12] && all_hex)
        .then(|| Body::Uuid { upper: value.bytes().any(|c| c.is_ascii_uppercase()) })
}

/// Hexadecimal digits of one case. Without a letter among them it is a number, and a short one is a word such as `cafe`.
fn hex(value: &str) -> Option<Body> {
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    let digits = value.len() >= 16 && value.len().is_multiple_of(2) && value.bytes().all(|c| c.is_ascii_hexdigit());
    (digits && upper != lower && has(u8::is_ascii_digit)).then_some(Body::Hex { bytes: value.len() / 2, upper })
}

/// Base64 in which something tells it from letters and digits: padding, or a character of its alphabet that is neither.
/// Letters and digits alone are decoded by readers of base64, too: see [`of_classes`].
fn base64(value: &str) -> Option<Body> {
    let digits = value.trim_end_matches('=');
    let padding = value.len() - digits.len();
    let url = digits.contains(['-', '_']);
    let alphabet = if url { URL_SAFE } else { STANDARD };
    let told = padding > 0 || digits.contains(['-', '_', '+', '/']);
    let fits = matches!((padding, digits.len() % 4), (0, 0 | 2 | 3) | (1, 3) | (2, 2));
    let drawn = digits.bytes().all(|c| alphabet.contains(&c));
    // Shorter ones are words that happen to have a hyphen.
    let long = digits.len() >= 16;
    let bytes = digits.len() * 3 / 4;
    (told && fits && drawn && long).then_some(Body::Base64 { bytes, url, padded: padding > 0 })
}

/// Text of the classes that occur in it; of punctuation only the characters that do, as others may need escaping where the
/// value goes. What is not printable ASCII has no class, and makes a value that has.
fn text(value: &str) -> Body {
    let has = |class: &&str| value.bytes().any(|c| class.as_bytes().contains(&c));
    let mut punctuation: Vec<u8> = value.bytes().filter(u8::is_ascii_punctuation).collect();
    punctuation.sort_unstable();
    punctuation.dedup();
    let present: Vec<&str> = [UPPER, LOWER, DIGITS].into_iter().filter(has).collect();
    let characters = present.iter().map(|class| class.len()).sum::<usize>() + punctuation.len();
    let alphanumeric = if characters < LEAST_ALPHABET { vec![UPPER, LOWER, DIGITS] } else { present };
    let mut classes: Vec<Vec<u8>> = alphanumeric.into_iter().map(|class| class.as_bytes().to_vec()).collect();
    if !punctuation.is_empty() {
        classes.push(punctuation);
    }
    Body::Text { length: value.chars().count(), classes }
}

fn bits_each(classes: &[Vec<u8>]) -> f64 {
    count(classes.iter().map(Vec::len).sum()).log2()
}

/// How many characters of these classes are 256 bits.
fn enough(classes: &[Vec<u8>]) -> usize {
    LEAST_BYTES.max(whole((LEAST_BITS / bits_each(classes)).ceil()))
}

#[expect(clippy::cast_precision_loss, reason = "lengths of values, of at most 65,536 characters")]
fn count(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and below a million")]
fn whole(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests;
