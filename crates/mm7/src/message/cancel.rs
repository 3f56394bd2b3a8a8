//! CancelReq and CancelRsp (TS 23.140 clause 8.7.3): a VASP takes back an MM.

use super::fields::{Child, ChildFields, Notes, r5};
use super::parts::{APPLICATION, ApplicationIds, SenderIdentification};
use super::writer::EnvelopeWriter;
use crate::types::MessageId;
use crate::xml::Element;

/// A VASP's request to take back an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CancelReq {
    /// SenderIdentification.
    pub sender: SenderIdentification,
    /// MessageID of the MM.
    pub message_id: Option<MessageId>,
    /// ApplicID, ReplyApplicID and AuxApplicInfo (R6).
    pub application: ApplicationIds,
}

pub(super) const CANCEL_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("SenderIdentification"),
    r5("MessageID").required(),
    APPLICATION[0],
    APPLICATION[1],
    APPLICATION[2],
];

impl CancelReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, CANCEL_REQ, notes);
        Self {
            sender: SenderIdentification::read(&fields, notes),
            message_id: fields.id("MessageID", MessageId::new, notes),
            application: ApplicationIds::read(&fields),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.sender.write(writer);
        writer.value("MessageID", self.message_id.as_ref());
        self.application.write(writer);
    }
}
