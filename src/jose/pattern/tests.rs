use super::body::{FRESH_LENGTH, LEAST_BYTES};
use super::draw::URL_SAFE;
use super::*;

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
    form.body.bytes().filter(|_| !matches!(form.body, Body::Uuid { .. }))
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
    for value in ["", "placeholder", "change_me", "<your-secret-here>", "null"] {
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

/// Whether a value has this shape, written as a start, so many characters of an alphabet, and an end.
fn is_shaped(value: &str, start: &str, length: usize, alphabet: &str, end: &str) -> bool {
    let middle = value.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    middle.is_some_and(|middle| middle.len() == length && middle.chars().all(|c| alphabet.contains(c)))
}

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

#[test]
fn what_stands_around_random_characters_stays_where_it_is() {
    for (value, start, length, alphabet, end) in [
        ("base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "base64:", 43, ALPHANUMERIC, "="),
        ("hex:0a1b2c3d4e5f60718293a4b5c6d7e8f9", "hex:", 32, HEX, ""),
        ("0x0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9", "0x", 64, HEX, ""),
        ("0X00112233445566778899001122334455\n", "0X", 32, HEX, "\n"),
        ("v1:AAECAwQFBgcICQoLDA0ODw==", "v1:", 22, ALPHANUMERIC, "=="),
        ("acme_live_4f9c0b7a2d1e8f6a4f9c0b7a2d1e8f6a", "acme_live_", 32, HEX, ""),
        ("acme-prod-JBSWY3DPEHPK3PXP", "acme-prod-", 16, BASE32, ""),
        ("tok_9bQmZ7LtXc2VdK4wRs8Y", "tok_", 20, ALPHANUMERIC, ""),
        ("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "", 32, BASE32, ""),
        ("J3YVAV7GLA2CMPN6OSEQ6WS6LNXXYN7Q", "", 32, BASE32, ""),
        ("key2:JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "key2:", 32, BASE32, ""),
    ] {
        let form = Pattern::of(value);
        for seed in 0..50 {
            let new = drawn(&form, seed);
            assert!(is_shaped(&new, start, length, alphabet, end), "{value} {new}");
            assert_eq!(Pattern::of(&new), form, "{value} {new}");
        }
    }
    let id = drawn(&Pattern::of("urn:uuid:b3b1c2d4-0000-4000-8000-0123456789ab"), 1);
    assert_eq!(Pattern::of(id.strip_prefix("urn:uuid:").unwrap()).text(), "a random UUID");
}

#[test]
fn lines_and_groups_keep_their_width() {
    // As `openssl rand -base64 64` prints it: 64 characters, a line end, 24 characters.
    let line = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v";
    let value = format!("{line}\nMDEyMzQ1Njc4OTo7PD0+Pw==\n");
    let form = Pattern::of(&value);
    assert_eq!(form.text(), "base64 of 64 bytes in lines of 64");
    for seed in 0..50 {
        let new = drawn(&form, seed);
        let lines: Vec<&str> = new.split('\n').collect();
        assert_eq!(lines.iter().map(|line| line.len()).collect::<Vec<_>>(), [64, 24, 0], "{new}");
        assert!(!new.trim_end_matches(['=', '\n']).contains('='), "{new}");
    }
    for (value, separator, width) in [
        ("JBSW Y3DP EHPK 3PXP", " ", 4),
        ("de:ad:be:ef:01:23:45:67:89:ab:cd:ef:de:ad:be:ef", ":", 2),
        ("ABCD-EFGH-IJKL-MN34", "-", 4),
        ("4f9c.0b7a.2d1e.8f6a", ".", 4),
    ] {
        let new = drawn(&Pattern::of(value), 5);
        let parts = |value: &str| value.split(separator).map(str::len).collect::<Vec<_>>();
        assert_eq!(parts(&new), parts(value), "{new}");
        assert!(parts(&new).iter().all(|length| *length == width) && new != value, "{new}");
    }
    // Not groups of one width, and no list of bytes.
    for value in ["ab:cd:ef", "admin:admin", "12-34-56", "2026-12-01", "not-a-secret"] {
        assert!(Pattern::of(value).layout.is_none(), "{value}");
    }
}

#[test]
fn where_nothing_tells_the_alphabet_only_what_all_share_is_drawn() {
    for value in ["oNaXPJOTCaghfUMd0uQ0t6DbcrgibQlAICncQ8MYaH4=", "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"] {
        let form = Pattern::of(value);
        for seed in 0..1000 {
            let new = drawn(&form, seed);
            assert!(!new.contains(['+', '/', '-', '_']) && new.len() == value.len(), "{new}");
        }
    }
    // One that tells keeps telling.
    for (value, told) in [
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW/JA=", ['+', '/']),
        ("AAECAwQFBgcICQoLDA0ODx-_AAECAwQFBgcICQoLDA0", ['-', '_']),
    ] {
        assert!((0..50).all(|seed| drawn(&Pattern::of(value), seed).contains(told)), "{value}");
    }
}

#[test]
fn a_start_is_a_word_that_a_person_wrote() {
    for value in [
        // A user and a password.
        "admin:Tr0ub4dor",
        "admin:AbCdEfGhIjKlMnOpQrStUv1",
        // Nothing but words.
        "correct-horse-battery-staple-and-more",
        "0xcafe",
    ] {
        assert_eq!(Pattern::of(value).start, "", "{value}");
    }
    let stronger = Pattern::of("acme_live_4f9c0b7a2d1e8f6a").strengthened();
    assert_eq!((stronger.start.as_str(), drawn(&stronger, 1).len()), ("acme_live_", 10 + 64));
    assert_eq!(stronger.text(), "64 hexadecimal digits behind a prefix that stays");
}

#[test]
fn base64url_that_begins_like_a_word_goes_on_decoding() {
    for value in [
        "abc_Q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjQ",
        "it_9bQmZ7LtXc2VdK4wRs8YQ3vQ",
        "key-Q83vEjRW-JCrze8SNFZ4kKvN7xI0Vn_Qq83vEjQ",
        "acme_live_Q83vEjRWeJCrze8SNFZ4kw",
    ] {
        let form = Pattern::of(value);
        assert!(form.decodes && !form.start.is_empty(), "{value}");
        for seed in 0..50 {
            let new = drawn(&form, seed);
            assert_eq!(
                (new.len(), decoded(&new).map(|bytes| bytes.len())),
                (value.len(), decoded(value).map(|b| b.len()))
            );
            assert!(new.starts_with(&form.start), "{new}");
        }
    }
    // As strong as RFC 7518 demands, and then of no other length.
    let key = Pattern::of("abc_Q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjQ");
    assert_eq!(key.strengthened(), key);
}

#[test]
fn a_grouped_key_that_is_made_stronger_fills_its_groups() {
    for value in ["Kq7z.0b7a.2d1e.8f6a", "ABC-DEF-GHI-JK2-MN3-OP4", "AB:CD:EF:AB:CD:EF:AB:CD"] {
        let stronger = Pattern::of(value).strengthened();
        let new = drawn(&stronger, 3);
        assert_eq!(Pattern::of(&new).layout, stronger.layout, "{value} {new}");
        assert!(new.len() > value.len(), "{value} {new}");
    }
    assert!(Pattern::of("De:AD:be:ef:01:23:45:67").layout.is_none());
}
