//! Values with a structure that nobody but their owner understands: to draw their characters anew would break it. They are
//! refused by name, before anything changes.

use super::pattern::Pattern;
use crate::error::{Error, ErrorKind, Result};

/// Punctuation that random characters are drawn with, and that separates nothing.
const SCATTERED: &str = "!#$%^&*~+-_@?";
/// So many sorts of punctuation are drawn at random: what separates is one or two.
const RANDOM_SORTS: usize = 5;
/// A random value with every sort of punctuation is at least so long.
const RANDOM_LENGTH: usize = 16;
/// With spaces among its characters a random value has still more sorts.
const RANDOM_SORTS_WITH_SPACES: usize = 8;
/// The least length of an entry of a list.
const LEAST_ENTRY: usize = 8;

/// Refuses a bare value with a structure that a new one could not keep.
pub(super) fn refuse(value: &str) -> Result<()> {
    let value = value.trim_end_matches(['\r', '\n']);
    let pattern = Pattern::of(value);
    if pattern.is_placeholder() {
        return Ok(());
    }
    if let Some(what) = named(value).filter(|_| !is_of_key_size(&pattern)) {
        return Err(refused(
            format!("the value is {what}: random characters in its place would mean nothing to its readers"),
            "store the secret itself, or take the tag keyroll:kind off this secret",
        ));
    }
    if pattern.is_understood() && (is_of_key_size(&pattern) || !has_key_behind_slash(value)) {
        return Ok(());
    }
    if entries(value).is_some() {
        return Err(refused(
            "the value looks like a list of secrets: one random value in its place would be none of them".to_owned(),
            "tag the secret keyroll:kind = token-list if it is a list, newest first; else store one secret",
        ));
    }
    let separator = value.chars().find(|c| "\r\n".contains(*c)).or_else(|| value.chars().find(|c| is_separator(*c)));
    let Some(separator) = separator.filter(|_| !is_random(value) && !is_phrase(value)) else { return Ok(()) };
    let what = match separator {
        ':' => "a name and a value with a colon between them, such as user:password".to_owned(),
        '\n' | '\r' => "several lines".to_owned(),
        ' ' | '\t' => "words with spaces between them".to_owned(),
        _ => "parts with punctuation between them".to_owned(),
    };
    Err(refused(
        format!("the value has a structure that keyroll does not know ({what}), which a random value would break"),
        "store a random value without that structure, or rotate this one where it was made; a member of JSON is named by \
         keyroll:field",
    ))
}

/// Whether a value encodes as many bytes as people draw: one that begins with a slash is base64 then, and no path.
fn is_of_key_size(pattern: &Pattern) -> bool {
    let is_common = |bytes: usize| bytes >= 16 && [8, 10, 12].iter().any(|unit| bytes.is_multiple_of(*unit));
    pattern.bytes().is_some_and(is_common)
}

/// What a value is that is no random one, if it is plain.
fn named(value: &str) -> Option<&'static str> {
    let path = value.starts_with('/') && value.contains(|c: char| c.is_ascii_alphabetic());
    let segments: Vec<&str> = value.split('/').skip(1).collect();
    let is_segment = |text: &&str| {
        !text.is_empty() && text.len() <= 32 && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
    };
    if value.starts_with("arn:") {
        Some("the ARN of something")
    } else if ["${", "$(", "{{", "%{", "<%"].iter().any(|begin| value.starts_with(begin)) {
        Some("a reference to a variable that was never filled in")
    } else if path && segments.len() >= 2 && segments.iter().all(is_segment) || value.starts_with("file:") {
        Some("the path of a file")
    } else if is_hash(value) {
        Some("the hash of a password")
    } else if is_token(value) {
        Some("a signed token (JWT), made with a key that is somewhere else")
    } else if ["Bearer ", "Basic "].iter().any(|scheme| value.starts_with(scheme)) {
        Some("the header of a request, with the scheme in front of the token")
    } else {
        None
    }
}

