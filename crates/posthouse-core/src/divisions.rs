//! All limits that nodes keep together, and how they are divided: what [`DivisionStore`](crate::store::DivisionStore) keeps.
//!
//! Nodes say every second what they want of each limit. Whichever says so first once a second has passed divides all of them anew, in the
//! same transaction: so there is no leader whose death others would have to notice. A limit may have several parts, such as a connection's
//! window and its rate: a node that has none of one part could use nothing of the others, so it gets nothing of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    division::{Amount, Division, VALID_FOR},
    time::after,
};

/// How often a node says what it wants, and how often limits are divided.
pub const DIVIDE_EVERY: Duration = Duration::from_secs(1);
/// What a node said that it wants counts for so long.
pub const WANTED_FOR: Duration = Duration::from_secs(3);

/// What a node wants of one part of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitClaim {
    /// So much of it there is, for all nodes together.
    pub total: Amount,
    /// So much the node could use.
    pub wanted: Amount,
    /// So much of it is in use, whatever the node has by now: requests in flight.
    pub in_use: Amount,
}

/// What a node wants, by the names of limits: of each, the parts in an order that is always the same.
pub type Demands = BTreeMap<String, Vec<LimitClaim>>;

/// What a node said that it wants, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDemands {
    /// The node's number.
    pub node: u8,
    /// What it wants.
    pub demands: Demands,
    /// When it said so, by the store's clock.
    pub said_at: Timestamp,
}

/// How all limits are divided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divisions {
    /// When they were (milliseconds since 1970).
    divided_at: i64,
    limits: BTreeMap<String, Vec<Division>>,
}

impl Divisions {
    /// Whether it is time to divide them anew, when `node` wants this: a second has passed, or a limit is new.
    pub fn is_due(&self, demands: &Demands, now: Timestamp) -> bool {
        let has_passed =
            now.as_millisecond() >= self.divided_at.saturating_add(in_milliseconds(DIVIDE_EVERY));
        has_passed || demands.keys().any(|name| !self.limits.contains_key(name))
    }

    /// As they are from now on, by what nodes want.
    #[must_use]
    pub fn next(&self, nodes: &[NodeDemands], now: Timestamp) -> Self {
        let counts = |node: &&NodeDemands| now < after(node.said_at, WANTED_FOR);
        let nodes: Vec<&NodeDemands> = nodes.iter().filter(counts).collect();
        let names: BTreeSet<&String> =
            nodes.iter().flat_map(|node| node.demands.keys()).chain(self.limits.keys()).collect();
        let divided = |name: &String| Some((name.clone(), self.divide(name, &nodes, now)?));
        Self { divided_at: now.as_millisecond(), limits: names.into_iter().filter_map(divided).collect() }
    }

    /// As they are once a node has gone that uses nothing any more: what it had is free at once.
    #[must_use]
    pub fn without(&self, node: u8) -> Self {
        let mut next = self.clone();
        next.limits.values_mut().flatten().for_each(|division| division.forget(node));
        next
    }

    /// The parts of one limit. `None` once nobody wants it, and nobody may believe to have any of it.
    fn divide(&self, name: &str, nodes: &[&NodeDemands], now: Timestamp) -> Option<Vec<Division>> {
        let before = self.limits.get(name).map_or(&[][..], Vec::as_slice);
        let claims: BTreeMap<u8, &[LimitClaim]> =
            nodes.iter().filter_map(|node| Some((node.node, node.demands.get(name)?.as_slice()))).collect();
        let parts = claims.values().map(|claims| claims.len()).max().unwrap_or(before.len());
        // Where nodes do not know the same provisioning yet, the least counts.
        let total = |part: usize| {
            claims.values().filter_map(|claims| claims.get(part)).map(|claim| claim.total).min().unwrap_or(0)
        };
        let least = (0..parts).map(total).min().unwrap_or(0);
        let holders = holders(&claims, before, least, now);
        let next: Vec<Division> = (0..parts)
            .map(|part| {
                let mut division = before.get(part).cloned().unwrap_or_default();
                for (node, claims) in &claims {
                    division.note_use(*node, claims.get(part).map_or(0, |claim| claim.in_use), now);
                }
                let wanted: Vec<(u8, Amount)> = holders
                    .iter()
                    .filter_map(|node| Some((*node, claims.get(node)?.get(part)?.wanted)))
                    .collect();
                division.next(total(part), &wanted, now)
            })
            .collect();
        next.iter().any(|division| !division.is_nobodys()).then_some(next)
    }

