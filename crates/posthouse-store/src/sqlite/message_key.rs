//! What messages are found by, beside their ids: the table `message_key`.
//!
//! Recipients, TransactionIDs and carriers' MessageIDs come in no order, and an index into which each message is put at once costs a page
//! for each of them. So messages are put in by thousands, in the order of their keys. Those that are not in yet are *recent*: their ids are
//! above `keyed_to`. The writer has what it needs of them in memory ([`RecentKeys`](super::recent_keys::RecentKeys)); a search reads their rows.
//!
//! A key is a hash, which says where to look; whoever finds a message by it compares its row. Keys lie in buckets by the time in the
//! message's id: what comes together lies together, and repetitions are looked for in the buckets of a day only.

use jiff::Timestamp;
use posthouse_core::Id;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Result;

/// How long a bucket is, in milliseconds: six hours.
const BUCKET: i64 = 6 * 3600 * 1000;
/// How many messages are put in at a time where all are.
const AT_A_TIME: i64 = 1 << 18;

/// What a message is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKeyKind {
    /// Account, TransactionID and digest: what makes a repetition.
    Repetition,
    /// The recipient.
    Recipient,
    /// The TransactionID.
    TransactionId,
    /// The carrier's MessageID, whoever the carrier is.
    CarrierMessageId,
    /// The carrier's MessageID, with the carrier.
    OfCarrier,
}

/// The hash of these parts; not below zero.
pub(super) fn key(kind: MessageKeyKind, parts: &[&[u8]]) -> i64 {
    let mut hash = blake3::Hasher::new();
    hash.update(&[kind as u8]);
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 8];
    hash.finalize_xof().fill(&mut bytes);
    i64::from_le_bytes(bytes) & i64::MAX
}

/// The key of what makes a repetition.
pub(super) fn repetition(account: &str, transaction_id: &str, digest: &[u8; 16]) -> i64 {
    key(MessageKeyKind::Repetition, &[account.as_bytes(), transaction_id.as_bytes(), digest])
}

/// The keys that a message has from its acceptance on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstKeys {
    /// `None`: nothing is a repetition of it any more.
    pub(super) repetition: Option<i64>,
    pub(super) recipient: i64,
    pub(super) transaction_id: i64,
}

impl FirstKeys {
    /// Those of a message of this account.
    pub(super) fn of(account: &str, transaction_id: &str, digest: Option<&[u8]>, recipient: &str) -> Self {
        let (account, transaction) = (account.as_bytes(), transaction_id.as_bytes());
        Self {
            repetition: digest.map(|digest| key(MessageKeyKind::Repetition, &[account, transaction, digest])),
            recipient: key(MessageKeyKind::Recipient, &[recipient.as_bytes()]),
            transaction_id: key(MessageKeyKind::TransactionId, &[transaction]),
        }
    }

    fn all(self) -> impl Iterator<Item = i64> {
        [Some(self.recipient), Some(self.transaction_id), self.repetition].into_iter().flatten()
    }
}

/// The keys that a message has once its carrier's MessageID is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LearnedKeys {
    pub(super) of_carrier: i64,
    pub(super) carrier_message_id: i64,
}

impl LearnedKeys {
    /// Those of a message to this carrier.
    pub(super) fn of(carrier: &str, carrier_message_id: &str) -> Self {
        let id = carrier_message_id.as_bytes();
        Self {
            of_carrier: key(MessageKeyKind::OfCarrier, &[carrier.as_bytes(), id]),
            carrier_message_id: key(MessageKeyKind::CarrierMessageId, &[id]),
        }
    }

    /// Each of them, with its place.
    pub(super) fn entries(self, message: i64) -> impl Iterator<Item = KeyEntry> {
        let bucket = bucket_of(message);
        [self.of_carrier, self.carrier_message_id].into_iter().map(move |key| KeyEntry {
            bucket,
            key,
            message,
        })
    }
}

/// All that a message is found by, as its row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowKeys {
    pub(super) id: i64,
    pub(super) first: FirstKeys,
    pub(super) learned: Option<LearnedKeys>,
}

impl RowKeys {
    /// Each of them, with its place.
    pub(super) fn entries(&self) -> impl Iterator<Item = KeyEntry> + use<> {
        let (id, bucket) = (self.id, bucket_of(self.id));
        let learned = self.learned.into_iter().flat_map(move |learned| learned.entries(id));
        self.first.all().map(move |key| KeyEntry { bucket, key, message: id }).chain(learned)
    }
}

/// A row of the table, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyEntry {
    pub(super) bucket: i64,
    pub(super) key: i64,
    pub(super) message: i64,
}

/// The bucket of a message.
pub(super) fn bucket_of(id: i64) -> i64 {
    Id::from_number(id).map_or(0, |id| bucket_at(id.time()))
}

/// The bucket of this time.
pub(super) fn bucket_at(time: Timestamp) -> i64 {
    time.as_millisecond().div_euclid(BUCKET)
}

/// Puts one in, unless it is there.
pub(super) fn insert(connection: &Connection, entry: KeyEntry) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO message_key (bucket, key, message) VALUES (?, ?, ?)";
    connection.prepare_cached(insert)?.execute((entry.bucket, entry.key, entry.message))?;
    Ok(())
}

