use super::*;
use crate::secret::placeholder::PLACEHOLDERS;

/// A small deterministic stream, so that a failure can be repeated.
fn stream(mut state: u32) -> impl FnMut(&mut [u8]) -> Result<()> {
    move |bytes| {
        for byte in bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        Ok(())
    }
}

fn drawn(form: &Pattern, seed: u32) -> String {
    form.draw(&mut stream(seed)).unwrap_or_else(|error| panic!("{error}")).expose().to_owned()
}

fn bytes_of(form: &Pattern) -> Option<usize> {
    match form.body {
        Body::Hex { bytes, .. } | Body::Base64 { bytes, .. } => Some(bytes),
        _ => None,
    }
}

#[test]
fn values_are_told_by_what_they_look_like() {
    for (value, text) in [
        ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "32 hexadecimal digits"),
        ("0A1B2C3D4E5F60718293A4B5C6D7E8F9", "32 hexadecimal digits"),
        ("0a1B2c3d4e5f60718293a4b5c6d7e8f9", "32 characters of the same classes"),
        ("01234567890123456789012345678901", "32 characters of the same classes"),
        ("deadbeef01", "10 characters of the same classes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", "base64 of 32 bytes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW/JA", "base64 of 32 bytes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW_JA", "base64url of 32 bytes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW_JA=", "base64url of 32 bytes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA", "43 characters of the same classes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW_+A", "43 characters of the same classes"),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0V/iQq==", "35 characters of the same classes"),
        ("not-a-secret", "12 characters of the same classes"),
        ("b3b1c2d4-0000-4000-8000-0123456789ab", "a random UUID"),
        ("CHANGE_ME_in_aws_console", "64 URL-safe characters"),
        ("PlaceHolder\n", "64 URL-safe characters"),
        ("placeholder1", "12 characters of the same classes"),
    ] {
        assert_eq!(Pattern::of(value).text(), text, "{value}");
    }
}

#[test]
fn a_new_value_has_the_form_of_the_old_one() {
    for value in [
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9",
        "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
        "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW+JCrzQ==",
        "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW_JCrzQ",
        "Tr0ub4dor_and@three+more#words%that=follow-one-another_here@last",
        "abcdefghijabcdefghijabcdefghijabcdefghij",
        "12345678901234567890123456789012",
        "B3B1C2D4-0000-4000-8000-0123456789AB",
        "only4Letters2and0Digits\r\n",
    ] {
        let form = Pattern::of(value);
        for seed in 0..50 {
            let new = drawn(&form, seed);
            assert_eq!((new.len(), Pattern::of(&new).text()), (value.len(), form.text()), "{value} {new}");
            assert_ne!(new, value);
            let of = |value: &str, class: &dyn Fn(char) -> bool| value.chars().any(class);
            for class in [char::is_alphabetic, char::is_lowercase, char::is_uppercase, char::is_numeric] {
                let (before, now) = (of(value, &class), of(&new, &class));
                assert!(now == before || Pattern::of(value).text().contains("base64"), "{value} {new}");
            }
            let punctuation = |c: char| c.is_ascii_punctuation();
            if form.text().contains("classes") {
                assert!(new.chars().filter(|c| punctuation(*c)).all(|c| value.contains(c)), "{value} {new}");
                assert_eq!(of(&new, &punctuation), of(value, &punctuation), "{value} {new}");
            }
        }
    }
}

#[test]
fn what_stands_for_no_value_gives_64_url_safe_characters() {
    for value in PLACEHOLDERS {
        let form = Pattern::of(&value.to_ascii_uppercase());
        assert!(form.is_placeholder(), "{value:?}");
        let new = drawn(&form.strengthened(), 7);
        assert_eq!(new.len(), FRESH_LENGTH);
        assert!(new.bytes().all(|c| URL_SAFE.contains(&c)), "{new}");
    }
}

#[test]
fn rfc_7518_asks_for_256_bits_whatever_the_reader_decodes() {
    for (value, length) in [
        ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", 64),
        ("q83vEjRWeJCrze8SNFZ4kA==", 44),
        ("q83vEjRWeJCrze8SNFZ4_A", 43),
        ("b3b1c2d4-0000-4000-8000-0123456789ab", 64),
        ("short", 55),
        ("Sh0rt", 43),
        ("1234", 78),
        ("an alphanumeric secret of more than 32 characters", 49),
        ("Abcdefgh0Abcdefgh0Abcdefgh0Abcde", 32),
        ("0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9", 64),
    ] {
        let form = Pattern::of(value);
        let stronger = form.strengthened();
        assert_eq!(drawn(&stronger, 3).len(), length, "{value}");
        assert_eq!(stronger == form, length == value.len() && !value.starts_with("b3"), "{value}");
        assert_eq!(stronger.strengthened(), stronger, "{value}");
        assert!(bytes_of(&stronger).is_none_or(|bytes| bytes >= LEAST_BYTES), "{value}");
    }
}

#[test]
fn encoded_values_are_canonical() {
    for value in ["q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeA=="] {
        for seed in 0..100 {
            let new = drawn(&Pattern::of(value), seed);
            let unused: &str = if new.ends_with("==") { "AQgw" } else { "AEIMQUYcgkosw048" };
            let last = new.trim_end_matches('=').chars().last().unwrap();
            assert!(unused.contains(last), "{new}");
        }
    }
    // Letters and digits may be base64 to somebody.
    let form = Pattern::of("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA");
    assert!((0..100).all(|seed| "AEIMQUYcgkosw048".contains(drawn(&form, seed).chars().last().unwrap())));
}

#[test]
fn an_alphabet_that_says_more_of_the_value_than_of_its_form_is_widened() {
    let new = drawn(&Pattern::of("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"), 1);
    assert!(new.len() == 32 && new.chars().any(|c| c.is_ascii_alphanumeric()), "{new}");
    let unprintable = drawn(&Pattern::of("ééééééééééééééééééééééééééééééééé"), 1);
    assert!(unprintable.len() == 33 && unprintable.is_ascii(), "{unprintable}");
}

#[test]
fn every_character_is_equally_likely() {
    let form = Pattern::of("abc-defghijklmnopqrstuvw_0ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.x");
    let mut counts = std::collections::BTreeMap::new();
    for seed in 0..1000 {
        // Each character of punctuation is in every value.
        for c in drawn(&form, seed).chars().filter(char::is_ascii_alphanumeric) {
            *counts.entry(c).or_insert(0_u32) += 1;
        }
    }
    // 61,000 draws over 65 characters: 938 each, standard deviation 30; six of them either way.
    assert_eq!(counts.len(), 62);
    assert!(counts.values().all(|n| (758..1118).contains(n)), "{counts:?}");
}

#[test]
fn failing_randomness_fails_the_value() {
    let mut broken = |_: &mut [u8]| {
        Err(crate::error::Error::new(crate::error::ErrorKind::FailedDefect, "no randomness", "try again"))
    };
    assert!(Pattern::of("placeholder").draw(&mut broken).is_err());
}
