//! ReadReplyReq and ReadReplyRsp (TS 23.140 clause 8.7.5): an MM was read, or deleted unread.

use jiff::Timestamp;

use crate::message::{AddressAttributes, Status};
use crate::types::{Address, MessageId};

/// What a recipient did with an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadReplyReq {
    /// MMSRelayServerID.
    pub relay_server_id: Option<String>,
    /// MessageID of the MM.
    pub message_id: Option<MessageId>,
    /// Recipient.
    pub recipient: Option<Address>,
    /// The attributes of Recipient.
    pub recipient_attributes: AddressAttributes,
    /// Sender.
    pub sender: Option<Address>,
    /// The attributes of Sender.
    pub sender_attributes: AddressAttributes,
    /// TimeStamp, or Date as in reports; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// MMStatus as it came, trimmed: `Read`, `Deleted` or `Indeterminate`; empty when it was missing.
    pub mm_status: String,
    /// StatusText.
    pub status_text: Option<String>,
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
}

/// The answer to ReadReplyReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadReplyRsp {
    /// Status.
    pub status: Status,
}
