//! What time it is on the stage.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::wire::now;

/// A clock: the system's, or one that a test makes.
#[derive(Clone)]
pub struct StageClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl StageClock {
    /// A clock that tells the time since 1970.
    pub fn new(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }

    /// The time since 1970, to the millisecond as AWS's dates are.
    #[must_use]
    pub fn now(&self) -> Duration {
        let exact = (self.0)();
        Duration::new(exact.as_secs(), exact.subsec_millis() * 1_000_000)
    }
}

impl Default for StageClock {
    /// The system's clock.
    fn default() -> Self {
        Self::new(now)
    }
}

impl fmt::Debug for StageClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StageClock")
    }
}

/// Two states of the stage are alike whatever clock they run on.
impl PartialEq for StageClock {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
