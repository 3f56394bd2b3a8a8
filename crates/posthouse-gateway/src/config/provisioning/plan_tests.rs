//! What a plan says of a file and a store.

use std::{net::SocketAddr, time::Duration};

use posthouse_api::ProvisioningPlan;
use posthouse_core::{
    account::{AccountName, SubmitMode},
    address::Msisdn,
    carrier::CarrierId,
    provisioning::{Blacklisted, Change, PlanAction, Prefix},
};
use serde_json::json;

use super::*;
use crate::admin::provisioning::shown;

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
    declared(&document, &|_| None, &[0; 32], Ground { current, prune }).unwrap()
}

/// All that `posthouse plan` says.
fn told(plan: &Plan) -> String {
    let plan = for_people(plan);
    [plan.lines(), vec![plan.summary()]].concat().join("\n")
}

/// As the API and commands show it.
fn for_people(plan: &Plan) -> ProvisioningPlan {
    shown(plan, 0, SocketAddr::from(([127, 0, 0, 1], 8008)))
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
    assert_eq!(left, Provisioning { accounts: read(OTHER, &left, true).accounts, ..Provisioning::default() });
}

#[test]
fn of_a_great_many_the_first_are_shown_and_the_others_counted() {
    let range = |number: usize| format!("[[range]]\nprefix = \"1{number:04}\"\ncarrier = \"1\"\n");
    let service = |number: usize| format!("[[account.service]]\nvasid = \"{number}\"\nsenders = [\"1\"]\n");
    let text = |ranges: usize, services: usize| {
        let account = "[[carrier]]\nid = \"1\"\n[[account]]\nname = \"acme\"\nvaspid = \"k\"\n";
        let ranges = (0..ranges).map(range).collect::<String>();
        [account, &(0..services).map(service).collect::<String>(), &ranges].concat()
    };
    let current = provisioned(&text(0, 1));
    let plan = for_people(&to(&text(1001, 1003), &current, false));
    let lines = plan.lines();
    assert_eq!(lines[..2], ["change account acme", "  service 1.senders: none -> 1"]);
    assert!(lines[1000].starts_with("  service "), "{}", lines[1000]);
    let after = ["  2006 more fields; --json prints them all", "create range 10000", "create range 10001"];
    assert_eq!(lines[1001..1004], after);
    assert_eq!(lines[2002..], ["create range: 1 more; --json prints them all"]);
    assert_eq!(plan.summary(), "1001 to create, 1 to change, 0 to remove, 1 unchanged");
}

#[test]
fn the_carriers_that_will_be_open_are_known() {
    let carrier = |id: &str, more: &str| format!("[[carrier]]\nid = \"{id}\"\n[carrier.callbacks]\n{more}\n");
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
        "prefix = \"1617\"\n    carrier = \"31003\"",
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
