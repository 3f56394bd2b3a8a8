//! What an operator does to one thing, without a file: what it changes, or why it cannot be done.

use super::{
    Blacklisted, Change, Provisioning, ThingKind,
    account::{Account, AccountName, AccountStatus, Service},
};

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
    #[error("account {account} is a sandbox; its status is changed by a provisioning file")]
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
    #[error("service {vasid} of account {account} would be left without a sender; add another one before")]
    LastSender {
        /// Whose service.
        account: AccountName,
        /// The service.
        vasid: String,
    },
    /// It is no SenderAddress.
    #[error("{sender:?} {what}")]
    NoSender {
        /// What was written.
        sender: String,
        /// What is wrong, and the remedy.
        what: String,
    },
    /// The number is not blocked so.
    #[error("{number} is not blocked {whom}; `posthouse blacklist show` says for whom a number is")]
    NotBlocked {
        /// The number, masked.
        number: String,
        /// For whom it is not.
        whom: String,
    },
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
