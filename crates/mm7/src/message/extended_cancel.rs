//! extendedCancelReq and extendedCancelRsp (REL-6-MM7-1-4 only): a VASP takes back MMs by a CancelID.

use super::fields::{Child, ChildFields, Notes, r5};
use super::parts::{SenderIdentification, Status};
use super::writer::EnvelopeWriter;
use crate::types::MessageId;
use crate::xml::Element;

/// A VASP's request to take back the MMs of a CancelID.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedCancelReq {
    /// SenderIdentification.
    pub sender: SenderIdentification,
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
        Self {
            sender: SenderIdentification::read(&fields, notes),
            cancel_id: fields.id("CancelID", MessageId::new, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.sender.write(writer);
        writer.value("CancelID", self.cancel_id.as_ref());
    }
}

impl ExtendedCancelRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, EXTENDED_CANCEL_RSP, notes);
        Self { status: Status::of_extended(&fields, notes) }
    }
    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.status.write(writer);
    }
}
