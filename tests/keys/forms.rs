//! What a bare value looks like stays what it looks like: whoever reads it may decode it, or hold a length against a rule.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use rehearsal::aws::random::uuid;

use crate::stage::Stage;
use crate::values::{characters, encoded, hex, warnings};

pub const LETTERS_AND_DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SPECIALS: &str = "_-+=@#%";

/// How a value looks to somebody who knows nothing of keyroll: its length, the classes of characters, its punctuation.
fn look(value: &str) -> (usize, [bool; 3], BTreeSet<char>) {
    let has = |class: fn(&char) -> bool| value.chars().any(|c| class(&c));
    let classes = [has(char::is_ascii_uppercase), has(char::is_ascii_lowercase), has(char::is_ascii_digit)];
    (value.len(), classes, value.chars().filter(|c| !c.is_ascii_alphanumeric()).collect())
}

/// Rotates a value twice and gives the three values.
async fn rotated(kind: &str, value: &str) -> [String; 3] {
    let stage = Stage::start(kind, value).await;
    let mut values = [value.to_owned(), String::new(), String::new()];
    for number in 1..3 {
        stage.rotated().await;
        assert_eq!(stage.value("AWSPREVIOUS"), values[number - 1]);
        values[number] = stage.value("AWSCURRENT");
    }
    assert!(values[0] != values[1] && values[1] != values[2] && values[0] != values[2]);
    values
}

#[tokio::test]
async fn text_keeps_its_length_its_classes_and_its_very_punctuation() {
    let teams = characters(40, LETTERS_AND_DIGITS, SPECIALS);
    for value in [
        teams.clone(),
        format!("{teams}\n"),
        characters(64, LETTERS_AND_DIGITS, "aA0"),
        characters(33, LETTERS_AND_DIGITS, "aA0"),
        characters(50, "abcdefghijklmnopqrstuvwxyz0123456789", "a0!"),
        characters(2000, LETTERS_AND_DIGITS, "aA0$~"),
    ] {
        for kind in ["jwt", "token"] {
            let values = rotated(kind, &value).await;
            for new in &values[1..] {
                assert_eq!(look(new), look(&value), "{kind}");
            }
        }
    }
}

#[tokio::test]
async fn hexadecimal_digits_keep_their_number_and_their_case() {
    for (digits, end) in [(64, ""), (128, ""), (64, "\n"), (96, "\r\n")] {
        for value in [hex(digits), hex(digits).to_ascii_uppercase()] {
            let upper = value.contains(|c: char| c.is_ascii_uppercase());
            for new in &rotated("jwt", &format!("{value}{end}")).await[1..] {
                let body = new.strip_suffix(end).unwrap();
                let fits = |c: char| c.is_ascii_hexdigit() && (c.is_ascii_digit() || c.is_ascii_uppercase() == upper);
                assert!(body.len() == digits && body.chars().all(fits), "{digits} {upper}");
            }
        }
    }
}

