//! What a plan takes away that somebody may depend on: accounts, carriers and connections, services, credentials, and where callbacks go.

use std::collections::HashMap;

use super::{
    Provisioning,
    account::{Account, FurtherKey, KeySecret, OwnCredentials, ShownCredentials, VaspKey},
    carrier::{Carrier, Connection},
    check::Declared,
};

/// What is there and would not be any more, a few words each: `the key of account acme`. A key or a password that another takes the
/// place of is one that ends.
pub(super) fn losses(declared: &Declared, current: &Provisioning) -> Vec<String> {
    let accounts: HashMap<_, _> = declared.accounts.iter().map(|account| (&account.name, account)).collect();
    let carriers: HashMap<_, _> = declared.carriers.iter().map(|carrier| (&carrier.id, carrier)).collect();
    let mut lost = Vec::new();
    for account in &current.accounts {
        match accounts.get(&account.name) {
            Some(now) => of_account(account, now, &mut lost),
            None if declared.prune => lost.push(format!("account {}", account.name)),
            None => {}
        }
    }
    for carrier in &current.carriers {
        match carriers.get(&carrier.id) {
            Some(now) => of_carrier(carrier, now, &mut lost),
            None if declared.prune => lost.push(format!("carrier {}", carrier.id)),
            None => {}
        }
    }
    lost
}

fn of_account(was: &Account, now: &Account, lost: &mut Vec<String>) {
    let name = &was.name;
    let further = now.further_keys.iter().map(|key| &key.secret);
    let has_key = |key: &VaspKey| {
        let mut keys = further
            .clone()
            .filter_map(|secret| if let KeySecret::Vaspid(key) = secret { Some(key) } else { None });
        now.vaspid.hash == key.hash || keys.any(|other| other.hash == key.hash)
    };
    let has_password = |one: &ShownCredentials| {
        now.basic_auth.as_ref() == Some(one)
            || further.clone().any(|secret| *secret == KeySecret::Password(one.clone()))
    };
    let keys = std::iter::once(&was.vaspid).chain(was.further_keys.iter().filter_map(FurtherKey::vaspid));
    for key in keys.filter(|key| !has_key(key)) {
        lost.push(format!("the key {}… of account {name}", key.prefix));
    }
    for key in was.further_keys.iter().filter_map(FurtherKey::password).filter(|one| !has_password(one)) {
        lost.push(format!("the user name and password {} of account {name}", key.id()));
    }
    if was.basic_auth.as_ref().is_some_and(|one| !has_password(one)) {
        lost.push(format!("the user name and password of account {name}"));
    }
    let (before, after) = (&was.callbacks, &now.callbacks);
    if before.report_url.is_some() && after.report_url.is_none() {
        lost.push(format!("the report_url of account {name}"));
    }
    if before.deliver_url.is_some() && after.deliver_url.is_none() {
        lost.push(format!("the deliver_url of account {name}"));
    }
    if own_is_lost(before.basic_auth.as_ref(), after.basic_auth.as_ref()) {
        lost.push(format!("the user name and password of the callbacks of account {name}"));
    }
    for service in &was.services {
        if !now.services.iter().any(|other| other.vasid == service.vasid) {
            lost.push(format!("service {} of account {name}", service.vasid));
        }
    }
}

fn of_carrier(was: &Carrier, now: &Carrier, lost: &mut Vec<String>) {
    let id = &was.id;
    if shown_is_lost(was.inbound.basic_auth.as_ref(), now.inbound.basic_auth.as_ref()) {
        lost.push(format!("the user name and password that carrier {id} shows"));
    }
    for connection in &was.connections {
        let Connection { name, vaspid, basic_auth, .. } = connection;
        let Some(other) = now.connections.iter().find(|other| other.name == *name) else {
            lost.push(format!("connection {name} of carrier {id}"));
            continue;
        };
        if own_is_lost(basic_auth.as_ref(), other.basic_auth.as_ref()) {
            lost.push(format!("the user name and password of connection {name} of carrier {id}"));
        }
        if vaspid.is_some() && *vaspid != other.vaspid {
            lost.push(format!("the VASPID of connection {name} of carrier {id}"));
        }
    }
}

fn shown_is_lost(was: Option<&ShownCredentials>, now: Option<&ShownCredentials>) -> bool {
    was.is_some() && was != now
}

fn own_is_lost(was: Option<&OwnCredentials>, now: Option<&OwnCredentials>) -> bool {
    was.is_some() && was != now
}
