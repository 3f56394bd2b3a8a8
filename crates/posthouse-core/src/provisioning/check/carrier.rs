//! `[[carrier]]`: a mobile operator with its connections.

use std::{collections::BTreeMap, time::Duration};

use mm7::{Dialect, MmStatus, StatusCode};

use super::{
    MOST_REQUESTS, Once, Reading, TEN_SECONDS, distinct, each, message_bytes, not_empty, url, values, vaspid,
};
use crate::provisioning::{
    DialectName,
    account::ShownCredentials,
    carrier::{Carrier, CarrierId, Connection, Inbound, OnUnknown},
    reading::{FreeEntry, Table},
    vocabulary::{Vocabulary, is_same_word},
};

const THREE_DAYS: Duration = Duration::from_secs(72 * 60 * 60);
/// The widest window of a connection.
const WIDEST_WINDOW: u64 = 10_000;
/// The last priority of a connection.
const MOST_PRIORITIES: u64 = 100;
/// The greatest weight of a connection.
const GREATEST_WEIGHT: u64 = 1000;
/// The most words, and the most codes, of a carrier's own.
const MOST_OWN_WORDS: usize = 256;
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

impl Reading<'_> {
    /// Reads a carrier.
    pub(super) fn carrier(&mut self, mut table: Table<'_>) -> Option<Carrier> {
        let id = table.required("id", "\"31003\"", values::carrier_id);
        let aliases = table.list("aliases", values::carrier_id).unwrap_or_default();
        let aliases: Vec<_> = aliases.into_iter().map(|alias| alias.value).collect();
        if let Some(id) = &id {
            self.carrier_ids.check(&table, "id", id, &format!("{id:?}"));
        }
        for alias in &aliases {
            self.carrier_ids.check(&table, "aliases", alias, &format!("{alias:?}"));
        }
        let stored = id.as_deref().and_then(|id| self.stored_carriers.get(id).copied());
        let stored_credentials = stored.and_then(|stored| stored.inbound.basic_auth.as_ref());
        let content_types = not_empty(&mut table, "content_types", values::media_type);
        Some(Carrier {
            aliases,
            name: table.parsed("name", values::name).or_else(|| id.clone()).unwrap_or_default(),
            max_message_bytes: message_bytes(&mut table),
            content_types: content_types.unwrap_or_else(|| CONTENT_TYPES.map(str::to_owned).to_vec()),
            report_timeout: table.duration("report_timeout").unwrap_or(THREE_DAYS),
            on_unknown: table.parsed("on_unknown", values::word).unwrap_or(OnUnknown::Park),
            connections: self.connections(&mut table, stored),
            inbound: self.inbound(table.section("callbacks"), stored_credentials),
            vocabulary: Vocabulary {
                statuses: table.table("status_map").map(status_map).unwrap_or_default(),
                codes: table.table("code_map").map(code_map).unwrap_or_default(),
            },
            id: CarrierId(id?),
        })
    }

    fn connections(&self, table: &mut Table<'_>, stored: Option<&Carrier>) -> Vec<Connection> {
        let mut names = Once::default();
        let stored = stored.map_or(&[][..], |stored| &stored.connections);
        each(table.tables("connection"), |table| self.connection(table, &mut names, stored))
    }

    fn connection(
        &self,
        mut table: Table<'_>,
        names: &mut Once,
        stored: &[Connection],
    ) -> Option<Connection> {
        let name = table.required("name", "\"vzw-1\"", values::name);
        if let Some(name) = &name {
            names.check(&table, "name", name, &format!("{name:?}"));
        }
        let stored = stored.iter().find(|stored| Some(&stored.name) == name.as_ref());
        table.require("url", "\"http://127.0.0.1:9101/mm7\"");
        let url = url(&mut table, "url", stored.map(|stored| &stored.url), values::peer_url);
        let stored_vaspid = stored.and_then(|stored| stored.vaspid.clone());
        let read_vaspid = |table: &mut Table<'_>| vaspid(table).map(|vaspid| vaspid.as_str().to_owned());
        let dialect = table.parsed("dialect", values::dialect);
        let dialect = dialect.unwrap_or(DialectName::new(Dialect::THREE_GPP));
        let namespace = table.parsed("namespace", values::namespace);
        let written = namespace.unwrap_or(dialect.written);
        Some(Connection {
            vaspid: table.kept_or("vaspid", stored_vaspid, read_vaspid),
            vasid: table.parsed("vasid", values::name),
            basic_auth: super::own_credentials(
                &mut table,
                stored.and_then(|stored| stored.basic_auth.as_ref()),
            ),
            version: table.parsed("version", |text| values::version(text, written)),
            namespace,
            dialect,
            timeout: table.duration("timeout").unwrap_or(TEN_SECONDS),
            per_second: table.number("per_second", 1..=MOST_REQUESTS),
            window: table.number("window", 1..=WIDEST_WINDOW).unwrap_or(16),
            priority: table.number("priority", 1..=MOST_PRIORITIES).unwrap_or(1),
            weight: table.number("weight", 1..=GREATEST_WEIGHT).unwrap_or(1),
            tls: self.peer_tls(&mut table, stored.and_then(|stored| stored.tls.as_ref())),
            name: name?,
            url: url?,
        })
    }

    fn inbound(&self, mut table: Table<'_>, stored: Option<&ShownCredentials>) -> Inbound {
        Inbound {
            basic_auth: self.shown_credentials(&mut table, stored),
            allowed_ips: distinct(&mut table, "allowed_ips", values::network).unwrap_or_default(),
            client_certs: distinct(&mut table, "client_certs", values::certificate_rule).unwrap_or_default(),
            dialect: table.parsed("dialect", values::dialect),
        }
    }
}

/// What a carrier's own words in MMStatus mean.
fn status_map(table: Table<'_>) -> BTreeMap<String, MmStatus> {
    let mut map: BTreeMap<String, MmStatus> = BTreeMap::new();
    let take = |entry: FreeEntry<'_, '_>| {
        let word = entry.key.trim().to_owned();
        if let Err(problem) = values::status_word(&word) {
            return entry.wrong_key(problem);
        }
        if map.keys().any(|known| is_same_word(known, &word)) {
            return entry.wrong_key(("is there twice, but for upper and lower case or spaces", "keep one"));
        }
        if let Some(status) = entry.parsed(values::mm_status) {
            map.insert(word, status);
        }
    };
    table.free(MOST_OWN_WORDS, take);
    map
}

/// What a carrier's own codes count as.
fn code_map(table: Table<'_>) -> BTreeMap<u32, StatusCode> {
    let mut map = BTreeMap::new();
    let take = |entry: FreeEntry<'_, '_>| {
        let said = match values::carrier_code(entry.key) {
            Ok(said) => said,
            Err(problem) => return entry.wrong_key(problem),
        };
        if map.contains_key(&said) {
            return entry.wrong_key(("is there twice", "keep one"));
        }
        if let Some(code) = entry.parsed(values::meant_code) {
            map.insert(said, code);
        }
    };
    table.free(MOST_OWN_WORDS, take);
    map
}
