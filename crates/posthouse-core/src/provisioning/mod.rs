//! Provisioning as a whole: what the store holds, and the changes that are made to it.

pub mod account;
pub mod carrier;
pub mod certificate;
mod check;
pub mod csv;
mod dialect;
mod difference;
pub mod export;
mod fields;
mod lookup;
mod losses;
pub mod partial;
mod range;
pub mod reading;
pub mod revision;
mod snapshot;
pub mod tls;
pub mod tree;
pub mod verbs;
pub mod vocabulary;

pub use check::{Certificates, Declared, Ground, MOST_BYTES, Ports, Secrets, check, network};
pub use dialect::DialectName;
pub use difference::{FieldChange, Plan, PlanAction, PlanStep, ThingKind, plan};
pub use fields::Fingerprints;
pub use lookup::{Lookup, LookupProvider, LookupUrl, NumberUrl, NumberUrlError, Zone};
pub use range::{Blacklisted, Prefix, Range};
pub use snapshot::{Destination, Snapshot};

pub use crate::words;

use self::{
    account::{Account, AccountName},
    carrier::{Carrier, CarrierId},
};

/// All that is provisioned, at one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provisioning {
    /// Counts changes; 0 before the first.
    pub revision: u64,
    /// The accounts, by name.
    pub accounts: Vec<Account>,
    /// The carriers, by id.
    pub carriers: Vec<Carrier>,
    /// How carriers are looked up; `None` where nothing was provisioned, which means the default.
    pub lookup: Option<Lookup>,
    /// The ranges, by prefix.
    pub ranges: Vec<Range>,
    /// The blacklist, by number.
    pub blacklist: Vec<Blacklisted>,
}

/// One change of provisioning. A `Put` replaces what has the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Keyed by name.
    PutAccount(Box<Account>),
    /// An account that is not there is no error.
    RemoveAccount(AccountName),
    /// Keyed by id.
    PutCarrier(Box<Carrier>),
    /// A carrier that is not there is no error.
    RemoveCarrier(CarrierId),
    /// `None` returns to the default.
    SetLookup(Option<Lookup>),
    /// Keyed by prefix.
    PutRange(Range),
    /// By prefix.
    RemoveRange(Prefix),
    /// Keyed by number and account.
    PutBlacklisted(Blacklisted),
    /// By number and account.
    RemoveBlacklisted(Blacklisted),
}
