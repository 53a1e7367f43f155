//! Values that stand for a secret which nobody has stored yet.

use super::Sensitive;

/// Values that stand for one which nobody has stored yet, in lower case. Only a whole value counts: a real secret may well
/// contain such a word.
pub(crate) const PLACEHOLDERS: [&str; 24] = [
    "",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "change me",
    "change_me_in_aws_console",
    "changeit",
    "change_this",
    "replaceme",
    "replace_me",
    "replace-me",
    "replace_me_in_aws_console",
    "to_be_replaced",
    "to-be-replaced",
    "todo",
    "tbd",
    "dummy",
    "initial",
    "set_me",
    "unset",
    "your-secret-key",
    "your_secret_key",
    "your-256-bit-secret",
];

/// Whether a value is a placeholder, in whatever case it is written.
#[must_use]
pub(crate) fn is_placeholder(value: &str) -> bool {
    let lower = Sensitive::new(value.to_ascii_lowercase());
    PLACEHOLDERS.contains(&lower.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_value_is_a_placeholder() {
        for (value, expected) in
            [("ChangeMe", true), ("TODO", true), ("", true), ("changeme-2f9c", false), ("s3cr3t", false)]
        {
            assert_eq!(is_placeholder(value), expected, "{value:?}");
        }
    }
}
