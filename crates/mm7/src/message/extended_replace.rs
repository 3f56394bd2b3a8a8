//! extendedReplaceReq and extendedReplaceRsp (REL-6-MM7-1-4 only): a VASP replaces MMs by a ReplaceID.

use jiff::Timestamp;

use crate::message::{Content, Status};
use crate::time::When;
use crate::types::{MessageId, VasId, VaspId};

/// A VASP's request to replace the MMs of a ReplaceID. VASPID and VASID stand in it without SenderIdentification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedReplaceReq {
    /// VASPID.
    pub vaspid: Option<VaspId>,
    /// VASID.
    pub vasid: Option<VasId>,
    /// ServiceCode, without its vendor attributes.
    pub service_code: Option<String>,
    /// ReplaceID.
    pub replace_id: Option<MessageId>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// EarliestDeliveryTime.
    pub earliest_delivery_time: Option<When>,
    /// ExpiryDate.
    pub expiry_date: Option<When>,
    /// ReadReply.
    pub read_reply: Option<bool>,
    /// DeliveryReport.
    pub delivery_report: Option<bool>,
    /// Content.
    pub content: Option<Content>,
}

/// The answer to extendedReplaceReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedReplaceRsp {
    /// MessageID.
    pub message_id: Option<MessageId>,
    /// Status.
    pub status: Status,
}
