//! What something costs others, on a machine whose speed drifts: slices without it and with it in turn, and each slice with it is compared with
//! the two without it around it.

use std::fmt;

/// What was measured in slices, each of the same length.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    without: Vec<f64>,
    opening: Vec<f64>,
    with: Vec<f64>,
}

impl Turns {
    /// Measures so many turns, and a last slice without it. `begin` has it go on from then on, and what it returns ends when it is dropped; the
    /// slice in which it begins is told apart.
    pub(crate) async fn measure<O>(
        turns: usize,
        slice: impl AsyncFn() -> f64,
        begin: impl AsyncFn() -> O,
        end: impl AsyncFn(O),
    ) -> Self {
        let mut all = Self::default();
        for _ in 0..turns {
            all.without.push(slice().await);
            let begun = begin().await;
            all.opening.push(slice().await);
            all.with.push(slice().await);
            end(begun).await;
        }
        all.without.push(slice().await);
        all
    }

    /// Of each turn, a slice to the mean of those without it before and after.
    fn ratios(&self, slices: &[f64]) -> Vec<f64> {
        let around = self.without.windows(2).map(|both| f64::midpoint(both[0], both[1]));
        slices.iter().zip(around).map(|(with, without)| with / without).collect()
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |slices: &[f64]| Quarters::of(self.ratios(slices));
        writeln!(
            f,
            "a second, without: {:.0?}; while it begins: {:.0?}; with: {:.0?}",
            self.without, self.opening, self.with
        )?;
        write!(f, "with to without: {}; while it begins: {}", of(&self.with), of(&self.opening))
    }
}

/// Where a quarter, half and three quarters of some values lie.
struct Quarters {
    of: usize,
    at: [f64; 3],
}

impl Quarters {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |quarter: usize| values.get((values.len().saturating_sub(1) * quarter).div_ceil(4));
        Self { of: values.len(), at: [1, 2, 3].map(|quarter| at(quarter).copied().unwrap_or(f64::NAN)) }
    }
}

impl fmt::Display for Quarters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, at: [low, middle, high] } = self;
        write!(f, "{middle:.3} (half of {of} between {low:.3} and {high:.3})")
    }
}

/// A rate that falls by a tenth from slice to slice hides nothing and adds nothing.
#[tokio::test]
async fn a_slice_is_compared_with_those_around_it() {
    let (rate, is_on) = (std::cell::Cell::new(1100.0), std::cell::Cell::new(1.0));
    let slice = async || {
        rate.set(rate.get() - 100.0);
        rate.get() * is_on.get()
    };
    let turns = Turns::measure(3, slice, async || is_on.set(0.5), async |()| is_on.set(1.0)).await;
    assert_eq!(turns.without, [1000.0, 700.0, 400.0, 100.0]);
    assert_eq!((&*turns.opening, &*turns.with), (&[450.0, 300.0, 150.0][..], &[400.0, 250.0, 100.0][..]));
    assert_eq!(turns.ratios(&turns.with), [400.0 / 850.0, 250.0 / 550.0, 100.0 / 250.0]);
    let said = turns.to_string();
    assert!(said.ends_with("with to without: 0.455 (half of 3 between 0.455 and 0.471); while it begins: 0.545 (half of 3 between 0.545 and 0.600)"), "{said}");
}
