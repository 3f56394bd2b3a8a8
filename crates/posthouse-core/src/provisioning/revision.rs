//! Revisions: what each change of provisioning changed, so that it can be seen and taken back.
//!
//! A revision keeps of each thing that it changed how it was before and how it was afterwards, as the store keeps it: secrets as their
//! hashes. So a rollback brings an old key back that nobody has any more, and what people are shown of it shows no secret.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Blacklisted, Change, Lookup, PlanAction, PlanStep, Range, ThingKind,
    account::Account,
    carrier::Carrier,
    difference::{Thing, step_between},
    fields::{Field, Fingerprints},
};
use crate::{actor::Actor, bounds::cut, shown::masked};

/// How many revisions are kept; the oldest goes for a new one.
pub const REVISIONS_KEPT: usize = 1000;
/// How many changed things all kept revisions may have together, beside those of the newest.
pub const CHANGED_THINGS_KEPT: u64 = 1_000_000;
/// How many revisions go at a time: a change takes no longer for what there was before it.
const FORGOTTEN_AT_ONCE: usize = 2;
/// How many things are named in a summary; of more it counts the rest.
const NAMED: usize = 3;
/// The longest summary, in characters.
const LONGEST_SUMMARY: usize = 300;

/// A change of provisioning that was made, without what it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number; provisioning was at this revision after it.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub actor: String,
    /// Why, in the actor's own words.
    pub reason: Option<String>,
    /// What it changed, in short. Numbers are masked.
    pub summary: String,
    /// How many things it changed.
    pub things: u64,
}

impl Revision {
    /// What somebody changed just now.
    pub fn new(number: u64, revised: &[Revised], by: &Actor, now: Timestamp) -> Self {
        Self {
            number,
            at: now,
            actor: by.name.clone(),
            reason: by.reason.clone(),
            summary: summary(revised),
            things: u64::try_from(revised.len()).unwrap_or(u64::MAX),
        }
    }
}

/// `change account acme, create range 1617, and 7 more`.
fn summary(revised: &[Revised]) -> String {
    let named = revised.iter().take(NAMED).filter_map(|one| {
        let (kind, name) = one.key()?;
        Some(format!("{} {kind} {}", one.action(), masked(&name)).trim_end().to_owned())
    });
    let mut named: Vec<_> = named.collect();
    if let Some(more) = revised.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("and {more} more"));
    }
    cut(&named.join(", "), LONGEST_SUMMARY).to_owned()
}

/// Something that is provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProvisionedThing {
    /// A VASP.
    Account(Box<Account>),
    /// A mobile operator.
    Carrier(Box<Carrier>),
    /// How carriers are looked up.
    Lookup(Box<Lookup>),
    /// Numbers of a carrier.
    Range(Range),
    /// A number that gets nothing.
    Blacklist(Blacklisted),
}

/// A thing as it was and as it became: at least one of both is there, and they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// What it was, if it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ProvisionedThing>,
    /// What it became, unless it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ProvisionedThing>,
}

/// What a thing is found by: no two have the same.
type Key = (ThingKind, String);

impl ProvisionedThing {
    fn with<T>(&self, asked: impl FnOnce(&dyn AnyThing) -> T) -> T {
        match self {
            Self::Account(account) => asked(&**account),
            Self::Carrier(carrier) => asked(&**carrier),
            Self::Lookup(lookup) => asked(&**lookup),
            Self::Range(range) => asked(range),
            Self::Blacklist(entry) => asked(entry),
        }
    }

    fn key(&self) -> Key {
        self.with(|thing| (thing.kind(), thing.name().into_owned()))
    }
}

/// A [`Thing`] of whatever kind.
trait AnyThing {
    fn kind(&self) -> ThingKind;
    fn name(&self) -> Cow<'_, str>;
    fn shown(&self, fingerprints: &Fingerprints<'_>) -> Vec<Field>;
    fn putting(&self) -> Change;
    fn removing(&self) -> Change;
}

impl<T: Thing> AnyThing for T {
    fn kind(&self) -> ThingKind {
        T::KIND
    }
    fn name(&self) -> Cow<'_, str> {
        self.key()
    }
    fn shown(&self, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
        self.fields(fingerprints)
    }
    fn putting(&self) -> Change {
        self.put()
    }
    fn removing(&self) -> Change {
        self.remove()
    }
}

