//! Until when the credential before the current one goes on working, as far as the secret's schedule tells: the next
//! rotation replaces it. Somebody may of course rotate earlier by hand.

use std::time::Duration;

use crate::api::RotationRules;
use crate::timestamp::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// This time.
    At(Timestamp),
    /// Whenever the next rotation comes.
    NextRotation,
}

impl Until {
    /// Reckoned from a rotation that ends `now`. Secrets Manager's own date comes last: it is set once
    /// the rotation has ended, and may still be that of this one.
    pub(crate) fn from_now(rules: Option<&RotationRules>, next: Option<Timestamp>, now: Timestamp) -> Self {
        let days = rules.and_then(|rules| u64::try_from(rules.automatically_after_days?).ok()?.checked_mul(DAY));
        let rate = rules.and_then(|rules| rate(rules.schedule_expression.as_deref()?));
        match days.or(rate).map(|seconds| now.after(Duration::from_secs(seconds))) {
            Some(time) => Self::At(whole(time)),
            None => Self::by_date(next, now),
        }
    }

    /// By the date that Secrets Manager shows. One that has passed tells nothing.
    pub(crate) fn by_date(next: Option<Timestamp>, now: Timestamp) -> Self {
        next.map(whole).filter(|next| *next > now).map_or(Self::NextRotation, Self::At)
    }

    /// For a report.
    pub(crate) fn text(self) -> String {
        match self {
            Self::At(time) => time.to_string(),
            Self::NextRotation => "next-rotation".to_owned(),
        }
    }

    /// For a metric.
    pub(crate) fn time(self) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(time),
            Self::NextRotation => None,
        }
    }
}

/// A time without its fraction of a second: schedules have none.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.seconds())
}

/// The seconds of a schedule such as `rate(10 days)`. Of a `cron(...)` the period is not one number.
fn rate(schedule: &str) -> Option<u64> {
    let (number, unit) = schedule.trim().strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let unit = match unit.trim() {
        "minute" | "minutes" => MINUTE,
        "hour" | "hours" => HOUR,
        "day" | "days" => DAY,
        _ => return None,
    };
    number.parse::<u32>().ok().filter(|number| *number > 0).map(|number| u64::from(number) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn later(seconds: u64) -> Timestamp {
        NOW.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_schedule_tells_until_when() {
        let rules = |days: Option<i64>, schedule: Option<&str>| RotationRules {
            automatically_after_days: days,
            schedule_expression: schedule.map(str::to_owned),
            duration: None,
        };
        let (next, past) = (Some(later(5)), Some(Timestamp::from_seconds(NOW.seconds() - 5)));
        for (days, schedule, next, expected) in [
            (Some(30), None, past, Until::At(later(30 * DAY))),
            (None, Some("rate(4 hours)"), next, Until::At(later(4 * HOUR))),
            (None, Some("rate(1 day)"), None, Until::At(later(DAY))),
            (None, Some("cron(0 8 1 * ? *)"), next, Until::At(later(5))),
            (None, Some("cron(0 8 1 * ? *)"), past, Until::NextRotation),
            (None, Some("rate(0 days)"), None, Until::NextRotation),
            (None, Some("rate(many days)"), None, Until::NextRotation),
            (None, None, None, Until::NextRotation),
            (Some(i64::MAX), None, None, Until::NextRotation),
        ] {
            let found = Until::from_now(Some(&rules(days, schedule)), next, NOW);
            assert_eq!(found, expected, "{days:?} {schedule:?} {next:?}");
        }
        assert_eq!(Until::from_now(None, next, NOW), Until::At(later(5)));
    }

    #[test]
    fn a_time_is_told_as_one_and_else_what_ends_it() {
        assert_eq!((Until::At(NOW).text().as_str(), Until::At(NOW).time()), ("2023-11-14T22:13:20Z", Some(NOW)));
        assert_eq!((Until::NextRotation.text().as_str(), Until::NextRotation.time()), ("next-rotation", None));
    }
}
