//! What is provisioned, as somebody would declare it: a tree that is read back as it is.
//!
//! Each type is taken apart whole, so that a field that is added to one does not compile until it is decided here how it is written.
//! What the store keeps of secrets, and URLs that may hold a key, leave as `{ kept = true }`: where that is read, what is kept stays.

use std::borrow::Cow;

use mm7::{Namespace, dialect::Statuses};

use super::{
    Blacklisted, Lookup, Provisioning, Range,
    account::{
        Account, Callbacks, FurtherKey, KeySecret, OwnCredentials, Service, ShownCredentials, Throughput,
    },
    carrier::{Carrier, Connection, Inbound},
    tls::{Identity, PeerTls},
    tree::{Entries, Spot, TreeNode, Value},
    vocabulary::Vocabulary,
};
use crate::duration;

/// The key of a table that stands for what the store keeps.
pub(super) const KEPT: &str = "kept";

/// All of it. Names of tables and keys are those of a provisioning file.
pub fn export(provisioning: &Provisioning) -> Entries<'static> {
    let Provisioning { revision: _, accounts, carriers, lookup, ranges, blacklist } = provisioning;
    let mut all = Exported::default();
    all.tables("account", accounts.iter().map(account));
    all.tables("carrier", carriers.iter().map(carrier));
    if let Some(one) = lookup {
        all.table("lookup", self::lookup(one));
    }
    all.tables("range", ranges.iter().map(range));
    all.tables("blacklist", blacklist.iter().map(blacklisted));
    all.0
}

/// The entries of a table that is written.
#[derive(Default)]
struct Exported(Entries<'static>);

const fn node(value: Value<'static>) -> TreeNode<'static> {
    TreeNode { spot: Spot::Line(0), value }
}

fn text(value: impl ToString) -> Value<'static> {
    Value::Text(Cow::Owned(value.to_string()))
}

impl Exported {
    fn add(&mut self, key: &'static str, value: Value<'static>) {
        self.0.push((Cow::Borrowed(key), node(value)));
    }

    fn text(&mut self, key: &'static str, value: impl ToString) {
        self.add(key, text(value));
    }

    fn some(&mut self, key: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn number(&mut self, key: &'static str, value: impl Into<u64>) {
        self.add(key, Value::Number(value.into()));
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.add(key, Value::Flag(value));
    }

    fn texts(&mut self, key: &'static str, values: &[impl ToString]) {
        self.add(key, Value::List(values.iter().map(|value| node(text(value.to_string()))).collect()));
    }

    /// A list that is left out where it is empty.
    fn some_texts(&mut self, key: &'static str, values: &[impl ToString]) {
        if !values.is_empty() {
            self.texts(key, values);
        }
    }

    fn table(&mut self, key: &'static str, entries: Entries<'static>) {
        if !entries.is_empty() {
            self.add(key, Value::Table(entries));
        }
    }

    fn tables(&mut self, key: &'static str, tables: impl Iterator<Item = Entries<'static>>) {
        let tables: Vec<_> = tables.map(|entries| node(Value::Table(entries))).collect();
        if !tables.is_empty() {
            self.add(key, Value::List(tables));
        }
    }

    fn kept(&mut self, key: &'static str) {
        self.add(key, Value::Table(vec![(Cow::Borrowed(KEPT), node(Value::Flag(true)))]));
    }

    /// A URL; one with a query is kept.
    fn url(&mut self, key: &'static str, url: Option<&str>) {
        match url {
            Some(url) if url.contains('?') => self.kept(key),
            url => self.some(key, url),
        }
    }

    fn credentials(&mut self, username: Option<&String>) {
        if let Some(username) = username {
            let mut credentials = Self::default();
            credentials.text("username", username);
            credentials.kept("password");
            self.table("basic_auth", credentials.0);
        }
    }

    fn own(&mut self, credentials: Option<&OwnCredentials>) {
        self.credentials(credentials.map(|OwnCredentials { username, password: _ }| username));
    }

    fn shown(&mut self, credentials: Option<&ShownCredentials>) {
        self.credentials(credentials.map(|ShownCredentials { username, password_hash: _ }| username));
    }

    fn tls(&mut self, tls: Option<&PeerTls>) {
        let Some(PeerTls { ca, identity }) = tls else { return };
        let mut written = Self::default();
        written.some("ca", ca.as_ref());
        if let Some(Identity { cert, key: _ }) = identity {
            written.text("cert", cert);
            written.kept("key");
        }
        // An empty one says that TLS is spoken as it is by default.
        self.add("tls", Value::Table(written.0));
    }
}

/// An account.
pub fn account(account: &Account) -> Entries<'static> {
    let Account {
        name,
        vaspid: _,
        status,
        mm7,
        basic_auth,
        further_keys,
        allowed_ips,
        client_certs,
        require_tls,
        dialect,
        statuses,
        must_understand,
        read_replies,
        submit_mode,
        relay_timeout,
        require_carrier_id,
        max_message_bytes,
        throughput,
        callbacks,
        services,
    } = account;
    let mut written = Exported::default();
    written.text("name", name);
    written.kept("vaspid");
    written.text("status", status);
    written.flag("mm7", *mm7);
    written.shown(basic_auth.as_ref());
    written.some_texts("allowed_ips", allowed_ips);
    written.some_texts("client_certs", client_certs);
    written.flag("require_tls", *require_tls);
    written.text("dialect", dialect);
    written.some("statuses", statuses.map(Statuses::name));
    written.flag("must_understand", *must_understand);
    written.flag("read_replies", *read_replies);
    written.text("submit_mode", submit_mode);
    written.text("relay_timeout", duration::show(*relay_timeout));
    written.flag("require_carrier_id", *require_carrier_id);
    written.number("max_message_bytes", *max_message_bytes);
    if let Some(Throughput { per_second, burst }) = throughput {
        let mut limit = Exported::default();
        limit.number("per_second", *per_second);
        limit.number("burst", *burst);
        written.table("throughput", limit.0);
    }
    written.table("callbacks", self::callbacks(callbacks));
    written.tables("key", further_keys.iter().map(further_key));
    written.tables("service", services.iter().map(service));
    written.0
}

fn further_key(key: &FurtherKey) -> Entries<'static> {
    let FurtherKey { secret, until } = key;
    let mut written = Exported::default();
    written.text("id", secret.id());
    match secret {
        KeySecret::Vaspid(_) => written.kept("vaspid"),
        KeySecret::Password(credentials) => written.shown(Some(credentials)),
    }
    written.some("until", *until);
    written.0
}

