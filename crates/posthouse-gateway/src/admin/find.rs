//! `GET /api/v1/find`: everything that has an id or a number, whatever it is.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{DEFAULT_PAGE, FoundView, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::{Actor, Right},
    address::{Msisdn, typed},
    bounds,
    life::retention::Absence,
    message::StoredMessage,
    refusal::KeptRefusal,
    store::{
        MessageFilter, MoFilter, RefusalFilter, Store, StoreError, StoreResult, StoredMo, UnmatchedFilter,
        UnmatchedReport,
    },
};

use super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    context::need,
    messages, mo,
    parameters::Reveal,
    query::Parameters,
    refusals,
    reveal::DIGITS_OF_IDS,
    unmatched_reports,
};
use crate::secrets::number_hash;

/// How many of each kind are shown.
const LIMIT: usize = DEFAULT_PAGE as usize;

/// Whatever has an id or a number
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/find", tag = "find", operation_id = "find",
    params(
        ("q" = String, Query, description = "An id of any kind, or a number in any spelling: at least one character that is seen, no NUL and no mask (•)", pattern = r"^[^\u0000•]*[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000•][^\u0000•]*$"),
        Reveal,
    ),
    responses((status = 200, description = "What was found", body = FoundView))
))]
pub(super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<FoundView>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (q, reveal) = (given.one("q").unwrap_or_default(), given.flag("reveal"));
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    let wanted = Wanted { q: &q, reveal, account: by.account() };
    Ok(JsonAnswer(find_of(&*state.store, wanted, state.messages_kept, state.clock.now()).await?))
}

/// Everything that has this id or number. Messages that ended longer than `messages_kept` ago may have been thrown away.
///
/// # Errors
/// There is nothing to look for, or what the store says.
pub async fn find(
    store: &dyn Store,
    q: &str,
    reveal: bool,
    messages_kept: Duration,
    now: Timestamp,
) -> Result<FoundView, VerbError> {
    find_of(store, Wanted { q, reveal, account: None }, messages_kept, now).await
}

/// What is looked for, and for whom.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    q: &'w str,
    reveal: bool,
    /// Only what is this account's: reports without a message are nobody's.
    account: Option<&'w AccountName>,
}

/// Whether anything can have this id or number: something of it is seen, no number in it is masked, and no NUL is in it, which neither XML
/// nor PostgreSQL's text can hold. The pattern of `q` in the document says the same, with what Unicode calls White_Space and Cc.
fn can_be_found(q: &str) -> bool {
    q.chars().any(|character| !character.is_whitespace() && !character.is_control())
        && !q.contains(['•', '\0'])
}

async fn find_of(
    store: &dyn Store,
    Wanted { q, reveal, account }: Wanted<'_>,
    messages_kept: Duration,
    now: Timestamp,
) -> Result<FoundView, VerbError> {
    let q = q.trim();
    if !can_be_found(q) {
        let what = "there is nothing to look for, or a number that is masked";
        let error = ProblemError::in_parameter("q", what).with_remedy("write an id, or a whole number");
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(error).into());
    }
    let asked = Asked::new(q, account);
    let (mos, incomplete) = match asked.mos(store).await {
        Err(StoreError::TooWide) => (Vec::new(), vec!["mo".to_owned()]),
        mos => (mos?, Vec::new()),
    };
    let mut found = FoundView {
        q: q.to_owned(),
        messages: asked
            .messages(store)
            .await?
            .iter()
            .map(|one| messages::views::message(one, reveal))
            .collect(),
        refusals: asked
            .refusals(store)
            .await?
            .iter()
            .map(|one| refusals::views::refusal(one, false))
            .collect(),
        mo: mos.iter().map(|one| mo::views::mo(one, reveal)).collect(),
        unmatched_reports: asked
            .unmatched(store)
            .await?
            .iter()
            .map(|one| unmatched_reports::views::report(one, reveal))
            .collect(),
        incomplete,
        absent: None,
        made_at: None,
    };
    // What is shorter would be of the first days that an id can tell, when no gateway was there: a number, or a typing error.
    let id = asked.id.filter(|_| q.len() >= DIGITS_OF_IDS);
    found.made_at = id.map(Id::time);
    if let Some(id) = id.filter(|_| found.is_empty()) {
        let before = now.checked_sub(messages_kept).unwrap_or(Timestamp::MIN);
        found.absent = Some(Absence::of(id, before).as_str().to_owned());
    }
    Ok(found)
}