#[tokio::test]
async fn base64_stays_base64_of_as_many_bytes() {
    for count in [32, 48, 64] {
        let forms: [(&str, String); 3] = [
            ("standard", encoded(&BASE64_STANDARD, count)),
            ("url", encoded(&BASE64_URL_SAFE_NO_PAD, count)),
            ("padded url", encoded(&BASE64_URL_SAFE, count)),
        ];
        for (form, value) in forms {
            for new in &rotated("jwt", &value).await[1..] {
                assert_eq!(new.len(), value.len(), "{form} {count}");
                // Strict decoders: the alphabet, the padding, and no bits left over.
                let standard = value.contains(['+', '/']);
                let url = value.contains(['-', '_']);
                let decoded = [
                    BASE64_STANDARD.decode(new).ok().filter(|_| !url),
                    BASE64_URL_SAFE.decode(new).ok().filter(|_| !standard),
                    BASE64_URL_SAFE_NO_PAD.decode(new).ok().filter(|_| !standard),
                ];
                let decoded = decoded.into_iter().flatten().next().unwrap_or_else(|| panic!("{form} {count}"));
                assert_eq!(decoded.len(), count, "{form}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_a_uuid_stays_a_random_uuid() {
    for value in [uuid(), uuid().to_ascii_uppercase()] {
        let upper = value == value.to_ascii_uppercase();
        for new in &rotated("token", &value).await[1..] {
            let lengths: Vec<usize> = new.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12]);
            assert_eq!((&new[14..15], "89abAB".contains(&new[19..20])), ("4", true), "RFC 9562, version 4");
            assert_eq!(*new == new.to_ascii_uppercase(), upper);
        }
    }
}

#[tokio::test]
async fn what_rfc_7518_finds_too_short_is_made_stronger_once_and_the_answer_says_so() {
    let short_text = characters(20, LETTERS_AND_DIGITS, "aA0#");
    for (value, stronger) in [
        (hex(32), "64 hexadecimal digits"),
        (encoded(&BASE64_STANDARD, 16), "base64 of 32 bytes"),
        (encoded(&BASE64_URL_SAFE_NO_PAD, 20), "base64url of 32 bytes"),
        (uuid(), "64 URL-safe characters"),
        (short_text, "characters of the same classes"),
    ] {
        let stage = Stage::start("jwt", &value).await;
        let token = stage.stage();
        let answer = stage.answer("createSecret", &token).await;
        let told = warnings(&answer);
        for words in ["less than 256 bits", "RFC 7518, section 3.2", "made stronger", stronger] {
            assert!(told.contains(words), "{words}: {answer:#}");
        }
        stage.goes_on(&token).await;
        stage.assert_finished(&token);
        stage.settle();
        let new = stage.value("AWSCURRENT");
        assert!(new.len() >= 32, "{stronger}");
        let answer = stage.answer("createSecret", &stage.stage()).await;
        assert!(!warnings(&answer).contains("RFC 7518"), "{answer:#}");
        assert_eq!(stage.value("AWSPENDING").len(), new.len(), "the form has settled");
    }
}

#[tokio::test]
async fn a_token_is_made_no_stronger_but_one_that_can_be_guessed_is_told() {
    for (value, guessable) in [(hex(32), false), (uuid(), true), (characters(10, "0123456789", ""), true)] {
        let stage = Stage::start("token", &value).await;
        let answer = stage.answer("createSecret", &stage.stage()).await;
        assert_eq!(stage.value("AWSPENDING").len(), value.len());
        assert_eq!(warnings(&answer).contains("can be guessed"), guessable, "{answer:#}");
        assert!(!warnings(&answer).contains("RFC 7518"), "{answer:#}");
    }
}

#[tokio::test]
async fn a_placeholder_counts_as_a_whole_only_and_in_any_case() {
    for value in ["CHANGE_ME_IN_AWS_CONSOLE", "ChangeMe", "PlaceHolder\n"] {
        let stage = Stage::start("jwt", value).await;
        let answer = stage.answer("createSecret", &stage.stage()).await;
        let end = usize::from(value.ends_with('\n'));
        assert_eq!(stage.value("AWSPENDING").len(), 64 + end);
        assert!(answer["done"].to_string().contains("in place of a placeholder"), "{answer:#}");
    }
    // A real value that has such a word in it keeps its own length.
    let value = characters(41, LETTERS_AND_DIGITS, "placeholder0A");
    let [_, new, _] = rotated("jwt", &value).await;
    assert_eq!(look(&new), look(&value));
}

#[tokio::test]
async fn a_json_key_is_replaced_and_the_rest_stays_byte_for_byte() {
    let secret = characters(48, LETTERS_AND_DIGITS, "aA0");
    let (head, tail) =
        ("{ \"n\" : 1.50,\r\n\t\"größe\": \"\\u00e9\",  \"jwt\":\"", "\",\"x\":[ 1,2 ] , \"y\": null}\n");
    let stage = Stage::with(
        "jwt",
        &format!("{head}{secret}{tail}"),
        &[("keyroll:token-lifetime", "0"), ("keyroll:field", "jwt")],
    )
    .await;
    for _ in 0..2 {
        stage.rotate().await;
        let value = stage.value("AWSCURRENT");
        let new = value.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)).unwrap();
        assert_eq!(look(new), look(&secret));
        assert_ne!(value, stage.value("AWSPREVIOUS"));
    }
}

#[tokio::test]
async fn of_several_json_keys_those_that_were_equal_stay_equal() {
    let (shared, own) = (hex(64), characters(48, LETTERS_AND_DIGITS, "aA0"));
    let value = format!(r#"{{"sign":"{shared}","session":"{own}","verify":"{shared}","issuer":"auth"}}"#);
    let tags = [("keyroll:token-lifetime", "0"), ("keyroll:field", "sign session  verify")];
    let stage = Stage::with("jwt", &value, &tags).await;
    for _ in 0..2 {
        let before = stage.json("AWSCURRENT");
        stage.rotate().await;
        let after = stage.json("AWSCURRENT");
        assert!(after["sign"] == after["verify"] && after["issuer"] == "auth");
        assert!(after["sign"] != before["sign"] && after["session"] != before["session"]);
        assert_eq!(look(after["session"].as_str().unwrap()), look(&own));
        assert_eq!(after["sign"].as_str().unwrap().len(), 64);
    }
}
