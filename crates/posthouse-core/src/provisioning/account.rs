//! Accounts: the VASPs, their services, and where their reports go.

use std::{fmt, time::Duration};

use ipnet::IpNet;
use jiff::Timestamp;
use mm7::dialect::Statuses;
use serde::{Deserialize, Serialize};

use super::{
    carrier::CarrierId,
    certificate::CertificateRule,
    dialect::DialectName,
    tls::PeerTls,
    words::{serde_named, words},
};
use crate::{time::serde_duration, url::PeerUrl};

pub use crate::names::AccountName;

/// How many characters of a VASPID are kept to recognise it by.
const PREFIX_CHARACTERS: usize = 4;

/// A VASPID as it is kept: an API key is a secret, so only its keyed hash and a prefix for people remain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VaspKey {
    /// HMAC-SHA-256 of the VASPID under the store's own key, in hexadecimal.
    pub hash: String,
    /// The first few characters, to recognise it by.
    pub prefix: String,
}

impl VaspKey {
    /// The part of a VASPID that may be shown.
    pub fn prefix_of(vaspid: &str) -> String {
        vaspid.chars().take(PREFIX_CHARACTERS).collect()
    }
}

/// How many digits of its hash a key is called by.
const ID_DIGITS: usize = 10;

impl VaspKey {
    /// What it is called by.
    pub fn id(&self) -> &str {
        Self::id_of(&self.hash)
    }

    /// What the key of this hash is called by.
    pub fn id_of(hash: &str) -> &str {
        hash.get(..ID_DIGITS).unwrap_or(hash)
    }
}

words! {
    /// Whether an account may send.
    pub enum AccountStatus {
        /// It may send.
        Active = "active",
        /// It may send, to the carrier inside of the gateway: nothing of it reaches a handset.
        Sandbox = "sandbox",
        /// It may not send: its requests are refused by 2550.
        Disabled = "disabled",
    }
}

words! {
    /// Whether success (1000) waits for the carrier (contract 4.3).
    pub enum SubmitMode {
        /// 1000 means: on disk.
        Queue = "queue",
        /// The answer is the carrier's.
        Relay = "relay",
    }
}

/// Credentials that others show us: the password only as an Argon2 hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCredentials {
    /// The user name, compared byte for byte.
    pub username: String,
    /// The password as a PHC string (`$argon2id$…`).
    pub password_hash: String,
}

impl ShownCredentials {
    /// What it is called by: as many digits of a hash (FNV-1a) of what is kept.
    pub fn id(&self) -> String {
        let offset = 0xcbf2_9ce4_8422_2325_u64;
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = self.password_hash.bytes().fold(offset, mix);
        format!("{hash:016x}").chars().take(ID_DIGITS).collect()
    }
}

/// What an account shows us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySecret {
    /// A VASPID.
    Vaspid(VaspKey),
    /// A user name and password.
    Password(ShownCredentials),
}

impl KeySecret {
    /// What it is called by.
    pub fn id(&self) -> String {
        match self {
            Self::Vaspid(key) => key.id().to_owned(),
            Self::Password(credentials) => credentials.id(),
        }
    }
}

/// The most further keys that an account may have.
pub const MOST_FURTHER_KEYS: usize = 8;

/// A key that is as good as the account's own beside it: the one before, while both are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherKey {
    /// The key.
    pub secret: KeySecret,
    /// From when on it is none any more; `None`: till it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl FurtherKey {
    /// Whether it is good.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The VASPID, where it is one.
    pub const fn vaspid(&self) -> Option<&VaspKey> {
        match &self.secret {
            KeySecret::Vaspid(key) => Some(key),
            KeySecret::Password(_) => None,
        }
    }

    /// The user name and password, where it is that.
    pub const fn password(&self) -> Option<&ShownCredentials> {
        match &self.secret {
            KeySecret::Vaspid(_) => None,
            KeySecret::Password(credentials) => Some(credentials),
        }
    }
}

/// Credentials that we show others; they have to be kept as they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCredentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for OwnCredentials {
    /// Never shows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// How many SubmitReq an account may send: a bucket that holds `burst` and fills at `per_second`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// Requests a second, at least 1.
    pub per_second: u32,
    /// Requests at once, at least 1.
    pub burst: u32,
}

