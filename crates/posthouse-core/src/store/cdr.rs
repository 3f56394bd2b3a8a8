//! Records of what ended (CDR) that are still to be written into files, and how far these were written.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{StoreResult, StoredMo};
use crate::{
    Id,
    message::{EventKind, StoredMessage, TimelineEvent},
};

/// Something that ended, or came from a handset, and of which no file has the record yet.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingRecord {
    /// The MessageID, or the LinkedID of a message from a handset. Each has one record.
    pub id: Id,
    /// The number of the node on which it happened.
    pub node: u8,
    /// When.
    pub at: Timestamp,
    /// What the record is about.
    pub subject: RecordSubject,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordSubject {
    /// A message that ended.
    Message {
        /// The message, as it ended.
        message: Box<StoredMessage>,
        /// Over which connection its last attempt went; `None`: there was none, or its timeline was full.
        connection: Option<String>,
        /// When a carrier took it; `None`: none did.
        forwarded_at: Option<Timestamp>,
    },
    /// A message from a handset.
    Mo(Box<StoredMo>),
    /// Retention took it before its record was written: nothing else is known of it.
    Gone,
}

impl RecordSubject {
    /// A message that ended, as its timeline tells it.
    pub fn of_message(message: StoredMessage, timeline: &[TimelineEvent]) -> Self {
        let last = |kind| timeline.iter().rev().find(|line| line.kind == kind);
        Self::Message {
            message: Box::new(message),
            connection: last(EventKind::Sending).map(|line| line.detail.clone()),
            forwarded_at: last(EventKind::Forwarded).map(|line| line.at),
        }
    }
}

/// Which records are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordsOf {
    /// Those of what happened on the node of this number. Where a store is for one node, all.
    Node(u8),
    /// Those of any node that nobody has written though they are older than this: their node is away, or cannot write.
    Before(Timestamp),
}

/// How far a file is written, of a folder that has a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdrFile {
    /// The name that the folder was given when it was first used.
    pub folder: String,
    /// The name of the file.
    pub file: String,
    /// How many bytes of it count: what is beyond was never committed.
    pub length: u64,
}

/// Keeps what is still to be written into CDR files. See the [module](super) for what every operation keeps, and for the errors that each
/// may have.
///
/// A record is noted in the transaction by which its message ends. Whoever writes files appends a batch of records to one, syncs it, and then
/// has the records forgotten and the file's length noted in one transaction. After a crash a file is cut to the length that was noted; so
/// each record is in one file, once.
#[async_trait]
pub trait CdrStore: Send + Sync + 'static {
    /// Whether this process notes a record of each message that ends from now on, and of each that comes from a handset. Off till it is
    /// said, and nothing is written for it while it is.
    fn keep_records(&self, on: bool);

    /// Records that are in no file yet, by id, at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn pending_records(&self, of: RecordsOf, limit: usize) -> StoreResult<Vec<PendingRecord>>;

    /// How many there are; at most [`COUNTED`](super::COUNTED).
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn pending_record_count(&self) -> StoreResult<u64>;

    /// These records are in the file, up to this length, and synced: they are pending no more. `before` is how the folder's last file was
    /// noted. Says whether it was done. It was not, and nothing is changed, where one of the records is pending no more, or the folder's file
    /// is noted otherwise: somebody else wrote it.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn records_written(
        &self,
        ids: &[Id],
        before: Option<&CdrFile>,
        file: &CdrFile,
    ) -> StoreResult<bool>;

    /// The last file of the folder of this name, as it was noted.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn cdr_file(&self, folder: &str) -> StoreResult<Option<CdrFile>>;
}
