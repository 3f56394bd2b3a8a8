//! What an operator does to one thing, without a file: what it changes, or why it cannot be done.

use jiff::Timestamp;

use super::{
    Blacklisted, Change, Provisioning, ThingKind,
    account::{
        Account, AccountName, AccountStatus, FurtherKey, KeySecret, MOST_FURTHER_KEYS, Service, VaspKey,
    },
};
use crate::mistake::Mistake;

/// Something that is done to one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvisioningVerb {
    /// An account may send no more, or again.
    SetStatus {
        /// Which account.
        account: AccountName,
        /// Whether it may.
        status: AccountStatus,
    },
    /// A service may send under one more address.
    AddSender {
        /// Whose service.
        account: AccountName,
        /// The service.
        vasid: String,
        /// The SenderAddress.
        sender: String,
    },
    /// A service may not send under an address any more.
    RemoveSender {
        /// Whose service.
        account: AccountName,
        /// The service.
        vasid: String,
        /// The SenderAddress.
        sender: String,
    },
    /// An account gets another key as its own. The one before, and further ones of its kind, are good till then.
    AddKey {
        /// Which account.
        account: AccountName,
        /// The key.
        secret: KeySecret,
        /// Till when the others are; `None`: till they are removed, or as long as they were to be.
        until: Option<Timestamp>,
        /// The time.
        now: Timestamp,
    },
    /// A further key of an account is none any more.
    RemoveKey {
        /// Which account.
        account: AccountName,
        /// What the key is called by: its id, or the leading characters of a VASPID.
        key: String,
    },
    /// A number gets nothing any more.
    Block(Blacklisted),
    /// It does again.
    Unblock(Blacklisted),
}

/// Why it cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerbRefusal {
    /// There is no such thing.
    #[error("no {kind} {name} is provisioned")]
    Unknown {
        /// What kind of thing.
        kind: ThingKind,
        /// Its name.
        name: String,
    },
    /// A sandbox that is disabled and enabled again would be none any more.
    #[error("account {account} is a sandbox")]
    Sandbox {
        /// Which account.
        account: AccountName,
    },
    /// The account has no such service.
    #[error("account {account} has no service {vasid}")]
    UnknownService {
        /// Whose service.
        account: AccountName,
        /// The service.
        vasid: String,
    },
    /// The service does not send under this address.
    #[error("service {vasid} of account {account} does not send as {sender}")]
    UnknownSender {
        /// Whose service.
        account: AccountName,
        /// The service.
        vasid: String,
        /// The SenderAddress.
        sender: String,
    },
    /// A service has to have an address.
    #[error("service {vasid} of account {account} would be left without a sender")]
    LastSender {
        /// Whose service.
        account: AccountName,
        /// The service.
        vasid: String,
    },
    /// It is no SenderAddress.
    #[error("{sender:?} {}", .what.problem)]
    NoSender {
        /// What was written.
        sender: String,
        /// What is wrong, and the remedy.
        what: Mistake,
    },
    /// Another account has this VASPID, or the account itself has it.
    #[error("this VASPID is that of account {owner} already")]
    KeyTaken {
        /// Whose it is.
        owner: AccountName,
    },
    /// There is no room.
    #[error("account {account} has {MOST_FURTHER_KEYS} further keys already")]
    TooManyKeys {
        /// Whose they are.
        account: AccountName,
    },
    /// The account has no such further key, or several.
    #[error("account {account} has {what} {key}")]
    UnknownKey {
        /// Whose it would be.
        account: AccountName,
        /// What it was called by.
        key: String,
        /// How many there are, in words.
        what: &'static str,
    },
    /// The account would be left without one.
    #[error("{key} is the key that account {account} goes by")]
    OwnKey {
        /// Whose it is.
        account: AccountName,
        /// What it was called by.
        key: String,
    },
    /// The number is not blocked so.
    #[error("{number} is not blocked {whom}")]
    NotBlocked {
        /// The number, masked.
        number: String,
        /// For whom it is not.
        whom: String,
    },
}

