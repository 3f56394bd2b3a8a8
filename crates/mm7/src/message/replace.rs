//! ReplaceReq and ReplaceRsp (TS 23.140 clause 8.7.3): a VASP replaces an MM that is not yet delivered.

use jiff::Timestamp;

use crate::message::{AddressAttributes, Content, ContentClass, Status};
use crate::time::When;
use crate::types::{Address, MessageId, VasId, VaspId};

/// A VASP's request to replace an MM; what is absent stays as it was. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplaceReq {
    /// SenderIdentification/VASPID.
    pub vaspid: Option<VaspId>,
    /// SenderIdentification/VASID.
    pub vasid: Option<VasId>,
    /// SenderIdentification/SenderAddress.
    pub sender_address: Option<Address>,
    /// The attributes of SenderAddress.
    pub sender_attributes: AddressAttributes,
    /// MessageID of the MM.
    pub message_id: Option<MessageId>,
    /// ServiceCode, without its vendor attributes.
    pub service_code: Option<String>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// ReadReply.
    pub read_reply: Option<bool>,
    /// EarliestDeliveryTime.
    pub earliest_delivery_time: Option<When>,
    /// DistributionIndicator.
    pub distribution_indicator: Option<bool>,
    /// ContentClass (R6).
    pub content_class: Option<ContentClass>,
    /// DRMContent (R6).
    pub drm_content: Option<bool>,
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
    /// Content.
    pub content: Option<Content>,
}

/// The answer to ReplaceReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplaceRsp {
    /// Status.
    pub status: Status,
}
