//! Until when the credential before the current one goes on working, as far as the secret's schedule tells: the next
//! rotation replaces it. Somebody may of course rotate earlier by hand.

use crate::api::RotationRules;
use crate::dependents::utc;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// This time, in seconds since 1970.
    At(i64),
    /// Whenever the next rotation comes.
    NextRotation,
}

impl Until {
    /// Reckoned from a rotation that ends `now`, in seconds since 1970. Secrets Manager's own date comes last: it is set once
    /// the rotation has ended, and may still be that of this one.
    pub(crate) fn from_now(rules: Option<&RotationRules>, next: Option<i64>, now: i64) -> Self {
        let days = rules.and_then(|rules| rules.automatically_after_days?.checked_mul(DAY));
        let rate = rules.and_then(|rules| rate(rules.schedule_expression.as_deref()?));
        match days.or(rate).and_then(|period| now.checked_add(period)) {
            Some(time) => Self::At(time),
            None => Self::by_date(next, now),
        }
    }

    /// By the date that Secrets Manager shows, in milliseconds since 1970. One that has passed tells nothing.
    pub(crate) fn by_date(next: Option<i64>, now: i64) -> Self {
        next.map(|millis| millis / 1000).filter(|next| *next > now).map_or(Self::NextRotation, Self::At)
    }

    /// For a report.
    pub(crate) fn text(self) -> String {
        match self {
            Self::At(seconds) => utc(seconds.saturating_mul(1000)),
            Self::NextRotation => "next-rotation".to_owned(),
        }
    }

    /// For a metric.
    pub(crate) fn seconds(self) -> Option<i64> {
        match self {
            Self::At(seconds) => Some(seconds),
            Self::NextRotation => None,
        }
    }
}

/// The seconds of a schedule such as `rate(10 days)`. Of a `cron(...)` the period is not one number.
fn rate(schedule: &str) -> Option<i64> {
    let (number, unit) = schedule.trim().strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let unit = match unit.trim() {
        "minute" | "minutes" => MINUTE,
        "hour" | "hours" => HOUR,
        "day" | "days" => DAY,
        _ => return None,
    };
    number.parse::<u32>().ok().filter(|number| *number > 0).and_then(|number| i64::from(number).checked_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn the_schedule_tells_until_when() {
        let rules = |days: Option<i64>, schedule: Option<&str>| RotationRules {
            automatically_after_days: days,
            schedule_expression: schedule.map(str::to_owned),
            duration: None,
        };
        let (later, past) = (Some((NOW + 5) * 1000), Some((NOW - 5) * 1000));
        for (days, schedule, next, expected) in [
            (Some(30), None, past, Until::At(NOW + 30 * DAY)),
            (None, Some("rate(4 hours)"), later, Until::At(NOW + 4 * HOUR)),
            (None, Some("rate(1 day)"), None, Until::At(NOW + DAY)),
            (None, Some("cron(0 8 1 * ? *)"), later, Until::At(NOW + 5)),
            (None, Some("cron(0 8 1 * ? *)"), past, Until::NextRotation),
            (None, Some("rate(0 days)"), None, Until::NextRotation),
            (None, Some("rate(many days)"), None, Until::NextRotation),
            (None, None, None, Until::NextRotation),
            (Some(i64::MAX), None, None, Until::NextRotation),
        ] {
            let found = Until::from_now(Some(&rules(days, schedule)), next, NOW);
            assert_eq!(found, expected, "{days:?} {schedule:?} {next:?}");
        }
        assert_eq!(Until::from_now(None, later, NOW), Until::At(NOW + 5));
    }

    #[test]
    fn a_time_is_told_as_one_and_else_what_ends_it() {
        assert_eq!((Until::At(NOW).text().as_str(), Until::At(NOW).seconds()), ("2023-11-14T22:13:20Z", Some(NOW)));
        assert_eq!((Until::NextRotation.text().as_str(), Until::NextRotation.seconds()), ("next-rotation", None));
    }
}
