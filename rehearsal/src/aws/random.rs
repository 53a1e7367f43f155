//! Randomness from the operating system: version ids, ARN suffixes, passwords.

use std::fs::File;
use std::io::Read as _;

/// A random UUID (version 4), as Secrets Manager uses for `ClientRequestToken` and `RotationToken`.
#[must_use]
pub fn uuid() -> String {
    let mut bytes = bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Characters drawn from an alphabet of at most 256.
pub(crate) fn text(alphabet: &[char], length: usize) -> String {
    let mut drawn = String::new();
    while drawn.chars().count() < length && !alphabet.is_empty() {
        // A whole multiple of the alphabet, so that no character is likelier than another.
        let fair = 256 - 256 % alphabet.len();
        let left = length - drawn.chars().count();
        let usable = bytes::<64>().into_iter().map(usize::from).filter(|byte| *byte < fair);
        drawn.extend(usable.take(left).map(|byte| alphabet[byte % alphabet.len()]));
    }
    drawn
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // /dev/urandom cannot fail on a running Linux; zeros would show at once as equal ids.
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    debug_assert!(read.is_ok(), "/dev/urandom");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_and_36_characters() {
        assert_eq!(uuid().len(), 36);
        assert_ne!(uuid(), uuid());
    }

    #[test]
    fn text_has_the_length_and_only_the_alphabet() {
        let drawn = text(&['a', 'b', 'c'], 300);
        assert_eq!(drawn.len(), 300);
        assert!(drawn.chars().all(|c| "abc".contains(c)));
        assert!(['a', 'b', 'c'].iter().all(|c| drawn.contains(*c)));
    }
}