impl VerbRefusal {
    /// What to do about it; `None` where the refusal says it.
    pub fn remedy(&self) -> Option<&str> {
        Some(match self {
            Self::Unknown { kind: ThingKind::Account, .. } => {
                "correct the name; `posthouse accounts list` shows those there are"
            }
            Self::Unknown { .. } => "correct the name; `posthouse carriers list` shows those there are",
            Self::UnknownService { .. } | Self::UnknownSender { .. } => {
                "`posthouse services` shows which account sends as what"
            }
            Self::NoSender { what, .. } => return what.remedy.as_deref(),
            Self::Sandbox { .. } => "its status is changed by a provisioning file",
            Self::LastSender { .. } => "add another one before",
            Self::KeyTaken { .. } => "give each its own",
            Self::TooManyKeys { .. } => "remove those that are not used",
            Self::UnknownKey { .. } => "`posthouse accounts keys list` has their ids",
            Self::OwnKey { .. } => "add another one, which takes its place, before",
            Self::NotBlocked { .. } => "`posthouse blacklist show` says for whom a number is",
        })
    }
}

impl ProvisioningVerb {
    /// The changes that it takes; none where all is so already. Of the blacklist only what it is about has to be in `current`.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn changes(&self, current: &Provisioning) -> Result<Vec<Change>, VerbRefusal> {
        match self {
            Self::SetStatus { account, status } => {
                let account = account_of(current, account)?;
                if account.status == AccountStatus::Sandbox {
                    return Err(VerbRefusal::Sandbox { account: account.name.clone() });
                }
                let change = (account.status != *status)
                    .then(|| Change::PutAccount(Box::new(Account { status: *status, ..account.clone() })));
                Ok(change.into_iter().collect())
            }
            Self::AddSender { account, vasid, sender } => {
                let sender = super::check::sender(sender.clone())
                    .map_err(|what| VerbRefusal::NoSender { sender: sender.clone(), what })?;
                with_service(current, account, vasid, |service| {
                    let is_new = !service.senders.contains(&sender);
                    if is_new {
                        service.senders.push(sender.clone());
                    }
                    Ok(is_new)
                })
            }
            Self::RemoveSender { account, vasid, sender } => {
                with_service(current, account, vasid, |service| {
                    let unknown = || VerbRefusal::UnknownSender {
                        account: account.clone(),
                        vasid: vasid.clone(),
                        sender: sender.clone(),
                    };
                    let place = service.senders.iter().position(|own| own == sender).ok_or_else(unknown)?;
                    if service.senders.len() == 1 {
                        return Err(VerbRefusal::LastSender {
                            account: account.clone(),
                            vasid: vasid.clone(),
                        });
                    }
                    service.senders.remove(place);
                    Ok(true)
                })
            }
            Self::AddKey { account, secret, until, now } => add_key(current, account, secret, (*until, *now)),
            Self::RemoveKey { account, key } => remove_key(current, account, key),
            Self::Block(entry) => {
                if let Some(account) = &entry.account {
                    account_of(current, account)?;
                }
                let is_there = current.blacklist.contains(entry);
                Ok((!is_there).then(|| Change::PutBlacklisted(entry.clone())).into_iter().collect())
            }
            Self::Unblock(entry) if current.blacklist.contains(entry) => {
                Ok(vec![Change::RemoveBlacklisted(entry.clone())])
            }
            Self::Unblock(entry) => Err(VerbRefusal::NotBlocked {
                number: entry.number.to_string(),
                whom: match &entry.account {
                    Some(account) => format!("for account {account}"),
                    None => "for every account".to_owned(),
                },
            }),
        }
    }
}