    /// What a node has of a limit's parts; nothing where it has nothing of one of them.
    pub fn of(&self, name: &str, node: u8, now: Timestamp) -> Vec<Amount> {
        let parts = self.limits.get(name).map_or(&[][..], Vec::as_slice);
        let amounts: Vec<Amount> =
            parts.iter().map(|division| division.of(node).map_or(0, |share| share.valid(now))).collect();
        if amounts.contains(&0) { vec![0; amounts.len()] } else { amounts }
    }

    /// The names of all limits.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.limits.keys().map(String::as_str)
    }

    /// The nodes, out of these, that have something of a limit.
    pub fn holders(&self, name: &str, nodes: &[u8], now: Timestamp) -> Vec<u8> {
        let has_some = |node: &&u8| self.of(name, **node, now).iter().any(|amount| *amount > 0);
        nodes.iter().filter(has_some).copied().collect()
    }

    /// Till when all that nodes have is valid, unless it is divided anew before.
    pub fn valid_until(&self) -> Timestamp {
        let divided_at = Timestamp::from_millisecond(self.divided_at).unwrap_or(Timestamp::MIN);
        after(divided_at, VALID_FOR)
    }
}

/// The nodes that are to have something of a limit, in the order of their numbers: all, where there is enough for each. Else those that
/// want something before those that do not, and of these the ones that have some already: so it does not move without need.
fn holders(
    claims: &BTreeMap<u8, &[LimitClaim]>,
    before: &[Division],
    least: Amount,
    now: Timestamp,
) -> Vec<u8> {
    let mut holders: Vec<(u8, &[LimitClaim])> =
        claims.iter().map(|(node, claims)| (*node, *claims)).collect();
    let has = |node: u8| {
        let valid = |division: &Division| division.of(node).is_some_and(|share| share.valid(now) > 0);
        !before.is_empty() && before.iter().all(valid)
    };
    let wants = |claims: &[LimitClaim]| claims.iter().any(|claim| claim.wanted > 0);
    holders.sort_by_key(|(node, claims)| Reverse((wants(claims), has(*node), Reverse(*node))));
    holders.truncate(usize::try_from(least).unwrap_or(usize::MAX));
    let mut holders: Vec<u8> = holders.into_iter().map(|(node, _)| node).collect();
    holders.sort_unstable();
    holders
}

