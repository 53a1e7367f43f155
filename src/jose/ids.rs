//! Names of keys. A `kid` is public, and is never used again: a verifier that keeps keys by their names must not take an old
//! one for a new one.

use crate::error::Result;
use crate::secret::pick;

/// The random part: 8 of 32 characters, 40 bits, none of which is easily taken for another.
const RANDOM: usize = 8;
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// The date before it, as `20261122`.
const DATE: usize = 8;

/// A new name: the stem, where there is one, the day, and what was never drawn before.
pub(super) fn fresh(stem: &str, today: &str, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<String> {
    let mut name = if stem.is_empty() { format!("{today}-") } else { format!("{stem}-{today}-") };
    for _ in 0..RANDOM {
        name.push(char::from(pick(ALPHABET, &mut *random)?));
    }
    Ok(name)
}

/// What stays of a name that teams give their keys: all but our own ending, or a date, a number or a version at its end.
pub(super) fn stem(name: &str) -> &str {
    if is_uuid(name) {
        return "";
    }
    if let Some(stem) = without_ours(name) {
        return stem;
    }
    let counted = name.trim_end_matches(|c: char| c.is_ascii_digit() || is_separator(c));
    if counted.len() == name.trim_end_matches(is_separator).len() {
        return counted;
    }
    // `v2` is a number too, where the letter stands for itself.
    match counted.strip_suffix(['v', 'V']) {
        Some(rest) if rest.is_empty() || rest.ends_with(is_separator) => rest.trim_end_matches(is_separator),
        _ => counted,
    }
}

/// The name without our own ending, if it has that.
fn without_ours(name: &str) -> Option<&str> {
    let (rest, random) = name.rsplit_once('-')?;
    let (stem, date) = rest.rsplit_once('-').unwrap_or(("", rest));
    let is_random = random.len() == RANDOM && random.bytes().all(|c| ALPHABET.contains(&c));
    let is_date = date.len() == DATE && date.bytes().all(|c| c.is_ascii_digit());
    (is_random && is_date).then_some(stem)
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | '.' | ':' | '/')
}

fn is_uuid(name: &str) -> bool {
    name.len() == 36 && uuid::Uuid::try_parse(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stem_is_what_stays_from_key_to_key() {
        for (name, expected) in [
            ("signing-2025", "signing"),
            ("signing-2025-01", "signing"),
            ("signing_2025.01.31", "signing"),
            ("prod/auth:key-7", "prod/auth:key"),
            ("key1", "key"),
            ("auth-v2", "auth"),
            ("v3", ""),
            ("kev3", "kev"),
            ("2025-01-01", ""),
            ("17", ""),
            ("primary", "primary"),
            ("b3b1c2d4-0000-4000-8000-0123456789ab", ""),
            ("signing-20251122-abcdefgh", "signing"),
            ("20251122-abcdefgh", ""),
            ("signing-20251122-abcdefg1", "signing-20251122-abcdefg"),
            ("", ""),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
    }

    #[test]
    fn a_fresh_name_keeps_its_stem_for_ever_and_no_name_comes_twice() {
        let mut state = 1_u32;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = state.to_be_bytes()[0];
            }
            Ok(())
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut name = "signing-2025".to_owned();
        for _ in 0..100 {
            name = fresh(stem(&name), "20261122", &mut random).unwrap_or_else(|error| panic!("{error}"));
            assert!(name.starts_with("signing-20261122-") && name.len() == 25, "{name}");
            assert!(seen.insert(name.clone()), "{name}");
        }
        let name = fresh("", "20261122", &mut random).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((name.len(), stem(&name)), (17, ""));
    }
}