fn add_key(
    current: &Provisioning,
    name: &AccountName,
    secret: &KeySecret,
    (until, now): (Option<Timestamp>, Timestamp),
) -> Result<Vec<Change>, VerbRefusal> {
    let mut account = account_of(current, name)?.clone();
    if let KeySecret::Vaspid(key) = secret {
        let has_it = |one: &&Account| {
            let further = one.further_keys.iter().filter_map(FurtherKey::vaspid);
            std::iter::once(&one.vaspid).chain(further).any(|other| other.hash == key.hash)
        };
        if let Some(owner) = current.accounts.iter().find(has_it) {
            return Err(VerbRefusal::KeyTaken { owner: owner.name.clone() });
        }
    }
    let before = match secret {
        KeySecret::Vaspid(key) => {
            Some(KeySecret::Vaspid(std::mem::replace(&mut account.vaspid, key.clone())))
        }
        KeySecret::Password(shown) => account.basic_auth.replace(shown.clone()).map(KeySecret::Password),
    };
    let is_of_its_kind = |key: &FurtherKey| key.vaspid().is_some() == matches!(secret, KeySecret::Vaspid(_));
    for key in account.further_keys.iter_mut().filter(|key| is_of_its_kind(key)) {
        key.until = key.until.into_iter().chain(until).min();
    }
    account.further_keys.extend(before.map(|secret| FurtherKey { secret, until }));
    account.further_keys.retain(|key| key.is_good(now));
    match account.further_keys.len() > MOST_FURTHER_KEYS {
        true => Err(VerbRefusal::TooManyKeys { account: name.clone() }),
        false => Ok(vec![Change::PutAccount(Box::new(account))]),
    }
}

fn remove_key(current: &Provisioning, name: &AccountName, key: &str) -> Result<Vec<Change>, VerbRefusal> {
    let mut account = account_of(current, name)?.clone();
    let is_called = |vaspid: Option<&VaspKey>, id: &str| {
        id == key || !key.is_empty() && vaspid.is_some_and(|vaspid| vaspid.prefix == key)
    };
    let found: Vec<usize> = (0..)
        .zip(&account.further_keys)
        .filter(|(_, one)| is_called(one.vaspid(), &one.secret.id()))
        .map(|(place, _)| place)
        .collect();
    let unknown = |what| VerbRefusal::UnknownKey { account: name.clone(), key: key.to_owned(), what };
    match found.as_slice() {
        [place] => {
            account.further_keys.remove(*place);
            Ok(vec![Change::PutAccount(Box::new(account))])
        }
        [] => {
            let is_own = is_called(Some(&account.vaspid), account.vaspid.id())
                || account.basic_auth.as_ref().is_some_and(|own| own.id() == key);
            match is_own {
                true => Err(VerbRefusal::OwnKey { account: name.clone(), key: key.to_owned() }),
                false => Err(unknown("no key")),
            }
        }
        _ => Err(unknown("several keys that begin with")),
    }
}

fn account_of<'p>(current: &'p Provisioning, name: &AccountName) -> Result<&'p Account, VerbRefusal> {
    let found = current.accounts.iter().find(|account| account.name == *name);
    found.ok_or_else(|| VerbRefusal::Unknown { kind: ThingKind::Account, name: name.0.clone() })
}

