//! The tag `keyroll:hold`: a reason, or a time.

use crate::timestamp::Timestamp;

/// Until when nothing is rotated or rolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Until this time, as it is written.
    Until(Timestamp, String),
    /// Until the tag is removed, for this reason.
    For(String),
}

impl Hold {
    /// A time in UTC, as `2026-12-24`, `2026-12-24T18:00Z` or `2026-12-24T18:00:00Z`; anything else is a reason. A
    /// mistyped time therefore holds until somebody looks, which is the safe side.
    pub(super) fn parse(value: &str) -> Self {
        let spellings = [value.to_owned(), format!("{value}T00:00:00Z"), value.replace('Z', ":00Z")];
        spellings.iter().find_map(|spelling| Timestamp::parse(spelling)).map_or_else(
            || Self::For(if value.is_empty() { "no reason given".to_owned() } else { value.to_owned() }),
            |time| Self::Until(time, value.to_owned()),
        )
    }

    /// Why the secret is on hold at this time, if it is.
    pub(super) fn reason(&self, now: Timestamp) -> Option<String> {
        match self {
            Self::Until(time, text) => (now < *time).then(|| format!("until {text}")),
            Self::For(reason) => Some(reason.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_a_time_or_a_reason() {
        let noon = Timestamp::from_seconds(1_798_113_600); // 2026-12-24T12:00:00Z
        for (value, held_at_noon) in [
            ("2026-12-24", false),
            ("2026-12-24T12:01Z", true),
            ("2026-12-24T11:59Z", false),
            ("2026-12-24T12:00:01Z", true),
            ("2026-12-24T12:00:00Z", false),
            ("2026-13-24", true),
            ("2026-12-24 11:59:00Z", true),
            ("2026-12-24_11:59Z", true),
            ("migration of the orders database", true),
            ("", true),
        ] {
            assert_eq!(Hold::parse(value).reason(noon).is_some(), held_at_noon, "{value:?}");
        }
    }
}
