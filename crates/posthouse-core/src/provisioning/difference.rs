//! What has to change so that provisioning is what was declared.
//!
//! What a file names becomes exactly what it says. What it does not name stays, or goes when the file was read to prune.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use serde::Serialize;

use super::{
    Blacklisted, Change, Lookup, Provisioning, Range,
    account::Account,
    carrier::{Carrier, CarrierId, open_carriers},
    check::Declared,
    fields::{self, Field, Fingerprints},
    losses::losses,
    words::words,
};

/// The way from what is provisioned to what was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What the store is to do; nothing when all is as declared.
    pub changes: Vec<Change>,
    /// The same for people, with what stays as it is.
    pub steps: Vec<PlanStep>,
    /// The carriers for which anybody who reaches the door may post, once all is as declared.
    pub open_carriers: BTreeSet<CarrierId>,
    /// What is there and would not be any more, that somebody may depend on: accounts, connections, credentials, where callbacks go.
    pub losses: Vec<String>,
}

/// What happens to one thing. It serializes as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// What kind of thing it is.
    pub kind: ThingKind,
    /// Its name, id, prefix or number; empty for the lookup, of which there is one.
    pub name: String,
    /// What happens to it.
    pub action: PlanAction,
    /// The fields that change, of a thing that changes. Secrets are not shown.
    pub fields: Vec<FieldChange>,
}

words! {
    /// A kind of thing that is provisioned, in the order in which people read of them.
    pub enum ThingKind {
        /// A VASP.
        Account = "account",
        /// A mobile operator.
        Carrier = "carrier",
        /// How carriers are looked up.
        Lookup = "lookup",
        /// Numbers of a carrier.
        Range = "range",
        /// A number that gets nothing.
        Blacklist = "blacklist",
    }
}

words! {
    /// What happens to a thing.
    pub enum PlanAction {
        /// It was not there.
        Create = "create",
        /// It was there and was different.
        Change = "change",
        /// It is as declared, or was not declared and stays.
        Keep = "keep",
        /// It goes.
        Remove = "remove",
    }
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its place, such as `service 61295.senders`.
    pub field: String,
    /// What it was, if it had a value.
    pub from: Option<String>,
    /// What it will be, if it will have a value.
    pub to: Option<String>,
}

impl Plan {
    /// How many things this happens to.
    pub fn count(&self, action: PlanAction) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }
}

/// Compares what was declared with what is provisioned, which is to be what it was declared against.
pub fn plan(declared: &Declared, current: &Provisioning, fingerprints: &Fingerprints<'_>) -> Plan {
    let prune = declared.prune;
    let mut plan = Plan { losses: losses(declared, current), ..Plan::default() };
    // What goes leaves first, and what is named leaves after what names it; what comes, the other way round.
    let blacklist = plan.compare(&declared.blacklist, &current.blacklist, prune, fingerprints);
    let ranges = plan.compare(&declared.ranges, &current.ranges, prune, fingerprints);
    let accounts = plan.compare(&declared.accounts, &current.accounts, prune, fingerprints);
    let carriers = plan.compare(&declared.carriers, &current.carriers, prune, fingerprints);
    let lookup = plan.compare(declared.lookup.as_slice(), current.lookup.as_slice(), prune, fingerprints);
    plan.steps.sort_by_key(|step| step.kind);
    let named: HashSet<_> = declared.carriers.iter().map(|carrier| &carrier.id).collect();
    let staying = current.carriers.iter().filter(|carrier| !prune && !named.contains(&carrier.id));
    plan.open_carriers = open_carriers(staying.chain(&declared.carriers));
    plan.changes.extend(carriers.into_iter().chain(accounts).chain(lookup).chain(ranges).chain(blacklist));
    plan
}

