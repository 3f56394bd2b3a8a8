//! Provisioning as the hot path reads it: one immutable snapshot with an index for each question.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Blacklisted, Change, Lookup, Prefix, Provisioning,
    account::{Account, AccountName, AccountStatus},
    carrier::{Carrier, CarrierId},
};
use crate::address::{Msisdn, bare};

/// The account that a VASPID means, and from when on it means that account no more.
type AccountTill = (Arc<Account>, Option<Timestamp>);

/// All of provisioning at one revision, indexed. Readers keep the one they began with.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    revision: u64,
    by_vaspid: Arc<HashMap<String, AccountTill>>,
    by_name: Arc<HashMap<AccountName, Arc<Account>>>,
    carriers: Arc<HashMap<CarrierId, Arc<Carrier>>>,
    /// The carrier inside of the gateway, which is not provisioned.
    sandbox: Option<Arc<Carrier>>,
    aliases: Arc<HashMap<String, Arc<Carrier>>>,
    ranges: Arc<HashMap<Prefix, CarrierId>>,
    longest_prefix: usize,
    blacklist: Arc<Blocked>,
    lookup: Arc<Lookup>,
    /// Where messages from handsets go, by the short code or number that they are sent to.
    destinations: Arc<HashMap<String, Destination>>,
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
        let mut blacklist = Blocked::default();
        provisioning.blacklist.into_iter().for_each(|entry| blacklist.put(&entry));
        let mut by_vaspid = HashMap::new();
        for account in &accounts {
            for key in &account.further_keys {
                let hash = key.vaspid().map(|vaspid| vaspid.hash.clone());
                by_vaspid.extend(hash.map(|hash| (hash, (Arc::clone(account), key.until))));
            }
        }
        let own = accounts.iter().map(|account| (account.vaspid.hash.clone(), (Arc::clone(account), None)));
        by_vaspid.extend(own);
        Self {
            destinations: Arc::new(destinations(&accounts)),
            revision: provisioning.revision,
            by_vaspid: Arc::new(by_vaspid),
            sandbox: Some(Arc::new(Carrier::sandbox())),
            aliases: Arc::new(aliases.collect()),
            carriers: Arc::new(
                carriers.iter().map(|carrier| (carrier.id.clone(), Arc::clone(carrier))).collect(),
            ),
            by_name: Arc::new(accounts.into_iter().map(|account| (account.name.clone(), account)).collect()),
            longest_prefix: longest(&ranges),
            ranges: Arc::new(ranges),
            blacklist: Arc::new(blacklist),
            lookup: Arc::new(provisioning.lookup.unwrap_or_default()),
        }
    }

    /// The same at a later revision, where changes up to there were about numbers alone: then it shares all else with this one. `None`
    /// where they were not.
    #[must_use]
    pub fn with_numbers(&self, revision: u64, changes: &[Change]) -> Option<Self> {
        let mut next = Self { revision, ..self.clone() };
        for change in changes {
            match change {
                Change::PutBlacklisted(entry) => Arc::make_mut(&mut next.blacklist).put(entry),
                Change::RemoveBlacklisted(entry) => Arc::make_mut(&mut next.blacklist).remove(entry),
                Change::PutRange(range) => {
                    let ranges = Arc::make_mut(&mut next.ranges);
                    ranges.insert(range.prefix.clone(), range.carrier.clone());
                }
                Change::RemoveRange(prefix) => {
                    Arc::make_mut(&mut next.ranges).remove(prefix);
                }
                _ => return None,
            }
        }
        if !Arc::ptr_eq(&self.ranges, &next.ranges) {
            next.longest_prefix = longest(&next.ranges);
        }
        Some(next)
    }

    /// The revision it was made from.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The account of a VASPID, by its keyed hash.
    pub fn account_by_vaspid(&self, hash: &str, now: Timestamp) -> Option<&Arc<Account>> {
        let (account, until) = self.by_vaspid.get(hash)?;
        until.is_none_or(|until| now < until).then_some(account)
    }

    /// The account of a name.
    pub fn account(&self, name: &AccountName) -> Option<&Arc<Account>> {
        self.by_name.get(name)
    }

    /// The carrier of an id, which may be the one inside of the gateway.
    pub fn carrier(&self, id: &CarrierId) -> Option<&Arc<Carrier>> {
        self.carriers.get(id).or_else(|| self.sandbox().filter(|_| id.is_sandbox()))
    }

    /// The carrier inside of the gateway, for accounts of the status `sandbox`. No request can name it, and no number is its.
    pub const fn sandbox(&self) -> Option<&Arc<Carrier>> {
        self.sandbox.as_ref()
    }

    /// The carrier that a request names, by id or alias.
    pub fn named_carrier(&self, text: &str) -> Option<&Arc<Carrier>> {
        self.carriers.get(&CarrierId(text.to_owned())).or_else(|| self.aliases.get(text))
    }

    /// Every carrier that is provisioned.
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
        self.blacklist.has(number, None) || self.blacklist.has(number, Some(account))
    }

    /// Whether a number gets nothing from anybody.
    pub fn is_blocked(&self, number: &Msisdn) -> bool {
        self.blacklist.has(number, None)
    }

    /// How carriers are looked up.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }
}