fn callbacks(callbacks: &Callbacks) -> Entries<'static> {
    let Callbacks { report_url, deliver_url, basic_auth, tls, timeout, retry_after, max_retries, window } =
        callbacks;
    let mut written = Exported::default();
    written.url("report_url", report_url.as_ref().map(|url| url.as_str()));
    written.url("deliver_url", deliver_url.as_ref().map(|url| url.as_str()));
    written.own(basic_auth.as_ref());
    written.tls(tls.as_ref());
    written.text("timeout", duration::show(*timeout));
    written.text("retry_after", duration::show(*retry_after));
    written.number("max_retries", *max_retries);
    written.number("window", *window);
    written.0
}

fn service(service: &Service) -> Entries<'static> {
    let Service { vasid, senders, carriers, default } = service;
    let mut written = Exported::default();
    written.text("vasid", vasid);
    written.texts("senders", senders);
    if let Some(carriers) = carriers {
        written.texts("carriers", carriers);
    }
    written.flag("default", *default);
    written.0
}

/// A carrier.
pub fn carrier(carrier: &Carrier) -> Entries<'static> {
    let Carrier {
        id,
        aliases,
        name,
        max_message_bytes,
        content_types,
        report_timeout,
        on_unknown,
        connections,
        inbound: Inbound { basic_auth, allowed_ips, client_certs, dialect },
        vocabulary: Vocabulary { statuses, codes },
    } = carrier;
    let mut written = Exported::default();
    written.text("id", id);
    written.some_texts("aliases", aliases);
    written.text("name", name);
    written.number("max_message_bytes", *max_message_bytes);
    written.texts("content_types", content_types);
    written.text("report_timeout", duration::show(*report_timeout));
    written.text("on_unknown", on_unknown);
    written.tables("connection", connections.iter().map(connection));
    let mut inbound = Exported::default();
    inbound.shown(basic_auth.as_ref());
    inbound.some_texts("allowed_ips", allowed_ips);
    inbound.some_texts("client_certs", client_certs);
    inbound.some("dialect", dialect.as_ref());
    written.table("callbacks", inbound.0);
    let own_words = statuses.iter().map(|(word, status)| (word.clone().into(), node(text(status))));
    written.table("status_map", own_words.collect());
    let own_codes = codes
        .iter()
        .map(|(said, code)| (said.to_string().into(), node(Value::Number(u64::from(code.code())))));
    written.table("code_map", own_codes.collect());
    written.0
}

fn connection(connection: &Connection) -> Entries<'static> {
    let Connection {
        name,
        url,
        vaspid,
        vasid,
        basic_auth,
        dialect,
        timeout,
        per_second,
        window,
        priority,
        weight,
        namespace,
        version,
        tls,
    } = connection;
    let mut written = Exported::default();
    written.text("name", name);
    written.url("url", Some(url.as_str()));
    if vaspid.is_some() {
        written.kept("vaspid");
    }
    written.some("vasid", vasid.as_ref());
    written.own(basic_auth.as_ref());
    written.text("dialect", dialect);
    written.text("timeout", duration::show(*timeout));
    if let Some(per_second) = per_second {
        written.number("per_second", *per_second);
    }
    written.number("window", *window);
    written.number("priority", *priority);
    written.number("weight", *weight);
    written.some("namespace", namespace.map(Namespace::name));
    written.some("version", version.as_ref());
    written.tls(tls.as_ref());
    written.0
}

/// The lookup.
pub fn lookup(lookup: &Lookup) -> Entries<'static> {
    let Lookup { provider, url, timeout, cache, ported, tls } = lookup;
    let mut written = Exported::default();
    written.text("provider", provider);
    written.url("url", url.as_ref().map(|url| url.as_str()));
    written.text("timeout", duration::show(*timeout));
    written.text("cache", duration::show(*cache));
    written.some("ported", ported.as_ref().map(|path| path.display()));
    written.tls(tls.as_ref());
    written.0
}

/// A range.
pub fn range(range: &Range) -> Entries<'static> {
    let Range { prefix, carrier } = range;
    let mut written = Exported::default();
    written.text("prefix", prefix);
    written.text("carrier", carrier);
    written.0
}

/// An entry of the blacklist.
pub fn blacklisted(entry: &Blacklisted) -> Entries<'static> {
    let Blacklisted { number, account } = entry;
    let mut written = Exported::default();
    written.text("number", number.as_str());
    written.some("account", account.as_ref());
    written.0
}
