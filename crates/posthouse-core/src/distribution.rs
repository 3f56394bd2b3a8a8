//! How measured values are distributed.

/// How a measured value is distributed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// The sum of all values.
    pub sum: f64,
    /// For each bucket its upper bound (included), and how many values lie in it and in no lower one. The last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
}

impl Distribution {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, values)| values).sum()
    }
}
