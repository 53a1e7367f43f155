//! Drawing a value of a form, each as likely as any other of that form.

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::pick;

pub(super) const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(super) const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
pub(super) const DIGITS: &str = "0123456789";
/// The digits of base64 and of base64url that both have.
pub(super) const SHARED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(super) const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(super) const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn characters(
    length: usize,
    from: &[u8],
    random: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<String> {
    let mut drawn = String::with_capacity(length + 2);
    for _ in 0..length {
        drawn.push(char::from(pick(from, &mut *random)?));
    }
    Ok(drawn)
}

/// Base64 of random bytes, by these digits. The last digit has no bits that stand for nothing: strict decoders refuse them.
pub(super) fn encoded(
    bytes: usize,
    digits: &[u8],
    padded: bool,
    random: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<String> {
    let mut drawn = characters(bytes * 4 / 3, digits, random)?;
    // Those of both alphabets alike: the two digits in which they differ are none of them.
    let (last, padding) = match bytes % 3 {
        1 => (every_nth(STANDARD, 16), "=="),
        2 => (every_nth(STANDARD, 4), "="),
        _ => (Vec::new(), ""),
    };
    if !last.is_empty() {
        drawn.push(char::from(pick(&last, random)?));
    }
    drawn.push_str(if padded { padding } else { "" });
    Ok(drawn)
}

/// Digits of base32. The last one has no bits that stand for nothing, where that number of digits encodes whole bytes.
pub(super) fn spread(digits: usize, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<String> {
    let step = match digits % 8 {
        2 => 4,
        4 => 16,
        5 => 2,
        7 => 8,
        _ => 1,
    };
    let mut drawn = characters(digits.saturating_sub(1), BASE32, random)?;
    drawn.push(char::from(pick(&every_nth(BASE32, step), random)?));
    Ok(drawn)
}

fn every_nth(alphabet: &[u8], step: usize) -> Vec<u8> {
    alphabet.iter().copied().step_by(step).collect()
}

pub(super) fn new_uuid(upper: bool, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<String> {
    let mut bytes = Zeroizing::new([0; 16]);
    random(&mut bytes[..])?;
    let uuid = uuid::Builder::from_random_bytes(*bytes).into_uuid().to_string();
    Ok(if upper { uuid.to_ascii_uppercase() } else { uuid })
}

/// Text in which every character of punctuation occurs that did before: else a value would have fewer of them with every
/// rotation. One of letters and digits stays canonical base64, should somebody decode it.
pub(super) fn of_classes(
    length: usize,
    classes: &[Vec<u8>],
    random: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<String> {
    let alphabet = classes.concat();
    let mut punctuation: Vec<u8> = alphabet.iter().copied().filter(u8::is_ascii_punctuation).collect();
    // Of more than that, keeping each would leave too little to chance.
    if punctuation.len() * 2 > length {
        punctuation.clear();
    }
    let alphanumeric = classes.len() == 3 && alphabet.iter().all(u8::is_ascii_alphanumeric);
    let last = match length % 4 {
        2 if alphanumeric => every_nth(STANDARD, 16),
        3 if alphanumeric => every_nth(STANDARD, 4),
        _ => alphabet.clone(),
    };
    let mut drawn = characters(length.saturating_sub(1 + punctuation.len()), &alphabet, random)?;
    drawn.push(char::from(pick(&last, &mut *random)?));
    for kept in &punctuation {
        let place = below(drawn.len() + 1, random)?;
        drawn.insert(place, char::from(*kept));
    }
    Ok(drawn)
}

/// A number below the limit, each equally likely: what is past the last whole multiple is drawn again.
fn below(limit: usize, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<usize> {
    let limit = u32::try_from(limit).map_err(|_| broken())?;
    let fair = u32::MAX - u32::MAX % limit;
    loop {
        let mut bytes = [0; 4];
        random(&mut bytes)?;
        let drawn = u32::from_be_bytes(bytes);
        if drawn < fair {
            return usize::try_from(drawn % limit).map_err(|_| broken());
        }
    }
}

fn broken() -> Error {
    Error::new(
        ErrorKind::FailedDefect,
        "no value of the form of the current one could be drawn",
        "run the step again; if it fails again, report this defect",
    )
}
