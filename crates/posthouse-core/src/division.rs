//! A limit that several nodes keep together, such as a connection's window: how it is divided among them.
//!
//! Whichever node asks first divides each limit once a second, by what the nodes want, with a floor for each. What a node has is valid for a while: so a share
//! that shrinks counts as it was till that has passed, and only what is certainly free goes to one that grows. Nodes that do not hear of
//! each other, or that hear late, never use more than the limit together.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{cluster::DEAD_AFTER, time::after};

/// How long a share is valid. It is written anew every second by whichever node asks first, so no single node's death lets it run out.
pub const VALID_FOR: Duration = Duration::from_secs(5);
/// One part in this many of a limit is divided evenly, whoever wants how much.
pub const FLOOR: Amount = 4;
/// What is wanted may change by one part in this many before a share follows: a share that shrinks is of use to nobody for a while.
const SLACK: u64 = 8;

/// How much of a limit: requests in flight, requests a second, or thousandths of those where a fraction does no harm.
pub type Amount = u64;

/// What a node has of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeShare {
    /// So much.
    pub amount: Amount,
    /// Till then (milliseconds since 1970); without a valid share a node has nothing.
    pub until: i64,
    /// As much it may still believe to have, from before it shrank.
    pub before: Amount,
    /// Till then.
    pub before_until: i64,
    /// So much it has in use, whatever it was given since.
    pub in_use: Amount,
    /// Till then at most, should it be heard of no more.
    pub in_use_until: i64,
}

impl NodeShare {
    /// What the node may use at a time by the store's clock.
    pub fn valid(&self, now: Timestamp) -> Amount {
        if now.as_millisecond() < self.until { self.amount } else { 0 }
    }

    /// The most that the node may believe to have, or has in use.
    fn held(&self, now: Timestamp) -> Amount {
        let if_till = |until: i64, amount: Amount| if now.as_millisecond() < until { amount } else { 0 };
        let before = if_till(self.before_until, self.before);
        self.valid(now).max(before).max(if_till(self.in_use_until, self.in_use))
    }
}

/// How a limit is divided, by the numbers of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Division(BTreeMap<u8, NodeShare>);

impl Division {
    /// What a node has, if anything was ever given to it.
    pub fn of(&self, node: u8) -> Option<&NodeShare> {
        self.0.get(&node)
    }

    /// A node has gone, and uses nothing any more.
    pub fn forget(&mut self, node: u8) {
        self.0.remove(&node);
    }

    /// Whether no node has any of it, or may believe to.
    pub fn is_nobodys(&self) -> bool {
        self.0.is_empty()
    }

    /// A node says that it has so much in use: requests that went out while it had more. Nobody else gets that before they end.
    pub fn note_use(&mut self, node: u8, in_use: Amount, now: Timestamp) {
        if let Some(share) = self.0.get_mut(&node) {
            (share.in_use, share.in_use_until) = (in_use, after(now, DEAD_AFTER).as_millisecond());
        }
    }

    /// As it is from now on, with so much to divide, when these nodes are alive and want so much.
    ///
    /// ```
    /// use jiff::Timestamp;
    /// use posthouse_core::division::Division;
    /// let now = Timestamp::UNIX_EPOCH;
    /// let division = Division::default().next(16, &[(1, 30), (2, 0)], now);
    /// assert_eq!([1, 2].map(|node| division.of(node).unwrap().valid(now)), [14, 2]);
    /// ```
    #[must_use]
    pub fn next(&self, total: Amount, wanted: &[(u8, u64)], now: Timestamp) -> Self {
        let targets = self.targets(total, wanted, now);
        let held = |node: &u8| self.0.get(node).map_or(0, |share| share.held(now));
        let gone = self.0.iter().filter(|(node, _)| !targets.contains_key(node));
        let mut free = total.saturating_sub(self.0.keys().map(held).fold(0, Amount::saturating_add));
        let mut next: BTreeMap<u8, NodeShare> = gone
            .filter(|(_, share)| share.held(now) > 0)
            .map(|(node, share)| (*node, share.taken_back(now)))
            .collect();
        for (node, target) in targets {
            let held = held(&node);
            let more = target.saturating_sub(held).min(free);
            free -= more;
            let amount = target.min(held + more);
            next.insert(node, NodeShare::given(amount, self.0.get(&node).copied(), now));
        }
        Self(next)
    }

