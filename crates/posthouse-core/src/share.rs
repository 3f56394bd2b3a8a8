//! Which of several candidates is next, so that each gets its share.

/// The most turns that a candidate without room catches up with afterwards.
const CATCH_UP: i64 = 16;

/// Something that may be chosen: a connection, a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its place: a small number, the same each time.
    pub index: usize,
    /// Its share, at least 1.
    pub weight: u32,
    /// Whether it can take a turn now.
    pub has_room: bool,
}

/// Shares turns by weight (smooth weighted round-robin): 3 and 1 is a, a, b, a. One that has no room in its turn leaves it to
/// the others and catches up later, within bounds: none waits for it.
#[derive(Clone, Debug, Default)]
pub struct Share {
    credits: Vec<i64>,
}

impl Share {
    /// Which is next; `None` when none has room.
    pub fn next(&mut self, candidates: &[Candidate]) -> Option<usize> {
        let chosen = candidates
            .iter()
            .filter(|candidate| candidate.has_room)
            // The first of equals.
            .rev()
            .max_by_key(|candidate| self.credit(candidate.index) + i64::from(candidate.weight))?
            .index;
        let total: i64 = candidates.iter().map(|candidate| i64::from(candidate.weight)).sum();
        let credits: Vec<_> = candidates
            .iter()
            .map(|Candidate { index, weight, .. }| {
                let spent = if *index == chosen { total } else { 0 };
                let credit = self.credit(*index) + i64::from(*weight) - spent;
                (*index, credit.clamp(-total * CATCH_UP, total * CATCH_UP))
            })
            .collect();
        // One that is no candidate now begins anew when it is one again.
        self.credits = vec![0; candidates.iter().map(|candidate| candidate.index + 1).max().unwrap_or(0)];
        for (index, credit) in credits {
            if let Some(kept) = self.credits.get_mut(index) {
                *kept = credit;
            }
        }
        Some(chosen)
    }

    fn credit(&self, index: usize) -> i64 {
        self.credits.get(index).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn candidate(index: usize, weight: u32, has_room: bool) -> Candidate {
        Candidate { index, weight, has_room }
    }

    fn turns(share: &mut Share, candidates: &[Candidate], times: usize) -> String {
        let name = |index: Option<usize>| index.map_or('-', |index| ['a', 'b', 'c'][index]);
        (0..times).map(|_| name(share.next(candidates))).collect()
    }

    #[test]
    fn turns_are_shared_by_weight_and_evenly() {
        let mut share = Share::default();
        let candidates = [candidate(0, 3, true), candidate(1, 1, true)];
        assert_eq!(turns(&mut share, &candidates, 8), "aabaaaba");
        let candidates = [candidate(0, 5, true), candidate(1, 2, true), candidate(2, 3, true)];
        let turns = turns(&mut Share::default(), &candidates, 100);
        for (name, times) in [('a', 50), ('b', 20), ('c', 30)] {
            assert_eq!(turns.matches(name).count(), times, "{turns}");
        }
    }

    #[test]
    fn who_has_no_room_is_passed_over_and_catches_up() {
        let mut share = Share::default();
        assert_eq!(turns(&mut share, &[candidate(0, 1, false), candidate(1, 1, true)], 4), "bbbb");
        assert_eq!(turns(&mut share, &[candidate(0, 1, true), candidate(1, 1, true)], 8), "aaaaabab");
        assert_eq!(turns(&mut share, &[candidate(0, 1, false), candidate(1, 1, false)], 1), "-");
    }

    #[test]
    fn nobody_catches_up_for_ever() {
        let mut share = Share::default();
        turns(&mut share, &[candidate(0, 1, false), candidate(1, 1, true)], 10_000);
        let after = turns(&mut share, &[candidate(0, 1, true), candidate(1, 1, true)], 100);
        assert!(after.matches('b').count() >= 25, "{after}");
    }

    #[test]
    fn who_comes_back_begins_anew() {
        let mut share = Share::default();
        let (both, one) = ([candidate(0, 1, true), candidate(1, 1, true)], [candidate(1, 1, true)]);
        turns(&mut share, &both, 5);
        turns(&mut share, &one, 1000);
        let after = turns(&mut share, &both, 10);
        assert_eq!(after.matches('a').count(), 5, "{after}");
    }
}
