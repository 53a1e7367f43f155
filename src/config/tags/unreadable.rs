//! The refusal of a tag that cannot be read.

use crate::error::{Error, ErrorKind};

/// Refuses a tag with this in its value, and says what it takes.
pub(super) fn unreadable(tag: &str, value: &str, expected: &str) -> Error {
    Error::new(
        ErrorKind::RefusedSetting,
        format!("the tag {tag} has {value:?} in it"),
        format!("set {tag} to {expected}"),
    )
}
