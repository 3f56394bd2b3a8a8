//! Numbers and carriers' names in few bytes: what makes millions of them affordable.

use std::{collections::HashMap, sync::Arc};

use posthouse_core::address::Msisdn;

/// How many bits a number of 15 digits takes at most.
const NUMBER_BITS: u32 = 50;
/// How many names there may be: what the other bits of a word can count.
const MOST_NAMES: usize = 1 << (u64::BITS - NUMBER_BITS);

/// An international number. It does not begin with 0, so that its digits are a number in the mathematical sense, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(u64);

impl Number {
    /// The number of these digits. `None` where there are more than [`Msisdn`] lets pass.
    pub fn of(number: &Msisdn) -> Option<Self> {
        let digits = number.as_str().parse().ok()?;
        (digits < 1 << NUMBER_BITS).then_some(Self(digits))
    }
}

/// A carrier's name among [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameIndex(u16);

/// A number and its carrier's name in one word. Words sort by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PackedNumber(u64);

impl PackedNumber {
    pub fn new(number: Number, name: NameIndex) -> Self {
        Self(number.0 << (u64::BITS - NUMBER_BITS) | u64::from(name.0))
    }

    pub fn number(self) -> Number {
        Number(self.0 >> (u64::BITS - NUMBER_BITS))
    }

    pub fn name(self) -> Option<NameIndex> {
        u16::try_from(self.0 & (MOST_NAMES as u64 - 1)).ok().map(NameIndex)
    }
}

/// Carriers' names, ids or aliases as somebody wrote them, each kept once.
#[derive(Debug, Default)]
pub(super) struct Names {
    list: Vec<Arc<str>>,
    indexes: HashMap<Arc<str>, NameIndex>,
}

impl Names {
    /// The index of a name, which is added if it is new. `None`: there are too many already.
    pub fn index(&mut self, name: &str) -> Option<NameIndex> {
        if let Some(index) = self.indexes.get(name) {
            return Some(*index);
        }
        let index = u16::try_from(self.list.len()).ok().filter(|_| self.list.len() < MOST_NAMES)?;
        let name: Arc<str> = name.into();
        self.list.push(Arc::clone(&name));
        self.indexes.insert(name, NameIndex(index));
        Some(NameIndex(index))
    }

    /// The name of an index.
    pub fn name(&self, index: NameIndex) -> Option<&Arc<str>> {
        self.list.get(usize::from(index.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_the_largest_number_and_the_last_name() {
        let number = Number::of(&Msisdn::parse("999999999999999", false).unwrap()).unwrap();
        let mut names = Names::default();
        let last = (0..MOST_NAMES).map(|name| names.index(&name.to_string()).unwrap()).last().unwrap();
        let word = PackedNumber::new(number, last);
        assert_eq!((word.number(), word.name()), (number, Some(last)));
        assert_eq!(names.name(last).map(|name| &**name), Some("16383"));
        assert_eq!(names.index("one too many"), None);
        assert_eq!(names.index("16383"), Some(last));
    }
}