/// The account with a service that `change` changes; nothing where it says that nothing did.
fn with_service(
    current: &Provisioning,
    name: &AccountName,
    vasid: &str,
    change: impl FnOnce(&mut Service) -> Result<bool, VerbRefusal>,
) -> Result<Vec<Change>, VerbRefusal> {
    let mut account = account_of(current, name)?.clone();
    let service = account.services.iter_mut().find(|service| service.vasid == vasid);
    let unknown = || VerbRefusal::UnknownService { account: name.clone(), vasid: vasid.to_owned() };
    let changed = change(service.ok_or_else(unknown)?)?;
    Ok(changed.then(|| Change::PutAccount(Box::new(account))).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::account::ShownCredentials;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn vaspid(text: &str) -> KeySecret {
        KeySecret::Vaspid(VaspKey { hash: format!("{text}-0123456789"), prefix: text.to_owned() })
    }

    fn password(hash: &str) -> ShownCredentials {
        ShownCredentials { username: "acme".to_owned(), password_hash: hash.to_owned() }
    }

    /// What a file says of an account, as the store keeps it.
    fn provisioned() -> Provisioning {
        let account = |name: &str| -> Account {
            let document = format!(
                r#"{{"name":"{name}","vaspid":{{"hash":"{name}-0123456789","prefix":"{name}"}},"status":"active","mm7":true,
                "basic_auth":null,"allowed_ips":[],"require_tls":false,"dialect":"posthouse","submit_mode":"queue",
                "relay_timeout":10000,"require_carrier_id":false,"max_message_bytes":1000,"throughput":null,
                "callbacks":{{"report_url":null,"deliver_url":null,"basic_auth":null,"timeout":10000,"retry_after":300000,"max_retries":5}},
                "services":[]}}"#
            );
            serde_json::from_str(&document).unwrap()
        };
        Provisioning { accounts: vec![account("acme"), account("beta")], ..Provisioning::default() }
    }

    fn acme() -> AccountName {
        AccountName("acme".to_owned())
    }

    /// Does it, and gives back acme's account.
    fn done(current: &mut Provisioning, verb: &ProvisioningVerb) -> Result<Account, VerbRefusal> {
        for change in verb.changes(current)? {
            let Change::PutAccount(account) = change else { panic!("{change:?}") };
            let place = current.accounts.iter_mut().find(|one| one.name == account.name).unwrap();
            *place = *account;
        }
        Ok(current.accounts[0].clone())
    }

    fn add(secret: KeySecret, until: Option<i64>, now: i64) -> ProvisioningVerb {
        ProvisioningVerb::AddKey { account: acme(), secret, until: until.map(at), now: at(now) }
    }

    fn remove(key: &str) -> ProvisioningVerb {
        ProvisioningVerb::RemoveKey { account: acme(), key: key.to_owned() }
    }

    #[test]
    fn a_new_key_takes_the_place_of_the_one_before_which_stays_good_for_a_while() {
        let mut current = provisioned();
        let account = done(&mut current, &add(vaspid("new"), Some(100), 1)).unwrap();
        assert_eq!((&*account.vaspid.prefix, account.further_keys.len()), ("new", 1));
        let old = &account.further_keys[0];
        assert_eq!((old.secret.clone(), old.until), (vaspid("acme"), Some(at(100))));
        assert!(old.is_good(at(99)) && !old.is_good(at(100)));
        // What was to end sooner does.
        let account = done(&mut current, &add(vaspid("newer"), Some(200), 2)).unwrap();
        let until: Vec<_> = account.further_keys.iter().map(|key| key.until).collect();
        assert_eq!(until, [Some(at(100)), Some(at(200))]);
        let account = done(&mut current, &add(vaspid("newest"), None, 150)).unwrap();
        let left: Vec<_> = account.further_keys.iter().map(|key| (key.secret.id(), key.until)).collect();
        assert_eq!(
            left,
            [("new-012345".to_owned(), Some(at(200))), ("newer-0123".to_owned(), None)],
            "one was over"
        );
    }

    #[test]
    fn a_password_is_changed_with_an_overlap_and_the_first_one_has_none() {
        let mut current = provisioned();
        let first = done(&mut current, &add(KeySecret::Password(password("one")), Some(100), 1)).unwrap();
        assert_eq!((first.basic_auth, first.further_keys), (Some(password("one")), vec![]));
        let account = done(&mut current, &add(KeySecret::Password(password("two")), Some(100), 1)).unwrap();
        let good = |now| account.passwords(at(now)).cloned().collect::<Vec<_>>();
        assert_eq!(good(99), [password("two"), password("one")]);
        assert_eq!(good(100), [password("two")]);
        assert_ne!(password("one").id(), password("two").id());
    }

    #[test]
    fn keys_are_removed_by_what_they_are_called_and_never_the_last() {
        let mut current = provisioned();
        done(&mut current, &add(vaspid("new"), None, 1)).unwrap();
        let refused = |current: &mut Provisioning, verb| {
            let refusal = done(current, &verb).unwrap_err();
            format!("{refusal}; {}", refusal.remedy().unwrap_or_default())
        };
        assert_eq!(
            refused(&mut current, remove("new")),
            "new is the key that account acme goes by; add another one, which takes its place, before"
        );
        assert_eq!(
            refused(&mut current, remove("nothing")),
            "account acme has no key nothing; `posthouse accounts keys list` has their ids"
        );
        for taken in ["acme", "new", "beta"] {
            let told = refused(&mut current, add(vaspid(taken), None, 1));
            assert!(told.starts_with("this VASPID is that of account "), "{told}");
        }
        let account = done(&mut current, &remove("acme")).unwrap();
        assert_eq!(account.further_keys, []);
        for number in 0..MOST_FURTHER_KEYS {
            done(&mut current, &add(vaspid(&format!("k{number}")), None, 1)).unwrap();
        }
        let told = refused(&mut current, add(vaspid("more"), None, 1));
        assert_eq!(told, "account acme has 8 further keys already; remove those that are not used");
    }
}