/// Where reports and MO of an account go, and how stubbornly (contract 4.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callbacks {
    /// Where DeliveryReportReq and ReadReplyReq are posted.
    pub report_url: Option<PeerUrl>,
    /// Where DeliverReq is posted.
    pub deliver_url: Option<PeerUrl>,
    /// The user name and password that we show the VASP.
    pub basic_auth: Option<OwnCredentials>,
    /// How TLS is spoken where the URLs are https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PeerTls>,
    /// How long the VASP may take to answer.
    #[serde(with = "serde_duration")]
    pub timeout: Duration,
    /// How long to wait after a failed try.
    #[serde(with = "serde_duration")]
    pub retry_after: Duration,
    /// How many tries follow the first.
    pub max_retries: u32,
    /// How many callbacks are under way at a time. Each message from a handset among them is in memory meanwhile.
    #[serde(default = "Callbacks::default_window")]
    pub window: u32,
}

impl Callbacks {
    /// As many as a small VASP's server takes without queueing.
    const fn default_window() -> u32 {
        16
    }
}

impl Default for Callbacks {
    /// Contract section 3: 10 s, again after 5 min, at most 5 times; 16 at a time.
    fn default() -> Self {
        Self {
            report_url: None,
            deliver_url: None,
            basic_auth: None,
            tls: None,
            timeout: Duration::from_secs(10),
            retry_after: Duration::from_secs(300),
            max_retries: 5,
            window: Self::default_window(),
        }
    }
}

/// One service of a VASP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its VASID.
    pub vasid: String,
    /// The SenderAddresses it may use.
    pub senders: Vec<String>,
    /// The carriers it reaches; `None`: every carrier.
    pub carriers: Option<Vec<CarrierId>>,
    /// Whether it is meant when a SubmitReq has no VASID.
    pub default: bool,
}

/// A VASP, as provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name for operators.
    pub name: AccountName,
    /// The VASPID that it is recognised by.
    pub vaspid: VaspKey,
    /// Whether it may send.
    pub status: AccountStatus,
    /// Whether it is provisioned for MM7; if not: 2551.
    pub mm7: bool,
    /// The user name and password that its requests must show, if any.
    pub basic_auth: Option<ShownCredentials>,
    /// VASPIDs and passwords that are as good as these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_keys: Vec<FurtherKey>,
    /// The networks that its requests may come from; empty: any.
    pub allowed_ips: Vec<IpNet>,
    /// The certificates of which its requests must come with one; empty: they need none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_certs: Vec<CertificateRule>,
    /// Whether its requests must come over TLS.
    pub require_tls: bool,
    /// How it talks.
    pub dialect: DialectName,
    /// Which words its reports use for delivery statuses; `None`: its dialect's.
    #[serde(default, with = "serde_named", skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Statuses>,
    /// Whether the TransactionID of what is written to it is marked mustUnderstand.
    #[serde(default = "Account::default_must_understand")]
    pub must_understand: bool,
    /// Whether read replies go to its `report_url`. They are on timelines either way.
    #[serde(default)]
    pub read_replies: bool,
    /// Whether its answers wait for the carrier.
    pub submit_mode: SubmitMode,
    /// How long an answer waits for the carrier at most.
    #[serde(with = "serde_duration")]
    pub relay_timeout: Duration,
    /// Whether each request must name its carrier.
    pub require_carrier_id: bool,
    /// The largest request body, in bytes.
    pub max_message_bytes: u64,
    /// How much it may send, if limited.
    pub throughput: Option<Throughput>,
    /// Where its reports and MO go.
    pub callbacks: Callbacks,
    /// Its services.
    pub services: Vec<Service>,
}

impl Account {
    /// As TS 23.140 clause 8.7.8.1 has it.
    const fn default_must_understand() -> bool {
        true
    }

    /// The user names and passwords of which its requests must show one: its own is the first. None where it needs none.
    pub fn passwords(&self, now: Timestamp) -> impl Iterator<Item = &ShownCredentials> {
        let further = self.further_keys.iter().filter(move |key| key.is_good(now));
        let needs_one = self.basic_auth.is_some();
        self.basic_auth.iter().chain(further.filter_map(FurtherKey::password).filter(move |_| needs_one))
    }

    /// The service of a VASID; without one, the default service.
    pub fn service(&self, vasid: Option<&str>) -> Option<&Service> {
        match vasid {
            Some(vasid) => self.services.iter().find(|service| service.vasid == vasid),
            None => self.services.iter().find(|service| service.default),
        }
    }
}