impl Change {
    /// What it is about, and what that is afterwards.
    fn outcome(&self) -> (Key, Option<ProvisionedThing>) {
        let after = match self {
            Self::PutAccount(account) => ProvisionedThing::Account(account.clone()),
            Self::PutCarrier(carrier) => ProvisionedThing::Carrier(carrier.clone()),
            Self::SetLookup(Some(lookup)) => ProvisionedThing::Lookup(Box::new(lookup.clone())),
            Self::PutRange(range) => ProvisionedThing::Range(range.clone()),
            Self::PutBlacklisted(entry) => ProvisionedThing::Blacklist(entry.clone()),
            Self::RemoveAccount(name) => return ((ThingKind::Account, name.0.clone()), None),
            Self::RemoveCarrier(id) => return ((ThingKind::Carrier, id.0.clone()), None),
            Self::SetLookup(None) => return ((ThingKind::Lookup, String::new()), None),
            Self::RemoveRange(prefix) => return ((ThingKind::Range, prefix.to_string()), None),
            Self::RemoveBlacklisted(entry) => {
                return ((ThingKind::Blacklist, Thing::key(entry).into_owned()), None);
            }
        };
        (after.key(), Some(after))
    }
}

impl Revised {
    fn key(&self) -> Option<Key> {
        Some(self.after.as_ref().or(self.before.as_ref())?.key())
    }

    /// The same, taken back.
    #[must_use]
    pub fn back(self) -> Self {
        Self { before: self.after, after: self.before }
    }

    /// The change that makes it so.
    pub fn change(&self) -> Option<Change> {
        let removed = || self.before.as_ref().map(|thing| thing.with(|thing| thing.removing()));
        self.after.as_ref().map(|thing| thing.with(|thing| thing.putting())).or_else(removed)
    }

    /// What happened to it, for people.
    pub fn step(&self, fingerprints: &Fingerprints<'_>) -> Option<PlanStep> {
        let (kind, name) = self.key()?;
        let shown = |thing: &Option<ProvisionedThing>| {
            thing.as_ref().map(|thing| thing.with(|thing| thing.shown(fingerprints)))
        };
        let fields = match (shown(&self.before), shown(&self.after)) {
            (Some(before), Some(after)) => step_between(&before, &after),
            _ => Vec::new(),
        };
        Some(PlanStep { kind, name, action: self.action(), fields })
    }

    const fn action(&self) -> PlanAction {
        match (&self.before, &self.after) {
            (Some(_), Some(_)) => PlanAction::Change,
            (None, _) => PlanAction::Create,
            (_, None) => PlanAction::Remove,
        }
    }
}

/// What changes change, one after the other. `before` says what is there now of what a change is about.
///
/// # Errors
/// Those of `before`.
pub fn revise<E>(
    changes: &[Change],
    mut before: impl FnMut(&Change) -> Result<Option<ProvisionedThing>, E>,
) -> Result<Vec<Revised>, E> {
    let mut all = Revisions::default();
    for change in changes {
        let (key, after) = change.outcome();
        all.add(key, || before(change), after)?;
    }
    Ok(all.finish())
}

/// What several revisions changed together, from the oldest to the newest.
pub fn together(revisions: impl IntoIterator<Item = Revised>) -> Vec<Revised> {
    let mut all = Revisions::default();
    for revised in revisions {
        if let Some(key) = revised.key() {
            let Ok(()) = all.add(key, || Ok::<_, std::convert::Infallible>(revised.before), revised.after);
        }
    }
    all.finish()
}

/// What was changed, in the order in which it was first.
#[derive(Default)]
struct Revisions {
    places: HashMap<Key, usize>,
    all: Vec<Revised>,
}

