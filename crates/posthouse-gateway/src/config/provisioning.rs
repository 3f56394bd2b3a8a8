//! A provisioning file: accounts, carriers, lookup, ranges and blacklist, as somebody wants them to be.
//!
//! What is declared leaves here as the store keeps it: VASPIDs and the passwords that others show us are hashed while they
//! are read, and nothing behind this module sees them. A password that has not changed keeps its stored hash.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    hash::Hash,
    time::Duration,
};

use mm7::{Dialect, MmStatus, StatusCode, VaspId};
use posthouse_core::{
    account::{
        Account, AccountName, AccountStatus, Callbacks, OwnCredentials, Service, ShownCredentials,
        SubmitMode, Throughput, VaspKey,
    },
    carrier::{Carrier, CarrierId, Connection, Inbound, OnUnknown},
    provisioning::{Blacklisted, DialectName, Lookup, LookupProvider, LookupUrl, Provisioning, Range},
    vocabulary::{Vocabulary, is_same_word},
};

use super::{
    check::{self, MOST_BYTES},
    peer_tls,
    reader::{ConfigErrors, ConfigFile, Environment, FreeEntry, Located, Problem, Reader, Table, nearest},
    secrets::{hash_password, vasp_key, verify_password},
};

const TEN_SECONDS: Duration = Duration::from_secs(10);
const THREE_DAYS: Duration = Duration::from_secs(72 * 60 * 60);

/// The most requests a second, or at once, that a limit may allow.
const MOST_REQUESTS: u64 = 1_000_000;
/// The widest window of a connection.
const WIDEST_WINDOW: u64 = 10_000;
/// The widest window of an account's callbacks.
const WIDEST_CALLBACK_WINDOW: u64 = 1000;
/// The last priority of a connection.
const MOST_PRIORITIES: u64 = 100;
/// The greatest weight of a connection.
const GREATEST_WEIGHT: u64 = 1000;
/// The most tries that may follow a callback's first.
const MOST_RETRIES: u64 = 1000;
/// The most words, and the most codes, of a carrier's own.
const MOST_OWN_WORDS: usize = 256;
/// How many names are compared with unknown ones, to find those that may be meant: some tenths of a second.
const MOST_COMPARED: usize = 100_000;
/// What an account or a carrier may send and take at most, when it does not say.
const MESSAGE_BYTES: u64 = 1024 * 1024;
/// The media types that a carrier takes when it does not say.
const CONTENT_TYPES: [&str; 8] = [
    "image/*",
    "text/plain",
    "application/smil",
    "audio/*",
    "video/*",
    // Business cards and dates, which handsets keep.
    "text/x-vcard",
    "text/vcard",
    "text/x-vcalendar",
];

/// What a file declares. Things come in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// The accounts, each with all its services.
    pub accounts: Vec<Account>,
    /// The carriers, each with all its connections.
    pub carriers: Vec<Carrier>,
    /// How carriers are looked up, when the file says so.
    pub lookup: Option<Lookup>,
    /// The ranges.
    pub ranges: Vec<Range>,
    /// The blacklist.
    pub blacklist: Vec<Blacklisted>,
    /// Whether what is not declared goes.
    pub prune: bool,
}

/// What a file is read against: it may name carriers and accounts that the store has, and must not clash with them.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// What the store holds.
    pub current: &'a Provisioning,
    /// The store's key, under which VASPIDs are hashed.
    pub key: &'a [u8; 32],
    /// Whether what the file does not name goes.
    pub prune: bool,
}

impl Declared {
    /// Understands a provisioning file.
    ///
    /// # Errors
    /// All mistakes of the file.
    pub fn parse(
        document: &ConfigFile,
        environment: &Environment<'_>,
        ground: Ground<'_>,
    ) -> Result<Self, ConfigErrors> {
        let reader = Reader::new(document, environment);
        let mut root = reader.root();
        let mut reading = Reading::new(&reader, ground);
        let declared = Self {
            accounts: each(root.tables("account"), |table| reading.account(table)),
            carriers: each(root.tables("carrier"), |table| reading.carrier(table)),
            lookup: root.table("lookup").map(|table| read_lookup(&reader, table)),
            ranges: each(root.tables("range"), |table| reading.range(table)),
            blacklist: each(root.tables("blacklist"), |table| reading.blacklisted(table)),
            prune: ground.prune,
        };
        drop(root);
        reading.compare(&declared);
        reader.finish(declared)
    }
}

