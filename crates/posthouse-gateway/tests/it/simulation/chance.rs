//! Chance that depends on nothing but the seed and what is asked: not on the order in which things happen.

/// The chance of one seed.
#[derive(Clone, Copy)]
pub struct Chance(pub u64);

impl Chance {
    /// An even number below `bound` for this question.
    pub fn below(self, bound: u64, question: &str, detail: u64) -> u64 {
        let mut state = self.0 ^ 0x9e37_79b9_7f4a_7c15;
        for byte in question.bytes().chain(detail.to_le_bytes()) {
            state = mix(state ^ u64::from(byte));
        }
        state % bound.max(1)
    }

    /// Whether something of so many in a hundred happens.
    pub fn percent(self, percent: u64, question: &str, detail: u64) -> bool {
        self.below(100, question, detail) < percent
    }
}

/// SplitMix64's finaliser.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
