//! Provisioning.

use std::sync::Arc;

use jiff::Timestamp;
use posthouse_api::{
    AccountView, BlacklistEntry, CarrierView, ChangeMade, LookupView, MAX_PAGE, PageOf, ProvisioningPlan,
    RevisionView, RollbackRequest, ServiceView,
};
use posthouse_core::{
    account::{AccountName, AccountStatus},
    actor::Actor,
    provisioning::{Blacklisted, Snapshot, verbs::ProvisioningVerb},
    store::Store,
};
use posthouse_gateway::{
    admin::{
        accounts, blacklist, carriers, change, lookups, number_of,
        provisioning::{diff, export, revisions, rollback},
        services,
    },
    lookup::Directory,
};

use super::{Via, of_verb, paged, told};

impl Via {
    /// All that is provisioned, as a file.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn export(&self) -> anyhow::Result<String> {
        match self {
            Self::Gateway(api) => api.export().await.map_err(told),
            Self::Store(store, _) => Ok(export::export(&**store).await?),
        }
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn accounts(&self) -> anyhow::Result<Vec<AccountView>> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = match self {
                Self::Gateway(api) => api.accounts(cursor.as_deref(), MAX_PAGE).await.map_err(told)?,
                Self::Store(store, _) => {
                    accounts::list::list(&**store, cursor.as_deref(), MAX_PAGE.into()).await?
                }
            };
            all.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// An account.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn account(&self, name: &str) -> anyhow::Result<AccountView> {
        match self {
            Self::Gateway(api) => api.account(name).await.map_err(told),
            Self::Store(store, _) => Ok(of_verb(accounts::get::get(&**store, name).await)?.0),
        }
    }

    /// Every carrier, by id.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn carriers(&self) -> anyhow::Result<Vec<CarrierView>> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = match self {
                Self::Gateway(api) => api.carriers(cursor.as_deref(), MAX_PAGE).await.map_err(told)?,
                Self::Store(store, _) => {
                    carriers::list::list(&**store, cursor.as_deref(), MAX_PAGE.into()).await?
                }
            };
            all.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// A carrier.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn carrier(&self, id: &str) -> anyhow::Result<CarrierView> {
        match self {
            Self::Gateway(api) => api.carrier(id).await.map_err(told),
            Self::Store(store, _) => Ok(of_verb(carriers::get::get(&**store, id).await)?.0),
        }
    }

    /// Services: all, those of an account, those that may send as `sender`.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn services(
        &self,
        account: Option<&str>,
        sender: Option<&str>,
    ) -> anyhow::Result<Vec<ServiceView>> {
        match self {
            Self::Gateway(api) => Ok(api.services(account, sender).await.map_err(told)?.items),
            Self::Store(store, _) => of_verb(services::list::list(&**store, account, sender).await),
        }
    }

    /// A page of the blacklist; only an account's own entries, where one is named.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn blacklist(
        &self,
        account: Option<&str>,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<BlacklistEntry>> {
        match self {
            Self::Gateway(api) => {
                paged(limit, cursor, async |cursor, limit| api.blacklist(account, cursor, limit).await).await
            }
            Self::Store(store, _) => {
                of_verb(blacklist::list::list(&**store, account, cursor.as_deref(), limit.into()).await)
            }
        }
    }

    /// The entries of the blacklist for a number.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn blacklisted(&self, number: &str) -> anyhow::Result<Vec<BlacklistEntry>> {
        match self {
            Self::Gateway(api) => Ok(api.blacklisted(number, true).await.map_err(told)?.items),
            Self::Store(store, _) => Ok(blacklist::get::get(&**store, &number_of(number)?, true).await?),
        }
    }

    /// Whose a number is. Without a gateway only the ranges can be asked: nobody has read a file of ported numbers.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn lookup(&self, number: &str, account: Option<&str>) -> anyhow::Result<LookupView> {
        match self {
            Self::Gateway(api) => api.lookup(number, account).await.map_err(told),
            Self::Store(store, _) => {
                let snapshot = Snapshot::new(store.provisioning().await?);
                let directory = Directory::default();
                of_verb(lookups::get::explain(&directory, &snapshot, &number_of(number)?, account).await)
            }
        }
    }

    /// Lets an account send no more, or again.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn set_enabled(&self, account: &str, enabled: bool) -> anyhow::Result<ChangeMade> {
        let status = if enabled { AccountStatus::Active } else { AccountStatus::Disabled };
        match self {
            Self::Gateway(api) => api.set_enabled(account, enabled).await.map_err(told),
            Self::Store(store, by) => {
                let account = AccountName(account.to_owned());
                carry_out(store, by, ProvisioningVerb::SetStatus { account, status }).await
            }
        }
    }

    /// Lets a service send under one more address, or under one less.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn set_sender(
        &self,
        account: &str,
        vasid: &str,
        sender: &str,
        may: bool,
    ) -> anyhow::Result<ChangeMade> {
        match self {
            Self::Gateway(api) => api.set_sender(account, vasid, sender, may).await.map_err(told),
            Self::Store(store, by) => {
                let (account, vasid) = (AccountName(account.to_owned()), vasid.to_owned());
                let sender = sender.to_owned();
                let verb = match may {
                    true => ProvisioningVerb::AddSender { account, vasid, sender },
                    false => ProvisioningVerb::RemoveSender { account, vasid, sender },
                };
                carry_out(store, by, verb).await
            }
        }
    }

    /// Blocks a number, or unblocks it: for an account, or for every account.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn set_blocked(
        &self,
        number: &str,
        account: Option<&str>,
        blocked: bool,
    ) -> anyhow::Result<ChangeMade> {
        match self {
            Self::Gateway(api) => api.set_blocked(number, account, blocked).await.map_err(told),
            Self::Store(store, by) => {
                let account = account.map(|name| AccountName(name.to_owned()));
                let entry = Blacklisted { number: number_of(number)?, account };
                let verb =
                    if blocked { ProvisioningVerb::Block(entry) } else { ProvisioningVerb::Unblock(entry) };
                carry_out(store, by, verb).await
            }
        }
    }

    /// A page of the changes of provisioning, the newest first.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn revisions(&self, cursor: Option<u64>, limit: u16) -> anyhow::Result<PageOf<RevisionView>> {
        let (mut all, mut cursor) = (Vec::new(), cursor);
        loop {
            let left = usize::from(limit).saturating_sub(all.len());
            let page_limit = u16::try_from(left).unwrap_or(MAX_PAGE).min(MAX_PAGE);
            let page = match self {
                Self::Gateway(api) => {
                    let cursor = cursor.map(|cursor| cursor.to_string());
                    api.revisions(cursor.as_deref(), page_limit).await.map_err(told)?
                }
                Self::Store(store, _) => revisions::list(&**store, cursor, page_limit.into()).await?,
            };
            all.extend(page.items);
            cursor = page.next.as_deref().and_then(|next| next.parse().ok());
            if cursor.is_none() || all.len() >= usize::from(limit) {
                return Ok(PageOf { items: all, next: cursor.map(|cursor| cursor.to_string()) });
            }
        }
    }

    /// What a revision changed; with `to`, what changed from it to that one.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn revision_diff(&self, number: u64, to: Option<u64>) -> anyhow::Result<ProvisioningPlan> {
        match self {
            Self::Gateway(api) => api.revision_diff(number, to).await.map_err(told),
            Self::Store(store, _) => of_verb(diff::diff(&**store, number, to, false).await),
        }
    }

    /// Brings provisioning back to what it was at a revision.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn rollback(&self, request: &RollbackRequest) -> anyhow::Result<ProvisioningPlan> {
        match self {
            Self::Gateway(api) => api.rollback(request).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(rollback::rollback(&**store, request, false, by, Timestamp::now()).await)
            }
        }
    }
}

async fn carry_out(store: &Arc<dyn Store>, by: &Actor, verb: ProvisioningVerb) -> anyhow::Result<ChangeMade> {
    of_verb(change::change(&**store, &verb, None, by, Timestamp::now()).await)
}
