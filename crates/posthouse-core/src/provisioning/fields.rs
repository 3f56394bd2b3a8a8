//! What is provisioned, field by field as people see it, so that a plan can say what changes.
//!
//! Each type is taken apart whole: a field that is added to one does not compile until it is decided here how it is
//! shown. Secrets are compared and never shown.

use std::fmt::Display;

use mm7::{Namespace, dialect::Statuses};

use super::{
    Lookup, LookupUrl, Range,
    account::{
        Account, Callbacks, FurtherKey, KeySecret, OwnCredentials, Service, ShownCredentials, VaspKey,
    },
    carrier::{Carrier, Connection, Inbound},
    tls::{Identity, PeerTls},
    vocabulary::Vocabulary,
};
use crate::{duration, url::PeerUrl};

/// What stands in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// One field with a value; a field without one is left out.
#[derive(Clone)]
pub(super) struct Field {
    pub name: String,
    /// As people may see it.
    pub shown: String,
    /// What has to be the same for it to be unchanged. May be a secret.
    pub compared: String,
}

/// How certificates in PEM form are told apart by people.
pub type Fingerprints<'a> = dyn Fn(&str) -> String + 'a;

/// The fields of one thing, in order.
struct Fields<'a> {
    fingerprints: &'a Fingerprints<'a>,
    within: String,
    fields: Vec<Field>,
}

impl<'a> Fields<'a> {
    const fn new(fingerprints: &'a Fingerprints<'a>) -> Self {
        Self { fingerprints, within: String::new(), fields: Vec::new() }
    }

    fn add(&mut self, name: &str, value: impl Display) {
        let shown = value.to_string();
        self.fields.push(Field { name: self.place(name), compared: shown.clone(), shown });
    }

    fn add_some(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn add_list(&mut self, name: &str, values: &[impl Display]) {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(ToString::to_string).collect();
            self.add(name, values.join(" "));
        }
    }

    fn add_secret(&mut self, name: &str, shown: String, compared: &str) {
        self.fields.push(Field { name: self.place(name), shown, compared: compared.to_owned() });
    }

    /// A URL without what may be a key: its query.
    fn add_url(&mut self, name: &str, url: Option<&str>) {
        if let Some(url) = url {
            let shown =
                url.split_once('?').map_or(url.to_owned(), |(before, _)| format!("{before}?{HIDDEN}"));
            self.add_secret(name, shown, url);
        }
    }

    fn add_own(&mut self, credentials: Option<&OwnCredentials>) {
        if let Some(OwnCredentials { username, password }) = credentials {
            self.add("basic_auth.username", username);
            self.add_secret("basic_auth.password", HIDDEN.to_owned(), password);
        }
    }

    fn add_shown(&mut self, credentials: Option<&ShownCredentials>) {
        if let Some(ShownCredentials { username, password_hash }) = credentials {
            self.add("basic_auth.username", username);
            self.add_secret("basic_auth.password", HIDDEN.to_owned(), password_hash);
        }
    }

    fn add_tls(&mut self, tls: Option<&PeerTls>) {
        let Some(PeerTls { ca, identity }) = tls else { return };
        if let Some(ca) = ca {
            self.add_secret("tls.ca", (self.fingerprints)(ca), ca);
        }
        if let Some(Identity { cert, key }) = identity {
            self.add_secret("tls.cert", (self.fingerprints)(cert), cert);
            self.add_secret("tls.key", HIDDEN.to_owned(), key);
        }
    }

    /// Adds fields whose names begin with `place`.
    fn within(&mut self, place: &str, add: impl FnOnce(&mut Self)) {
        let inside = format!("{}{place}.", self.within);
        let outside = std::mem::replace(&mut self.within, inside);
        add(self);
        self.within = outside;
    }

    fn place(&self, name: &str) -> String {
        format!("{}{name}", self.within)
    }
}

