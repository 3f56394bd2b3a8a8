//! ReadReplyReq and ReadReplyRsp (TS 23.140 clause 8.7.5): an MM was read, or deleted unread.

use jiff::Timestamp;

use super::address::AddressAttributes;
use super::fields::{Child, ChildFields, Notes, r5, r6};
use super::parts::{OTHER_RECIPIENTS, OTHER_SENDERS, Status, read_response, write_application};
use super::writer::EnvelopeWriter;
use crate::types::{Address, MessageId};
use crate::xml::Element;

/// What a recipient did with an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadReplyReq {
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
    /// TimeStamp, or Date as in reports; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// MMStatus as it came, trimmed: `Read`, `Deleted` or `Indeterminate`; empty when it was missing.
    pub mm_status: String,
    /// StatusText.
    pub status_text: Option<String>,
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
}

/// The answer to ReadReplyReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadReplyRsp {
    /// Status.
    pub status: Status,
}

pub(super) const READ_REPLY_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("MMSRelayServerID"),
    r5("MessageID").required(),
    r5("Recipient").or(OTHER_RECIPIENTS).required(),
    r5("Sender").or(OTHER_SENDERS).required(),
    r5("TimeStamp").or(&["Date"]).required(),
    r5("MMStatus").or(&["MMSStatus"]).required(),
    r5("StatusText"),
    r6("ApplicID"),
    r6("ReplyApplicID"),
    r6("AuxApplicInfo"),
];

impl ReadReplyReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, READ_REPLY_REQ, notes);
        let (recipient, recipient_attributes) = fields.address("Recipient", notes);
        let (sender, sender_attributes) = fields.address("Sender", notes);
        Self {
            relay_server_id: fields.trimmed("MMSRelayServerID"),
            message_id: fields.id("MessageID", MessageId::new, notes),
            recipient,
            recipient_attributes,
            sender,
            sender_attributes,
            time_stamp: fields.date("TimeStamp", notes),
            mm_status: fields.trimmed("MMStatus").unwrap_or_default(),
            status_text: fields.text("StatusText"),
            applic_id: fields.trimmed("ApplicID"),
            reply_applic_id: fields.trimmed("ReplyApplicID"),
            aux_applic_info: fields.trimmed("AuxApplicInfo"),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.text("MMSRelayServerID", self.relay_server_id.as_deref());
        writer.value("MessageID", self.message_id.as_ref());
        writer.address("Recipient", self.recipient.as_ref(), &self.recipient_attributes);
        writer.address("Sender", self.sender.as_ref(), &self.sender_attributes);
        writer.date("TimeStamp", self.time_stamp);
        writer.element("MMStatus", &self.mm_status);
        writer.text("StatusText", self.status_text.as_deref());
        write_application(
            writer,
            self.applic_id.as_deref(),
            self.reply_applic_id.as_deref(),
            self.aux_applic_info.as_deref(),
        );
    }
}

impl ReadReplyRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        Self { status: read_response(element, notes) }
    }
}
