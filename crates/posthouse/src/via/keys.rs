//! Keys of accounts.

use jiff::Timestamp;
use posthouse_api::{ChangeMade, IssuedKey, KeyRequest, KeyView};
use posthouse_core::{account::AccountName, provisioning::verbs::ProvisioningVerb};
use posthouse_gateway::admin::{
    accounts::keys::{add, list},
    change,
};

use super::{Via, of_verb, told};

impl Via {
    /// The keys of an account.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn keys(&self, account: &str) -> anyhow::Result<Vec<KeyView>> {
        match self {
            Self::Gateway(api) => Ok(api.keys(account).await.map_err(told)?.items),
            Self::Store(store, _) => of_verb(list::list(&**store, account).await),
        }
    }

    /// Gives it a new one.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn add_key(&self, account: &str, request: &KeyRequest) -> anyhow::Result<IssuedKey> {
        match self {
            Self::Gateway(api) => api.add_key(account, request).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(add::add(&**store, account, request, None, by, Timestamp::now()).await)
            }
        }
    }

    /// Ends one of the further ones.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn remove_key(&self, account: &str, key: &str) -> anyhow::Result<ChangeMade> {
        match self {
            Self::Gateway(api) => api.remove_key(account, key).await.map_err(told),
            Self::Store(store, by) => {
                let (account, key) = (AccountName(account.to_owned()), key.to_owned());
                let verb = ProvisioningVerb::RemoveKey { account, key };
                of_verb(change::change(&**store, &verb, None, by, Timestamp::now()).await)
            }
        }
    }
}
