//! What a provider answered, for as long as it is worth anything, in bounded memory.

use std::{collections::HashMap, mem, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::number::{NameIndex, Names, Number};

/// What a provider knows of a number: its carrier, by id or alias, or that nobody has it.
pub(super) type KnownCarrier = Option<Arc<str>>;

/// The longest time for which it counts that nobody has a number: it may be given out any minute.
const NOBODY_COUNTS: Duration = Duration::from_secs(5 * 60);

/// What is left of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It counts.
    Fresh(KnownCarrier),
    /// It is too old to count while the provider can be asked.
    Stale(KnownCarrier),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Option<NameIndex>,
    since: Instant,
}

/// Answers in two generations. When the young one is full it becomes the old one, and what was old is forgotten; what is asked for
/// becomes young again. So what is in use stays, each step costs the same, and no list has to be kept in order.
#[derive(Debug)]
pub(super) struct Answers {
    names: Names,
    young: HashMap<Number, Entry>,
    old: HashMap<Number, Entry>,
    most: usize,
    lifetime: Duration,
}

impl Answers {
    /// Keeps at most `most` answers, each of them for `lifetime`; that nobody has a number for a tenth of it.
    pub fn new(most: usize, lifetime: Duration) -> Self {
        Self { names: Names::default(), young: HashMap::new(), old: HashMap::new(), most, lifetime }
    }

    /// What is known of a number.
    pub fn get(&mut self, number: Number, now: Instant) -> Option<Kept> {
        let entry = match self.young.get(&number) {
            Some(entry) => *entry,
            None => {
                let entry = self.old.remove(&number)?;
                self.keep(number, entry);
                entry
            }
        };
        let answer = match entry.name {
            Some(name) => Some(Arc::clone(self.names.name(name)?)),
            None => None,
        };
        let counts = match answer {
            Some(_) => self.lifetime,
            None => (self.lifetime / 10).min(NOBODY_COUNTS),
        };
        let age = now.saturating_duration_since(entry.since);
        Some(if age < counts { Kept::Fresh(answer) } else { Kept::Stale(answer) })
    }

    /// Keeps an answer.
    pub fn put(&mut self, number: Number, answer: &KnownCarrier, now: Instant) {
        let name = match answer {
            None => None,
            Some(name) => match self.names.index(name) {
                Some(index) => Some(index),
                // A provider that knows more carriers than the world has is asked each time.
                None => return,
            },
        };
        self.old.remove(&number);
        self.keep(number, Entry { name, since: now });
    }

    fn keep(&mut self, number: Number, entry: Entry) {
        if self.young.len() >= self.most / 2 {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(number, entry);
    }
}

#[cfg(test)]
mod tests {
    use posthouse_core::address::Msisdn;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn number(last: usize) -> Number {
        Number::of(&Msisdn::parse(&format!("1617555{last:04}"), false).unwrap()).unwrap()
    }

    #[test]
    fn an_answer_counts_for_its_time_and_that_nobody_has_a_number_for_less() {
        let now = Instant::now();
        let mut answers = Answers::new(10, HOUR);
        answers.put(number(1), &Some("31003".into()), now);
        answers.put(number(2), &None, now);
        let minutes = |minutes: u64| now + Duration::from_secs(60 * minutes);
        assert_eq!(answers.get(number(1), minutes(59)), Some(Kept::Fresh(Some("31003".into()))));
        assert_eq!(answers.get(number(1), minutes(60)), Some(Kept::Stale(Some("31003".into()))));
        assert_eq!(answers.get(number(2), minutes(4)), Some(Kept::Fresh(None)));
        assert_eq!(answers.get(number(2), minutes(5)), Some(Kept::Stale(None)));
        assert_eq!(answers.get(number(3), now), None);
        answers.put(number(1), &Some("31002".into()), minutes(60));
        assert_eq!(answers.get(number(1), minutes(61)), Some(Kept::Fresh(Some("31002".into()))));
    }

    #[test]
    fn a_short_lifetime_makes_that_nobody_has_a_number_count_for_a_tenth() {
        let now = Instant::now();
        let mut answers = Answers::new(10, Duration::from_secs(10));
        answers.put(number(1), &None, now);
        assert_eq!(answers.get(number(1), now + Duration::from_millis(999)), Some(Kept::Fresh(None)));
        assert_eq!(answers.get(number(1), now + Duration::from_secs(1)), Some(Kept::Stale(None)));
    }

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let now = Instant::now();
        let mut answers = Answers::new(100, HOUR);
        answers.put(number(0), &Some("31003".into()), now);
        for last in 1..1000 {
            answers.put(number(last), &Some("31002".into()), now);
            assert!(answers.young.len() + answers.old.len() <= 100);
            assert_eq!(answers.get(number(0), now), Some(Kept::Fresh(Some("31003".into()))), "after {last}");
        }
        assert_eq!(answers.get(number(1), now), None);
    }
}
