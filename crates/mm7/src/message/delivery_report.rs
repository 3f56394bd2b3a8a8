//! DeliveryReportReq and DeliveryReportRsp (TS 23.140 clause 8.7.4): the relay says what became of an MM.

use jiff::Timestamp;

use crate::message::{AddressAttributes, MmStatusExtension, Status, UaCapabilities};
use crate::types::{Address, MessageId};

/// What became of an MM at one recipient. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryReportReq {
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
    /// Date, or TimeStamp as some peers call it; a time without a zone is taken as UTC.
    pub date: Option<Timestamp>,
    /// MMStatus as it came, trimmed, whatever it says; empty when it was missing. [`MmStatus::from_wire`] maps it.
    ///
    /// [`MmStatus::from_wire`]: crate::MmStatus::from_wire
    pub mm_status: String,
    /// MMStatusExtension (R6).
    pub mm_status_extension: Option<MmStatusExtension>,
    /// StatusText.
    pub status_text: Option<String>,
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
    /// UACapabilities (R6).
    pub ua_capabilities: Option<UaCapabilities>,
}

/// The answer to DeliveryReportReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryReportRsp {
    /// Status.
    pub status: Status,
}