impl Revisions {
    fn add<E>(
        &mut self,
        key: Key,
        before: impl FnOnce() -> Result<Option<ProvisionedThing>, E>,
        after: Option<ProvisionedThing>,
    ) -> Result<(), E> {
        match self.places.entry(key) {
            Entry::Vacant(place) => {
                let before = before()?;
                place.insert(self.all.len());
                self.all.push(Revised { before, after });
            }
            Entry::Occupied(place) => {
                if let Some(revised) = self.all.get_mut(*place.get()) {
                    revised.after = after;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<Revised> {
        self.all.into_iter().filter(|revised| revised.before != revised.after).collect()
    }
}

/// Which of the kept revisions go, given the number and the things of each, from the oldest to the newest.
pub fn forgotten(kept: &[(u64, u64)]) -> Vec<u64> {
    let older = kept.split_last().map_or(&[][..], |(_, older)| older);
    let mut things: u64 = older.iter().map(|(_, things)| *things).sum();
    let mut gone = Vec::new();
    for (number, of_it) in older.iter().take(FORGOTTEN_AT_ONCE) {
        if kept.len() - gone.len() <= REVISIONS_KEPT && things <= CHANGED_THINGS_KEPT {
            break;
        }
        things = things.saturating_sub(*of_it);
        gone.push(*number);
    }
    gone
}

/// The oldest revision that provisioning can be brought back to, or compared with: the one before the oldest of those kept without a
/// gap up to the present one.
pub const fn oldest_state(present: u64, oldest_kept: Option<u64>) -> u64 {
    match oldest_kept {
        Some(oldest) => oldest.saturating_sub(1),
        None => present,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address::Msisdn, carrier::CarrierId, provisioning::Prefix};

    fn range(prefix: &str, carrier: &str) -> Range {
        Range { prefix: Prefix::parse(prefix).unwrap(), carrier: CarrierId(carrier.to_owned()) }
    }

    fn blocked(number: &str) -> Blacklisted {
        Blacklisted { number: Msisdn::parse(number, false).unwrap(), account: None }
    }

    fn thing(prefix: &str, carrier: &str) -> ProvisionedThing {
        ProvisionedThing::Range(range(prefix, carrier))
    }

    fn nothing(_: &Change) -> Result<Option<ProvisionedThing>, ()> {
        Ok(None)
    }

    #[test]
    fn the_first_before_and_the_last_after_count() {
        let was = |_: &Change| Ok::<_, ()>(Some(thing("1617", "old")));
        let changes = [
            Change::PutRange(range("1617", "new")),
            Change::RemoveRange(Prefix::parse("1617").unwrap()),
            Change::PutRange(range("1617", "newer")),
        ];
        let expected = Revised { before: Some(thing("1617", "old")), after: Some(thing("1617", "newer")) };
        assert_eq!(revise(&changes, was), Ok(vec![expected]));
    }

    #[test]
    fn what_is_put_as_it_was_did_not_change() {
        let was = |_: &Change| Ok::<_, ()>(Some(thing("1617", "same")));
        assert_eq!(revise(&[Change::PutRange(range("1617", "same"))], was), Ok(vec![]));
        assert_eq!(revise(&[Change::RemoveBlacklisted(blocked("16175550100"))], nothing), Ok(vec![]));
    }

    #[test]
    fn what_was_changed_is_changed_back() {
        let created = Revised { before: None, after: Some(thing("1617", "a")) };
        let changed = Revised { before: Some(thing("1617", "a")), after: Some(thing("1617", "b")) };
        let removed = Revised { before: Some(thing("1617", "b")), after: None };
        assert_eq!(
            created.clone().back().change(),
            Some(Change::RemoveRange(Prefix::parse("1617").unwrap()))
        );
        assert_eq!(changed.clone().back().change(), Some(Change::PutRange(range("1617", "a"))));
        assert_eq!(removed.clone().back().change(), Some(Change::PutRange(range("1617", "b"))));
        assert_eq!(together([created.clone(), changed.clone(), removed]), []);
        let both = Revised { before: None, after: Some(thing("1617", "b")) };
        assert_eq!(together([created, changed]), [both]);
    }

    #[test]
    fn a_step_says_what_happened() {
        let changed = Revised { before: Some(thing("1617", "a")), after: Some(thing("1617", "b")) };
        let step = changed.step(&|_| String::new()).unwrap();
        assert_eq!((step.kind, step.action, &*step.name), (ThingKind::Range, PlanAction::Change, "1617"));
        assert_eq!(step.fields.len(), 1);
        assert_eq!((&*step.fields[0].field, step.fields[0].to.as_deref()), ("carrier", Some("b")));
    }

    #[test]
    fn the_oldest_go_a_few_at_a_time_and_never_the_newest() {
        let full: Vec<_> = (1..=1000).map(|number| (number, 1)).collect();
        assert_eq!(forgotten(&full), Vec::<u64>::new());
        let one_more: Vec<_> = (1..=1001).map(|number| (number, 1)).collect();
        assert_eq!(forgotten(&one_more), [1]);
        let many_more: Vec<_> = (1..=1010).map(|number| (number, 1)).collect();
        assert_eq!(forgotten(&many_more), [1, 2]);
        assert_eq!(forgotten(&[(1, 600_000), (2, 600_000), (3, 5_000_000)]), [1]);
        assert_eq!(forgotten(&[(3, 5_000_000)]), Vec::<u64>::new());
        assert_eq!(forgotten(&[]), Vec::<u64>::new());
    }

    #[test]
    fn a_summary_names_some_and_counts_the_rest() {
        let number = |number| ProvisionedThing::Blacklist(blocked(number));
        let came = |thing| Revised { before: None, after: Some(thing) };
        let revised = [
            came(thing("1617", "a")),
            Revised { before: Some(number("16175550100")), after: None },
            came(number("16175550101")),
            came(number("16175550102")),
        ];
        assert_eq!(summary(&revised[..1]), "create range 1617");
        assert_eq!(
            summary(&revised),
            "create range 1617, remove blacklist +1617•••0100, create blacklist +1617•••0101, and 1 more"
        );
        assert_eq!(summary(&[]), "");
    }
}
