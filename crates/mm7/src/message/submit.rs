//! SubmitReq and SubmitRsp (TS 23.140 clause 8.7.1): a VASP sends an MM.

use jiff::Timestamp;

use crate::message::{
    AddressAttributes, ChargedParty, Content, ContentClass, MessageClass, Priority, Recipient, ReplyCharging,
    Status,
};
use crate::time::When;
use crate::types::{Address, MessageId, VasId, VaspId};

/// A VASP's request to send an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitReq {
    /// SenderIdentification/VASPID.
    pub vaspid: Option<VaspId>,
    /// SenderIdentification/VASID.
    pub vasid: Option<VasId>,
    /// SenderIdentification/SenderAddress.
    pub sender_address: Option<Address>,
    /// The attributes of SenderAddress.
    pub sender_attributes: AddressAttributes,
    /// Recipients, in the order of the document.
    pub recipients: Vec<Recipient>,
    /// ServiceCode, without its vendor attributes.
    pub service_code: Option<String>,
    /// LinkedID: the delivered MM that this one answers.
    pub linked_id: Option<MessageId>,
    /// MessageClass.
    pub message_class: Option<MessageClass>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// ReplyCharging.
    pub reply_charging: Option<ReplyCharging>,
    /// EarliestDeliveryTime.
    pub earliest_delivery_time: Option<When>,
    /// ExpiryDate.
    pub expiry_date: Option<When>,
    /// DeliveryReport: whether reports are asked for.
    pub delivery_report: Option<bool>,
    /// ReadReply: whether read replies are asked for.
    pub read_reply: Option<bool>,
    /// Priority.
    pub priority: Option<Priority>,
    /// Subject, exactly as it came.
    pub subject: Option<String>,
    /// ChargedParty.
    pub charged_party: Option<ChargedParty>,
    /// ChargedPartyID (R6); present but empty is `Some("")`.
    pub charged_party_id: Option<String>,
    /// DistributionIndicator: whether the content may be passed on.
    pub distribution_indicator: Option<bool>,
    /// DeliveryCondition/DC (R6).
    pub delivery_condition: Vec<u32>,
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
    /// ContentClass (R6).
    pub content_class: Option<ContentClass>,
    /// DRMContent (R6).
    pub drm_content: Option<bool>,
    /// Content.
    pub content: Option<Content>,
}

/// The answer to SubmitReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitRsp {
    /// Status.
    pub status: Status,
    /// MessageID; the schema asks for it always, the text of the standard only on success.
    pub message_id: Option<MessageId>,
}
