//! From a tree to what it declares: accounts, carriers, lookup, ranges and blacklist, as somebody wants them to be.
//!
//! What is declared leaves here as the store keeps it: VASPIDs and the passwords that others show us are hashed while they are read
//! ([`Secrets`]), and nothing behind this module sees them. A password that has not changed keeps its stored hash.

mod account;
mod carrier;
mod names;
mod values;

use std::{collections::HashMap, collections::HashSet, fmt::Display, hash::Hash, time::Duration};

use mm7::VaspId;

use self::names::{Known, Named, Once};
use super::{
    Blacklisted, Lookup, LookupProvider, LookupUrl, Provisioning, Range,
    account::{Account, AccountName, FurtherKey, OwnCredentials, ShownCredentials, VaspKey},
    carrier::{Carrier, CarrierId},
    reading::{Located, Problems, Reader, Table, Unfit},
    tls::{Identity, PeerTls},
    tree::{Entries, Spot},
};
use crate::mistake::Mistake;

pub use values::{MOST_BYTES, network};

/// A SenderAddress, for those who add one without a file.
///
/// # Errors
/// What is wrong with it, to stand after it.
pub(super) fn sender(text: String) -> Result<String, Mistake> {
    values::sender(text).map_err(|unfit| match unfit {
        Unfit::Value(what) | Unfit::Alone(what) => what,
    })
}

/// How long a peer may take to answer when nothing else is said.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// The most requests a second, or at once, that a limit may allow.
const MOST_REQUESTS: u64 = 1_000_000;
/// The largest message, in bytes, that an account may send and that a carrier takes when it does not say.
const MESSAGE_BYTES: u64 = 1024 * 1024;

/// Hashes the secrets that are declared.
pub trait Secrets {
    /// A VASPID as it is kept.
    fn vasp_key(&self, vaspid: &str) -> VaspKey;

    /// A password as it is kept: a slow, salted hash.
    ///
    /// # Errors
    /// Why it could not be hashed, in a sentence without a full stop.
    fn hash_password(&self, password: &str) -> Result<String, String>;

    /// Whether a password is the one that was hashed.
    fn is_password(&self, password_hash: &str, password: &str) -> bool;
}

/// Reads certificates and keys in PEM form.
pub trait Certificates {
    /// The PEM text that is meant: what is written, or what the file of that name holds.
    ///
    /// # Errors
    /// Why there is none. It stands after the place, and quotes nothing: what was written may be a key.
    fn text(&self, written: &str) -> Result<String, Mistake>;

    /// Whether TLS can be spoken with these.
    ///
    /// # Errors
    /// Which of `ca`, `cert` and `key` is to blame, and why not.
    fn check(&self, tls: &PeerTls) -> Result<(), (&'static str, Mistake)>;
}

/// What provisioning needs of the world: it does no I/O itself.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// For VASPIDs and passwords.
    pub secrets: &'a dyn Secrets,
    /// For TLS.
    pub certificates: &'a dyn Certificates,
}

/// What is declared. Things come in the order in which they were declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// The accounts, each with all its services.
    pub accounts: Vec<Account>,
    /// The carriers, each with all its connections.
    pub carriers: Vec<Carrier>,
    /// How carriers are looked up, when that is declared.
    pub lookup: Option<Lookup>,
    /// The ranges.
    pub ranges: Vec<Range>,
    /// The blacklist.
    pub blacklist: Vec<Blacklisted>,
    /// Whether what is not declared goes.
    pub prune: bool,
}

/// What is declared against: it may name carriers and accounts that the store has, and must not clash with them.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// What the store holds.
    pub current: &'a Provisioning,
    /// Whether what is not declared goes.
    pub prune: bool,
}

/// Understands a tree whose top level stands at `spot`.
///
/// # Errors
/// All that is wrong, at once.
pub fn check<'r>(
    reader: &'r Reader<'r>,
    (tree, spot): (Entries<'r>, Spot),
    ports: Ports<'r>,
    ground: Ground<'r>,
) -> Result<Declared, Problems> {
    let mut root = reader.root(tree, spot);
    let mut reading = Reading::new(reader, ports, ground);
    let declared = Declared {
        accounts: each(root.tables("account"), |table| reading.account(table)),
        carriers: each(root.tables("carrier"), |table| reading.carrier(table)),
        lookup: root.table("lookup").map(|table| reading.lookup(table)),
        ranges: each(root.tables("range"), |table| reading.range(table)),
        blacklist: each(root.tables("blacklist"), |table| reading.blacklisted(table)),
        prune: ground.prune,
    };
    drop(root);
    reading.compare(&declared);
    reader.finish(declared)
}

