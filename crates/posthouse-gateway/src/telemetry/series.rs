//! How it was in the last hours: a sample of a few numbers every ten seconds, kept in memory for charts.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::{carrier::CarrierId, lock::Mutex};

/// How often a sample is taken.
pub(crate) const STEP: Duration = Duration::from_secs(10);
/// How many are kept: six hours.
const KEPT: usize = 2_160;
/// How many series there may be, in some 9 MB. Connections beyond have none.
const MOST: usize = 512;

/// What a series is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SeriesKind {
    /// Messages accepted, a second.
    Accepted,
    /// Messages that carriers took, a second; with a connection, over that one.
    Forwarded,
    /// Reports of carriers, a second.
    Reported,
    /// How many requests may be in flight on a connection.
    Window,
    /// How long a carrier takes to answer on a connection, in seconds.
    Answer,
}

impl SeriesKind {
    /// All of them, with their words.
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::Accepted, "accepted"),
        (Self::Forwarded, "forwarded"),
        (Self::Reported, "reported"),
        (Self::Window, "window"),
        (Self::Answer, "answer"),
    ];

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The one with this word.
    pub(crate) fn of_word(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind)
    }
}

/// Which series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeriesName {
    /// What it is about.
    pub(crate) kind: SeriesKind,
    /// Of which connection; `None`: of the gateway.
    pub(crate) link: Option<(CarrierId, String)>,
}

/// A series, and its means, the oldest first. `None`: nothing is known of that time.
pub(crate) type SeriesMeans = (SeriesName, Vec<Option<f64>>);

/// Series of the last hours. All are as long as there are samples; a hole is NaN.
#[derive(Debug, Default)]
pub(crate) struct SeriesRing(Mutex<RingState>);

#[derive(Debug, Default)]
struct RingState {
    taken: usize,
    newest: Option<Timestamp>,
    series: BTreeMap<SeriesName, VecDeque<f64>>,
}

impl SeriesRing {
    /// Takes a sample in.
    pub(crate) fn push(&self, at: Timestamp, sample: Vec<(SeriesName, f64)>) {
        let mut state = self.0.lock();
        let before = state.taken;
        state.newest = Some(at);
        state.taken = (before + 1).min(KEPT);
        let mut sample: BTreeMap<SeriesName, f64> = sample.into_iter().collect();
        for (name, values) in &mut state.series {
            if values.len() == KEPT {
                values.pop_front();
            }
            values.push_back(sample.remove(name).unwrap_or(f64::NAN));
        }
        // Of a connection that is no more, nothing is kept once nothing is left to see.
        state.series.retain(|_, values| values.iter().any(|value| !value.is_nan()));
        for (name, value) in sample {
            if state.series.len() < MOST {
                let mut values: VecDeque<f64> = std::iter::repeat_n(f64::NAN, before.min(KEPT - 1)).collect();
                values.push_back(value);
                state.series.insert(name, values);
            }
        }
    }

    /// The series that are wanted, and when the newest sample was taken: for each the means of `by` samples in a row, at most `points` of
    /// them.
    pub(crate) fn look(
        &self,
        wanted: impl Fn(&SeriesName) -> bool,
        by: usize,
        points: usize,
    ) -> (Option<Timestamp>, Vec<SeriesMeans>) {
        let state = self.0.lock();
        let found = state.series.iter().filter(|(name, _)| wanted(name));
        let means = found.map(|(name, values)| (name.clone(), means(values, by.max(1), points)));
        (state.newest, means.collect())
    }
}

fn means(values: &VecDeque<f64>, by: usize, points: usize) -> Vec<Option<f64>> {
    let mut newest_first: Vec<f64> = values.iter().rev().copied().take(by.saturating_mul(points)).collect();
    let mut all: Vec<Option<f64>> = newest_first
        .chunks_mut(by)
        .map(|chunk| {
            let known = chunk.iter().filter(|value| !value.is_nan());
            let (sum, count) = known.fold((0.0, 0u32), |(sum, count), value| (sum + *value, count + 1));
            (count > 0).then(|| sum / f64::from(count))
        })
        .collect();
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: SeriesKind) -> SeriesName {
        SeriesName { kind, link: None }
    }

    #[test]
    fn what_was_not_looked_at_is_a_hole() {
        let ring = SeriesRing::default();
        let at = |second| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(second);
        ring.push(at(0), vec![(of(SeriesKind::Accepted), 1.0)]);
        ring.push(at(10), vec![]);
        ring.push(at(20), vec![(of(SeriesKind::Accepted), 3.0), (of(SeriesKind::Window), 8.0)]);
        let (newest, all) = ring.look(|_| true, 1, 10);
        assert_eq!(newest, Some(at(20)));
        assert_eq!(all[0], (of(SeriesKind::Accepted), vec![Some(1.0), None, Some(3.0)]));
        assert_eq!(all[1], (of(SeriesKind::Window), vec![None, None, Some(8.0)]));
        let (_, of_two) = ring.look(|name| name.kind == SeriesKind::Accepted, 2, 1);
        assert_eq!(of_two, [(of(SeriesKind::Accepted), vec![Some(3.0)])]);
    }

    #[test]
    fn six_hours_are_kept_of_so_many_series_and_what_is_no_more_goes() {
        let ring = SeriesRing::default();
        let link = |name: usize| SeriesName {
            kind: SeriesKind::Window,
            link: Some((CarrierId("31003".to_owned()), name.to_string())),
        };
        ring.push(Timestamp::UNIX_EPOCH, (0..MOST + 10).map(|name| (link(name), 1.0)).collect());
        assert_eq!(ring.look(|_| true, 1, 1).1.len(), MOST);
        for _ in 0..KEPT {
            ring.push(Timestamp::UNIX_EPOCH, vec![(link(0), 2.0)]);
        }
        let (_, all) = ring.look(|_| true, 1, usize::MAX);
        assert_eq!(all.len(), 1, "the others are over");
        assert_eq!((all[0].1.len(), all[0].1[0]), (KEPT, Some(2.0)));
    }
}
