//! Names: what may be there once, and what has to be known.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap, HashSet},
};

use crate::{
    mistake::Mistake,
    provisioning::{
        reading::{Reader, Table, nearest},
        tree::Spot,
    },
};

/// How many names are compared with unknown ones, to find those that may be meant: some tenths of a second.
const MOST_COMPARED: usize = 100_000;

/// Values that may be there once, each with the spot where it is.
#[derive(Default)]
pub(super) struct Once(HashMap<String, Spot>);

impl Once {
    /// Notes a mistake where the value was there before. `shown` is the value for people.
    pub(super) fn check(&mut self, table: &Table<'_>, key: &str, value: &str, shown: &str) {
        match self.0.get(value) {
            Some(Spot::Line(line)) => {
                table.wrong(key, (format!("{shown} is there twice, first in line {line}"), "keep one"));
            }
            Some(first) => {
                table.wrong(key, (format!("{shown} is there twice, first at {first}"), "keep one"));
            }
            None => {
                self.0.insert(value.to_owned(), table.spot_of(key).clone());
            }
        }
    }

    /// Where the value is.
    pub(super) fn spot(&self, value: &str) -> Option<&Spot> {
        self.0.get(value)
    }
}

/// The names of one kind of thing that may be meant.
pub(super) struct Known<'a> {
    kind: &'static str,
    names: HashSet<&'a str>,
    /// The nearest of them are looked for in this order, so that the same file is told the same.
    sorted: Vec<&'a str>,
    /// How many names may still be compared with one that is unknown: each costs some time.
    may_compare: Cell<usize>,
}

impl<'a> Known<'a> {
    /// Of a kind that people know by this word.
    pub(super) fn new(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Self {
        let names: HashSet<_> = names.collect();
        let mut sorted: Vec<_> = names.iter().copied().collect();
        sorted.sort_unstable();
        Self { kind, names, sorted, may_compare: Cell::new(MOST_COMPARED) }
    }

    /// Notes that what is named in these places is not there, or that the store has it and it `goes` with this change.
    pub(super) fn refuse(&self, reader: &Reader<'_>, name: &str, places: &[NamedAt], goes: bool) {
        let kind = self.kind;
        let what = if goes {
            let what = format!("{kind} {name:?} is not in this file and would be removed from the store");
            Mistake::from((what, "declare it here, or leave out --prune"))
        } else {
            let remedy = match self.nearest(name) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "declare it, or mend the name".to_owned(),
            };
            (format!("{name:?} is no {kind} of this file or the store"), remedy).into()
        };
        places.iter().for_each(|place| place.wrong(reader, &what));
    }

    /// The one that is nearest to what was written, if there is time to look for it.
    fn nearest(&self, written: &str) -> Option<&'a str> {
        self.may_compare.set(self.may_compare.get().checked_sub(self.sorted.len())?);
        nearest(written, &self.sorted)
    }
}

/// Names that were written, each with the places where it is.
#[derive(Default)]
pub(super) struct Named(BTreeMap<String, Vec<NamedAt>>);

impl Named {
    /// Notes that a name is written at the key `what`.
    pub(super) fn note(&mut self, name: &str, spot: &Spot, what: &'static str) {
        let place = NamedAt { spot: spot.clone(), what };
        match self.0.get_mut(name) {
            Some(places) => places.push(place),
            None => drop(self.0.insert(name.to_owned(), vec![place])),
        }
    }

    /// Those that are not known.
    pub(super) fn unknown<'a>(
        &'a self,
        known: &'a Known<'_>,
    ) -> impl Iterator<Item = (&'a str, &'a [NamedAt])> {
        let named = self.0.iter().map(|(name, places)| (name.as_str(), places.as_slice()));
        named.filter(|(name, _)| !known.names.contains(name))
    }
}

/// Where something is named.
pub(super) struct NamedAt {
    spot: Spot,
    what: &'static str,
}

impl NamedAt {
    /// Notes a mistake there.
    pub(super) fn wrong(&self, reader: &Reader<'_>, what: &Mistake) {
        reader.wrong(&self.spot, what.clone().at(format_args!("{}:", self.what)));
    }
}