/// The fields of an account, but for its name.
pub(super) fn of_account(account: &Account, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
    let Account {
        name: _,
        vaspid,
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
    let mut fields = Fields::new(fingerprints);
    fields.add_secret("vaspid", format!("{}…", vaspid.prefix), &vaspid.hash);
    fields.add("status", status);
    fields.add("mm7", mm7);
    fields.add_shown(basic_auth.as_ref());
    fields.add_list("allowed_ips", allowed_ips);
    fields.add_list("client_certs", client_certs);
    fields.add("require_tls", require_tls);
    fields.add("dialect", dialect);
    fields.add_some("statuses", statuses.map(Statuses::name));
    fields.add("must_understand", must_understand);
    fields.add("read_replies", read_replies);
    fields.add("submit_mode", submit_mode);
    fields.add("relay_timeout", duration::show(*relay_timeout));
    fields.add("require_carrier_id", require_carrier_id);
    fields.add("max_message_bytes", max_message_bytes);
    fields.add_some("throughput.per_second", throughput.map(|throughput| throughput.per_second));
    fields.add_some("throughput.burst", throughput.map(|throughput| throughput.burst));
    fields.within("callbacks", |fields| add_callbacks(fields, callbacks));
    for FurtherKey { secret, until } in further_keys {
        fields.within(&format!("key {}", secret.id()), |fields| {
            match secret {
                KeySecret::Vaspid(key) => fields.add_secret("vaspid", format!("{}…", key.prefix), &key.hash),
                KeySecret::Password(credentials) => fields.add_shown(Some(credentials)),
            }
            fields.add_some("until", *until);
        });
    }
    for service in services {
        fields.within(&format!("service {}", service.vasid), |fields| add_service(fields, service));
    }
    fields.fields
}

fn add_callbacks(fields: &mut Fields<'_>, callbacks: &Callbacks) {
    let Callbacks { report_url, deliver_url, basic_auth, tls, timeout, retry_after, max_retries, window } =
        callbacks;
    fields.add_url("report_url", report_url.as_ref().map(PeerUrl::as_str));
    fields.add_url("deliver_url", deliver_url.as_ref().map(PeerUrl::as_str));
    fields.add_own(basic_auth.as_ref());
    fields.add_tls(tls.as_ref());
    fields.add("timeout", duration::show(*timeout));
    fields.add("retry_after", duration::show(*retry_after));
    fields.add("max_retries", max_retries);
    fields.add("window", window);
}

fn add_service(fields: &mut Fields<'_>, service: &Service) {
    let Service { vasid: _, senders, carriers, default } = service;
    fields.add_list("senders", senders);
    match carriers {
        Some(carriers) => fields.add_list("carriers", carriers),
        None => fields.add("carriers", "all"),
    }
    fields.add("default", default);
}

/// The fields of a carrier, but for its id.
pub(super) fn of_carrier(carrier: &Carrier, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
    let Carrier {
        id: _,
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
    let mut fields = Fields::new(fingerprints);
    fields.add_list("aliases", aliases);
    fields.add("name", name);
    fields.add("max_message_bytes", max_message_bytes);
    fields.add_list("content_types", content_types);
    fields.add("report_timeout", duration::show(*report_timeout));
    fields.add("on_unknown", on_unknown);
    for connection in connections {
        fields
            .within(&format!("connection {}", connection.name), |fields| add_connection(fields, connection));
    }
    fields.within("callbacks", |fields| {
        fields.add_shown(basic_auth.as_ref());
        fields.add_list("allowed_ips", allowed_ips);
        fields.add_list("client_certs", client_certs);
        fields.add_some("dialect", dialect.as_ref());
    });
    fields.within("status_map", |fields| statuses.iter().for_each(|(word, status)| fields.add(word, status)));
    fields.within("code_map", |fields| {
        codes.iter().for_each(|(said, code)| fields.add(&said.to_string(), code.code()));
    });
    fields.fields
}

fn add_connection(fields: &mut Fields<'_>, connection: &Connection) {
    let Connection {
        name: _,
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
    fields.add_url("url", Some(url.as_str()));
    if let Some(vaspid) = vaspid {
        fields.add_secret("vaspid", format!("{}…", VaspKey::prefix_of(vaspid)), vaspid);
    }
    fields.add_some("vasid", vasid.as_ref());
    fields.add_own(basic_auth.as_ref());
    fields.add("dialect", dialect);
    fields.add("timeout", duration::show(*timeout));
    fields.add_some("per_second", *per_second);
    fields.add("window", window);
    fields.add("priority", priority);
    fields.add("weight", weight);
    fields.add_some("namespace", namespace.map(Namespace::name));
    fields.add_some("version", version.as_ref());
    fields.add_tls(tls.as_ref());
}

/// The fields of the lookup.
pub(super) fn of_lookup(lookup: &Lookup, fingerprints: &Fingerprints<'_>) -> Vec<Field> {
    let Lookup { provider, url, timeout, cache, ported, tls } = lookup;
    let mut fields = Fields::new(fingerprints);
    fields.add("provider", provider);
    fields.add_url("url", url.as_ref().map(LookupUrl::as_str));
    fields.add("timeout", duration::show(*timeout));
    fields.add("cache", duration::show(*cache));
    fields.add_some("ported", ported.as_ref().map(|path| path.display()));
    fields.add_tls(tls.as_ref());
    fields.fields
}

/// The fields of a range, but for its prefix.
pub(super) fn of_range(range: &Range) -> Vec<Field> {
    let Range { prefix: _, carrier } = range;
    let carrier = carrier.to_string();
    vec![Field { name: "carrier".to_owned(), shown: carrier.clone(), compared: carrier }]
}
