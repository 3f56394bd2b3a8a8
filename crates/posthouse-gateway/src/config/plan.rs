//! What has to change so that provisioning is what was declared.
//!
//! What a file names becomes exactly what it says. What it does not name stays, or goes when the file was read to prune.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

use posthouse_core::{
    account::Account,
    carrier::{Carrier, CarrierId},
    provisioning::{Blacklisted, Change, Lookup, Provisioning, Range},
};
use serde::{Serialize, Serializer};

use super::{
    fields::{self, Field},
    provisioning::Declared,
};
use crate::carrier::open;

/// The way from what is provisioned to what was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What the store is to do; nothing when all is as declared.
    pub changes: Vec<Change>,
    /// The same for people, with what stays as it is.
    pub steps: Vec<PlanStep>,
    /// The carriers in whose name anybody may post who reaches their door, once all is as declared.
    pub open_carriers: BTreeSet<CarrierId>,
}

/// What happens to one thing. It serializes as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// What kind of thing it is.
    pub kind: ThingKind,
    /// Which one; empty for the lookup, of which there is one.
    pub name: String,
    /// What happens to it.
    pub action: PlanAction,
    /// The fields that change, of a thing that changes. Secrets are not shown.
    pub fields: Vec<FieldChange>,
}

/// A kind of thing that is provisioned, in the order in which people read of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThingKind {
    /// A VASP.
    Account,
    /// A mobile operator.
    Carrier,
    /// How carriers are looked up.
    Lookup,
    /// Numbers of a carrier.
    Range,
    /// A number that gets nothing.
    Blacklist,
}

impl fmt::Display for ThingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "account",
            Self::Carrier => "carrier",
            Self::Lookup => "lookup",
            Self::Range => "range",
            Self::Blacklist => "blacklist",
        })
    }
}

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanAction {
    /// It was not there.
    Create,
    /// It was there and was different.
    Change,
    /// It is as declared, or was not declared and stays.
    Keep,
    /// It goes.
    Remove,
}

impl fmt::Display for PlanAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Keep => "keep",
            Self::Remove => "remove",
        })
    }
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Which one, such as `service 61295.senders`.
    pub field: String,
    /// What it was, if it had a value.
    pub from: Option<String>,
    /// What it will be, if it will have a value.
    pub to: Option<String>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        write!(f, "{}: {} -> {}", self.field, shown(&self.from), shown(&self.to))
    }
}

impl fmt::Display for PlanStep {
    /// One line, without the fields that change.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.kind)?;
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        Ok(())
    }
}

impl Serialize for ThingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for PlanAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How many lines of one kind people are shown: of what happens to things of one kind, and of the fields of one thing.
const LINES_OF_A_KIND: usize = 1000;

impl Plan {
    /// How many things this happens to.
    pub fn count(&self, action: PlanAction) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// The steps that change something, for people: a line for each, and one more for each field that changes. Of a great many of one
    /// kind the first thousand have lines, and the others are counted.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut seen: HashMap<(ThingKind, PlanAction), usize> = HashMap::new();
        let mut steps = self.steps.iter().filter(|step| step.action != PlanAction::Keep).peekable();
        while let Some(step) = steps.next() {
            let of_its_kind = (step.kind, step.action);
            let count = seen.entry(of_its_kind).or_default();
            *count += 1;
            if *count <= LINES_OF_A_KIND {
                lines.push(step.to_string());
                step.add_fields(&mut lines);
            }
            // Steps are in the order of their kinds.
            if steps.peek().is_none_or(|next| next.kind != step.kind) {
                lines.extend(seen.drain().filter_map(uncounted));
            }
        }
        lines
    }

    /// A line that counts all steps.
    pub fn summary(&self) -> String {
        format!(
            "{} to create, {} to change, {} to remove, {} unchanged",
            self.count(PlanAction::Create),
            self.count(PlanAction::Change),
            self.count(PlanAction::Remove),
            self.count(PlanAction::Keep)
        )
    }
}