fn each<'r, T>(tables: impl Iterator<Item = Table<'r>>, read: impl FnMut(Table<'r>) -> Option<T>) -> Vec<T> {
    tables.filter_map(read).collect()
}

/// Values that may be there once, each with the line where it is.
#[derive(Default)]
struct Once(HashMap<String, usize>);

impl Once {
    /// Notes a mistake where the value was there before. `shown` is the value for people.
    fn check(&mut self, table: &Table<'_>, key: &str, value: &str, shown: &str) {
        match self.0.get(value) {
            Some(first) => {
                table.wrong(key, format_args!("{shown} is there twice, first in line {first}; keep one"));
            }
            None => {
                self.0.insert(value.to_owned(), table.line_of(key));
            }
        }
    }

    fn line(&self, value: &str) -> Option<usize> {
        self.0.get(value).copied()
    }
}

/// What has been seen so far of a file.
struct Reading<'r> {
    reader: &'r Reader<'r>,
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
    fn new(reader: &'r Reader<'r>, ground: Ground<'r>) -> Self {
        Self {
            reader,
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

    fn account(&mut self, mut table: Table<'_>) -> Option<Account> {
        let name = required(&mut table, "name", "\"acme\"", check::name);
        if let Some(name) = &name {
            self.account_names.check(&table, "name", name, &format!("{name:?}"));
        }
        let stored = name.as_deref().and_then(|name| self.stored_accounts.get(name).copied());
        let vaspid = self.vaspid(&mut table);
        Some(Account {
            status: table.parsed("status", check::word).unwrap_or(AccountStatus::Active),
            mm7: table.value("mm7").unwrap_or(true),
            basic_auth: shown_credentials(&mut table, stored.and_then(|stored| stored.basic_auth.as_ref())),
            allowed_ips: distinct(&mut table, "allowed_ips", check::network).unwrap_or_default(),
            client_certs: distinct(&mut table, "client_certs", check::certificate_rule).unwrap_or_default(),
            require_tls: table.value("require_tls").unwrap_or(false),
            dialect: table.parsed("dialect", check::dialect).unwrap_or(DialectName::new(Dialect::POSTHOUSE)),
            statuses: table.parsed("statuses", check::statuses),
            must_understand: table.value("must_understand").unwrap_or(true),
            read_replies: table.value("read_replies").unwrap_or(false),
            submit_mode: table.parsed("submit_mode", check::word).unwrap_or(SubmitMode::Queue),
            relay_timeout: table.duration("relay_timeout").unwrap_or(TEN_SECONDS),
            require_carrier_id: table.value("require_carrier_id").unwrap_or(false),
            max_message_bytes: message_bytes(&mut table),
            throughput: table.table("throughput").and_then(read_throughput),
            callbacks: table
                .table("callbacks")
                .map(|table| read_callbacks(table, self.reader))
                .unwrap_or_default(),
            services: self.services(&mut table),
            // That these are missing was noted; every other key has been read by now.
            name: AccountName(name?),
            vaspid: vaspid?,
        })
    }

    fn vaspid(&mut self, table: &mut Table<'_>) -> Option<VaspKey> {
        table.require("vaspid", "\"…\", the key that the VASP sends");
        let key = vasp_key(self.ground.key, vaspid(table)?.as_str());
        self.vaspids.check(table, "vaspid", &key.hash, "this VASPID");
        Some(key)
    }

    fn services(&mut self, table: &mut Table<'_>) -> Vec<Service> {
        let (mut vasids, mut defaults) = (Once::default(), Once::default());
        each(table.tables("service"), |mut table| {
            let vasid = required(&mut table, "vasid", "\"61295\"", check::name);
            if let Some(vasid) = &vasid {
                vasids.check(&table, "vasid", vasid, &format!("{vasid:?}"));
            }
            let default = table.value("default").unwrap_or(false);
            if default {
                defaults.check(&table, "default", "", "a default service");
            }
            table.require("senders", "[\"111122\"]");
            let senders = not_empty(&mut table, "senders", check::sender).unwrap_or_default();
            let carriers = self.reach(&mut table);
            Some(Service { senders, carriers, default, vasid: vasid? })
        })
    }

    /// The carriers that a service names: a permission, which may come before the carrier does, and may be for none.
    fn reach(&mut self, table: &mut Table<'_>) -> Option<Vec<CarrierId>> {
        let named = located(table, "carriers", check::carrier_id)?;
        let place = "account.service.carriers";
        named.iter().for_each(|named| self.carriers_reached.note(&named.value, named.line, place));
        Some(named.into_iter().map(|named| CarrierId(named.value)).collect())
    }

    fn carrier(&mut self, mut table: Table<'_>) -> Option<Carrier> {
        let id = required(&mut table, "id", "\"31003\"", check::carrier_id);
        let aliases = table.list("aliases", check::carrier_id).unwrap_or_default();
        let aliases: Vec<_> = aliases.into_iter().map(|alias| alias.value).collect();
        if let Some(id) = &id {
            self.carrier_ids.check(&table, "id", id, &format!("{id:?}"));
        }
        for alias in &aliases {
            self.carrier_ids.check(&table, "aliases", alias, &format!("{alias:?}"));
        }
        let stored = id.as_deref().and_then(|id| self.stored_carriers.get(id).copied());
        let stored_credentials = stored.and_then(|stored| stored.inbound.basic_auth.as_ref());
        let content_types = not_empty(&mut table, "content_types", check::media_type);
        Some(Carrier {
            aliases,
            name: table.parsed("name", check::name).or_else(|| id.clone()).unwrap_or_default(),
            max_message_bytes: message_bytes(&mut table),
            content_types: content_types.unwrap_or_else(|| CONTENT_TYPES.map(str::to_owned).to_vec()),
            report_timeout: table.duration("report_timeout").unwrap_or(THREE_DAYS),
            on_unknown: table.parsed("on_unknown", check::word).unwrap_or(OnUnknown::Park),
            connections: read_connections(&mut table, self.reader),
            inbound: read_inbound(table.section("callbacks"), stored_credentials),
            vocabulary: Vocabulary {
                statuses: table.table("status_map").map(read_status_map).unwrap_or_default(),
                codes: table.table("code_map").map(read_code_map).unwrap_or_default(),
            },
            id: CarrierId(id?),
        })
    }

    fn range(&mut self, mut table: Table<'_>) -> Option<Range> {
        let prefix = required(&mut table, "prefix", "\"1617\"", check::prefix);
        if let Some(prefix) = &prefix {
            self.prefixes.check(&table, "prefix", prefix.as_str(), &format!("\"{prefix}\""));
        }
        let carrier = required(&mut table, "carrier", "\"31003\"", check::carrier_id)?;
        self.carriers_named.note(&carrier, table.line_of("carrier"), "range.carrier");
        Some(Range { prefix: prefix?, carrier: CarrierId(carrier) })
    }

    fn blacklisted(&mut self, mut table: Table<'_>) -> Option<Blacklisted> {
        let number = required(&mut table, "number", "\"16175550199\"", check::number);
        let account = table.parsed("account", check::name);
        if let Some(account) = &account {
            self.accounts_named.note(account, table.line_of("account"), "blacklist.account");
        }
        if let Some(number) = &number {
            let entry = format!("{} {}", number.as_str(), account.as_deref().unwrap_or_default());
            self.numbers.check(&table, "number", &entry, "this number");
        }
        Some(Blacklisted { number: number?, account: account.map(AccountName) })
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
            if let Some(line) = self.vaspids.line(&account.vaspid.hash) {
                let owner = &account.name.0;
                let what =
                    format!("this VASPID is that of account {owner:?} in the store; give each its own");
                self.reader.wrong(line, format!("account.vaspid: {what}"));
            }
        }
    }

    fn compare_carrier_ids<'a>(&self, staying: impl Iterator<Item = &'a Carrier>) {
        for carrier in staying {
            for id in std::iter::once(&carrier.id.0).chain(&carrier.aliases) {
                if let Some(line) = self.carrier_ids.line(id) {
                    let owner = &carrier.id.0;
                    let what = format!("{id:?} means carrier {owner:?} in the store; give each its own");
                    self.reader.wrong(line, format!("carrier: {what}"));
                }
            }
        }
    }

    fn compare_account_names<'a>(&self, accounts: impl Iterator<Item = &'a Account>) {
        let known = Known::new("account", accounts.map(|account| account.name.0.as_str()));
        for (name, places) in self.accounts_named.unknown(&known) {
            let goes = self.stored_accounts.contains_key(name);
            self.is_unknown(name, places, goes, &known);
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
                let what = format!("{name:?} is an alias; write the carrier's id, {id:?}");
                places.iter().for_each(|place| place.wrong(self.reader, &what));
            }
        }
        for (name, places) in self.carriers_named.unknown(&known) {
            if !aliases.contains_key(name) {
                let goes = self.stored_carriers.contains_key(name);
                self.is_unknown(name, places, goes, &known);
            }
        }
    }

    /// What is named in these places is not there, or the store has it and it `goes` with this file.
    fn is_unknown(&self, name: &str, places: &[Place], goes: bool, known: &Known<'_>) {
        let kind = known.kind;
        let what = if goes {
            let what = format!("{kind} {name:?} is not in this file and would be removed from the store");
            format!("{what}; declare it here, or leave out --prune")
        } else {
            let remedy = match known.nearest(name) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "declare it, or mend the name".to_owned(),
            };
            format!("{name:?} is no {kind} of this file or the store; {remedy}")
        };
        places.iter().for_each(|place| place.wrong(self.reader, &what));
    }
}