fn in_milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).unwrap()
    }

    /// A node that wants so much of a connection's window and rate, whose totals are these.
    fn node(node: u8, totals: [Amount; 2], wanted: Amount, in_use: Amount, said_at: i64) -> NodeDemands {
        let [window, rate] = totals;
        let claims =
            vec![LimitClaim { total: window, wanted, in_use }, LimitClaim { total: rate, wanted, in_use: 0 }];
        NodeDemands { node, demands: Demands::from([("a".to_owned(), claims)]), said_at: at(said_at) }
    }

    fn of(divisions: &Divisions, nodes: &[u8], now: i64) -> Vec<Vec<Amount>> {
        nodes.iter().map(|node| divisions.of("a", *node, at(now))).collect()
    }

    #[test]
    fn what_each_wants_is_given_within_a_second_of_the_last_time() {
        let none = Divisions::default();
        let both = [node(1, [16, 10], 4, 0, 0), node(2, [16, 10], 4, 0, 0)];
        assert!(none.is_due(&both[0].demands, at(0)));
        let first = none.next(&both, at(0));
        assert_eq!(of(&first, &[1, 2, 3], 0), [vec![8, 5], vec![8, 5], vec![0, 0]]);
        assert!(!first.is_due(&both[0].demands, at(999)) && first.is_due(&both[0].demands, at(1000)));
        let new = Demands::from([("b".to_owned(), Vec::new())]);
        assert!(first.is_due(&new, at(1)), "a limit is new");
        assert_eq!(first.valid_until(), at(5000));
        assert_eq!(first.holders("a", &[1, 2, 3], at(0)), [1, 2]);
    }

    #[test]
    fn with_less_than_one_each_the_same_have_some_of_every_part() {
        let three = |wanted: [Amount; 3], now| -> Vec<NodeDemands> {
            (1..).zip(wanted).map(|(number, wanted)| node(number, [9, 2], wanted, 0, now)).collect()
        };
        let first = Divisions::default().next(&three([0, 1, 1], 0), at(0));
        assert_eq!(of(&first, &[1, 2, 3], 0), [vec![0, 0], vec![5, 1], vec![4, 1]]);
        let same = first.next(&three([5, 1, 1], 1000), at(1000));
        assert_eq!(
            same.holders("a", &[1, 2, 3], at(1000)),
            [2, 3],
            "who has some keeps it while it wants some"
        );
        let other = same.next(&three([5, 0, 1], 2000), at(2000));
        assert_eq!(other.holders("a", &[1, 2, 3], at(2000)), [3], "the second may go on till 6000");
        let moved = other.next(&three([5, 0, 1], 6000), at(6000));
        assert_eq!(moved.holders("a", &[1, 2, 3], at(6000)), [1, 3]);
    }

    #[test]
    fn what_is_in_flight_is_nobody_elses() {
        let alone = Divisions::default().next(&[node(1, [16, 10], 16, 0, 0)], at(0));
        assert_eq!(of(&alone, &[1], 0), [[16, 10]]);
        let mut divisions = alone;
        for second in 1..10 {
            let now = second * 1000;
            // Its sixteen requests take long.
            divisions =
                divisions.next(&[node(1, [16, 10], 16, 16, now), node(2, [16, 10], 16, 0, now)], at(now));
        }
        assert_eq!(
            of(&divisions, &[1, 2], 9000),
            [vec![8, 5], vec![0, 0]],
            "no room in the window, so no rate"
        );
        let over =
            divisions.next(&[node(1, [16, 10], 16, 8, 10_000), node(2, [16, 10], 16, 0, 10_000)], at(10_000));
        assert_eq!(of(&over, &[1, 2], 10_000), [[8, 5], [8, 5]]);
    }

    #[test]
    fn who_falls_silent_loses_what_it_has_and_what_nobody_wants_is_forgotten() {
        let both =
            Divisions::default().next(&[node(1, [16, 10], 1, 0, 0), node(2, [16, 10], 1, 0, 0)], at(0));
        let still = both.next(&[node(1, [16, 10], 1, 0, 2999), node(2, [16, 10], 1, 0, 0)], at(2999));
        assert_eq!(of(&still, &[1, 2], 2999), [[8, 5], [8, 5]]);
        let silent = still.next(&[node(1, [16, 10], 1, 0, 3000), node(2, [16, 10], 1, 0, 0)], at(3000));
        assert_eq!(of(&silent, &[1, 2], 3000), [[8, 5], [0, 0]]);
        let alone = silent.next(&[node(1, [16, 10], 1, 0, 7999)], at(7999));
        assert_eq!(of(&alone, &[1], 7999), [[16, 10]]);
        let nobody = alone.next(&[], at(8000));
        assert_eq!(nobody.names().collect::<Vec<_>>(), ["a"], "the first may believe to have all of it");
        assert_eq!(nobody.next(&[], at(12_999)).names().count(), 0);
    }

    #[test]
    fn what_one_had_that_has_gone_is_free_at_once() {
        let both =
            Divisions::default().next(&[node(1, [16, 10], 1, 8, 0), node(2, [16, 10], 1, 0, 0)], at(0));
        let gone = both.without(1).next(&[node(2, [16, 10], 1, 0, 1000)], at(1000));
        assert_eq!(of(&gone, &[1, 2], 1000), [[0, 0], [16, 10]]);
    }

    #[test]
    fn the_least_that_nodes_know_of_counts() {
        let divisions =
            Divisions::default().next(&[node(1, [16, 10], 1, 0, 0), node(2, [4, 10], 1, 0, 0)], at(0));
        assert_eq!(of(&divisions, &[1, 2], 0), [[2, 5], [2, 5]]);
    }

    #[test]
    fn they_read_back() {
        let divisions = Divisions::default().next(&[node(1, [16, 10], 1, 0, 0)], at(0));
        let written = serde_json::to_string(&divisions).unwrap();
        assert_eq!(serde_json::from_str::<Divisions>(&written).unwrap(), divisions);
    }
}
