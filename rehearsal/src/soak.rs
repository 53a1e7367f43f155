//! How much of a sweep is done. A sweep strikes a rotation at every point: every call to AWS, everything said to a server.
//! With `KEYROLL_SOAK=1`, which `make soak` sets, each point is struck in every way; else in one, by turns.

/// Whether everything is done.
#[must_use]
pub fn whole() -> bool {
    std::env::var_os("KEYROLL_SOAK").is_some_and(|value| value == "1")
}

/// The number of runs of a whole sweep, from the runs of this one and the ways in which each point can be struck.
#[must_use]
pub fn as_whole(runs: usize, ways: usize) -> usize {
    if whole() { runs } else { runs * ways }
}

/// The number of sequences of random events to play: half of the usual ones, or four times as many in `make soak`.
#[must_use]
pub fn sequences(of: usize) -> usize {
    if whole() { 4 * of } else { of.div_ceil(2) }
}

/// One of several ways in which every point is struck.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Its number, from 0.
    pub number: usize,
    /// How many there are. Together they strike every point, whichever of them is first.
    pub of: usize,
}

impl Way {
    /// The only one: every point is struck.
    pub const ONLY: Self = Self { number: 0, of: 1 };

    /// Whether a point is struck in this way.
    #[must_use]
    pub fn strikes(self, point: usize) -> bool {
        whole() || self.is_next(point)
    }

    fn is_next(self, point: usize) -> bool {
        point % self.of == self.number
    }
}

#[cfg(test)]
mod tests {
    use super::Way;

    #[test]
    fn every_point_is_struck_in_exactly_one_way() {
        for of in 1..7 {
            for point in 0..30 {
                let ways = (0..of).filter(|number| Way { number: *number, of }.is_next(point));
                assert_eq!(ways.count(), 1, "point {point} of {of} ways");
            }
        }
    }
}