fn by<'a, T>(things: &'a [T], key: impl Fn(&'a T) -> &'a str) -> HashMap<&'a str, &'a T> {
    things.iter().map(|thing| (key(thing), thing)).collect()
}

/// The names of one kind of thing that may be meant.
struct Known<'a> {
    kind: &'static str,
    names: HashSet<&'a str>,
    /// The nearest of them are looked for in this order, so that the same file is told the same.
    sorted: Vec<&'a str>,
    /// How many names may still be compared with one that is unknown: each costs some time.
    may_compare: Cell<usize>,
}

impl<'a> Known<'a> {
    fn new(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Self {
        let names: HashSet<_> = names.collect();
        let mut sorted: Vec<_> = names.iter().copied().collect();
        sorted.sort_unstable();
        Self { kind, names, sorted, may_compare: Cell::new(MOST_COMPARED) }
    }

    /// The one that is nearest to what was written, if there is time to look for it.
    fn nearest(&self, written: &str) -> Option<&'a str> {
        self.may_compare.set(self.may_compare.get().checked_sub(self.sorted.len())?);
        nearest(written, &self.sorted)
    }
}

/// Names that were written, each with the places where it is.
#[derive(Default)]
struct Named(BTreeMap<String, Vec<Place>>);

impl Named {
    fn note(&mut self, name: &str, line: usize, what: &'static str) {
        let place = Place { line, what };
        match self.0.get_mut(name) {
            Some(places) => places.push(place),
            None => drop(self.0.insert(name.to_owned(), vec![place])),
        }
    }

