//! DeliverReq and DeliverRsp (TS 23.140 clause 8.7.2): the relay delivers an MM to a VASP.

use jiff::Timestamp;

use crate::message::{AddressAttributes, Content, Priority, Recipient, Status, UaCapabilities};
use crate::time::When;
use crate::types::{Address, MessageId, VasId, VaspId};

/// The relay's request to take an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliverReq {
    /// MMSRelayServerID.
    pub relay_server_id: Option<String>,
    /// VASPID (R6).
    pub vaspid: Option<VaspId>,
    /// VASID (R6).
    pub vasid: Option<VasId>,
    /// LinkedID: what a SubmitReq that answers this MM gives back.
    pub linked_id: Option<MessageId>,
    /// Sender.
    pub sender: Option<Address>,
    /// The attributes of Sender.
    pub sender_attributes: AddressAttributes,
    /// Recipients, in the order of the document.
    pub recipients: Vec<Recipient>,
    /// Previouslysentby (R6).
    pub previously_sent_by: Vec<UserAgent>,
    /// Previouslysentdateandtime (R6).
    pub previously_sent_date_and_time: Vec<SentAt>,
    /// SenderSPI: the sender's service provider (R6).
    pub sender_spi: Option<String>,
    /// RecipientSPI: the recipient's service provider (R6).
    pub recipient_spi: Option<String>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// ReplyChargingID.
    pub reply_charging_id: Option<MessageId>,
    /// Priority.
    pub priority: Option<Priority>,
    /// Subject, exactly as it came.
    pub subject: Option<String>,
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
    /// UACapabilities (R6).
    pub ua_capabilities: Option<UaCapabilities>,
    /// Content.
    pub content: Option<Content>,
}

/// One handset that the MM has passed (Previouslysentby/UserAgent, R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent {
    /// Its address.
    pub address: Address,
    /// The attributes of the address.
    pub attributes: AddressAttributes,
    /// `sequence`: 1 for the first, upwards.
    pub sequence: Option<u32>,
}

/// When the MM was sent before (Previouslysentdateandtime/DateTime, R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAt {
    /// The time.
    pub when: When,
    /// `sequence`: 1 for the first, upwards.
    pub sequence: Option<u32>,
}

/// The answer to DeliverReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliverRsp {
    /// Status.
    pub status: Status,
    /// ServiceCode.
    pub service_code: Option<String>,
}
