//! The keys of an account: VASPIDs, and user names with passwords.

pub mod add;
pub mod list;
pub mod remove;

use jiff::Timestamp;
use posthouse_api::{KeyKind, KeyView, ProblemDetails};
use posthouse_core::{
    account::{Account, KeySecret},
    actor::Actor,
};

use super::super::{context::is_there, unknown};
use crate::auth::key_uses::KeyUses;

/// Keys are for operators, and for callers that belong to the account.
///
/// # Errors
/// It is another's, which is not there for the caller.
fn own(by: &Actor, account: &str) -> Result<(), ProblemDetails> {
    match is_there(by, account) {
        true => Ok(()),
        false => Err(unknown("account", account)),
    }
}

/// All keys of an account, its own first.
fn views(account: &Account) -> Vec<KeyView> {
    let own = KeySecret::Vaspid(account.vaspid.clone());
    let password = account.basic_auth.clone().map(KeySecret::Password);
    let own = std::iter::once(own).chain(password).map(|secret| view(&secret, true, None));
    own.chain(account.further_keys.iter().map(|key| view(&key.secret, false, key.until))).collect()
}

fn view(secret: &KeySecret, own: bool, until: Option<Timestamp>) -> KeyView {
    let (kind, prefix, username) = match secret {
        KeySecret::Vaspid(key) => (KeyKind::Vaspid, Some(key.prefix.clone()), None),
        KeySecret::Password(shown) => (KeyKind::Password, None, Some(shown.username.clone())),
    };
    KeyView { id: secret.id(), kind, prefix, username, own, until, last_used: None }
}

/// When it was last used, as far as this gateway knows better than the store.
fn with_uses(key: KeyView, uses: &KeyUses) -> KeyView {
    let last_used = uses.at(&key.id).max(key.last_used);
    KeyView { last_used, ..key }
}