/// What is looked for, in each way in which it can be meant.
struct Asked {
    /// An id of ours.
    id: Option<Id>,
    /// An id of somebody else's, as it is kept.
    text: String,
    /// The digits of a phone number.
    number: Option<String>,
    /// Whose it has to be.
    account: Option<AccountName>,
}

impl Asked {
    fn new(q: &str, account: Option<&AccountName>) -> Self {
        let digits = typed(q);
        let number = Msisdn::parse(&digits, true).map(|number| number.as_str().to_owned());
        Self { id: q.parse().ok(), text: bounds::id(q).into_owned(), number, account: account.cloned() }
    }

    fn is_meant(&self, account: Option<&AccountName>) -> bool {
        self.account.as_ref().is_none_or(|own| account == Some(own))
    }

    async fn messages(&self, store: &dyn Store) -> StoreResult<Vec<StoredMessage>> {
        let mut found = Vec::new();
        if let Some(id) = self.id {
            found.extend(store.message(id).await?.filter(|one| self.is_meant(Some(&one.account))));
        }
        let text = Some(self.text.clone());
        let any = || MessageFilter { account: self.account.clone(), ..MessageFilter::default() };
        let mut filters = vec![
            MessageFilter { transaction_id: text.clone(), ..any() },
            MessageFilter { carrier_message_id: text, ..any() },
        ];
        let to = |number: &String| MessageFilter { recipient: Some(number.clone()), ..any() };
        filters.extend(self.number.as_ref().map(to));
        for filter in filters {
            found.extend(store.messages(&filter, LIMIT).await?);
        }
        Ok(newest(found, |message| message.id))
    }

    async fn refusals(&self, store: &dyn Store) -> StoreResult<Vec<KeptRefusal>> {
        let any = || RefusalFilter { account: self.account.clone(), ..RefusalFilter::default() };
        let mut found = store
            .refusals(&RefusalFilter { transaction_id: Some(self.text.clone()), ..any() }, LIMIT)
            .await?;
        if let Some(number) = &self.number {
            let recipient_hash = Some(number_hash(&store.key().await?, number));
            found.extend(store.refusals(&RefusalFilter { recipient_hash, ..any() }, LIMIT).await?);
        }
        Ok(newest(found, |kept| kept.number))
    }

    async fn mos(&self, store: &dyn Store) -> StoreResult<Vec<StoredMo>> {
        let mut found = Vec::new();
        if let Some(id) = self.id {
            found.extend(store.mo(id).await?.filter(|one| self.is_meant(Some(&one.account))));
        }
        let text = Some(self.text.clone());
        let any = || MoFilter { account: self.account.clone(), ..MoFilter::default() };
        let mut filters =
            vec![MoFilter { transaction_id: text.clone(), ..any() }, MoFilter { linked_id: text, ..any() }];
        filters.extend(self.number.as_ref().map(|number| MoFilter { sender: Some(number.clone()), ..any() }));
        for filter in filters {
            found.extend(store.mos(&filter, LIMIT).await?);
        }
        Ok(newest(found, |mo| mo.id))
    }

    async fn unmatched(&self, store: &dyn Store) -> StoreResult<Vec<UnmatchedReport>> {
        if self.account.is_some() {
            return Ok(Vec::new());
        }
        let any = UnmatchedFilter::default;
        let filter = UnmatchedFilter { carrier_message_id: Some(self.text.clone()), ..any() };
        let mut found = store.unmatched(&filter, LIMIT).await?;
        if let Some(number) = &self.number {
            let filter = UnmatchedFilter { recipient: Some(number.clone()), ..any() };
            found.extend(store.unmatched(&filter, LIMIT).await?);
        }
        Ok(newest(found, |report| report.number))
    }
}

/// Each once, the newest first, and no more than are shown.
fn newest<T, K: Ord>(mut found: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    found.sort_by_key(|one| std::cmp::Reverse(key(one)));
    found.dedup_by_key(|one| key(one));
    found.truncate(LIMIT);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_seen_can_be_looked_for() {
        for q in ["7", "+1 617 555 0100", "-", "vas#1", "编号", "\u{10f67c}^Þ", " a\u{1f}b"] {
            assert!(can_be_found(q), "{q:?}");
        }
        for q in ["", " ", "\u{a0}\u{3000}\u{2028}", "\u{1c}\u{7f}\u{85}", "+1617•••0100", "a\0b"] {
            assert!(!can_be_found(q), "{q:?}");
        }
    }
}
