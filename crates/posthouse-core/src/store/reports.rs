//! What carriers report.

use async_trait::async_trait;

use super::{HandedOn, StoreResult, Take};
use crate::{
    life::{read_reply::CarrierReadReply, settlement::Recorded},
    message::CarrierReport,
    unreadable::Unreadable,
};

/// Takes what carriers report. See the [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait ReportStore: Send + Sync + 'static {
    /// Records a carrier's report on the message it is about: by carrier and MessageID; otherwise on the only message of that
    /// carrier between this sender and recipient whose MessageID was never learned (parked, taken with an answer that had
    /// none, or waiting to be sent again after an attempt [without an answer](super::Settlement::Resend)), which learns it from the
    /// report. While one between the two is being sent nobody can tell which is meant. Otherwise the report is kept, and
    /// applied as soon as a message becomes known by its id, is parked, waits to be sent again after an attempt without an
    /// answer, or is out of the way of one that does. Doubled reports are recorded once each and change nothing the second time;
    /// of those that wait, and of late ones, [a few](crate::bounds) are kept.
    ///
    /// A message that waits to be sent is not sent any more after a report on it: a terminal one ends it, and after another it
    /// waits for the terminal one till its `report_until` or ExpiryDate, whichever comes last.
    ///
    /// Callbacks that become due by it are [taken](super::TakeCallbacks) or left, whichever messages they are about.
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark, unless the report ends its message. After any error the
    /// carrier may be told to send it again: doubled reports are harmless.
    async fn record_report(&self, report: CarrierReport, take: Take) -> StoreResult<HandedOn<Recorded>>;

    /// Records a carrier's read reply on the message it is about, by carrier and MessageID, in whatever state that is: it becomes
    /// owed to the VASP. Otherwise it is kept, and applied as soon as a message becomes known by its id. A status that was
    /// told before is [late](Recorded::Late), and not owed again. What becomes due is [taken](super::TakeCallbacks) or left.
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark. After any error the carrier may be told to send it again.
    async fn record_read_reply(&self, reply: CarrierReadReply, take: Take)
    -> StoreResult<HandedOn<Recorded>>;

    /// Keeps a request of a carrier that nobody can read, [within bounds](crate::unreadable), or counts it where the same came before.
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark, for it is no work that could drain.
    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()>;
}
