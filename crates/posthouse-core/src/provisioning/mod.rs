//! Provisioning as a whole: what the store holds, and the changes that are made to it.

pub mod account;
pub mod carrier;
pub mod certificate;
pub mod tls;
pub mod vocabulary;

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, AccountName},
    carrier::{Carrier, CarrierId},
    time::serde_duration,
    tls::PeerTls,
};

/// How a number's carrier is found when the request does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupProvider {
    /// By the provisioned ranges.
    Ranges,
    /// By asking an HTTP service.
    Http,
    /// By DNS (ENUM, RFC 6116).
    Enum,
}

/// The lookup section of provisioning (contract section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// Who knows.
    pub provider: LookupProvider,
    /// Where to ask: for [`LookupProvider::Http`] a URL in which `{msisdn}` stands for the number, for [`LookupProvider::Enum`]
    /// `dns://server[:port]/zone`.
    pub url: Option<String>,
    /// How long an answer may take.
    #[serde(with = "serde_duration")]
    pub timeout: Duration,
    /// How long an answer is good.
    #[serde(with = "serde_duration")]
    pub cache: Duration,
    /// A file of numbers that moved to another carrier, which counts before the provider; an absolute path.
    #[serde(default)]
    pub ported: Option<PathBuf>,
    /// How TLS is spoken where the URL is https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PeerTls>,
}

impl Default for Lookup {
    /// By ranges, with the times of contract section 3.
    fn default() -> Self {
        Self {
            provider: LookupProvider::Ranges,
            url: None,
            timeout: Duration::from_millis(500),
            cache: Duration::from_secs(24 * 3600),
            ported: None,
            tls: None,
        }
    }
}

/// Numbers with this prefix belong to this carrier; the longest prefix wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The leading digits.
    pub prefix: String,
    /// Whose they are.
    pub carrier: CarrierId,
}

/// A number that gets no messages: 3001.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blacklisted {
    /// The number, digits only.
    pub number: String,
    /// From whom; `None`: from every account.
    pub account: Option<AccountName>,
}

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
    RemoveRange(String),
    /// Keyed by number and account.
    PutBlacklisted(Blacklisted),
    /// By number and account.
    RemoveBlacklisted(Blacklisted),
}
