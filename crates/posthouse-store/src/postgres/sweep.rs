//! Retention: media and messages go when they have ended, owe nothing, and their end is long enough ago.
//!
//! Looking for them is a reader's work; the writer throws away what was found, after making sure that it still may.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    store::{StoreError, Swept},
};

use super::{
    batch::{BatchClaim, BatchTx},
    days::{Calendar, DayPart},
    fault::{BatchResult, refused},
    reader::ReadPool,
    statements::{self, Statement},
    value::{PgValue, values},
};

/// What may be thrown away.
#[derive(Clone, Debug, Default)]
pub(super) struct OldRows {
    media: Vec<Id>,
    messages: Vec<Id>,
    mo_media: Vec<Id>,
    mos: Vec<Id>,
    unmatched_reports: Vec<i64>,
    unreadable: Vec<i64>,
    for_nobody: Vec<i64>,
    operations: Vec<i64>,
    refusals: Vec<i64>,
    media_before: Option<Timestamp>,
    messages_before: Option<Timestamp>,
}

impl OldRows {
    /// Whether there is nothing to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.media.is_empty()
            && self.messages.is_empty()
            && self.mo_media.is_empty()
            && self.mos.is_empty()
            && self.unmatched_reports.is_empty()
            && self.unreadable.is_empty()
            && self.for_nobody.is_empty()
            && self.operations.is_empty()
            && self.refusals.is_empty()
    }
}

/// Looks for what may be thrown away row by row, at most `limit` of each, the oldest first. What was accepted later than the time in
/// question has not ended before it.
pub(super) async fn find(
    readers: &ReadPool,
    calendar: &Calendar,
    media_before: Timestamp,
    messages_before: Timestamp,
    limit: usize,
) -> BatchResult<OldRows, StoreError> {
    let (media, messages) = ((DayPart::Media, media_before), (DayPart::Messages, messages_before));
    let ids = async |statement: &'static Statement, (part, before): (DayPart, Timestamp)| {
        let mut found: Vec<Id> = Vec::new();
        for (from, to) in calendar.row_by_row(part, before) {
            let left = limit.saturating_sub(found.len());
            if left == 0 {
                break;
            }
            let ids = numbers(readers, statement, values![from, to, before, left]).await?;
            found.extend(ids.into_iter().filter_map(Id::from_number));
        }
        Ok::<_, StoreError>(found)
    };
    let old = || values![messages_before, limit];
    Ok(OldRows {
        media: ids(&statements::SWEEP_FIND_MEDIA, media).await?,
        messages: ids(&statements::SWEEP_FIND, messages).await?,
        mo_media: ids(&statements::SWEEP_FIND_MO_MEDIA, media).await?,
        mos: ids(&statements::SWEEP_FIND_MO, messages).await?,
        unmatched_reports: numbers(readers, &statements::SWEEP_FIND_WAITING, old()).await?,
        unreadable: numbers(readers, &statements::SWEEP_FIND_UNREADABLE, old()).await?,
        for_nobody: numbers(readers, &statements::SWEEP_FIND_FOR_NOBODY, old()).await?,
        operations: numbers(readers, &statements::SWEEP_FIND_OPERATIONS, old()).await?,
        refusals: numbers(readers, &statements::SWEEP_FIND_REFUSALS, old()).await?,
        media_before: Some(media_before),
        messages_before: Some(messages_before),
    })
}

async fn numbers(
    readers: &ReadPool,
    statement: &'static Statement,
    values: Vec<PgValue>,
) -> BatchResult<Vec<i64>, StoreError> {
    let rows = readers.query(statement, values).await?;
    rows.iter().map(|row| row.try_get("id").map_err(|error| refused(&error))).collect()
}

/// Throws away what was found.
pub(super) async fn sweep(tx: &BatchTx, candidates: &OldRows) -> BatchResult<Swept> {
    let mut swept = Swept::default();
    let mut gone: Vec<Id> = Vec::new();
    let OldRows { messages, mos, media, mo_media, .. } = candidates;
    for id in still(tx, &statements::SWEEP_MESSAGE, messages, candidates.messages_before).await? {
        remove_message(tx, id);
        swept.messages += 1;
        gone.push(id);
    }
    for id in still(tx, &statements::SWEEP_MO, mos, candidates.messages_before).await? {
        remove_mo(tx, id);
        swept.messages += 1;
        gone.push(id);
    }
    let mut with_media = still(tx, &statements::SWEEP_MESSAGE, media, candidates.media_before).await?;
    with_media.extend(still(tx, &statements::SWEEP_MO, mo_media, candidates.media_before).await?);
    for id in with_media {
        tx.write(&statements::DELETE_MEDIA, values![id]);
        swept.media += 1;
        gone.retain(|one| *one != id);
    }
    // The rest of them may have media as well: those are not counted, for nobody looked.
    for id in gone {
        tx.write(&statements::DELETE_MEDIA, values![id]);
    }
    for number in &candidates.unmatched_reports {
        tx.write(&statements::DELETE_WAITING, values![*number]);
        swept.unmatched_reports += 1;
    }
    for number in &candidates.unreadable {
        tx.write(&statements::DELETE_UNREADABLE, values![*number]);
        swept.unreadable += 1;
    }
    for number in &candidates.for_nobody {
        tx.write(&statements::DELETE_FOR_NOBODY, values![*number]);
    }
    for number in &candidates.operations {
        tx.write(&statements::DELETE_OPERATION_ITEMS, values![*number]);
        tx.write(&statements::DELETE_OPERATION, values![*number]);
    }
    for number in &candidates.refusals {
        tx.write(&statements::DELETE_REFUSAL, values![*number]);
        swept.refusals += 1;
    }
    Ok(swept)
}

/// Those of which it still holds, claimed.
async fn still(
    tx: &BatchTx,
    statement: &'static Statement,
    ids: &[Id],
    before: Option<Timestamp>,
) -> BatchResult<Vec<Id>> {
    let looking = ids.iter().map(|id| tx.read_one(statement, values![*id, before]));
    let mut still = Vec::new();
    for (id, row) in ids.iter().zip(futures_util::future::join_all(looking).await) {
        if row?.is_some() && tx.try_claim(BatchClaim::Message(*id)) {
            still.push(*id);
        }
    }
    Ok(still)
}

/// Removes a message with all that is about it. Its id stays the newest, if it was.
fn remove_message(tx: &BatchTx, id: Id) {
    for statement in [
        &statements::DELETE_MESSAGE,
        &statements::DELETE_ENDED,
        &statements::DELETE_EVENTS,
        &statements::DELETE_READ_REPLIES,
        &statements::DELETE_RESUBMISSION,
        &statements::DELETE_FAILED_ATTEMPTS,
        &statements::DELETE_FAILED_OF,
        &statements::DELETE_TRIES,
    ] {
        tx.write(statement, values![id]);
    }
    tx.write(&statements::RAISE_META, values!["newest_id", id]);
}

/// Removes a message from a handset, likewise.
fn remove_mo(tx: &BatchTx, id: Id) {
    tx.write(&statements::DELETE_MO, values![id]);
    tx.write(&statements::DELETE_FAILED_OF, values![id]);
    tx.write(&statements::DELETE_TRIES, values![id]);
    tx.write(&statements::RAISE_META, values!["newest_id", id]);
}
