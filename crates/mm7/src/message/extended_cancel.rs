//! extendedCancelReq and extendedCancelRsp (REL-6-MM7-1-4 only): a VASP takes back MMs by a CancelID.

use crate::message::{AddressAttributes, Status};
use crate::types::{Address, MessageId, VasId, VaspId};

/// A VASP's request to take back the MMs of a CancelID.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedCancelReq {
    /// SenderIdentification/VASPID.
    pub vaspid: Option<VaspId>,
    /// SenderIdentification/VASID.
    pub vasid: Option<VasId>,
    /// SenderIdentification/SenderAddress.
    pub sender_address: Option<Address>,
    /// The attributes of SenderAddress.
    pub sender_attributes: AddressAttributes,
    /// CancelID.
    pub cancel_id: Option<MessageId>,
}

/// The answer to extendedCancelReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedCancelRsp {
    /// Status.
    pub status: Status,
}
