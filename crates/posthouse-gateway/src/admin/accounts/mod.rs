//! Accounts.

pub mod disable;
pub(super) mod edit;
pub mod enable;
pub mod get;
pub mod keys;
pub mod list;

use posthouse_api::{AccountView, ServiceView};
use posthouse_core::{
    account::{Account, Service},
    provisioning::export,
};

use crate::config::writer;

/// An account as it is shown: no secret is in it.
pub fn view(account: &Account) -> AccountView {
    AccountView {
        name: account.name.to_string(),
        status: account.status.to_string(),
        key_prefix: account.vaspid.prefix.clone(),
        services: account.services.iter().map(|service| service_view(account, service)).collect(),
        document: writer::json(&export::account(account)),
    }
}

/// A service of an account.
pub fn service_view(account: &Account, service: &Service) -> ServiceView {
    ServiceView {
        account: account.name.to_string(),
        vasid: service.vasid.clone(),
        senders: service.senders.clone(),
        carriers: service.carriers.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect()),
        default: service.default,
    }
}
