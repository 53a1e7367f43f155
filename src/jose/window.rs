//! The validity window of a signing-key document, in whatever way a team writes its two dates.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::timestamp::Timestamp;

const DAY: i64 = 86_400;
/// Unix times from here on are milliseconds: as seconds this would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// From when until when a key is valid, each in seconds since 1970, with how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    from: Moment,
    until: Moment,
}

/// A point in time, in whatever way a team writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    at: i64,
    style: Style,
}

/// How a moment is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Style {
    /// `2026-11-22`.
    Date,
    /// `2026-11-22T10:00:00`, with so many digits of a fraction, and what follows: nothing, `Z` or an offset of so many
    /// seconds.
    Time { separator: char, digits: usize, zone: String, offset: i64 },
    /// Seconds since 1970.
    Seconds { quoted: bool },
    /// Milliseconds since 1970.
    Millis { quoted: bool },
}

impl Window {
    /// Reads the values of two members.
    pub(super) fn read(from_member: &str, from: &Value, until_member: &str, until: &Value) -> Result<Self> {
        let window = Self { from: Moment::read(from_member, from)?, until: Moment::read(until_member, until)? };
        if window.length() <= 0 {
            return Err(refused(format!("{until_member} is not after {from_member}"), "correct the two dates"));
        }
        Ok(window)
    }

    /// The window of the next key: moved on by its own length, so often that it ends after `now`. Where that would begin later
    /// than now, as after a rotation before its time, it begins now: a key that signs before it is valid is refused.
    pub(super) fn moved_on(&self, now: i64) -> Self {
        let length = self.length();
        let behind = now.saturating_sub(self.until.at).max(0);
        let by = length.saturating_mul(1 + behind / length);
        let begun = match self.from.style {
            Style::Date => now - now.rem_euclid(DAY),
            _ => now,
        };
        let from = self.from.at.saturating_add(by).min(begun);
        Self {
            from: Moment { at: from, style: self.from.style.clone() },
            until: Moment { at: from.saturating_add(length), style: self.until.style.clone() },
        }
    }

    /// The two values as JSON.
    pub(super) fn json(&self) -> Result<(Value, Value)> {
        Ok((self.from.json()?, self.until.json()?))
    }

    /// Whether a key of this window is valid at that time.
    pub(super) fn contains(&self, now: i64) -> bool {
        (self.from.at..self.until.at).contains(&now)
    }

    fn length(&self) -> i64 {
        self.until.at.saturating_sub(self.from.at)
    }
}

impl Moment {
    /// Whether it is written as a date, and not as a number.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.style, Style::Date | Style::Time { .. })
    }

    /// Another time, written alike.
    pub(super) fn like(&self, at: i64) -> Self {
        Self { at, style: self.style.clone() }
    }

    /// Reads the value of a member.
    pub(super) fn read(name: &str, value: &Value) -> Result<Self> {
        let read = match value {
            Value::Number(number) => number.as_i64().map(|number| Self::of_number(number, false)),
            Value::String(text) => match text.parse() {
                Ok(number) => Some(Self::of_number(number, true)),
                Err(_) => Self::of_text(text),
            },
            _ => None,
        };
        read.ok_or_else(|| {
            refused(
                format!("{name} is no time that keyroll can read"),
                "write it as 2026-11-22, 2026-11-22T10:00:00Z (RFC 3339) or in seconds since 1970",
            )
        })
    }

    fn of_number(number: i64, quoted: bool) -> Self {
        if number.abs() >= MILLISECONDS_FROM {
            Self { at: number.div_euclid(1000), style: Style::Millis { quoted } }
        } else {
            Self { at: number, style: Style::Seconds { quoted } }
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        if text.len() == 10 {
            return Some(Self { at: utc(text, "00:00:00")?, style: Style::Date });
        }
        let (date, rest) = (text.get(..10)?, text.get(11..)?);
        let separator = text.get(10..11)?.chars().next().filter(|c| matches!(c, 'T' | 't' | ' '))?;
        let (time, rest) = (rest.get(..8)?, rest.get(8..)?);
        let fraction = rest.strip_prefix('.').unwrap_or_default();
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let zone = if rest.starts_with('.') { fraction.get(digits..)? } else { rest };
        let offset = offset(zone)?;
        let style = Style::Time { separator, digits, zone: zone.to_owned(), offset };
        Some(Self { at: utc(date, time)? - offset, style })
    }

    /// The moment as JSON.
    pub(super) fn json(&self) -> Result<Value> {
        let number = |number: i64, quoted: bool| if quoted { number.to_string().into() } else { number.into() };
        Ok(match &self.style {
            Style::Date => self.part(0, ..10)?.into(),
            Style::Time { separator, digits, zone, offset } => {
                let (date, time) = (self.part(*offset, ..10)?, self.part(*offset, 11..19)?);
                let fraction = if *digits > 0 { format!(".{}", "0".repeat(*digits)) } else { String::new() };
                format!("{date}{separator}{time}{fraction}{zone}").into()
            }
            Style::Seconds { quoted } => number(self.at, *quoted),
            Style::Millis { quoted } => number(self.at.saturating_mul(1000), *quoted),
        })
    }

    /// A part of the time, as a clock shows it that goes ahead of UTC by `offset`.
    fn part(&self, offset: i64, part: impl std::slice::SliceIndex<str, Output = str>) -> Result<String> {
        let shown = Timestamp::from_seconds(self.at.saturating_add(offset)).text();
        let part = shown.and_then(|shown| shown.get(part).map(str::to_owned));
        part.ok_or_else(|| refused("the next validity window would end beyond the year 9999", "correct the two dates"))
    }
}

