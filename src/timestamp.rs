//! A point in time, with one way to write it and one to read it: RFC 3339 in UTC, as AWS writes dates.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A time in milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A time in seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Reads `2026-12-24T18:00:00Z`, with or without a fraction of a second. Zones other than UTC are not taken, nor is
    /// anything but `T` or `t` between date and time, where the crate takes any byte.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.ends_with('Z') || !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return None;
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }

    /// The time in milliseconds since 1970.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The time in whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The whole seconds that have passed since another time; less than 0 where that is later.
    #[must_use]
    pub fn seconds_since(self, other: Self) -> i64 {
        self.seconds().saturating_sub(other.seconds())
    }

    /// The time so much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(i64::try_from(time.as_millis()).map_or(i64::MAX, |millis| self.0.saturating_add(millis)))
    }

    /// The time as text; nothing for one beyond the years 1 to 9999, as AWS writes no other.
    #[must_use]
    pub fn text(self) -> Option<String> {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok()?;
        if time.year() > 0 { time.format(&Rfc3339).ok() } else { None }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_aws_writes_them_and_read_again() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_361_400_000, "2026-11-22T15:30:00Z"),
            (1_795_361_400_120, "2026-11-22T15:30:00.12Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_millis(millis)));
        }
        assert_eq!(Timestamp::parse("2026-11-22t15:30:00Z"), Some(Timestamp::from_seconds(1_795_361_400)));
        // The last millisecond of the year 0, and of the year 9999.
        assert_eq!(Timestamp::from_millis(-62_135_596_800_001).text(), None);
        assert!(Timestamp::from_millis(253_402_300_799_999).text().is_some());
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), format!("{} ms", i64::MAX));
        assert_eq!(Timestamp::from_seconds(-1).seconds(), -1);
    }

    #[test]
    fn other_zones_and_half_a_date_are_no_times() {
        for text in [
            "2026-11-22",
            "2026-11-22T15:30Z",
            "2026-11-22T15:30:00",
            "2026-11-22T15:30:00+01:00",
            "2026-13-01T00:00:00Z",
            "2026-11-22 15:30:00Z",
            "2026-11-22_15:30:00Z",
            "",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