    /// Those that are not known.
    fn unknown<'a>(&'a self, known: &'a Known<'_>) -> impl Iterator<Item = (&'a str, &'a [Place])> {
        let named = self.0.iter().map(|(name, places)| (name.as_str(), places.as_slice()));
        named.filter(|(name, _)| !known.names.contains(name))
    }
}

/// Where something is named.
struct Place {
    line: usize,
    what: &'static str,
}

impl Place {
    fn wrong(&self, reader: &Reader<'_>, what: &str) {
        reader.wrong(self.line, format!("{}: {what}", self.what));
    }
}

fn required<U>(
    table: &mut Table<'_>,
    key: &'static str,
    example: &str,
    check: impl FnOnce(String) -> Result<U, Problem>,
) -> Option<U> {
    table.require(key, example);
    table.parsed(key, check)
}

/// A list whose values are all different, with their lines.
fn located<U: Eq + Hash + Display>(
    table: &mut Table<'_>,
    key: &'static str,
    check: impl Fn(String) -> Result<U, Problem>,
) -> Option<Vec<Located<U>>> {
    let values = table.list(key, check)?;
    let mut earlier = HashSet::new();
    for Located { line, value } in &values {
        if !earlier.insert(value) {
            table.wrong_at(*line, key, format_args!("\"{value}\" is there twice; keep one"));
        }
    }
    Some(values)
}

