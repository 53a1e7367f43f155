//! The characters of a random value, without what stands before, between and behind them.

use super::draw::{
    DIGITS, LOWER, SHARED, STANDARD, UPPER, URL_SAFE, characters, encoded, new_uuid, of_classes, spread,
};
use crate::error::Result;

/// The length of a value that takes a placeholder's place.
pub(super) const FRESH_LENGTH: usize = 64;
/// The least number of bytes of an HMAC key for HS256.
pub(super) const LEAST_BYTES: usize = 32;
/// Its bits.
const LEAST_BITS: f64 = 256.0;
/// Shorter runs of letters and digits are words, or numbers.
const LEAST_DIGITS: usize = 16;
/// An alphabet of fewer characters than digits is widened: it would say more of one value than of how values look.
const LEAST_ALPHABET: usize = 10;

/// An alphabet of base64 (RFC 4648).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Section 4, as `+` or `/` tells.
    Standard,
    /// Section 5, as `-` or `_` tells.
    UrlSafe,
    /// Nothing tells which: only letters and digits, which both have.
    Shared,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// None yet.
    Placeholder,
    /// Hexadecimal digits of this many bytes.
    Hex { bytes: usize, upper: bool },
    /// Digits of base32 (RFC 4648, section 6), and whether `=` fills them up.
    Base32 { digits: usize, upper: bool, padded: bool },
    /// Base64 of this many bytes.
    Base64 { bytes: usize, alphabet: Alphabet, padded: bool },
    /// A random UUID (RFC 9562, version 4).
    Uuid { upper: bool },
    /// So many characters of these classes, each of which occurs.
    Text { length: usize, classes: Vec<Vec<u8>> },
}

impl Body {
    /// What these characters are.
    pub(super) fn of(value: &str) -> Self {
        Self::encoded(value).unwrap_or_else(|| text(value))
    }

    /// What these characters are, if something tells that they encode bytes.
    pub(super) fn encoded(value: &str) -> Option<Self> {
        uuid(value).or_else(|| hex(value)).or_else(|| base32(value)).or_else(|| base64(value))
    }

    /// What these characters are where a name says that they encode bytes: digits of hexadecimal or base64 need no other sign.
    pub(super) fn named(value: &str) -> Option<Self> {
        let hexadecimal = !value.is_empty() && value.len().is_multiple_of(2) && is_hex(value);
        let upper = value.bytes().any(|c| c.is_ascii_uppercase());
        let digits = hexadecimal.then_some(Self::Hex { bytes: value.len() / 2, upper });
        Self::encoded(value).or(digits).or_else(|| of_base64(value))
    }

    /// How many bytes they encode; none where they encode none.
    pub(super) fn bytes(&self) -> Option<usize> {
        match self {
            Self::Hex { bytes, .. } | Self::Base64 { bytes, .. } => Some(*bytes),
            Self::Base32 { digits, .. } => Some(digits * 5 / 8),
            Self::Uuid { .. } => Some(16),
            Self::Placeholder | Self::Text { .. } => None,
        }
    }

    /// How many characters it has, without padding.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Placeholder => FRESH_LENGTH,
            Self::Hex { bytes, .. } => bytes * 2,
            Self::Base32 { digits, .. } => *digits,
            Self::Base64 { bytes, .. } => (bytes * 4).div_ceil(3),
            Self::Uuid { .. } => 36,
            Self::Text { length, .. } => *length,
        }
    }

    /// A body of a little more characters, where it can have them.
    pub(super) fn longer(self) -> Self {
        match self {
            Self::Hex { bytes, upper } => Self::Hex { bytes: bytes + 1, upper },
            Self::Base32 { digits, upper, padded } => Self::Base32 { digits: digits + 1, upper, padded },
            Self::Base64 { bytes, alphabet, padded } => Self::Base64 { bytes: bytes + 1, alphabet, padded },
            Self::Text { length, classes } => Self::Text { length: length + 1, classes },
            other @ (Self::Placeholder | Self::Uuid { .. }) => other,
        }
    }

    /// A body that is as strong as RFC 7518, section 3.2, demands of a key for HS256.
    pub(super) fn strengthened(&self) -> Self {
        match self {
            Self::Hex { bytes, upper } => Self::Hex { bytes: LEAST_BYTES.max(*bytes), upper: *upper },
            Self::Base64 { bytes, alphabet, padded } => {
                Self::Base64 { bytes: LEAST_BYTES.max(*bytes), alphabet: *alphabet, padded: *padded }
            }
            // 32 bytes are 52 digits, and 56 with what fills them up.
            Self::Base32 { digits, upper, padded } if digits * 5 / 8 < LEAST_BYTES => {
                Self::Base32 { digits: 52, upper: *upper, padded: *padded }
            }
            Self::Uuid { .. } => Self::Placeholder,
            Self::Text { length, classes } if *length < LEAST_BYTES => {
                Self::Text { length: enough(classes), classes: classes.clone() }
            }
            other => other.clone(),
        }
    }

    pub(super) fn draw(&self, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<String> {
        match self {
            Self::Placeholder => characters(FRESH_LENGTH, URL_SAFE, random),
            Self::Hex { bytes, upper } => {
                let digits: &[u8] = if *upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
                characters(bytes * 2, digits, random)
            }
            Self::Base32 { digits, upper, padded } => {
                let drawn = spread(*digits, random)?;
                let filled = if *padded { drawn.len().next_multiple_of(8) } else { drawn.len() };
                let drawn = if *upper { drawn } else { drawn.to_ascii_lowercase() };
                Ok(format!("{drawn:=<filled$}"))
            }
            Self::Base64 { bytes, alphabet, padded } => encoded(*bytes, alphabet.digits(), *padded, random),
            Self::Uuid { upper } => new_uuid(*upper, random),
            Self::Text { length, classes } => of_classes(*length, classes, random),
        }
    }

    /// The body in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Placeholder => format!("{FRESH_LENGTH} URL-safe characters"),
            Self::Hex { bytes, .. } => format!("{} hexadecimal digits", bytes * 2),
            Self::Base32 { digits, .. } => format!("{digits} digits of base32"),
            Self::Base64 { bytes, alphabet: Alphabet::UrlSafe, .. } => format!("base64url of {bytes} bytes"),
            Self::Base64 { bytes, .. } => format!("base64 of {bytes} bytes"),
            Self::Uuid { .. } => "a random UUID".to_owned(),
            Self::Text { length, .. } => format!("{length} characters of the same classes"),
        }
    }

    /// How many bits of randomness it has, rounded down.
    pub(super) fn bits(&self) -> usize {
        match self {
            Self::Placeholder => FRESH_LENGTH * 6,
            Self::Base64 { bytes, alphabet: Alphabet::Shared, .. } => {
                whole(count(bytes * 4 / 3) * count(SHARED.len()).log2())
            }
            Self::Hex { bytes, .. } | Self::Base64 { bytes, .. } => bytes * 8,
            Self::Base32 { digits, .. } => digits * 5,
            Self::Uuid { .. } => 122,
            Self::Text { length, classes } => whole(count(*length) * bits_each(classes)),
        }
    }
}

