//! Values that stand for a secret which nobody has stored yet.

use super::Sensitive;

/// Words of which one alone says that there is no secret: `null` of a template, `TODO` of a person.
const SAYING: [&str; 26] = [
    "changeme",
    "changeit",
    "changethis",
    "change",
    "replaceme",
    "replacethis",
    "replace",
    "replaced",
    "placeholder",
    "todo",
    "tbd",
    "dummy",
    "initial",
    "unset",
    "uninitialized",
    "uninitialised",
    "undefined",
    "null",
    "none",
    "nil",
    "fillme",
    "fill",
    "insert",
    "your",
    "tba",
    "fixme",
];

/// Words that stand beside such a word: `<your-secret-here>`, `CHANGE_ME_IN_AWS_CONSOLE`.
const BESIDE: [&str; 40] = [
    "me",
    "it",
    "this",
    "in",
    "aws",
    "console",
    "to",
    "be",
    "with",
    "secret",
    "key",
    "password",
    "token",
    "value",
    "here",
    "api",
    "jwt",
    "bit",
    "256",
    "set",
    "a",
    "an",
    "the",
    "my",
    "please",
    "later",
    "manually",
    "before",
    "deploy",
    "deployment",
    "real",
    "actual",
    "own",
    "random",
    "string",
    "db",
    "database",
    "by",
    "hand",
    "terraform",
];

/// Words that say so only together.
const TOGETHER: [&str; 4] = ["set me", "put here", "not set", "to be set"];

/// Whether a value is a placeholder, in whatever case it is written, with whatever between its words and around them. Only a
/// whole value counts: a real secret may well contain such a word.
#[must_use]
pub(crate) fn is_placeholder(value: &str) -> bool {
    let lower = Sensitive::new(value.to_ascii_lowercase());
    let plain = lower.expose().chars().all(|c| c.is_ascii_alphanumeric() || " -_.<>{}[]()*#\"'".contains(c));
    let words: Vec<&str> =
        lower.expose().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if !plain {
        return false;
    }
    let says = words.iter().any(|word| SAYING.contains(word)) || TOGETHER.contains(&&words.join(" ")[..]);
    words.is_empty() && value.len() <= 2
        || says && words.iter().all(|word| SAYING.contains(word) || BESIDE.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_that_there_is_no_secret_is_a_placeholder() {
        for value in [
            "",
            "placeholder",
            "ChangeMe",
            "CHANGE_ME",
            "change-me",
            "change me",
            "change_me_in_aws_console",
            "changeit",
            "change_this",
            "replaceme",
            "REPLACE_ME",
            "replace-me",
            "replace_me_in_aws_console",
            "to_be_replaced",
            "to-be-replaced",
            "TODO",
            "tbd",
            "dummy",
            "initial",
            "set_me",
            "SET ME",
            "unset",
            "your-secret-key",
            "your_secret_key",
            "your-256-bit-secret",
            "null",
            "None",
            "undefined",
            "<your-secret-here>",
            "fill_me_in",
            "uninitialized",
            "<replace-with-real-value>",
            "{{your-api-key}}",
            "[INSERT TOKEN HERE]",
            "your_api_key_here",
            "set-by-terraform-replace-me",
            "nil",
            "FIXME",
        ] {
            assert!(is_placeholder(value), "{value:?}");
        }
    }

    #[test]
    fn a_secret_may_contain_such_a_word() {
        for value in [
            "changeme-2f9c",
            "s3cr3t",
            "secret",
            "password",
            "my-secret-key",
            "initial7",
            "nullify",
            "placeholder1",
            "Change!Me9",
            "todo-list-of-mine",
            "api key",
            "set",
            "0000",
            "me",
            "noneofyourbusiness",
        ] {
            assert!(!is_placeholder(value), "{value:?}");
        }
    }
}