/// What has no lines of its own.
fn uncounted(((kind, action), count): ((ThingKind, PlanAction), usize)) -> Option<String> {
    let more = count.checked_sub(LINES_OF_A_KIND).filter(|more| *more > 0)?;
    Some(format!("{action} {kind}: {more} more; --json prints them all"))
}

impl PlanStep {
    fn add_fields(&self, lines: &mut Vec<String>) {
        lines.extend(self.fields.iter().take(LINES_OF_A_KIND).map(|field| format!("  {field}")));
        if let Some(more) = self.fields.len().checked_sub(LINES_OF_A_KIND).filter(|more| *more > 0) {
            lines.push(format!("  {more} more fields; --json prints them all"));
        }
    }
}

/// Compares what was declared with what is provisioned, which is to be what the file was read against.
pub fn plan(declared: &Declared, current: &Provisioning) -> Plan {
    let prune = declared.prune;
    let mut plan = Plan::default();
    // What goes leaves first, and what is named leaves after what names it; what comes, the other way round.
    let blacklist = plan.compare(&declared.blacklist, &current.blacklist, prune);
    let ranges = plan.compare(&declared.ranges, &current.ranges, prune);
    let accounts = plan.compare(&declared.accounts, &current.accounts, prune);
    let carriers = plan.compare(&declared.carriers, &current.carriers, prune);
    let lookup = plan.compare(declared.lookup.as_slice(), current.lookup.as_slice(), prune);
    plan.steps.sort_by_key(|step| step.kind);
    let named: HashSet<_> = declared.carriers.iter().map(|carrier| &carrier.id).collect();
    let staying = current.carriers.iter().filter(|carrier| !prune && !named.contains(&carrier.id));
    plan.open_carriers = open::carriers(staying.chain(&declared.carriers));
    plan.changes.extend(carriers.into_iter().chain(accounts).chain(lookup).chain(ranges).chain(blacklist));
    plan
}

/// A kind of thing, as a plan handles it.
trait Thing: PartialEq {
    const KIND: ThingKind;
    /// What it is found by, and what people call it.
    fn key(&self) -> Cow<'_, str>;
    fn fields(&self) -> Vec<Field>;
    fn put(&self) -> Change;
    fn remove(&self) -> Change;
}

impl Plan {
    /// Adds the steps of one kind and its removals, and gives its puts.
    fn compare<T: Thing>(&mut self, declared: &[T], current: &[T], prune: bool) -> Vec<Change> {
        let stored: HashMap<_, &T> = current.iter().map(|thing| (thing.key(), thing)).collect();
        let named: HashSet<_> = declared.iter().map(Thing::key).collect();
        let mut puts = Vec::new();
        for thing in declared {
            let step = step_to(thing, stored.get(&thing.key()).copied());
            if step.action != PlanAction::Keep {
                puts.push(thing.put());
            }
            self.steps.push(step);
        }
        for thing in current.iter().filter(|thing| !named.contains(&thing.key())) {
            let action = if prune { PlanAction::Remove } else { PlanAction::Keep };
            if prune {
                self.changes.push(thing.remove());
            }
            self.steps.push(PlanStep {
                kind: T::KIND,
                name: thing.key().into_owned(),
                action,
                fields: Vec::new(),
            });
        }
        puts
    }
}

fn step_to<T: Thing>(thing: &T, stored: Option<&T>) -> PlanStep {
    let (action, fields) = match stored {
        None => (PlanAction::Create, Vec::new()),
        Some(stored) if stored == thing => (PlanAction::Keep, Vec::new()),
        Some(stored) => (PlanAction::Change, changes(&stored.fields(), &thing.fields())),
    };
    PlanStep { kind: T::KIND, name: thing.key().into_owned(), action, fields }
}

/// The fields that differ: first those that are there now, in their order, then those that come.
fn changes(from: &[Field], to: &[Field]) -> Vec<FieldChange> {
    let (before, after) = (by_name(from), by_name(to));
    let gone_or_changed = from.iter().filter_map(|field| {
        let now = after.get(field.name.as_str());
        let differs = now.is_none_or(|now| now.compared != field.compared);
        let shown = |field: &Field| Some(field.shown.clone());
        differs.then(|| FieldChange {
            field: field.name.clone(),
            from: shown(field),
            to: now.and_then(|now| shown(now)),
        })
    });
    let come = to.iter().filter(|field| !before.contains_key(field.name.as_str())).map(|field| FieldChange {
        field: field.name.clone(),
        from: None,
        to: Some(field.shown.clone()),
    });
    gone_or_changed.chain(come).collect()
}

