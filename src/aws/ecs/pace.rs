//! The pace of calls to ECS, whose API counts every caller of an account and Region in token buckets (ECS API reference,
//! "Request throttling"): reads of services and reads of task definitions refill by 20 a second, changes of services by
//! 5. Half of a bucket is left to everybody else.
#![expect(
    clippy::disallowed_methods,
    reason = "a bucket fills by tokio's clock, and what is seen of AWS does not depend on it"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::ErrorKind;
use tokio::time::Instant;

use crate::aws::error::code;

/// The pause after a throttled call, which doubles each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What timers count in: a shorter wait, as rounding may leave, would wait for nothing.
const TICK: Duration = Duration::from_millis(1);

/// A token bucket. It is full when the process starts.
pub(super) struct Pace {
    burst: f64,
    per_second: f64,
    state: Mutex<State>,
    throttled: AtomicUsize,
}

struct State {
    tokens: f64,
    filled: Option<Instant>,
}

impl Pace {
    pub(super) fn new(burst: f64, per_second: f64) -> Self {
        Self {
            burst,
            per_second,
            state: Mutex::new(State { tokens: burst, filled: None }),
            throttled: AtomicUsize::new(0),
        }
    }

    /// Makes a call in its turn, and again as long as ECS throttles it. The caller sets the limit of time.
    pub(super) async fn call<T, E, R, F>(&self, send: impl Fn() -> F) -> Result<T, SdkError<E, R>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, R>>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            self.turn().await;
            match send().await {
                Err(error) if is_throttling(&error) => {
                    self.drain();
                    self.throttled.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!("ECS throttles; waiting {pause:?}");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    /// How many calls were throttled so far.
    pub(super) fn throttled(&self) -> usize {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Waits for a token. Who is cut off meanwhile has taken none.
    async fn turn(&self) {
        while let Some(wait) = self.take() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a token, or tells how long it takes until there is one.
    fn take(&self) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = state.filled.map_or(Duration::ZERO, |filled| now - filled);
        state.filled = Some(now);
        state.tokens = (state.tokens + passed.as_secs_f64() * self.per_second).min(self.burst);
        if state.tokens < 1.0 {
            return Some(Duration::from_secs_f64((1.0 - state.tokens) / self.per_second).max(TICK));
        }
        state.tokens -= 1.0;
        None
    }

    /// Somebody else has used the account's tokens: ours are worth nothing.
    fn drain(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens = state.tokens.min(0.0);
    }
}

/// Leaves throttled calls to [`Pace::call`]. Retries of the SDK would not wait for their turn, hide from the bucket that it
/// is empty, and use up the quota that is for calls which fail.
#[derive(Debug)]
pub(super) struct ThrottlingIsOurs;

impl ClassifyRetry for ThrottlingIsOurs {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind: ErrorKind::ThrottlingError, .. }) => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "throttling is keyroll's"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

fn is_throttling<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error).is_some_and(|code| {
        code.contains("Throttl") || matches!(code, "TooManyRequestsException" | "RequestLimitExceeded")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn time(pace: &Pace, turns: usize) -> Duration {
        let begun = Instant::now();
        for _ in 0..turns {
            pace.turn().await;
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_comes_at_the_rate() {
        let pace = Pace::new(50.0, 20.0);
        assert_eq!(time(&pace, 50).await, Duration::ZERO);
        let rest = time(&pace, 100).await;
        assert!((Duration::from_millis(4990)..Duration::from_millis(5200)).contains(&rest), "{rest:?}");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(time(&pace, 50).await, Duration::ZERO, "the bucket does not fill");
        assert!(time(&pace, 1).await >= Duration::from_millis(49), "the bucket holds more than a burst");
    }

    #[tokio::test(start_paused = true)]
    async fn callers_side_by_side_share_the_rate() {
        let pace = Pace::new(1.0, 10.0);
        let begun = Instant::now();
        tokio::join!(pace.turn(), pace.turn(), pace.turn(), pace.turn());
        assert!(begun.elapsed() >= Duration::from_millis(299), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_cut_off_while_waiting_takes_no_turn() {
        let pace = Pace::new(1.0, 1.0);
        pace.turn().await;
        let begun = Instant::now();
        for _ in 0..5 {
            tokio::time::timeout(Duration::from_millis(10), pace.turn()).await.unwrap_err();
        }
        pace.turn().await;
        assert!(begun.elapsed() < Duration::from_millis(1100), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drained_bucket_gives_one_token_at_a_time() {
        let pace = Pace::new(50.0, 20.0);
        pace.drain();
        assert!(time(&pace, 20).await >= Duration::from_millis(950));
    }
}
