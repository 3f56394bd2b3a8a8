//! extendedCancelReq and extendedCancelRsp (REL-6-MM7-1-4 only): a VASP takes back MMs by a CancelID.

use super::address::AddressAttributes;
use super::fields::{Child, ChildFields, Notes, r5};
use super::parts::{SenderIdentification, Status, write_sender};
use super::writer::EnvelopeWriter;
use crate::types::{Address, MessageId, VasId, VaspId};
use crate::xml::Element;

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

pub(super) const EXTENDED_CANCEL_REQ: &[Child] =
    &[r5("MM7Version"), r5("SenderIdentification"), r5("CancelID").required()];
pub(super) const EXTENDED_CANCEL_RSP: &[Child] = &[r5("MM7Version"), r5("Status").required()];

impl ExtendedCancelReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, EXTENDED_CANCEL_REQ, notes);
        let sender = SenderIdentification::read(&fields, notes);
        Self {
            vaspid: sender.vaspid,
            vasid: sender.vasid,
            sender_address: sender.address,
            sender_attributes: sender.attributes,
            cancel_id: fields.id("CancelID", MessageId::new, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        let address = self.sender_address.as_ref();
        write_sender(writer, self.vaspid.as_ref(), self.vasid.as_ref(), address, &self.sender_attributes);
        writer.value("CancelID", self.cancel_id.as_ref());
    }
}

impl ExtendedCancelRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, EXTENDED_CANCEL_RSP, notes);
        Self { status: Status::of_extended(&fields, notes) }
    }
}
