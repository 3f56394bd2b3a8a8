//! Which of several nodes on one store pulls what: everything that waits lies in one of 256 slots, and each slot is one live node's.
//!
//! Rendezvous hashing: each live node has a weight for each slot, and the heaviest has it. A node that comes or goes moves only the slots
//! that it gets or had. Two nodes that see different ones alive for a moment may ask for the same work; that costs contention and nothing
//! else, for a lease is given once.

use std::iter;

use crate::{Id, account::AccountName};

/// How many slots there are.
pub const SLOTS: usize = 256;

/// One of the slots. What lies in it is written in stores: the hashes never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u8);

impl Slot {
    /// Every slot.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }

    /// Where a message waits, and its timers.
    pub const fn of_message(id: Id) -> Self {
        Self(first_byte(mixed(id.number().cast_unsigned())))
    }

    /// Where the callbacks of an account wait: all of them in one, so that one node keeps them in order.
    pub fn of_account(account: &AccountName) -> Self {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        Self(first_byte(mixed(account.0.bytes().fold(FNV_BASIS, fold))))
    }
}

/// FNV-1a's.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
/// FNV-1a's.
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The finish of splitmix64: each bit of the result depends on all bits.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

const fn first_byte(number: u64) -> u8 {
    number.to_be_bytes()[0]
}

/// A set of slots.
///
/// ```
/// use posthouse_core::slots::{Slot, Slots};
/// let slots = Slots::of(1, &[1, 2, 3]);
/// assert!(slots.len() > 50 && !slots.is_all());
/// assert_eq!(Slots::of(1, &[1]), Slots::ALL);
/// assert!(Slots::ALL.contains(Slot(7)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots([u64; 4]);

impl Slots {
    /// All: those of a node that is alone.
    pub const ALL: Self = Self([u64::MAX; 4]);
    /// None.
    pub const NONE: Self = Self([0; 4]);

    /// Those of a node among the nodes that are alive; none for one that is not among them.
    pub fn of(node: u8, alive: &[u8]) -> Self {
        let heaviest =
            |slot: &Slot| alive.iter().copied().max_by_key(|other| (weight(*other, *slot), *other));
        Slot::all().filter(|slot| heaviest(slot) == Some(node)).collect()
    }

    /// Whether a slot is one of them.
    pub fn contains(&self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether one of them is not one of these.
    pub fn has_more_than(&self, others: &Self) -> bool {
        self.0.iter().zip(others.0).any(|(own, other)| own & !other != 0)
    }

    /// Whether all are.
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// How many they are.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        let slots = *self;
        Slot::all().filter(move |slot| slots.contains(*slot))
    }
}

impl FromIterator<Slot> for Slots {
    fn from_iter<T: IntoIterator<Item = Slot>>(slots: T) -> Self {
        let mut all = Self::NONE;
        for slot in slots {
            let (word, bit) = place(slot);
            if let Some(word) = all.0.get_mut(word) {
                *word |= bit;
            }
        }
        all
    }
}

impl From<Slot> for Slots {
    fn from(slot: Slot) -> Self {
        iter::once(slot).collect()
    }
}

fn place(Slot(number): Slot) -> (usize, u64) {
    (usize::from(number / 64), 1 << (number % 64))
}

fn weight(node: u8, slot: Slot) -> u64 {
    mixed(u64::from(u16::from_be_bytes([node, slot.0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_is_one_live_nodes() {
        for alive in [&[1][..], &[1, 2], &[3, 2, 1], &[1, 7, 9, 200, 239]] {
            let all: Vec<Slots> = alive.iter().map(|node| Slots::of(*node, alive)).collect();
            assert_eq!(all.iter().map(Slots::len).sum::<u32>(), 256, "{alive:?}");
            let fair = 256 / u32::try_from(alive.len()).unwrap();
            for (node, slots) in alive.iter().zip(&all) {
                assert!(slots.len() > fair / 2 && slots.len() < fair * 2, "{node} of {alive:?}: {slots:?}");
            }
            assert!(Slot::all().all(|slot| all.iter().filter(|slots| slots.contains(slot)).count() == 1));
        }
        assert_eq!(Slots::of(4, &[1, 2]), Slots::NONE, "who is not alive has none");
        assert_eq!(Slots::of(4, &[]), Slots::NONE);
    }

    #[test]
    fn a_node_that_goes_moves_its_own_slots_only() {
        let before = [1, 2, 3].map(|node| Slots::of(node, &[1, 2, 3]));
        for (index, node) in [(0, 1), (2, 3)] {
            let after = Slots::of(node, &[3, 1]);
            assert!(before[index].iter().all(|slot| after.contains(slot)), "{node} keeps its own");
            let gained = after.iter().filter(|slot| !before[index].contains(*slot));
            assert!(
                gained.into_iter().all(|slot| before[1].contains(slot)),
                "{node} gets those of the one gone"
            );
        }
    }

    #[test]
    fn what_lies_in_a_slot_stays_there() {
        let id = |number| Id::from_number(number).unwrap();
        let slots = [0, 1, 190_000_000_000_000_000, i64::MAX].map(|number| Slot::of_message(id(number)).0);
        assert_eq!(slots, [226, 145, 1, 42]);
        let accounts = ["", "acme", "globex"].map(|name| Slot::of_account(&AccountName(name.to_owned())).0);
        assert_eq!(accounts, [195, 66, 143]);
    }

    #[test]
    fn messages_of_one_millisecond_lie_apart() {
        let slots: Slots = (0..256).filter_map(Id::from_number).map(Slot::of_message).collect();
        assert!(slots.len() > 128, "{slots:?}");
    }

    #[test]
    fn a_set_has_what_was_put_in() {
        let some: Slots = [Slot(0), Slot(63), Slot(64), Slot(255)].into_iter().collect();
        assert_eq!(some.iter().collect::<Vec<_>>(), [Slot(0), Slot(63), Slot(64), Slot(255)]);
        assert_eq!((some.len(), some.is_all(), some.is_empty()), (4, false, false));
        assert!(some.contains(Slot(63)) && !some.contains(Slot(62)));
        assert_eq!(Slots::from(Slot(9)).iter().collect::<Vec<_>>(), [Slot(9)]);
        assert!(Slots::ALL.is_all() && Slots::NONE.is_empty());
        assert_eq!(Slots::ALL.len(), 256);
        let fewer: Slots = [Slot(0), Slot(255)].into_iter().collect();
        assert!(some.has_more_than(&fewer) && some.has_more_than(&Slots::from(Slot(9))));
        assert!(
            !fewer.has_more_than(&some) && !some.has_more_than(&some) && !some.has_more_than(&Slots::ALL)
        );
    }
}