fn distinct<U: Eq + Hash + Display>(
    table: &mut Table<'_>,
    key: &'static str,
    check: impl Fn(String) -> Result<U, Problem>,
) -> Option<Vec<U>> {
    Some(located(table, key, check)?.into_iter().map(|value| value.value).collect())
}

/// A list that says something.
fn not_empty(
    table: &mut Table<'_>,
    key: &'static str,
    check: impl Fn(String) -> Result<String, Problem>,
) -> Option<Vec<String>> {
    let values = distinct(table, key, check)?;
    if values.is_empty() {
        table.wrong(key, "the list is empty; write at least one value");
    }
    Some(values)
}

fn message_bytes(table: &mut Table<'_>) -> u64 {
    table.number("max_message_bytes", 1..=MOST_BYTES).unwrap_or(MESSAGE_BYTES)
}

fn read_throughput(mut table: Table<'_>) -> Option<Throughput> {
    table.require("per_second", "100");
    let per_second = table.number("per_second", 1..=MOST_REQUESTS);
    let burst = table.number("burst", 1..=MOST_REQUESTS).or(per_second)?;
    Some(Throughput { per_second: per_second?, burst })
}

fn read_callbacks(mut table: Table<'_>, reader: &Reader<'_>) -> Callbacks {
    let default = Callbacks::default();
    Callbacks {
        report_url: table.parsed("report_url", check::peer_url),
        deliver_url: table.parsed("deliver_url", check::peer_url),
        basic_auth: own_credentials(&mut table),
        tls: peer_tls::read(&mut table, reader),
        timeout: table.duration("timeout").unwrap_or(default.timeout),
        retry_after: table.duration("retry_after").unwrap_or(default.retry_after),
        max_retries: table.number("max_retries", 0..=MOST_RETRIES).unwrap_or(default.max_retries),
        window: table.number("window", 1..=WIDEST_CALLBACK_WINDOW).unwrap_or(default.window),
    }
}

fn read_connections(table: &mut Table<'_>, reader: &Reader<'_>) -> Vec<Connection> {
    let mut names = Once::default();
    each(table.tables("connection"), |table| read_connection(table, &mut names, reader))
}

fn read_connection(mut table: Table<'_>, names: &mut Once, reader: &Reader<'_>) -> Option<Connection> {
    let name = required(&mut table, "name", "\"vzw-1\"", check::name);
    if let Some(name) = &name {
        names.check(&table, "name", name, &format!("{name:?}"));
    }
    let url = required(&mut table, "url", "\"http://127.0.0.1:9101/mm7\"", check::peer_url);
    let dialect = table.parsed("dialect", check::dialect).unwrap_or(DialectName::new(Dialect::THREE_GPP));
    let namespace = table.parsed("namespace", check::namespace);
    Some(Connection {
        vaspid: vaspid(&mut table).map(|vaspid| vaspid.as_str().to_owned()),
        vasid: table.parsed("vasid", check::name),
        basic_auth: own_credentials(&mut table),
        version: table.parsed("version", |text| check::version(text, namespace.unwrap_or(dialect.written))),
        namespace,
        dialect,
        timeout: table.duration("timeout").unwrap_or(TEN_SECONDS),
        per_second: table.number("per_second", 1..=MOST_REQUESTS),
        window: table.number("window", 1..=WIDEST_WINDOW).unwrap_or(16),
        priority: table.number("priority", 1..=MOST_PRIORITIES).unwrap_or(1),
        weight: table.number("weight", 1..=GREATEST_WEIGHT).unwrap_or(1),
        tls: peer_tls::read(&mut table, reader),
        name: name?,
        url: url?,
    })
}

