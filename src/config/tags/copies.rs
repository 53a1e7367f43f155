//! The tags `keyroll:copies`, `keyroll:copies-2` … `-9`.

use super::unreadable;
use crate::config::{Place, Settings};
use crate::error::{Error, ErrorKind, Result};

impl Settings {
    /// Refuses copies in places that this version does not write. `allowed` says which ones the secret's kind does.
    pub fn refuse_copies(&self, allowed: impl Fn(&Place) -> bool) -> Result<()> {
        let named = self.copies.iter().zip(&self.copies_tags).filter(|(place, _)| !allowed(place));
        let refused: Vec<String> = named.map(|(place, tag)| format!("{place} ({tag})")).collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RefusedNotBuilt,
            format!(
                "the secret's tags ask for copies that this version of keyroll does not write: {}; copies of the value are not \
                 written yet, only the public half of signing keys goes to s3://bucket/key",
                refused.join(", ")
            ),
            "take these places out of the tags and update such copies yourself after each rotation; HMAC keys have no public half",
        ))
    }

    /// Takes the places from one tag, the same place once. What cannot be read is a problem, and the rest still counts.
    pub(super) fn take_copies(&mut self, tag: &str, value: &str) {
        if value.is_empty() {
            self.problems.push(unreadable(tag, value, Place::FORMS));
        }
        for word in value.split_whitespace() {
            match word.parse() {
                Ok(place) if self.copies.contains(&place) => {}
                Ok(place) => {
                    self.copies.push(place);
                    self.copies_tags.push(tag.to_owned());
                }
                Err(()) => self.problems.push(unreadable(tag, word, Place::FORMS)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(settings: &Settings) -> Vec<String> {
        settings.copies.iter().map(ToString::to_string).collect()
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

    #[test]
    fn only_what_is_not_written_is_refused_and_by_its_tag() {
        let settings = Settings::read([("keyroll:copies", "s3://bucket/a"), ("keyroll:copies-2", "ssm:/orders/db")]);
        assert_eq!(settings.refuse_copies(|_| true), Ok(()));
        assert_eq!(Settings::read([]).refuse_copies(|_| false), Ok(()));
        let error = settings.refuse_copies(|place| matches!(place, Place::Object { .. })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedNotBuilt);
        assert!(error.cause().contains("ssm:/orders/db (keyroll:copies-2);"), "{error}");
        assert!(!error.cause().contains("s3://bucket/a"), "{error}");
    }
}