/// Takes one out, if it is there.
pub(super) fn remove(connection: &Connection, entry: KeyEntry) -> Result<()> {
    let remove = "DELETE FROM message_key WHERE bucket = ? AND key = ? AND message = ?";
    connection.prepare_cached(remove)?.execute((entry.bucket, entry.key, entry.message))?;
    Ok(())
}

/// Takes out whatever is left of buckets in which there is no message any more.
pub(super) fn remove_old(connection: &Connection) -> Result<()> {
    let oldest: Option<i64> =
        connection.prepare_cached("SELECT min(id) FROM message")?.query_row([], |row| row.get(0))?;
    if let Some(oldest) = oldest {
        let remove = "DELETE FROM message_key WHERE bucket < ?";
        connection.prepare_cached(remove)?.execute([bucket_of(oldest)])?;
    }
    Ok(())
}

/// The ids up to which all messages are in the table.
pub(super) fn keyed_to(connection: &Connection) -> Result<i64> {
    let select = "SELECT value FROM meta WHERE name = 'keyed_to'";
    Ok(connection.prepare_cached(select)?.query_row([], |row| row.get(0))?)
}

/// All messages up to this id are in the table.
pub(super) fn set_keyed_to(connection: &Connection, id: i64) -> Result<()> {
    let set = "UPDATE meta SET value = ? WHERE name = 'keyed_to'";
    connection.prepare_cached(set)?.execute([id])?;
    Ok(())
}

/// The newest bucket below this one.
pub(super) fn bucket_below(connection: &Connection, bucket: i64) -> Result<Option<i64>> {
    let select = "SELECT max(bucket) FROM message_key WHERE bucket < ?";
    Ok(connection.prepare_cached(select)?.query_row([bucket], |row| row.get(0))?)
}

/// The buckets from this one on, ascending.
pub(super) fn buckets_from(connection: &Connection, from: i64) -> Result<Vec<i64>> {
    let (mut buckets, mut below) = (Vec::new(), i64::MAX);
    while let Some(bucket) = bucket_below(connection, below)?.filter(|bucket| *bucket >= from) {
        buckets.push(bucket);
        below = bucket;
    }
    buckets.reverse();
    Ok(buckets)
}

/// Looks at the messages under a key in a bucket, the newest first, till one is found.
pub(super) fn find_newest<T>(
    connection: &Connection,
    bucket: i64,
    key: i64,
    look: impl FnMut(i64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let select = "SELECT message FROM message_key WHERE bucket = ? AND key = ? ORDER BY message DESC";
    find(connection, select, (bucket, key), look)
}

/// The same, the oldest first.
pub(super) fn find_oldest<T>(
    connection: &Connection,
    bucket: i64,
    key: i64,
    look: impl FnMut(i64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let select = "SELECT message FROM message_key WHERE bucket = ? AND key = ? ORDER BY message";
    find(connection, select, (bucket, key), look)
}

fn find<T>(
    connection: &Connection,
    select: &str,
    values: (i64, i64),
    mut look: impl FnMut(i64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        if let Some(found) = look(row.get(0)?)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

macro_rules! row_keys {
    ($which:literal) => {
        concat!(
            "SELECT id, account, transaction_id, digest, recipient, carrier, carrier_message_id FROM message WHERE ",
            $which
        )
    };
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<RowKeys> {
    let text = |column: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
    let digest = row.get_ref(3)?.as_blob_or_null()?;
    let learned = row.get_ref(6)?.as_str_or_null()?;
    let carrier = text(5)?;
    Ok(RowKeys {
        id: row.get(0)?,
        first: FirstKeys::of(text(1)?, text(2)?, digest, text(4)?),
        learned: learned.map(|learned| LearnedKeys::of(carrier, learned)),
    })
}

/// What a message is found by; `None`: there is none of this id.
pub(super) fn of_message(connection: &Connection, id: i64) -> Result<Option<RowKeys>> {
    Ok(connection.prepare_cached(row_keys!("id = ?"))?.query_row([id], read).optional()?)
}

/// What the messages above an id are found by, in the order of their ids.
pub(super) fn above(connection: &Connection, id: i64, each: impl FnMut(RowKeys)) -> Result<()> {
    let mut statement = connection.prepare_cached(row_keys!("id > ? ORDER BY id LIMIT -1"))?;
    let rows = statement.query_map([id], read)?;
    rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().for_each(each);
    Ok(())
}

/// Puts all messages in that are not yet, and tells how many are.
pub(super) fn key_all(connection: &Connection, mut progress: impl FnMut(usize)) -> Result<()> {
    let (mut last, mut done) = (keyed_to(connection)?, 0);
    loop {
        let mut statement = connection.prepare_cached(row_keys!("id > ? ORDER BY id LIMIT ?"))?;
        let rows: Vec<RowKeys> =
            statement.query_map([last, AT_A_TIME], read)?.collect::<rusqlite::Result<_>>()?;
        let Some(newest) = rows.last() else { break };
        last = newest.id;
        done += rows.len();
        let mut entries: Vec<KeyEntry> = rows.iter().flat_map(RowKeys::entries).collect();
        entries.sort_unstable();
        entries.into_iter().try_for_each(|entry| insert(connection, entry))?;
        progress(done);
    }
    set_keyed_to(connection, last)
}