fn each<'r, T>(tables: impl Iterator<Item = Table<'r>>, read: impl FnMut(Table<'r>) -> Option<T>) -> Vec<T> {
    tables.filter_map(read).collect()
}

/// What has been seen so far.
struct Reading<'r> {
    reader: &'r Reader<'r>,
    ports: Ports<'r>,
    ground: Ground<'r>,
    account_names: Once,
    /// By their hashes.
    vaspids: Once,
    /// Ids and aliases of carriers.
    carrier_ids: Once,
    prefixes: Once,
    numbers: Once,
    /// The store's accounts, by name.
    stored_accounts: HashMap<&'r str, &'r Account>,
    /// The store's carriers, by id.
    stored_carriers: HashMap<&'r str, &'r Carrier>,
    /// Where carriers are named that have to be known.
    carriers_named: Named,
    /// Where carriers are named that may be known.
    carriers_reached: Named,
    /// Where accounts are named that have to be known.
    accounts_named: Named,
}

impl<'r> Reading<'r> {
    fn new(reader: &'r Reader<'r>, ports: Ports<'r>, ground: Ground<'r>) -> Self {
        Self {
            reader,
            ports,
            ground,
            account_names: Once::default(),
            vaspids: Once::default(),
            carrier_ids: Once::default(),
            prefixes: Once::default(),
            numbers: Once::default(),
            stored_accounts: by(&ground.current.accounts, |account| &account.name.0),
            stored_carriers: by(&ground.current.carriers, |carrier| carrier.id.as_str()),
            carriers_named: Named::default(),
            carriers_reached: Named::default(),
            accounts_named: Named::default(),
        }
    }

    fn range(&mut self, mut table: Table<'_>) -> Option<Range> {
        let prefix = table.required("prefix", "\"1617\"", values::prefix);
        if let Some(prefix) = &prefix {
            self.prefixes.check(&table, "prefix", prefix.as_str(), &format!("\"{prefix}\""));
        }
        let carrier = table.required("carrier", "\"31003\"", values::carrier_id)?;
        self.carriers_named.note(&carrier, table.spot_of("carrier"), "range.carrier");
        Some(Range { prefix: prefix?, carrier: CarrierId(carrier) })
    }

    fn blacklisted(&mut self, mut table: Table<'_>) -> Option<Blacklisted> {
        let number = table.required("number", "\"16175550199\"", values::number);
        let account = table.parsed("account", values::name);
        if let Some(account) = &account {
            self.accounts_named.note(account, table.spot_of("account"), "blacklist.account");
        }
        if let Some(number) = &number {
            let entry = format!("{} {}", number.as_str(), account.as_deref().unwrap_or_default());
            self.numbers.check(&table, "number", &entry, "this number");
        }
        Some(Blacklisted { number: number?, account: account.map(AccountName) })
    }

    fn lookup(&self, mut table: Table<'_>) -> Lookup {
        let default = Lookup::default();
        let provider = table.parsed("provider", values::word).unwrap_or(default.provider);
        match provider {
            LookupProvider::Ranges => {}
            LookupProvider::Http => table.require("url", "\"http://127.0.0.1:9200/lookup/{msisdn}\""),
            LookupProvider::Enum => table.require("url", "\"dns://127.0.0.1:53/e164.arpa\""),
        }
        let stored = self.ground.current.lookup.as_ref();
        let stored_url = stored.and_then(|stored| stored.url.as_ref());
        let url = url(&mut table, "url", stored_url, |url| match provider {
            LookupProvider::Enum => values::zone(url).map(LookupUrl::Zone),
            LookupProvider::Ranges | LookupProvider::Http => values::number_url(url).map(LookupUrl::Service),
        });
        let outside = self.reader.outside();
        Lookup {
            provider,
            url,
            timeout: table.duration("timeout").unwrap_or(default.timeout),
            cache: table.duration("cache").unwrap_or(default.cache),
            tls: self.peer_tls(&mut table, stored.and_then(|stored| stored.tls.as_ref())),
            ported: table.parsed("ported", |name: String| outside.file(&name).map_err(Unfit::Value)),
        }
    }