fn utc(date: &str, time: &str) -> Option<i64> {
    Timestamp::parse(&format!("{date}T{time}Z")).map(Timestamp::seconds)
}

/// The offset of a zone from UTC in seconds. None is UTC, as the dates of such a document are nobody's local time.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, clock) = match zone.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    let (hours, minutes) = clock.split_once(':').or_else(|| clock.split_at_checked(2))?;
    let number = |text: &str, most: i64| text.parse().ok().filter(|n| text.len() == 2 && (0..=most).contains(n));
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

fn refused(cause: impl Into<String>, remedy: &str) -> Error {
    Error::new(ErrorKind::RefusedValue, cause, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// 2026-11-22T15:30:00Z.
    const NOW: i64 = 1_795_361_400;

    fn moved(from: &Value, until: &Value) -> (Value, Value) {
        let window = Window::read("valid_from", from, "valid_until", until).unwrap_or_else(|error| panic!("{error}"));
        let moved = window.moved_on(NOW);
        assert!(moved.contains(NOW), "{moved:?}");
        moved.json().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_window_moves_on_by_its_own_length_and_keeps_its_style() {
        for (from, until, new_from, new_until) in [
            (json!("2025-11-22"), json!("2026-11-22"), json!("2026-11-22"), json!("2027-11-22")),
            (json!("2024-01-01"), json!("2024-01-31"), json!("2026-11-16"), json!("2026-12-16")),
            // Before its end: the new key is valid at once, and for as long.
            (json!("2026-01-01"), json!("2027-01-01"), json!("2026-11-22"), json!("2027-11-22")),
            (
                json!("2025-11-22T10:00:00Z"),
                json!("2026-11-22T10:00:00.000Z"),
                json!("2026-11-22T10:00:00Z"),
                json!("2027-11-22T10:00:00.000Z"),
            ),
            (
                json!("2025-11-22 10:00:00+02:00"),
                json!("2026-11-22T12:00:00-0100"),
                json!("2026-11-22 15:00:00+02:00"),
                json!("2027-11-22T17:00:00-0100"),
            ),
            (json!("2026-11-20T00:00:00"), json!(1_795_348_800), json!("2026-11-22T12:00:00"), json!(1_795_564_800)),
            (json!(1_795_000_000), json!(1_795_361_399), json!(1_795_361_399), json!(1_795_722_798)),
            (json!("1795000000000"), json!("1795361000000"), json!("1795361000000"), json!("1795722000000")),
        ] {
            assert_eq!(moved(&from, &until), (new_from, new_until), "{from} {until}");
        }
    }

    #[test]
    fn a_window_never_grows() {
        let mut window = Window::read("valid_from", &json!("2026-11-22"), "valid_until", &json!("2027-11-22"))
            .unwrap_or_else(|error| panic!("{error}"));
        for month in 0..240 {
            let now = NOW + month * 30 * DAY;
            window = window.moved_on(now);
            assert!(window.length() == 365 * DAY && window.contains(now), "{window:?}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused_by_its_key() {
        for (from, until, word) in [
            (json!("soon"), json!("2026-01-01"), "valid_from"),
            (json!("2026-01-01"), json!("2026-02-30"), "valid_until"),
            (json!("2026-01-01"), json!(true), "valid_until"),
            (json!("2026-01-01"), json!("2026-01-01"), "not after"),
            (json!("2026-01-01T00:00:00+25:00"), json!("2026-01-01"), "valid_from"),
            (json!("2026-01-01é"), json!("2026-01-01"), "valid_from"),
        ] {
            let error = Window::read("valid_from", &from, "valid_until", &until).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
