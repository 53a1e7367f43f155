//! The tags `keyroll:copies`, `keyroll:copies-2` … `-9`.

use super::unreadable::unreadable;
use crate::config::Place;
use crate::error::Error;

/// A place that holds a copy, and the tag that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPlace {
    /// The place.
    pub place: Place,
    /// The tag's key.
    pub tag: String,
}

/// Takes the places from one tag, the same place once. What cannot be read is a problem, and the rest still counts.
pub(super) fn take(copies: &mut Vec<NamedPlace>, problems: &mut Vec<Error>, tag: &str, value: &str) {
    if value.is_empty() {
        problems.push(unreadable(tag, value, Place::FORMS));
    }
    for word in value.split_whitespace() {
        match word.parse() {
            Ok(place) if copies.iter().any(|named| named.place == place) => {}
            Ok(place) => copies.push(NamedPlace { place, tag: tag.to_owned() }),
            Err(()) => problems.push(unreadable(tag, word, Place::FORMS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;
    use crate::error::ErrorKind;

    fn places(settings: &Settings) -> Vec<String> {
        settings.copies.iter().map(|named| named.place.to_string()).collect()
    }

    #[test]
    fn places_are_listed_over_several_tags_each_once() {
        let settings = Settings::read([
            ("keyroll:copies-9", "s3://bucket/b s3://bucket/a"),
            ("keyroll:copies", " s3://bucket/a  ssm:/orders/db"),
        ]);
        settings.sound().unwrap();
        assert_eq!(places(&settings), ["s3://bucket/a", "ssm:/orders/db", "s3://bucket/b"]);
    }

    #[test]
    fn a_place_that_cannot_be_read_is_told_and_leaves_the_others_standing() {
        let settings = Settings::read([("keyroll:copies", "s3://b/a s3://bucket/a"), ("keyroll:copies-2", "")]);
        assert_eq!(places(&settings), ["s3://bucket/a"]);
        let error = settings.sound().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedSetting);
        let told = error.to_string();
        assert!(
            told.contains("keyroll:copies has \"s3://b/a\"") && told.contains("keyroll:copies-2 has \"\""),
            "{told}"
        );
    }
}