fn by_name(fields: &[Field]) -> HashMap<&str, &Field> {
    fields.iter().map(|field| (field.name.as_str(), field)).collect()
}

impl Thing for Account {
    const KIND: ThingKind = ThingKind::Account;
    fn key(&self) -> Cow<'_, str> {
        self.name.0.as_str().into()
    }
    fn fields(&self) -> Vec<Field> {
        fields::of_account(self)
    }
    fn put(&self) -> Change {
        Change::PutAccount(Box::new(self.clone()))
    }
    fn remove(&self) -> Change {
        Change::RemoveAccount(self.name.clone())
    }
}

impl Thing for Carrier {
    const KIND: ThingKind = ThingKind::Carrier;
    fn key(&self) -> Cow<'_, str> {
        self.id.as_str().into()
    }
    fn fields(&self) -> Vec<Field> {
        fields::of_carrier(self)
    }
    fn put(&self) -> Change {
        Change::PutCarrier(Box::new(self.clone()))
    }
    fn remove(&self) -> Change {
        Change::RemoveCarrier(self.id.clone())
    }
}

impl Thing for Lookup {
    const KIND: ThingKind = ThingKind::Lookup;
    fn key(&self) -> Cow<'_, str> {
        "".into()
    }
    fn fields(&self) -> Vec<Field> {
        fields::of_lookup(self)
    }
    fn put(&self) -> Change {
        Change::SetLookup(Some(self.clone()))
    }
    fn remove(&self) -> Change {
        Change::SetLookup(None)
    }
}

impl Thing for Range {
    const KIND: ThingKind = ThingKind::Range;
    fn key(&self) -> Cow<'_, str> {
        self.prefix.as_str().into()
    }
    fn fields(&self) -> Vec<Field> {
        fields::of_range(self)
    }
    fn put(&self) -> Change {
        Change::PutRange(self.clone())
    }
    fn remove(&self) -> Change {
        Change::RemoveRange(self.prefix.clone())
    }
}

