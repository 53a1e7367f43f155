//! What several of these tests need: values of every look, and what an answer says.

use rehearsal::aws::random::uuid;
use rehearsal::lambda::Outcome;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Random bytes.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut drawn = Vec::new();
    while drawn.len() < count {
        // A UUID of version 4 has fixed bits: only its last six bytes are all random.
        let last = uuid().rsplit('-').next().unwrap().to_owned();
        drawn.extend((0..6).map(|at| u8::from_str_radix(&last[2 * at..2 * at + 2], 16).unwrap()));
    }
    drawn.truncate(count);
    drawn
}

/// So many hexadecimal digits, with a letter and a digit among them.
pub fn hex(digits: usize) -> String {
    loop {
        let drawn = bytes(digits / 2).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        if drawn.contains(|c: char| c.is_ascii_digit()) && drawn.contains(|c: char| c.is_ascii_lowercase()) {
            return drawn;
        }
    }
}

/// So many characters of this alphabet, each of `kept` among them.
pub fn characters(length: usize, alphabet: &str, kept: &str) -> String {
    let all: Vec<char> = alphabet.chars().collect();
    let drawn = bytes(2 * length);
    let pick = |at: usize| all[(usize::from(drawn[2 * at]) * 256 + usize::from(drawn[2 * at + 1])) % all.len()];
    let rest = length - kept.chars().count();
    let mut value: String = (0..rest).map(pick).collect();
    value.insert_str(rest / 2, kept);
    value
}

/// Base64 of so many random bytes in which something tells it from letters and digits.
pub fn encoded(engine: &impl base64::Engine, count: usize) -> String {
    loop {
        let drawn = engine.encode(bytes(count));
        // One in a hundred begins as a word with a prefix does: that has tests of its own.
        let begins_as_word = drawn.starts_with(|c: char| c.is_ascii_alphabetic()) && drawn.contains(['-', '_']);
        if drawn.contains(['+', '/', '-', '_', '=']) && !begins_as_word {
            return drawn;
        }
    }
}

/// Everything that an answer warns of, as one text.
pub fn warnings(answer: &Value) -> String {
    let all = answer["warnings"].as_array().into_iter().flatten();
    all.map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The reasons of a dry run as `type: cause`, a line each.
pub fn reasons(report: &Value) -> String {
    let all = report["reasons"].as_array().unwrap().iter();
    all.map(|it| format!("{}: {}", it["errorType"].as_str().unwrap(), it["cause"].as_str().unwrap()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Dry-runs, and sees that nothing at all has changed.
pub async fn dry_run(stage: &Stage) -> Value {
    let before = stage.aws.snapshot();
    let event = json!({"Action": "DryRun", "SecretId": stage.arn, "Prove": true});
    let outcome = stage.send(&event).await;
    let Outcome::Answer(report) = outcome else { panic!("{outcome:?}") };
    assert!(stage.aws.snapshot() == before, "the dry run changed something");
    assert_eq!((&report["action"], &report["done"]), (&json!("DryRun"), &json!([])));
    report
}

/// Every kind with a first value.
pub fn kinds() -> [(&'static str, String); 5] {
    [
        ("jwt", hex(64)),
        ("token", hex(64)),
        ("jwt-keyring", r#"{"alg":"ES256","keys":[]}"#.to_owned()),
        ("jwt-keyring", r#"{"alg":"HS256","keys":[]}"#.to_owned()),
        ("signing-key", r#"{"private_key":"placeholder","key_id":"signing-1"}"#.to_owned()),
    ]
}
