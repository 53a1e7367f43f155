//! The time of day, read here and nowhere else, and how much of the invocation is left. `aws::ecs::pace` measures its pauses on
//! tokio's clock.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::timestamp::Timestamp;

/// Lambda's longest timeout; stands in where a caller sets no deadline.
const LONGEST: Duration = Duration::from_mins(15);

/// What one call may take of the time of others, where there are so many that its fair share is too short to answer in.
const LENIENCE: Duration = Duration::from_secs(2);

/// The least time in which a call to AWS can be expected to answer.
const LEAST_SHARE: Duration = Duration::from_millis(20);

/// How the time left is shared among calls.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// How many calls are still to come, this one included.
    pub calls: usize,
    /// What is kept back for what comes after them.
    pub reserve: Duration,
}

/// The clock of one invocation. The time left runs on tokio's clock, as every limit and pause does: setting the system's
/// clock moves none of them.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    deadline: Instant,
}

impl Clock {
    /// The clock of an invocation that Lambda ends at this time, in milliseconds since 1970.
    #[must_use]
    pub fn ending_at(deadline: u64) -> Self {
        let left = if deadline == 0 { LONGEST } else { Duration::from_millis(deadline).saturating_sub(now()) };
        Self { deadline: Instant::now() + left.min(LONGEST) }
    }

    /// The time of day.
    #[must_use]
    pub fn now(self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(now().as_millis()).unwrap_or(i64::MAX))
    }

    /// What is left until Lambda ends the process.
    #[must_use]
    pub fn left(self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The clock of the first half of what is left, less a reserve.
    #[must_use]
    pub fn half(self, reserve: Duration) -> Self {
        Self { deadline: Instant::now() + self.left().saturating_sub(reserve) / 2 }
    }

    /// The clock of what is left less a reserve.
    #[must_use]
    pub fn leaving(self, reserve: Duration) -> Self {
        Self { deadline: Instant::now() + self.left().saturating_sub(reserve) }
    }

    /// The clock of the next so much, or of what is left where that is less.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { deadline: Instant::now() + self.left().min(limit) }
    }

    /// The clock of one part of what is left, which is divided into this many.
    #[must_use]
    pub fn part(self, parts: usize) -> Self {
        Self { deadline: Instant::now() + self.left() / u32::try_from(parts.max(1)).unwrap_or(u32::MAX) }
    }

    /// Runs a call that may take its fair share of what is left, when `calls` of them are still to come and `reserve` is
    /// kept back: one that hangs must not take the time of all others. Where the share is short a call may take a little
    /// of theirs, but never more than a quarter of what is left.
    pub async fn share<T>(
        self,
        Share { calls, reserve }: Share,
        what: &str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let left = self.left().saturating_sub(reserve);
        let share = (left / u32::try_from(calls.max(1)).unwrap_or(u32::MAX)).max(LENIENCE.min(left / 4));
        let late = |what: String| {
            let remedy = "run it again, with a longer timeout of the function";
            Err(Error::new(ErrorKind::FailedDeadline, what, remedy))
        };
        // A call that is begun may be done, whatever is heard of it: without time for an answer it is not begun.
        if share < LEAST_SHARE {
            return late(format!("no time was left to call {what}"));
        }
        let answer = tokio::time::timeout(share, call).await;
        answer.unwrap_or_else(|_| {
            late(format!("{what} had no answer within its share of the time left ({} ms)", share.as_millis()))
        })
    }

    /// Refuses to begin what takes `needed` and must not be cut off. `state` says what has been changed so far.
    pub fn require(self, needed: Duration, what: &str, state: &str) -> Result<()> {
        let left = self.left();
        if left >= needed {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::FailedDeadline,
            format!(
                "{} ms are left of this invocation, too little to {what} ({} ms)",
                left.as_millis(),
                needed.as_millis()
            ),
            format!("set the function's timeout to 60 seconds or more and run the step again; {state}"),
        ))
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_time_is_a_failure_with_both_numbers() {
        let millis = u64::try_from(now().as_millis()).unwrap();
        assert!(
            Clock::ending_at(millis + 60_000)
                .require(Duration::from_secs(3), "change a password", "nothing changed")
                .is_ok()
        );
        let error = Clock::ending_at(millis + 1_000)
            .require(Duration::from_secs(3), "change a password", "nothing changed")
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedDeadline);
        assert!(error.to_string().contains("(3000 ms)"), "{error}");
        assert!(Clock::ending_at(millis.saturating_sub(5)).left().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_runs_on_the_clock_of_limits_and_pauses() {
        let millis = u64::try_from(now().as_millis()).unwrap();
        let clock = Clock::ending_at(millis + 60_000);
        let (half, third) = (clock.half(Duration::from_secs(10)), clock.part(3));
        tokio::time::sleep(Duration::from_secs(15)).await;
        for (clock, expected) in [(clock, 45), (half, 10), (third, 5)] {
            let left = clock.left().as_secs_f64();
            assert!((f64::from(expected) - 1.0..=f64::from(expected)).contains(&left), "{left} {expected}");
        }
        assert_eq!(Clock::ending_at(u64::MAX).left(), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_gets_its_share_and_is_not_begun_without_one() {
        let millis = u64::try_from(now().as_millis()).unwrap();
        let clock = Clock::ending_at(millis + 1_000);
        let begun = std::cell::Cell::new(0);
        let call = || async {
            begun.set(begun.get() + 1);
            std::future::pending::<Result<()>>().await
        };
        let hanging = clock
            .share(Share { calls: 10, reserve: Duration::from_millis(500) }, "ecs:UpdateService", call())
            .await
            .unwrap_err();
        assert!(hanging.cause().contains("within its share"), "{hanging}");
        let late = clock
            .share(Share { calls: 100, reserve: Duration::from_millis(960) }, "ecs:UpdateService", call())
            .await
            .unwrap_err();
        assert!(late.cause().contains("no time was left"), "{late}");
        assert_eq!(begun.get(), 1);
    }

    #[test]
    fn a_missing_deadline_is_lambdas_longest() {
        assert!(Clock::ending_at(0).left() > Duration::from_secs(800));
    }
}
