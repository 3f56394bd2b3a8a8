//! CancelReq and CancelRsp (TS 23.140 clause 8.7.3): a VASP takes back an MM.

use crate::message::{AddressAttributes, Status};
use crate::types::{Address, MessageId, VasId, VaspId};

/// A VASP's request to take back an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CancelReq {
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
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
}

/// The answer to CancelReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CancelRsp {
    /// Status.
    pub status: Status,
}