    /// What each node is to have, once the others have let go of it.
    fn targets(&self, total: Amount, wanted: &[(u8, u64)], now: Timestamp) -> BTreeMap<u8, Amount> {
        let fair: BTreeMap<u8, Amount> =
            wanted.iter().map(|(node, _)| *node).zip(fair(total, wanted)).collect();
        let has = |node: &u8| self.0.get(node).map_or(0, |share| share.valid(now));
        let is_near = |(node, target): (&u8, &Amount)| target.abs_diff(has(node)) <= (total / SLACK).max(1);
        let is_whole = fair.keys().map(has).sum::<Amount>() == total && self.0.len() == fair.len();
        if is_whole && fair.iter().all(is_near) {
            fair.keys().map(|node| (*node, has(node))).collect()
        } else {
            fair
        }
    }
}

impl NodeShare {
    /// So much from now on, to a node that has had `had`.
    fn given(amount: Amount, had: Option<Self>, now: Timestamp) -> Self {
        let (before, before_until) = had.map_or((0, 0), |had| had.more_than(amount, now));
        let (in_use, in_use_until) = had.map_or((0, 0), |had| (had.in_use, had.in_use_until));
        let until = after(now, VALID_FOR).as_millisecond();
        Self { amount, until, before, before_until, in_use, in_use_until }
    }

    /// Of a node that is gone: it may go on with what it has till that ends.
    fn taken_back(&self, now: Timestamp) -> Self {
        let (before, before_until) = self.more_than(0, now);
        Self { amount: 0, until: 0, before, before_until, ..*self }
    }

    /// The most that the node may believe to have beyond an amount, and till when it may.
    fn more_than(&self, amount: Amount, now: Timestamp) -> (Amount, i64) {
        let now = now.as_millisecond();
        let believed = [(self.amount, self.until), (self.before, self.before_until)];
        let more = believed.into_iter().filter(|(believed, until)| *believed > amount && now < *until);
        more.fold((0, 0), |(most, last), (believed, until)| (most.max(believed), last.max(until)))
    }
}

