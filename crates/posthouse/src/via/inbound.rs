//! What came from carriers.

use jiff::Timestamp;
use posthouse_api::{ForNobodyView, MoQuery, MoView, PageOf, UnmatchedQuery, UnmatchedView};
use posthouse_core::carrier::CarrierId;
use posthouse_gateway::admin::{messages::selection, mo, unmatched_reports};

use super::{Via, found, found_in, of_verb, paged, snapshot, told};

/// The number in a cursor.
fn number(cursor: Option<&str>) -> anyhow::Result<Option<i64>> {
    Ok(cursor.map(str::parse).transpose()?)
}

impl Via {
    /// A page of the messages from handsets that match.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn mos(
        &self,
        query: &MoQuery,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<MoView>> {
        match self {
            Self::Gateway(api) => {
                paged(limit, cursor, async |cursor, limit| api.mos(query, cursor, limit).await).await
            }
            Self::Store(store, _) => {
                let (account, carrier) = (query.account.as_deref(), query.carrier.as_deref());
                selection::provisioned(&snapshot(&**store).await?, account, carrier)?;
                of_verb(mo::list::list(&**store, query, cursor.as_deref(), limit.into(), false).await)
            }
        }
    }

    /// A message from a handset; `None` where there is none.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn mo(&self, id: &str, reveal: bool) -> anyhow::Result<Option<MoView>> {
        match self {
            Self::Gateway(api) => found(api.mo(id, reveal).await),
            Self::Store(store, _) => found_in(mo::get::get(&**store, id, reveal).await),
        }
    }

    /// Makes a message from a handset owed once more.
    ///
    /// # Errors
    /// Why it is left alone, or what the gateway or the store says.
    pub async fn resend_mo(&self, id: &str) -> anyhow::Result<MoView> {
        match self {
            Self::Gateway(api) => api.resend_mo(id).await.map_err(told),
            Self::Store(store, by) => of_verb(mo::resend::resend(&**store, id, by, Timestamp::now()).await),
        }
    }

    /// A page of those that were for nobody.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn for_nobody(
        &self,
        carrier: Option<&str>,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<ForNobodyView>> {
        match self {
            Self::Gateway(api) => {
                paged(limit, cursor, async |cursor, limit| api.for_nobody(carrier, cursor, limit).await).await
            }
            Self::Store(store, _) => {
                selection::provisioned(&snapshot(&**store).await?, None, carrier)?;
                let (carrier, below) =
                    (carrier.map(|id| CarrierId(id.to_owned())), number(cursor.as_deref())?);
                Ok(mo::for_nobody::list(&**store, carrier.as_ref(), below, limit.into(), false).await?)
            }
        }
    }

    /// A page of the reports whose message is not known.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn unmatched(
        &self,
        query: &UnmatchedQuery,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<UnmatchedView>> {
        match self {
            Self::Gateway(api) => {
                paged(limit, cursor, async |cursor, limit| api.unmatched(query, cursor, limit).await).await
            }
            Self::Store(store, _) => {
                selection::provisioned(&snapshot(&**store).await?, None, query.carrier.as_deref())?;
                let below = number(cursor.as_deref())?;
                Ok(unmatched_reports::list::list(&**store, query, below, limit.into(), false).await?)
            }
        }
    }

    /// One of them; `None` where there is none of this number.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn unmatched_report(&self, number: i64, reveal: bool) -> anyhow::Result<Option<UnmatchedView>> {
        match self {
            Self::Gateway(api) => found(api.unmatched_report(number, reveal).await),
            Self::Store(store, _) => found_in(unmatched_reports::get::get(&**store, number, reveal).await),
        }
    }
}
