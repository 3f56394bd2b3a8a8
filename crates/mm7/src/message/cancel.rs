//! CancelReq and CancelRsp (TS 23.140 clause 8.7.3): a VASP takes back an MM.

use super::address::AddressAttributes;
use super::fields::{Child, ChildFields, Notes, r5, r6};
use super::parts::{SenderIdentification, Status, read_response, write_application, write_sender};
use super::writer::EnvelopeWriter;
use crate::types::{Address, MessageId, VasId, VaspId};
use crate::xml::Element;

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

pub(super) const CANCEL_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("SenderIdentification"),
    r5("MessageID").required(),
    r6("ApplicID"),
    r6("ReplyApplicID"),
    r6("AuxApplicInfo"),
];

impl CancelReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, CANCEL_REQ, notes);
        let sender = SenderIdentification::read(&fields, notes);
        Self {
            vaspid: sender.vaspid,
            vasid: sender.vasid,
            sender_address: sender.address,
            sender_attributes: sender.attributes,
            message_id: fields.id("MessageID", MessageId::new, notes),
            applic_id: fields.trimmed("ApplicID"),
            reply_applic_id: fields.trimmed("ReplyApplicID"),
            aux_applic_info: fields.trimmed("AuxApplicInfo"),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        let address = self.sender_address.as_ref();
        write_sender(writer, self.vaspid.as_ref(), self.vasid.as_ref(), address, &self.sender_attributes);
        writer.value("MessageID", self.message_id.as_ref());
        write_application(
            writer,
            self.applic_id.as_deref(),
            self.reply_applic_id.as_deref(),
            self.aux_applic_info.as_deref(),
        );
    }
}

impl CancelRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        Self { status: read_response(element, notes) }
    }
}
