//! `[[account]]`: a VASP with its services.

use mm7::Dialect;

use super::{
    MOST_REQUESTS, Once, Reading, TEN_SECONDS, distinct, each, message_bytes, not_empty, url, values, vaspid,
};
use crate::{
    provisioning::{
        DialectName,
        account::{
            Account, AccountName, AccountStatus, Callbacks, FurtherKey, KeySecret, MOST_FURTHER_KEYS,
            Service, SubmitMode, Throughput, VaspKey,
        },
        carrier::CarrierId,
        reading::Table,
    },
    url::PeerUrl,
};

/// The widest window of an account's callbacks.
const WIDEST_CALLBACK_WINDOW: u64 = 1000;
/// The most tries that may follow a callback's first.
const MOST_RETRIES: u64 = 1000;

impl Reading<'_> {
    /// Reads an account.
    pub(super) fn account(&mut self, mut table: Table<'_>) -> Option<Account> {
        let name = table.required("name", "\"acme\"", values::name);
        if let Some(name) = &name {
            self.account_names.check(&table, "name", name, &format!("{name:?}"));
        }
        let stored = name.as_deref().and_then(|name| self.stored_accounts.get(name).copied());
        let stored_credentials = stored.and_then(|stored| stored.basic_auth.as_ref());
        let vaspid = self.vaspid(&mut table, stored);
        let stored_callbacks = stored.map(|stored| &stored.callbacks);
        Some(Account {
            status: table.parsed("status", values::word).unwrap_or(AccountStatus::Active),
            mm7: table.value("mm7").unwrap_or(true),
            basic_auth: self.shown_credentials(&mut table, stored_credentials),
            further_keys: self.further_keys(&mut table, stored),
            allowed_ips: distinct(&mut table, "allowed_ips", values::network).unwrap_or_default(),
            client_certs: distinct(&mut table, "client_certs", values::certificate_rule).unwrap_or_default(),
            require_tls: table.value("require_tls").unwrap_or(false),
            dialect: table.parsed("dialect", values::dialect).unwrap_or(DialectName::new(Dialect::POSTHOUSE)),
            statuses: table.parsed("statuses", values::statuses),
            must_understand: table.value("must_understand").unwrap_or(true),
            read_replies: table.value("read_replies").unwrap_or(false),
            submit_mode: table.parsed("submit_mode", values::word).unwrap_or(SubmitMode::Queue),
            relay_timeout: table.duration("relay_timeout").unwrap_or(TEN_SECONDS),
            require_carrier_id: table.value("require_carrier_id").unwrap_or(false),
            max_message_bytes: message_bytes(&mut table),
            throughput: table.table("throughput").and_then(throughput),
            callbacks: table
                .table("callbacks")
                .map(|table| self.callbacks(table, stored_callbacks))
                .unwrap_or_default(),
            services: self.services(&mut table),
            // That these are missing was noted; every other key has been read by now.
            name: AccountName(name?),
            vaspid: vaspid?,
        })
    }

    fn vaspid(&mut self, table: &mut Table<'_>, stored: Option<&Account>) -> Option<VaspKey> {
        self.key(table, stored.map(|stored| stored.vaspid.clone()))
    }

    fn key(&mut self, table: &mut Table<'_>, stored: Option<VaspKey>) -> Option<VaspKey> {
        table.require("vaspid", "\"…\", the key that the VASP sends");
        let secrets = self.ports.secrets;
        let key = table.kept_or("vaspid", stored, |table| Some(secrets.vasp_key(vaspid(table)?.as_str())))?;
        self.vaspids.check(table, "vaspid", &key.hash, "this VASPID");
        Some(key)
    }

    /// Keys that are good beside the account's own. What is kept of one is found by its id.
    fn further_keys(&mut self, table: &mut Table<'_>, stored: Option<&Account>) -> Vec<FurtherKey> {
        let keys = each(table.tables("key"), |mut table| {
            let id = table.value::<String>("id");
            let mut known = stored.into_iter().flat_map(|stored| &stored.further_keys);
            let stored = id.and_then(|id| known.find(|key| key.secret.id() == id));
            let until = table.parsed("until", values::timestamp);
            let password = stored.and_then(FurtherKey::password);
            let secret = match self.shown_credentials(&mut table, password) {
                Some(credentials) => KeySecret::Password(credentials),
                None if table.has("basic_auth") => return None,
                None => {
                    KeySecret::Vaspid(self.key(&mut table, stored.and_then(FurtherKey::vaspid).cloned())?)
                }
            };
            Some(FurtherKey { secret, until })
        });
        if keys.len() > MOST_FURTHER_KEYS {
            table.wrong(
                "key",
                (format!("there may be at most {MOST_FURTHER_KEYS}"), "remove those that are not used"),
            );
        }
        keys
    }

    fn callbacks(&self, mut table: Table<'_>, stored: Option<&Callbacks>) -> Callbacks {
        let default = Callbacks::default();
        let stored_url =
            |of: fn(&Callbacks) -> &Option<PeerUrl>| stored.and_then(|stored| of(stored).as_ref());
        Callbacks {
            report_url: url(
                &mut table,
                "report_url",
                stored_url(|stored| &stored.report_url),
                values::peer_url,
            ),
            deliver_url: url(
                &mut table,
                "deliver_url",
                stored_url(|stored| &stored.deliver_url),
                values::peer_url,
            ),
            basic_auth: super::own_credentials(
                &mut table,
                stored.and_then(|stored| stored.basic_auth.as_ref()),
            ),
            tls: self.peer_tls(&mut table, stored.and_then(|stored| stored.tls.as_ref())),
            timeout: table.duration("timeout").unwrap_or(default.timeout),
            retry_after: table.duration("retry_after").unwrap_or(default.retry_after),
            max_retries: table.number("max_retries", 0..=MOST_RETRIES).unwrap_or(default.max_retries),
            window: table.number("window", 1..=WIDEST_CALLBACK_WINDOW).unwrap_or(default.window),
        }
    }

    fn services(&mut self, table: &mut Table<'_>) -> Vec<Service> {
        let (mut vasids, mut defaults) = (Once::default(), Once::default());
        each(table.tables("service"), |mut table| {
            let vasid = table.required("vasid", "\"61295\"", values::name);
            if let Some(vasid) = &vasid {
                vasids.check(&table, "vasid", vasid, &format!("{vasid:?}"));
            }
            let default = table.value("default").unwrap_or(false);
            if default {
                defaults.check(&table, "default", "", "a default service");
            }
            table.require("senders", "[\"111122\"]");
            let senders = not_empty(&mut table, "senders", values::sender).unwrap_or_default();
            let carriers = self.reach(&mut table);
            Some(Service { senders, carriers, default, vasid: vasid? })
        })
    }

    /// The carriers that a service names: a permission, which may come before the carrier does, and may be for none.
    fn reach(&mut self, table: &mut Table<'_>) -> Option<Vec<CarrierId>> {
        let named = super::located(table, "carriers", values::carrier_id)?;
        let place = "account.service.carriers";
        named.iter().for_each(|named| self.carriers_reached.note(&named.value, &named.spot, place));
        Some(named.into_iter().map(|named| CarrierId(named.value)).collect())
    }
}

fn throughput(mut table: Table<'_>) -> Option<Throughput> {
    table.require("per_second", "100");
    let per_second = table.number("per_second", 1..=MOST_REQUESTS);
    let burst = table.number("burst", 1..=MOST_REQUESTS).or(per_second)?;
    Some(Throughput { per_second: per_second?, burst })
}
