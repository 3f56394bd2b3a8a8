//! Provisioning as the hot path reads it: one immutable snapshot with an index for each question.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Blacklisted, Lookup, Prefix, Provisioning,
    account::{Account, AccountName, AccountStatus},
    carrier::{Carrier, CarrierId},
};
use crate::address::{Msisdn, bare};

/// All of provisioning at one revision, indexed. Readers keep the one they began with.
#[derive(Debug, Default)]
pub struct Snapshot {
    revision: u64,
    by_vaspid: HashMap<String, Arc<Account>>,
    by_name: HashMap<AccountName, Arc<Account>>,
    carriers: HashMap<CarrierId, Arc<Carrier>>,
    aliases: HashMap<String, Arc<Carrier>>,
    ranges: HashMap<Prefix, CarrierId>,
    longest_prefix: usize,
    blacklist: HashSet<Blacklisted>,
    lookup: Lookup,
    /// Where messages from handsets go, by the short code or number that they are sent to.
    destinations: HashMap<String, Destination>,
}

/// The service that a message from a handset is for.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Whose it is.
    pub account: Arc<Account>,
    /// Its VASID.
    pub vasid: String,
}

impl Snapshot {
    /// Indexes provisioning.
    pub fn new(provisioning: Provisioning) -> Self {
        let accounts: Vec<_> = provisioning.accounts.into_iter().map(Arc::new).collect();
        let carriers: Vec<_> = provisioning.carriers.into_iter().map(Arc::new).collect();
        let aliases = carriers
            .iter()
            .flat_map(|carrier| carrier.aliases.iter().map(|alias| (alias.clone(), Arc::clone(carrier))));
        let ranges: HashMap<_, _> =
            provisioning.ranges.into_iter().map(|range| (range.prefix, range.carrier)).collect();
        Self {
            destinations: destinations(&accounts),
            revision: provisioning.revision,
            by_vaspid: accounts
                .iter()
                .map(|account| (account.vaspid.hash.clone(), Arc::clone(account)))
                .collect(),
            aliases: aliases.collect(),
            carriers: carriers.iter().map(|carrier| (carrier.id.clone(), Arc::clone(carrier))).collect(),
            by_name: accounts.into_iter().map(|account| (account.name.clone(), account)).collect(),
            longest_prefix: ranges.keys().map(|prefix| prefix.as_str().len()).max().unwrap_or(0),
            ranges,
            blacklist: provisioning.blacklist.into_iter().collect(),
            lookup: provisioning.lookup.unwrap_or_default(),
        }
    }

    /// The revision it was made from.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The account of a VASPID, by its keyed hash.
    pub fn account_by_vaspid(&self, hash: &str) -> Option<&Arc<Account>> {
        self.by_vaspid.get(hash)
    }

    /// The account of a name.
    pub fn account(&self, name: &AccountName) -> Option<&Arc<Account>> {
        self.by_name.get(name)
    }

    /// The carrier of an id.
    pub fn carrier(&self, id: &CarrierId) -> Option<&Arc<Carrier>> {
        self.carriers.get(id)
    }

    /// The carrier that a request names, by id or alias.
    pub fn named_carrier(&self, text: &str) -> Option<&Arc<Carrier>> {
        self.carriers.get(&CarrierId(text.to_owned())).or_else(|| self.aliases.get(text))
    }

    /// Every carrier.
    pub fn carriers(&self) -> impl Iterator<Item = &Arc<Carrier>> {
        self.carriers.values()
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.by_name.values()
    }

    /// The carrier that the ranges give a number: the longest prefix wins.
    pub fn carrier_by_range(&self, number: &Msisdn) -> Option<&Arc<Carrier>> {
        self.range_of(number).and_then(|(_, id)| self.carriers.get(id))
    }

    /// The range that a number is in, and its carrier.
    pub fn range_of(&self, number: &Msisdn) -> Option<(&Prefix, &CarrierId)> {
        let digits = number.as_str();
        (0..=self.longest_prefix.min(digits.len()))
            .rev()
            .find_map(|length| self.ranges.get_key_value(digits.get(..length)?))
    }

    /// The service that a message from a handset to this address is for: the first, by account name, that sends under it and may
    /// use MM7.
    pub fn destination(&self, address: &str) -> Option<&Destination> {
        self.destinations.get(&comparable(address))
    }

    /// Whether a number gets nothing from an account.
    pub fn is_blacklisted(&self, number: &Msisdn, account: &AccountName) -> bool {
        let entry = |account| Blacklisted { number: number.clone(), account };
        !self.blacklist.is_empty()
            && (self.blacklist.contains(&entry(None))
                || self.blacklist.contains(&entry(Some(account.clone()))))
    }

    /// Whether a number gets nothing from anybody.
    pub fn is_blocked(&self, number: &Msisdn) -> bool {
        self.blacklist.contains(&Blacklisted { number: number.clone(), account: None })
    }

    /// How carriers are looked up.
    pub const fn lookup(&self) -> &Lookup {
        &self.lookup
    }
}

fn destinations(accounts: &[Arc<Account>]) -> HashMap<String, Destination> {
    let mut open: Vec<_> =
        accounts.iter().filter(|account| account.mm7 && account.status == AccountStatus::Active).collect();
    open.sort_by(|one, other| one.name.cmp(&other.name));
    let mut destinations = HashMap::new();
    for account in open {
        for service in &account.services {
            for sender in &service.senders {
                let destination =
                    || Destination { account: Arc::clone(account), vasid: service.vasid.clone() };
                destinations.entry(comparable(sender)).or_insert_with(destination);
            }
        }
    }
    destinations
}

/// What is the same for all spellings of an address.
fn comparable(address: &str) -> String {
    bare(address).to_ascii_lowercase()
}