    /// `tls = { ca, cert, key }` of a peer that the gateway calls. Its files are read here and now, and what they hold is provisioned:
    /// it is the same on every node, and in force when it was applied.
    fn peer_tls(&self, table: &mut Table<'_>, stored: Option<&PeerTls>) -> Option<PeerTls> {
        let certificates = self.ports.certificates;
        let mut table = table.table("tls")?;
        if table.has("cert") {
            table.require("key", "\"key.pem\"");
        }
        if table.has("key") {
            table.require("cert", "\"cert.pem\"");
        }
        let text = |written: String| certificates.text(&written).map_err(Unfit::Alone);
        let ca = table.parsed("ca", text);
        let cert = table.parsed("cert", text);
        let stored = stored.and_then(|stored| Some(stored.identity.as_ref()?.key.clone()));
        let key = table.kept_or("key", stored, |table| table.parsed("key", text));
        let tls = PeerTls { ca, identity: cert.zip(key).map(|(cert, key)| Identity { cert, key }) };
        if let Err((key, why)) = certificates.check(&tls) {
            table.wrong(key, why.at("it"));
        }
        Some(tls)
    }

    /// What others show us. A password that the stored hash is of keeps that hash: it has not changed.
    fn shown_credentials(
        &self,
        table: &mut Table<'_>,
        stored: Option<&ShownCredentials>,
    ) -> Option<ShownCredentials> {
        let mut table = table.table("basic_auth")?;
        let hash = stored.map(|stored| stored.password_hash.clone());
        let (username, password) = credentials(&mut table, |table| {
            if table.is_kept("password") {
                let kept = hash.clone().map(Password::Kept);
                return kept.or_else(|| {
                    table.wrong("password", ("the store keeps nothing here", "write the value itself"));
                    None
                });
            }
            table.secret("password").map(|(password, _)| Password::Said(password))
        })?;
        let password = match password {
            Password::Kept(password_hash) => return Some(ShownCredentials { username, password_hash }),
            Password::Said(password) => password,
        };
        let secrets = self.ports.secrets;
        let kept = stored.filter(|stored| secrets.is_password(&stored.password_hash, &password));
        let hashed = match kept {
            Some(stored) => Ok(stored.password_hash.clone()),
            None => secrets.hash_password(&password),
        };
        match hashed {
            Ok(password_hash) => Some(ShownCredentials { username, password_hash }),
            Err(error) => {
                table.wrong("password", (error, "try again"));
                None
            }
        }
    }

    /// Compares what was read with itself and with what stays in the store.
    fn compare(&self, declared: &Declared) {
        let current = self.ground.current;
        let names: HashSet<_> = declared.accounts.iter().map(|account| &account.name).collect();
        let ids: HashSet<_> = declared.carriers.iter().map(|carrier| &carrier.id).collect();
        let stay = !self.ground.prune;
        let accounts = current.accounts.iter().filter(|account| stay && !names.contains(&account.name));
        let carriers = current.carriers.iter().filter(|carrier| stay && !ids.contains(&carrier.id));
        self.compare_vaspids(accounts.clone());
        self.compare_carrier_ids(carriers.clone());
        self.compare_account_names(accounts.chain(&declared.accounts));
        self.compare_carrier_names(&carriers.chain(&declared.carriers).collect::<Vec<_>>());
    }

    fn compare_vaspids<'a>(&self, staying: impl Iterator<Item = &'a Account>) {
        for account in staying {
            let further = account.further_keys.iter().filter_map(FurtherKey::vaspid);
            let mut hashes = std::iter::once(&account.vaspid).chain(further).map(|key| &key.hash);
            if let Some(spot) = hashes.find_map(|hash| self.vaspids.spot(hash)) {
                let owner = &account.name.0;
                let what = format!("account.vaspid: this VASPID is that of account {owner:?} in the store");
                self.reader.wrong(spot, (what, "give each its own"));
            }
        }
    }

    fn compare_carrier_ids<'a>(&self, staying: impl Iterator<Item = &'a Carrier>) {
        for carrier in staying {
            for id in std::iter::once(&carrier.id.0).chain(&carrier.aliases) {
                if let Some(spot) = self.carrier_ids.spot(id) {
                    let owner = &carrier.id.0;
                    let what = format!("carrier: {id:?} means carrier {owner:?} in the store");
                    self.reader.wrong(spot, (what, "give each its own"));
                }
            }
        }
    }

    fn compare_account_names<'a>(&self, accounts: impl Iterator<Item = &'a Account>) {
        let known = Known::new("account", accounts.map(|account| account.name.0.as_str()));
        for (name, places) in self.accounts_named.unknown(&known) {
            let goes = self.stored_accounts.contains_key(name);
            known.refuse(self.reader, name, places, goes);
        }
    }

    fn compare_carrier_names(&self, carriers: &[&Carrier]) {
        let known = Known::new("carrier", carriers.iter().map(|carrier| carrier.id.as_str()));
        let aliases: HashMap<&str, &str> = carriers
            .iter()
            .flat_map(|carrier| carrier.aliases.iter().map(|alias| (alias.as_str(), carrier.id.as_str())))
            .collect();
        let unknown = self.carriers_named.unknown(&known).chain(self.carriers_reached.unknown(&known));
        for (name, places) in unknown {
            if let Some(id) = aliases.get(name) {
                let what = Mistake::from((
                    format!("{name:?} is an alias"),
                    format!("write the carrier's id, {id:?}"),
                ));
                places.iter().for_each(|place| place.wrong(self.reader, &what));
            }
        }
        for (name, places) in self.carriers_named.unknown(&known) {
            if !aliases.contains_key(name) {
                let goes = self.stored_carriers.contains_key(name);
                known.refuse(self.reader, name, places, goes);
            }
        }
    }
}

