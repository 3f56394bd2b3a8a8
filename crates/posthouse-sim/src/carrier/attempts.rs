//! How often a TransactionID has come: for scripts that end differently the second time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use mm7::TransactionId;

/// TransactionIDs remembered; the oldest are forgotten first.
const MAX_REMEMBERED: usize = 10_000;

/// Counts attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    by_id: HashMap<TransactionId, u32>,
    oldest_first: VecDeque<TransactionId>,
}

impl Attempts {
    /// Counts one more attempt under this TransactionID, and tells which it is: 1 for the first.
    pub fn count(&self, id: &TransactionId) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.by_id.get_mut(id) {
            *count = count.saturating_add(1);
            return *count;
        }
        counts.by_id.insert(id.clone(), 1);
        counts.oldest_first.push_back(id.clone());
        if counts.oldest_first.len() > MAX_REMEMBERED
            && let Some(oldest) = counts.oldest_first.pop_front()
        {
            counts.by_id.remove(&oldest);
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> TransactionId {
        TransactionId::new(&format!("t-{number}")).unwrap()
    }

    #[test]
    fn each_transaction_is_counted_for_itself() {
        let attempts = Attempts::default();
        assert_eq!([attempts.count(&id(1)), attempts.count(&id(2)), attempts.count(&id(1))], [1, 1, 2]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let attempts = Attempts::default();
        for number in 0..=MAX_REMEMBERED {
            attempts.count(&id(number));
        }
        assert_eq!(attempts.count(&id(MAX_REMEMBERED)), 2);
        assert_eq!(attempts.count(&id(0)), 1);
    }
}
