//! Repeatable randomness: a failed test shows the seed, and `KEYROLL_SEED` plays it again.

pub struct Dice {
    pub seed: u64,
    state: u64,
}

impl Dice {
    pub fn seeded() -> Self {
        let drawn = |_| u64::from_str_radix(&rehearsal::aws::random::uuid()[..8], 16).unwrap();
        let seed = std::env::var("KEYROLL_SEED").map_or_else(drawn, |seed| seed.parse().unwrap());
        Self { seed, state: seed }
    }

    /// A number below `end`, by the algorithm `SplitMix64`.
    pub fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