/// `ID/KEY`, with a key in base64 of a common size. The slash is a digit of base64, too, so that the whole may look like one.
fn has_key_behind_slash(value: &str) -> bool {
    value.split_once('/').is_some_and(|(id, key)| {
        let sizes = ["=", "=="].iter().any(|padding| key.ends_with(padding)) && [24, 44, 88].contains(&key.len());
        sizes && !id.is_empty() && Pattern::of(key).is_understood()
    })
}

/// `$2y$…`, `$argon2id$…`, `{SSHA}…`: how Unix's crypt and LDAP write hashes.
fn is_hash(value: &str) -> bool {
    let scheme =
        |text: &str| (1..=16).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    let crypt = value.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    let ldap = value.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    crypt.is_some_and(|(name, _)| scheme(name))
        || ldap.is_some_and(|(name, _)| scheme(name) && name.bytes().all(|c| !c.is_ascii_lowercase()))
}

/// Three parts of base64url with dots between them, of which the first is a JSON object (RFC 7515, section 3.1).
fn is_token(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let of_base64 = |part: &&str| part.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
    // base64url of `{"`.
    matches!(parts.len(), 3 | 5) && value.starts_with("eyJ") && parts.iter().all(of_base64)
}

/// The entries of a list: at least two secrets of their own with commas, semicolons or white space between them.
pub(super) fn entries(value: &str) -> Option<Vec<&str>> {
    let entries: Vec<&str> =
        value.split([',', ';', '\n', '\r', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).collect();
    let is_entry = |entry: &&str| {
        entry.len() >= LEAST_ENTRY && !is_word(entry) && (Pattern::of(entry).is_understood() || plain(entry))
    };
    (entries.len() >= 2 && entries.iter().all(is_entry)).then_some(entries)
}

/// Words and numbers with spaces between them: a phrase that somebody thought of, of which nothing has to stay.
fn is_phrase(value: &str) -> bool {
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric());
    let words: Vec<&str> = value.split(' ').collect();
    words.len() >= 3 && words.iter().all(|word| plain(word)) && words.iter().any(|word| is_word(word))
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphabetic())
}

fn plain(text: &str) -> bool {
    !text.contains(is_separator)
}

fn is_separator(c: char) -> bool {
    (c.is_ascii_punctuation() && !SCATTERED.contains(c)) || c.is_ascii_whitespace() || c.is_ascii_control()
}

/// Whether a value names what it has: pairs of a connection string, a URL within, JSON or XML that is not whole, a verifier with the
/// number of its iterations.
fn is_connection(value: &str) -> bool {
    let is_name =
        |text: &str| text.len() >= 2 && text.bytes().all(|c| c.is_ascii_alphanumeric() || b" ._-".contains(&c));
    let pairs: Vec<&str> = value.split([';', ',', '&']).filter(|part| !part.trim().is_empty()).collect();
    let named = pairs.iter().filter(|pair| pair.split_once('=').is_some_and(|(name, _)| is_name(name))).count();
    let iterated = value
        .split('$')
        .nth(1)
        .is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()) && value.matches('$').count() >= 2);
    value.contains("://")
        || value.starts_with(['{', '[', '<'])
        || named >= 2
        || iterated && is_name(value.split('$').next().unwrap_or_default())
}

/// Whether a value has so many sorts of punctuation that nobody has put it there to separate anything.
fn is_random(value: &str) -> bool {
    let mut sorts: Vec<char> = value.chars().filter(char::is_ascii_punctuation).collect();
    sorts.sort_unstable();
    sorts.dedup();
    if is_connection(value) {
        return false;
    }
    let printable = value.chars().all(|c| !c.is_ascii_control());
    let least = if value.contains(' ') { RANDOM_SORTS_WITH_SPACES } else { RANDOM_SORTS };
    let behind_name = value.split_once(':').is_some_and(|(name, _)| {
        let small = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c);
        name.len() >= 2 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().skip(1).all(small)
    });
    printable && sorts.len() >= least && value.len() >= RANDOM_LENGTH && !behind_name
}