/// So much for each: an even part, and the rest by what is wanted. With fewer than one each, those get one that want most.
fn fair(total: Amount, wanted: &[(u8, u64)]) -> Vec<Amount> {
    let nodes = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
    if nodes == 0 {
        return Vec::new();
    }
    let weights: Vec<u64> = match wanted.iter().map(|(_, wanted)| *wanted).fold(0, u64::saturating_add) {
        0 => vec![1; wanted.len()],
        _ => wanted.iter().map(|(_, wanted)| (*wanted).min(u64::from(u32::MAX))).collect(),
    };
    let floor = if total < nodes { 0 } else { (total / FLOOR / nodes).max(1) };
    // Where there are fewer than one each, none is divided by what is wanted: a node gets one at most.
    let rest = if total < nodes { 0 } else { total - floor * nodes };
    let sum = u128::from(weights.iter().sum::<u64>());
    let part = |weight: &u64| u128::from(rest) * u128::from(*weight) / sum;
    let mut shares: Vec<Amount> =
        weights.iter().map(|weight| floor + u64::try_from(part(weight)).unwrap_or(rest)).collect();
    // What rounding left goes to those that want most.
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(weights.get(*index).copied()));
    let left = total - shares.iter().sum::<Amount>();
    for index in order.into_iter().cycle().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).unwrap()
    }

    fn valid(division: &Division, nodes: &[u8], now: i64) -> Vec<Amount> {
        nodes.iter().map(|node| division.of(*node).map_or(0, |share| share.valid(at(now)))).collect()
    }

    #[test]
    fn each_has_a_floor_and_the_rest_goes_by_what_is_wanted() {
        for (total, wanted, expected) in [
            (16, &[(1, 0), (2, 0)][..], &[8, 8][..]),
            (16, &[(1, 100), (2, 0)], &[14, 2]),
            (16, &[(1, 30), (2, 10)], &[11, 5]),
            (10, &[(1, 1), (2, 1), (3, 1)], &[4, 3, 3]),
            (2, &[(1, 5), (2, 9), (3, 0)], &[1, 1, 0]),
            (1, &[(1, 5), (2, 9), (3, 0)], &[0, 1, 0]),
            (5000, &[(7, 3), (9, 1)], &[3438, 1562]),
            (0, &[(1, 5)], &[0]),
            (3, &[], &[]),
        ] {
            assert_eq!(fair(total, wanted), expected, "{total} {wanted:?}");
        }
    }

    #[test]
    fn a_share_grows_once_those_that_shrink_have_let_go() {
        let first = Division::default().next(16, &[(1, 0)], at(0));
        assert_eq!(valid(&first, &[1], 0), [16], "a node that is alone has all");
        let second = first.next(16, &[(1, 1), (2, 1)], at(1000));
        assert_eq!(valid(&second, &[1, 2], 1000), [8, 0], "the first may still go on with 16");
        let third = second.next(16, &[(1, 1), (2, 1)], at(4999));
        assert_eq!(valid(&third, &[1, 2], 4999), [8, 0]);
        let fourth = third.next(16, &[(1, 1), (2, 1)], at(5000));
        assert_eq!(valid(&fourth, &[1, 2], 5000), [8, 8]);
        assert_eq!(valid(&fourth, &[1, 2], 10_000), [0, 0], "without a new one a node has nothing");
    }

    #[test]
    fn what_a_dead_node_had_is_free_when_it_has_ended() {
        let both = Division::default().next(16, &[(1, 1), (2, 1)], at(0));
        let alone = both.next(16, &[(1, 1)], at(1000));
        assert_eq!(valid(&alone, &[1, 2], 1000), [8, 0]);
        let later = alone.next(16, &[(1, 1)], at(5000));
        assert_eq!(valid(&later, &[1], 5000), [16]);
        assert_eq!(later.of(2), None);
    }

    #[test]
    fn what_is_wanted_a_little_less_moves_nothing() {
        let first = Division::default().next(100, &[(1, 50), (2, 50)], at(0));
        let second = first.next(100, &[(1, 45), (2, 55)], at(1000));
        assert_eq!(valid(&second, &[1, 2], 1000), [50, 50]);
        let third = second.next(100, &[(1, 10), (2, 90)], at(2000));
        assert_eq!(valid(&third, &[1, 2], 2000), [19, 50]);
    }

    #[test]
    fn less_to_divide_is_less_at_once_for_those_that_hear() {
        let first = Division::default().next(100, &[(1, 1), (2, 1)], at(0));
        let second = first.next(10, &[(1, 1), (2, 1)], at(1000));
        assert_eq!(valid(&second, &[1, 2], 1000), [5, 5]);
    }

    #[test]
    fn what_is_in_use_is_nobody_elses() {
        let mut division = Division::default().next(16, &[(1, 1)], at(0));
        division.note_use(2, 5, at(0));
        assert_eq!(division.of(2), None, "who has nothing uses nothing");
        for (now, in_use, expected) in
            [(1000, 16, [8, 0]), (6000, 16, [8, 0]), (7000, 12, [8, 4]), (8000, 3, [8, 8])]
        {
            division.note_use(1, in_use, at(now));
            division = division.next(16, &[(1, 1), (2, 1)], at(now));
            assert_eq!(valid(&division, &[1, 2], now), expected, "{now}");
        }
        let mut silent = Division::default().next(16, &[(1, 1), (2, 1)], at(0));
        silent.note_use(1, 8, at(0));
        let gone = silent.next(16, &[(2, 1)], at(14_999));
        assert_eq!(valid(&gone, &[2], 14_999), [8]);
        assert_eq!(valid(&gone.next(16, &[(2, 1)], at(15_000)), &[2], 15_000), [16]);
    }

    #[test]
    fn it_reads_back() {
        let division = Division::default().next(16, &[(1, 1), (2, 1)], at(0)).next(16, &[(2, 1)], at(1000));
        let written = serde_json::to_string(&division).unwrap();
        assert_eq!(serde_json::from_str::<Division>(&written).unwrap(), division);
    }

    proptest! {
        /// Whoever is alive, whatever they want, however late they hear: together they never use more than there is; and once nothing
        /// changes any more, all of it is used.
        #[test]
        fn shares_never_sum_beyond_the_limit(
            total in 0_u64..40,
            steps in prop::collection::vec((1_i64..3000, prop::collection::vec(prop::option::of(0_u64..50), 4), 0_u8..16), 1..60),
        ) {
            let (mut now, mut division) = (0, Division::default());
            // What each node has heard last.
            let mut heard: [Division; 4] = Default::default();
            for (passed, wanted, hears) in &steps {
                now += passed;
                let used: u64 = (0..4).map(|node: u8| valid(&heard[usize::from(node)], &[node], now)[0]).sum();
                prop_assert!(used <= total, "{used} of {total}");
                let alive: Vec<(u8, u64)> =
                    (0..4).zip(wanted).filter_map(|(node, wanted)| Some((node, (*wanted)?))).collect();
                division = division.next(total, &alive, at(now));
                for node in 0..4_u8 {
                    if hears & (1 << node) != 0 {
                        heard[usize::from(node)] = division.clone();
                    }
                }
                let used: u64 = (0..4).map(|node: u8| valid(&heard[usize::from(node)], &[node], now)[0]).sum();
                prop_assert!(used <= total, "{used} of {total} once they have heard");
            }
            for _ in 0..7 {
                now += 1000;
                division = division.next(total, &[(0, 3), (2, 9)], at(now));
            }
            prop_assert_eq!(valid(&division, &[0, 2], now).into_iter().sum::<u64>(), total);
        }
    }
}