fn longest(ranges: &HashMap<Prefix, CarrierId>) -> usize {
    ranges.keys().map(|prefix| prefix.as_str().len()).max().unwrap_or(0)
}

/// Which numbers get nothing. They are kept as integers: a copy of a million takes milliseconds.
#[derive(Clone, Debug, Default)]
struct Blocked {
    by_all: HashSet<u64>,
    by_account: HashMap<AccountName, HashSet<u64>>,
}

impl Blocked {
    fn put(&mut self, entry: &Blacklisted) {
        let numbers = match &entry.account {
            None => &mut self.by_all,
            Some(account) => self.by_account.entry(account.clone()).or_default(),
        };
        numbers.insert(packed(&entry.number));
    }

    fn remove(&mut self, entry: &Blacklisted) {
        let numbers = match &entry.account {
            None => Some(&mut self.by_all),
            Some(account) => self.by_account.get_mut(account),
        };
        numbers.map(|numbers| numbers.remove(&packed(&entry.number)));
    }

    fn has(&self, number: &Msisdn, account: Option<&AccountName>) -> bool {
        let numbers = account.map_or(Some(&self.by_all), |account| self.by_account.get(account));
        numbers.is_some_and(|numbers| !numbers.is_empty() && numbers.contains(&packed(number)))
    }
}

/// A number of 7 to 15 digits, which does not begin with 0: no two are the same integer.
fn packed(number: &Msisdn) -> u64 {
    number.as_str().parse().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::Range;

    fn blocked(number: &str, account: Option<&str>) -> Blacklisted {
        let account = account.map(|name| AccountName(name.to_owned()));
        Blacklisted { number: Msisdn::parse(number, false).unwrap(), account }
    }

    fn range(prefix: &str, carrier: &str) -> Range {
        Range { prefix: Prefix::parse(prefix).unwrap(), carrier: CarrierId(carrier.to_owned()) }
    }

    #[test]
    fn changes_of_numbers_are_made_to_what_is_there_and_the_one_before_stays() {
        let before = Snapshot::new(Provisioning {
            revision: 7,
            ranges: vec![range("1617", "a")],
            blacklist: vec![blocked("16175550100", None), blocked("16175550101", Some("acme"))],
            ..Provisioning::default()
        });
        let changes = [
            Change::RemoveBlacklisted(blocked("16175550100", None)),
            Change::PutBlacklisted(blocked("16175550102", Some("acme"))),
            Change::PutRange(range("161755", "b")),
            Change::RemoveRange(Prefix::parse("1617").unwrap()),
        ];
        let after = before.with_numbers(9, &changes).unwrap();
        let (acme, number) = (AccountName("acme".to_owned()), |text| Msisdn::parse(text, false).unwrap());
        let gets_nothing = |snapshot: &Snapshot| {
            ["16175550100", "16175550101", "16175550102"]
                .map(|text| snapshot.is_blacklisted(&number(text), &acme))
        };
        assert_eq!((gets_nothing(&before), gets_nothing(&after)), ([true, true, false], [false, true, true]));
        assert!(before.is_blocked(&number("16175550100")) && !after.is_blocked(&number("16175550101")));
        let prefix = |snapshot: &Snapshot, text| {
            snapshot.range_of(&number(text)).map(|(prefix, _)| prefix.to_string())
        };
        assert_eq!(prefix(&before, "16175550100").as_deref(), Some("1617"));
        assert_eq!(prefix(&after, "16175550100").as_deref(), Some("161755"));
        assert_eq!(prefix(&after, "16170000000"), None);
        assert_eq!((before.revision(), after.revision()), (7, 9));
        assert!(before.with_numbers(8, &[Change::SetLookup(None)]).is_none());
    }
}