fn read_inbound(mut table: Table<'_>, stored: Option<&ShownCredentials>) -> Inbound {
    Inbound {
        basic_auth: shown_credentials(&mut table, stored),
        allowed_ips: distinct(&mut table, "allowed_ips", check::network).unwrap_or_default(),
        client_certs: distinct(&mut table, "client_certs", check::certificate_rule).unwrap_or_default(),
        dialect: table.parsed("dialect", check::dialect),
    }
}

/// What a carrier's own words in MMStatus mean.
fn read_status_map(table: Table<'_>) -> BTreeMap<String, MmStatus> {
    let mut map: BTreeMap<String, MmStatus> = BTreeMap::new();
    let take = |entry: FreeEntry<'_, '_>| {
        let word = entry.key.trim().to_owned();
        if let Err(problem) = check::status_word(&word) {
            return entry.wrong_key(problem);
        }
        if map.keys().any(|known| is_same_word(known, &word)) {
            return entry.wrong_key("is there twice, but for upper and lower case or spaces; keep one");
        }
        if let Some(status) = entry.parsed(check::mm_status) {
            map.insert(word, status);
        }
    };
    table.free(MOST_OWN_WORDS, take);
    map
}

/// What a carrier's own codes count as.
fn read_code_map(table: Table<'_>) -> BTreeMap<u32, StatusCode> {
    let mut map = BTreeMap::new();
    let take = |entry: FreeEntry<'_, '_>| {
        let said = match check::carrier_code(entry.key) {
            Ok(said) => said,
            Err(problem) => return entry.wrong_key(problem),
        };
        if map.contains_key(&said) {
            return entry.wrong_key("is there twice; keep one");
        }
        if let Some(code) = entry.parsed(check::meant_code) {
            map.insert(said, code);
        }
    };
    table.free(MOST_OWN_WORDS, take);
    map
}

/// A VASPID. It is a key: no message shows it.
fn vaspid(table: &mut Table<'_>) -> Option<VaspId> {
    let vaspid = VaspId::new(table.secret("vaspid")?.expose());
    if vaspid.is_err() {
        table.wrong("vaspid", "this is only white space, or longer than 512 bytes; write the key itself");
    }
    vaspid.ok()
}

/// What we show others.
fn own_credentials(table: &mut Table<'_>) -> Option<OwnCredentials> {
    let mut table = table.table("basic_auth")?;
    let username = required(&mut table, "username", "\"acme\"", check::username);
    table.require("password", "\"…\"");
    let password = table.secret("password")?.expose().to_owned();
    Some(OwnCredentials { username: username?, password })
}

/// What others show us. A password that the stored hash is of keeps that hash: it has not changed.
fn shown_credentials(table: &mut Table<'_>, stored: Option<&ShownCredentials>) -> Option<ShownCredentials> {
    let OwnCredentials { username, password } = own_credentials(table)?;
    let kept = stored.filter(|stored| verify_password(&stored.password_hash, &password));
    let hashed = match kept {
        Some(stored) => Ok(stored.password_hash.clone()),
        None => hash_password(&password),
    };
    match hashed {
        Ok(password_hash) => Some(ShownCredentials { username, password_hash }),
        Err(error) => {
            table.wrong("basic_auth", format_args!("{error}; try again"));
            None
        }
    }
}

fn read_lookup(reader: &Reader<'_>, mut table: Table<'_>) -> Lookup {
    let default = Lookup::default();
    let provider = table.parsed("provider", check::word).unwrap_or(default.provider);
    match provider {
        LookupProvider::Ranges => {}
        LookupProvider::Http => table.require("url", "\"http://127.0.0.1:9200/lookup/{msisdn}\""),
        LookupProvider::Enum => table.require("url", "\"dns://127.0.0.1:53/e164.arpa\""),
    }
    let url = table.parsed("url", |url| match provider {
        LookupProvider::Enum => check::zone(url).map(LookupUrl::Zone),
        LookupProvider::Ranges | LookupProvider::Http => check::number_url(url).map(LookupUrl::Service),
    });
    Lookup {
        provider,
        url,
        timeout: table.duration("timeout").unwrap_or(default.timeout),
        cache: table.duration("cache").unwrap_or(default.cache),
        tls: peer_tls::read(&mut table, reader),
        ported: table.parsed("ported", |name: String| check::readable_file(&reader.path(&name))),
    }
}

#[cfg(test)]
mod tests;