fn by<'a, T>(things: &'a [T], key: impl Fn(&'a T) -> &'a str) -> HashMap<&'a str, &'a T> {
    things.iter().map(|thing| (key(thing), thing)).collect()
}

/// A list whose values are all different, with their spots.
fn located<U: Eq + Hash + Display>(
    table: &mut Table<'_>,
    key: &'static str,
    check: impl Fn(String) -> Result<U, Unfit>,
) -> Option<Vec<Located<U>>> {
    let values = table.list(key, check)?;
    let mut earlier = HashSet::new();
    for Located { spot, value } in &values {
        if !earlier.insert(value) {
            table.wrong_at(spot, key, (format!("\"{value}\" is there twice"), "keep one"));
        }
    }
    Some(values)
}

fn distinct<U: Eq + Hash + Display>(
    table: &mut Table<'_>,
    key: &'static str,
    check: impl Fn(String) -> Result<U, Unfit>,
) -> Option<Vec<U>> {
    Some(located(table, key, check)?.into_iter().map(|value| value.value).collect())
}

/// A list that says something.
fn not_empty(
    table: &mut Table<'_>,
    key: &'static str,
    check: impl Fn(String) -> Result<String, Unfit>,
) -> Option<Vec<String>> {
    let values = distinct(table, key, check)?;
    if values.is_empty() {
        table.wrong(key, ("the list is empty", "write at least one value"));
    }
    Some(values)
}

fn message_bytes(table: &mut Table<'_>) -> u64 {
    table.number("max_message_bytes", 1..=MOST_BYTES).unwrap_or(MESSAGE_BYTES)
}

/// A VASPID. It is a key: no message shows it.
fn vaspid(table: &mut Table<'_>) -> Option<VaspId> {
    let (text, _) = table.secret("vaspid")?;
    let vaspid = VaspId::new(&text);
    if vaspid.is_err() {
        table.wrong("vaspid", ("this is only white space, or longer than 512 bytes", "write the key itself"));
    }
    vaspid.ok()
}

/// What we show others.
fn own_credentials(table: &mut Table<'_>, stored: Option<&OwnCredentials>) -> Option<OwnCredentials> {
    let mut table = table.table("basic_auth")?;
    let stored = stored.map(|stored| stored.password.clone());
    let read = |table: &mut Table<'_>| Some(table.secret("password")?.0);
    let (username, password) = credentials(&mut table, |table| table.kept_or("password", stored, read))?;
    Some(OwnCredentials { username, password })
}

/// A password that is declared: itself, or that it stays what it is.
enum Password {
    /// The password.
    Said(String),
    /// What the store keeps of it.
    Kept(String),
}

/// A user name, and a password as it is read.
fn credentials<'r, P>(
    table: &mut Table<'r>,
    password: impl FnOnce(&mut Table<'r>) -> Option<P>,
) -> Option<(String, P)> {
    let username = table.required("username", "\"acme\"", values::username);
    table.require("password", "\"…\"");
    let password = password(table)?;
    Some((username?, password))
}

/// A URL, which may be one that is kept: it may hold a key.
fn url<U: Clone>(
    table: &mut Table<'_>,
    key: &'static str,
    stored: Option<&U>,
    read: impl FnOnce(String) -> Result<U, Unfit>,
) -> Option<U> {
    table.kept_or(key, stored.cloned(), |table| table.parsed(key, read))
}

#[cfg(test)]
mod tests;