impl Thing for Blacklisted {
    const KIND: ThingKind = ThingKind::Blacklist;
    fn key(&self) -> Cow<'_, str> {
        match &self.account {
            Some(account) => format!("{} for {account}", self.number.as_str()).into(),
            None => self.number.as_str().into(),
        }
    }
    fn fields(&self) -> Vec<Field> {
        // All of it is its key.
        Vec::new()
    }
    fn put(&self) -> Change {
        Change::PutBlacklisted(self.clone())
    }
    fn remove(&self) -> Change {
        Change::RemoveBlacklisted(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthouse_core::{
        account::{AccountName, SubmitMode},
        address::Msisdn,
        carrier::CarrierId,
        provisioning::Prefix,
    };

    use serde_json::json;

    use super::*;
    use crate::config::{ConfigFile, Ground, secrets::verify_password};

    const FILE: &str = r#"
        [[account]]
        name = "acme"
        vaspid = "acme-api-key"
        basic_auth = { username = "acme", password = "s3cret" }
        [account.callbacks]
        report_url = "http://127.0.0.1:9001/reports?key=k3y"
        basic_auth = { username = "u", password = "p4ss" }
        [[account.service]]
        vasid = "61295"
        senders = ["111122"]
        [[carrier]]
        id = "31003"
        [[carrier.connection]]
        name = "vzw-1"
        url = "http://127.0.0.1:9101/mm7"
        vaspid = "posthouse"
        [carrier.callbacks]
        basic_auth = { username = "vzw", password = "c4ll" }
        [lookup]
        [[range]]
        prefix = "1617"
        carrier = "31003"
        [[blacklist]]
        number = "16175550199"
        account = "acme"
    "#;

    fn read(text: &str, current: &Provisioning, prune: bool) -> Declared {
        let document = ConfigFile { file: "f".to_owned(), text: text.to_owned(), folder: "".into() };
        Declared::parse(&document, &|_| None, Ground { current, key: &[0; 32], prune }).unwrap()
    }

    /// All that `posthouse plan` says.
    fn told(plan: &Plan) -> String {
        [plan.lines(), vec![plan.summary()]].concat().join("\n")
    }

    fn to(text: &str, current: &Provisioning, prune: bool) -> Plan {
        plan(&read(text, current, prune), current)
    }

    /// What a store makes of the changes.
    fn applied(mut provisioning: Provisioning, changes: &[Change]) -> Provisioning {
        for change in changes.iter().cloned() {
            match change {
                Change::PutAccount(account) => {
                    provisioning.accounts.retain(|other| other.name != account.name);
                    provisioning.accounts.push(*account);
                }
                Change::RemoveAccount(name) => provisioning.accounts.retain(|account| account.name != name),
                Change::PutCarrier(carrier) => {
                    provisioning.carriers.retain(|other| other.id != carrier.id);
                    provisioning.carriers.push(*carrier);
                }
                Change::RemoveCarrier(id) => provisioning.carriers.retain(|carrier| carrier.id != id),
                Change::SetLookup(lookup) => provisioning.lookup = lookup,
                Change::PutRange(range) => {
                    provisioning.ranges.retain(|other| other.prefix != range.prefix);
                    provisioning.ranges.push(range);
                }
                Change::RemoveRange(prefix) => provisioning.ranges.retain(|range| range.prefix != prefix),
                Change::PutBlacklisted(entry) => {
                    provisioning.blacklist.retain(|other| *other != entry);
                    provisioning.blacklist.push(entry);
                }
                Change::RemoveBlacklisted(entry) => provisioning.blacklist.retain(|other| *other != entry),
            }
        }
        provisioning
    }

    fn provisioned(text: &str) -> Provisioning {
        let empty = Provisioning::default();
        let changes = to(text, &empty, false).changes;
        applied(empty, &changes)
    }

    #[test]
    fn what_is_not_there_is_created_carriers_before_what_names_them() {
        let plan = to(FILE, &Provisioning::default(), false);
        let order: Vec<_> = plan
            .changes
            .iter()
            .map(|change| match change {
                Change::PutCarrier(_) => "carrier",
                Change::PutAccount(_) => "account",
                Change::SetLookup(Some(_)) => "lookup",
                Change::PutRange(_) => "range",
                Change::PutBlacklisted(_) => "blacklist",
                _ => "something else",
            })
            .collect();
        assert_eq!(order, ["carrier", "account", "lookup", "range", "blacklist"]);
        assert_eq!(
            told(&plan),
            "create account acme\ncreate carrier 31003\ncreate lookup\ncreate range 1617\n\
             create blacklist 16175550199 for acme\n5 to create, 0 to change, 0 to remove, 0 unchanged"
        );
    }

    #[test]
    fn a_second_plan_changes_nothing() {
        let current = provisioned(FILE);
        for prune in [false, true] {
            let plan = to(FILE, &current, prune);
            assert_eq!(plan.changes, []);
            assert_eq!(told(&plan), "0 to create, 0 to change, 0 to remove, 5 unchanged");
        }
    }

    #[test]
    fn what_is_named_becomes_exactly_what_it_says() {
        let current = provisioned(FILE);
        let text = FILE
            .replace(
                "name = \"acme\"\n",
                "name = \"acme\"\nsubmit_mode = \"relay\"\nrelay_timeout = \"1500ms\"\n",
            )
            .replace("vasid = \"61295\"", "vasid = \"61296\"")
            .replace("basic_auth = { username = \"u\", password = \"p4ss\" }", "");
        let plan = to(&text, &current, false);
        let [Change::PutAccount(account)] = &plan.changes[..] else { panic!("{plan:?}") };
        assert_eq!(account.submit_mode, SubmitMode::Relay);
        assert_eq!(account.relay_timeout, Duration::from_millis(1500));
        assert_eq!(
            told(&plan),
            "change account acme\n  submit_mode: queue -> relay\n  relay_timeout: 10s -> 1500ms\n  \
             callbacks.basic_auth.username: u -> none\n  callbacks.basic_auth.password: (hidden) -> none\n  \
             service 61295.senders: 111122 -> none\n  service 61295.carriers: all -> none\n  \
             service 61295.default: false -> none\n  service 61296.senders: none -> 111122\n  \
             service 61296.carriers: none -> all\n  service 61296.default: none -> false\n\
             0 to create, 1 to change, 0 to remove, 4 unchanged"
        );
        assert_eq!(to(&text, &applied(current, &plan.changes), false).changes, []);
    }

    #[test]
    fn a_carriers_own_words_are_told_one_by_one() {
        let current = provisioned(FILE);
        let own = "[carrier.status_map]\nDELIVRD = \"Retrieved\"\n[carrier.code_map]\n4030 = 4006\n[lookup]";
        let text = FILE.replace("[lookup]", own);
        let plan = to(&text, &current, false);
        assert_eq!(
            told(&plan),
            "change carrier 31003\n  status_map.DELIVRD: none -> Retrieved\n  code_map.4030: none -> 4006\n\
             0 to create, 1 to change, 0 to remove, 4 unchanged"
        );
        let current = applied(current, &plan.changes);
        let changed = text.replace("4030 = 4006", "4030 = 4007").replace("DELIVRD = \"Retrieved\"", "");
        assert_eq!(
            told(&to(&changed, &current, false)),
            "change carrier 31003\n  status_map.DELIVRD: Retrieved -> none\n  code_map.4030: 4006 -> 4007\n\
             0 to create, 1 to change, 0 to remove, 4 unchanged"
        );
    }

    #[test]
    fn a_changed_secret_is_a_change_that_does_not_show_it() {
        let current = provisioned(FILE);
        for (old, new, line) in [
            ("s3cret", "n3w", "  basic_auth.password: (hidden) -> (hidden)"),
            ("p4ss", "n3w", "  callbacks.basic_auth.password: (hidden) -> (hidden)"),
            ("c4ll", "n3w", "  callbacks.basic_auth.password: (hidden) -> (hidden)"),
            ("acme-api-key", "acme-n3w", "  vaspid: acme… -> acme…"),
            ("\"posthouse\"", "\"postn3w\"", "  connection vzw-1.vaspid: post… -> post…"),
            (
                "k3y",
                "n3w",
                "  callbacks.report_url: http://127.0.0.1:9001/reports?(hidden) -> http://127.0.0.1:9001/reports?(hidden)",
            ),
        ] {
            let plan = to(&FILE.replace(old, new), &current, false);
            assert_eq!(plan.changes.len(), 1, "{old}");
            let shown = told(&plan);
            assert!(shown.lines().any(|shown| shown == line), "{line} in\n{shown}");
            assert!(!shown.contains("n3w") && !shown.contains("$argon2"), "{shown}");
            let json = format!("{:?}", serde_json::to_string(&plan.steps));
            assert!(json.contains("(hidden)") || json.contains('…'), "{json}");
            assert!(!json.contains("n3w") && !json.contains("$argon2"), "{json}");
        }
    }

    #[test]
    fn a_changed_password_is_the_new_one_afterwards() {
        let plan = to(&FILE.replace("s3cret", "n3w"), &provisioned(FILE), false);
        let [Change::PutAccount(account)] = &plan.changes[..] else { panic!("{plan:?}") };
        let credentials = account.basic_auth.as_ref().unwrap();
        assert!(verify_password(&credentials.password_hash, "n3w"));
        assert!(!verify_password(&credentials.password_hash, "s3cret"));
    }

    const OTHER: &str = "[[account]]\nname = \"beta\"\nvaspid = \"beta-api-key\"\n";

    #[test]
    fn what_is_not_named_stays_or_is_pruned() {
        let current = provisioned(FILE);
        let kept = to(OTHER, &current, false);
        assert_eq!(kept.changes.len(), 1);
        assert_eq!(told(&kept), "create account beta\n1 to create, 0 to change, 0 to remove, 5 unchanged");
        let pruned = to(OTHER, &current, true);
        assert_eq!(
            pruned.changes[..5],
            [
                Change::RemoveBlacklisted(Blacklisted {
                    number: Msisdn::parse("16175550199", false).unwrap(),
                    account: Some(AccountName("acme".to_owned())),
                }),
                Change::RemoveRange(Prefix::parse("1617").unwrap()),
                Change::RemoveAccount(AccountName("acme".to_owned())),
                Change::RemoveCarrier(CarrierId("31003".to_owned())),
                Change::SetLookup(None),
            ]
        );
        assert_eq!(
            told(&pruned),
            "create account beta\nremove account acme\nremove carrier 31003\nremove lookup\nremove range 1617\n\
             remove blacklist 16175550199 for acme\n1 to create, 0 to change, 5 to remove, 0 unchanged"
        );
        let left = applied(current, &pruned.changes);
        assert_eq!(
            left,
            Provisioning { accounts: read(OTHER, &left, true).accounts, ..Provisioning::default() }
        );
    }

    #[test]
    fn of_a_great_many_the_first_are_shown_and_the_others_counted() {
        let range = |number: usize| format!("[[range]]\nprefix = \"1{number:04}\"\ncarrier = \"1\"\n");
        let service =
            |number: usize| format!("[[account.service]]\nvasid = \"{number}\"\nsenders = [\"1\"]\n");
        let text = |ranges: usize, services: usize| {
            let account = "[[carrier]]\nid = \"1\"\n[[account]]\nname = \"acme\"\nvaspid = \"k\"\n";
            let ranges = (0..ranges).map(range).collect::<String>();
            [account, &(0..services).map(service).collect::<String>(), &ranges].concat()
        };
        let current = provisioned(&text(0, 1));
        let plan = to(&text(1001, 1003), &current, false);
        let lines = plan.lines();
        assert_eq!(lines[..2], ["change account acme", "  service 1.senders: none -> 1"]);
        assert!(lines[1000].starts_with("  service "), "{}", lines[1000]);
        let after =
            ["  2006 more fields; --json prints them all", "create range 10000", "create range 10001"];
        assert_eq!(lines[1001..1004], after);
        assert_eq!(lines[2002..], ["create range: 1 more; --json prints them all"]);
        assert_eq!(plan.summary(), "1001 to create, 1 to change, 0 to remove, 1 unchanged");
    }

    #[test]
    fn the_carriers_that_will_be_open_are_known() {
        let carrier =
            |id: &str, more: &str| format!("[[carrier]]\nid = \"{id}\"\n[carrier.callbacks]\n{more}\n");
        let current = provisioned(&[carrier("1", ""), carrier("2", "")].concat());
        let text = [
            carrier("2", "allowed_ips = [\"10.0.0.0/8\"]"),
            carrier("3", "basic_auth = { username = \"u\", password = \"p\" }"),
            carrier("4", "client_certs = [\"cn:MMSC\"]"),
            carrier("5", ""),
            carrier("6", "allowed_ips = [\"10.0.0.0/8\", \"::/0\"]"),
        ]
        .concat();
        let open = |prune| {
            let plan = to(&text, &current, prune);
            plan.open_carriers.into_iter().map(|id| id.0).collect::<Vec<_>>()
        };
        assert_eq!(open(false), ["1", "5", "6"]);
        assert_eq!(open(true), ["5", "6"]);
    }

    #[test]
    fn steps_are_json_too() {
        let current = provisioned(FILE);
        let text = FILE.replace(
            "prefix = \"1617\"\n        carrier = \"31003\"",
            "prefix = \"1617\"\ncarrier = \"2\"\n[[carrier]]\nid = \"2\"",
        );
        let plan = to(&text, &current, false);
        let changed: Vec<_> = plan.steps.iter().filter(|step| step.action != PlanAction::Keep).collect();
        assert_eq!(
            json!(changed),
            json!([
                {"kind": "carrier", "name": "2", "action": "create", "fields": []},
                {"kind": "range", "name": "1617", "action": "change",
                 "fields": [{"field": "carrier", "from": "31003", "to": "2"}]},
            ])
        );
    }
}