impl Alphabet {
    fn digits(self) -> &'static [u8] {
        match self {
            Self::Standard => STANDARD,
            Self::UrlSafe => URL_SAFE,
            Self::Shared => SHARED,
        }
    }
}

/// `8-4-4-4-12` hexadecimal digits.
fn uuid(value: &str) -> Option<Body> {
    // The crate reads other spellings, too, such as 32 digits without hyphens.
    let hyphened = value.len() == 36 && uuid::Uuid::try_parse(value).is_ok();
    hyphened.then(|| Body::Uuid { upper: value.bytes().any(|c| c.is_ascii_uppercase()) })
}

fn is_hex(value: &str) -> bool {
    value.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Hexadecimal digits of one case. Without a letter among them it is a number, and a short one is a word such as `cafe`.
fn hex(value: &str) -> Option<Body> {
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    let digits = value.len() >= LEAST_DIGITS && value.len().is_multiple_of(2) && is_hex(value);
    (digits && upper != lower && has(u8::is_ascii_digit)).then_some(Body::Hex { bytes: value.len() / 2, upper })
}

/// Letters of one case and the digits 2 to 7, of both. Other readings have these characters, too.
fn base32(value: &str) -> Option<Body> {
    let digits = value.trim_end_matches('=');
    let padded = digits.len() < value.len();
    let has = |class: fn(&u8) -> bool| digits.as_bytes().iter().any(class);
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    let fits = digits.bytes().all(|c| c.is_ascii_alphabetic() || (b'2'..=b'7').contains(&c));
    let filled = !padded || value.len().is_multiple_of(8) && value.len() - digits.len() < 7;
    let told = upper != lower && has(u8::is_ascii_digit) && digits.len() >= LEAST_DIGITS;
    (fits && filled && told).then_some(Body::Base32 { digits: digits.len(), upper, padded })
}

/// Base64 in which something tells it from letters and digits: padding, or a character of its alphabet that is neither.
/// Letters and digits alone are decoded by readers of base64, too: see [`of_classes`].
fn base64(value: &str) -> Option<Body> {
    let told = value.contains(['=', '-', '_', '+', '/']);
    // Shorter ones are words that happen to have a hyphen.
    let long = value.trim_end_matches('=').len() >= LEAST_DIGITS;
    if told && long { of_base64(value) } else { None }
}

fn of_base64(value: &str) -> Option<Body> {
    let digits = value.trim_end_matches('=');
    let padding = value.len() - digits.len();
    let alphabet = match (digits.contains(['-', '_']), digits.contains(['+', '/'])) {
        (true, _) => Alphabet::UrlSafe,
        (false, true) => Alphabet::Standard,
        (false, false) => Alphabet::Shared,
    };
    let fits = matches!((padding, digits.len() % 4), (0, 0 | 2 | 3) | (1, 3) | (2, 2)) && !digits.is_empty();
    let drawn = digits.bytes().all(|c| alphabet.digits().contains(&c));
    let bytes = digits.len() * 3 / 4;
    (fits && drawn).then_some(Body::Base64 { bytes, alphabet, padded: padding > 0 })
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