/// A kind of thing, as a plan handles it.
pub(super) trait Thing: PartialEq {
    const KIND: ThingKind;
    /// What it is found by, and what people call it.
    fn key(&self) -> Cow<'_, str>;
    fn fields(&self, fingerprints: &Fingerprints<'_>) -> Vec<Field>;
    fn put(&self) -> Change;
    fn remove(&self) -> Change;
}

impl Plan {
    /// Adds the steps of one kind and its removals, and gives its puts.
    fn compare<T: Thing>(
        &mut self,
        declared: &[T],
        current: &[T],
        prune: bool,
        fingerprints: &Fingerprints<'_>,
    ) -> Vec<Change> {
        let stored: HashMap<_, &T> = current.iter().map(|thing| (thing.key(), thing)).collect();
        let named: HashSet<_> = declared.iter().map(Thing::key).collect();
        let mut puts = Vec::new();
        for thing in declared {
            let step = step_to(thing, stored.get(&thing.key()).copied(), fingerprints);
            if step.action != PlanAction::Keep {
                puts.push(thing.put());
            }
            self.steps.push(step);
        }
        for thing in current.iter().filter(|thing| !named.contains(&thing.key())) {
            let action = if prune { PlanAction::Remove } else { PlanAction::Keep };
            if prune {
                self.changes.push(thing.remove());
            }
            self.steps.push(PlanStep {
                kind: T::KIND,
                name: thing.key().into_owned(),
                action,
                fields: Vec::new(),
            });
        }
        puts
    }
}

fn step_to<T: Thing>(thing: &T, stored: Option<&T>, fingerprints: &Fingerprints<'_>) -> PlanStep {
    let (action, fields) = match stored {
        None => (PlanAction::Create, Vec::new()),
        Some(stored) if stored == thing => (PlanAction::Keep, Vec::new()),
        Some(stored) => {
            (PlanAction::Change, step_between(&stored.fields(fingerprints), &thing.fields(fingerprints)))
        }
    };
    PlanStep { kind: T::KIND, name: thing.key().into_owned(), action, fields }
}

/// The fields that differ: first those that are there now, in their order, then those that come.
pub(super) fn step_between(from: &[Field], to: &[Field]) -> Vec<FieldChange> {
    let (before, after) = (by_name(from), by_name(to));
    let gone_or_changed = from.iter().filter_map(|field| {
        let now = after.get(field.name.as_str());
        let differs = now.is_none_or(|now| now.compared != field.compared);
        let shown = |field: &Field| Some(field.shown.clone());
        differs.then(|| FieldChange {
            field: field.name.clone(),
            from: shown(field),
            to: now.and_then(|now| shown(now)),
        })
    });
    let come = to.iter().filter(|field| !before.contains_key(field.name.as_str())).map(|field| FieldChange {
        field: field.name.clone(),
        from: None,
        to: Some(field.shown.clone()),
    });
    gone_or_changed.chain(come).collect()
}

fn by_name(fields: &[Field]) -> HashMap<&str, &Field> {
    fields.iter().map(|field| (field.name.as_str(), field)).collect()
}

impl Thing for Account {
    const KIND: ThingKind = ThingKind::Account;
    fn key(&self) -> Cow<'_, str> {
        self.name.0.as_str().into()
    }
    fn fields(&self, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
        fields::of_account(self, fingerprints)
    }
    fn put(&self) -> Change {
        Change::PutAccount(Box::new(self.clone()))
    }
    fn remove(&self) -> Change {
        Change::RemoveAccount(self.name.clone())
    }
}

impl Thing for Carrier {
    const KIND: ThingKind = ThingKind::Carrier;
    fn key(&self) -> Cow<'_, str> {
        self.id.as_str().into()
    }
    fn fields(&self, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
        fields::of_carrier(self, fingerprints)
    }
    fn put(&self) -> Change {
        Change::PutCarrier(Box::new(self.clone()))
    }
    fn remove(&self) -> Change {
        Change::RemoveCarrier(self.id.clone())
    }
}

impl Thing for Lookup {
    const KIND: ThingKind = ThingKind::Lookup;
    fn key(&self) -> Cow<'_, str> {
        "".into()
    }
    fn fields(&self, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
        fields::of_lookup(self, fingerprints)
    }
    fn put(&self) -> Change {
        Change::SetLookup(Some(self.clone()))
    }
    fn remove(&self) -> Change {
        Change::SetLookup(None)
    }
}

impl Thing for Range {
    const KIND: ThingKind = ThingKind::Range;
    fn key(&self) -> Cow<'_, str> {
        self.prefix.as_str().into()
    }
    fn fields(&self, _: &Fingerprints<'_>) -> Vec<Field> {
        fields::of_range(self)
    }
    fn put(&self) -> Change {
        Change::PutRange(self.clone())
    }
    fn remove(&self) -> Change {
        Change::RemoveRange(self.prefix.clone())
    }
}

impl Thing for Blacklisted {
    const KIND: ThingKind = ThingKind::Blacklist;
    fn key(&self) -> Cow<'_, str> {
        match &self.account {
            Some(account) => format!("{} for {account}", self.number.as_str()).into(),
            None => self.number.as_str().into(),
        }
    }
    fn fields(&self, _: &Fingerprints<'_>) -> Vec<Field> {
        // All of it is its key.
        Vec::new()
    }
    fn put(&self) -> Change {
        Change::PutBlacklisted(self.clone())
    }
    fn remove(&self) -> Change {
        Change::RemoveBlacklisted(self.clone())
    }
}