fn refused(cause: String, remedy: &str) -> Error {
    Error::new(ErrorKind::RefusedValue, cause, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = concat!("$", "2y", "$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcd");
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn what_means_something_is_refused_by_name() {
        let token = concat!("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl");
        for (value, word) in [
            ("arn:aws:secretsmanager:eu-west-1:000000000000:secret:auth/jwt-AbCdEf", "ARN"),
            ("${JWT_SECRET}", "variable"),
            ("$(cat secret)", "variable"),
            ("{{ vault.jwt }}", "variable"),
            ("/run/secrets/jwt", "path of a file"),
            ("/etc/keys/app-1.key\n", "path of a file"),
            ("file:///x", "path of a file"),
            (HASH, "hash"),
            (concat!("$", "argon2id", "$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"), "hash"),
            (concat!("{", "SSHA}", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="), "hash"),
            (token, "JWT"),
            ("Bearer 4f9c0b7a2d1e8f6a4f9c0b7a2d1e8f6a", "scheme"),
            ("admin:Tr0ub4dor_and_3", "colon"),
            ("admin:admin", "colon"),
            ("A=0123456789abcdef\nB=fedcba9876543210", "lines"),
            ("two words", "spaces"),
            ("78040ebf/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "between them"),
            ("id1/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "between them"),
            ("part.part", "between them"),
            ("a|b", "between them"),
            (
                "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a+b/c==;EndpointSuffix=core.example",
                "between them",
            ),
            ("Endpoint=sb://ns.example/;SharedAccessKeyName=Root;SharedAccessKey=abc=", "structure"),
            ("App:p4ss@tcp(db.example:3306)/orders?parseTime=true", "colon"),
            (concat!("pbkdf2_", "sha256$600000$c2FsdA$aGFzaA+/=hash"), "structure"),
            ("sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9", "colon"),
        ] {
            let Err(error) = refuse(value) else { panic!("accepted {value}") };
            assert_eq!(error.kind(), ErrorKind::RefusedValue);
            assert!(error.cause().contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn a_list_is_refused_as_one() {
        let other = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
        for value in [
            format!("{KEY},{other}"),
            format!("{KEY}, {other}\n"),
            format!("{KEY};{other}"),
            format!("{KEY}\n{other}\n"),
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9\n9f8e7d6c5b4a39281706f5e4d3c2b1a0\n".to_owned(),
            "4f9c0b7a2d1e8f6a,0b7a2d1e8f6a4f9c,2d1e8f6a4f9c0b7a".to_owned(),
        ] {
            let error = refuse(&value).unwrap_err();
            assert!(error.remedy().contains("token-list"), "{error}");
        }
    }

    #[test]
    fn what_is_random_is_taken() {
        for value in [
            "placeholder",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            KEY,
            "correct horse battery staple",
            "a secret of more than 32 characters",
            "V1StGXR8_Z5jdHi6B-myT",
            "not-a-secret",
            "my$ecret!2026",
            "S3cure&Strong#Pass?word",
            r#"x4{;"kP)=:Zq,|u/8<Vb.~'3mT]}wR(2"#,
            "q83vEjRWeJCrze8SNFZ/kKvN7xI0VniQq83vEjRWeJA=",
            "/jJJvE3xbAAECAwQFBgc/CQoLDA0ODxAREhMUFRYXGB",
            "qT4 &y|Kz<;0]P~e+ {H$w2?s.V`m,X@8=J^u%R!n(D)",
            "JBSW Y3DP EHPK 3PXP",
            "de:ad:be:ef:01:23:45:67:89:ab:cd:ef:de:ad:be:ef",
            "ABCD-EFGH-IJKL-MN34",
            "urn:uuid:b3b1c2d4-0000-4000-8000-0123456789ab",
            "ééééé",
        ] {
            assert_eq!(refuse(value), Ok(()), "{value}");
        }
    }
}
