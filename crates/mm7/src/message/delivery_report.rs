//! DeliveryReportReq and DeliveryReportRsp (TS 23.140 clause 8.7.4): the relay says what became of an MM.

use jiff::Timestamp;

use super::address::AddressAttributes;
use super::enumerations::MmStatusExtension;
use super::fields::{Child, ChildFields, Notes, r5, r6};
use super::parts::{
    OTHER_RECIPIENTS, OTHER_SENDERS, Status, UaCapabilities, read_response, write_application,
};
use super::writer::EnvelopeWriter;
use crate::types::{Address, MessageId};
use crate::xml::Element;

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

pub(super) const DELIVERY_REPORT_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("MMSRelayServerID"),
    r5("MessageID").required(),
    r5("Recipient").or(OTHER_RECIPIENTS).required(),
    r5("Sender").or(OTHER_SENDERS).required(),
    r5("Date").or(&["TimeStamp"]).required(),
    r5("MMStatus").or(&["MMSStatus"]).required(),
    r6("MMStatusExtension"),
    r5("StatusText"),
    r6("ApplicID"),
    r6("ReplyApplicID"),
    r6("AuxApplicInfo"),
    r6("UACapabilities"),
];

impl DeliveryReportReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, DELIVERY_REPORT_REQ, notes);
        let (recipient, recipient_attributes) = fields.address("Recipient", notes);
        let (sender, sender_attributes) = fields.address("Sender", notes);
        Self {
            relay_server_id: fields.trimmed("MMSRelayServerID"),
            message_id: fields.id("MessageID", MessageId::new, notes),
            recipient,
            recipient_attributes,
            sender,
            sender_attributes,
            date: fields.date("Date", notes),
            mm_status: fields.trimmed("MMStatus").unwrap_or_default(),
            mm_status_extension: fields.enumeration("MMStatusExtension", MmStatusExtension::WIRE, notes),
            status_text: fields.text("StatusText"),
            applic_id: fields.trimmed("ApplicID"),
            reply_applic_id: fields.trimmed("ReplyApplicID"),
            aux_applic_info: fields.trimmed("AuxApplicInfo"),
            ua_capabilities: UaCapabilities::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.text("MMSRelayServerID", self.relay_server_id.as_deref());
        writer.value("MessageID", self.message_id.as_ref());
        writer.address("Recipient", self.recipient.as_ref(), &self.recipient_attributes);
        writer.address("Sender", self.sender.as_ref(), &self.sender_attributes);
        writer.date("Date", self.date);
        writer.element("MMStatus", &self.mm_status);
        if writer.is_release_6() {
            writer.text("MMStatusExtension", self.mm_status_extension.map(MmStatusExtension::as_str));
        }
        writer.text("StatusText", self.status_text.as_deref());
        write_application(
            writer,
            self.applic_id.as_deref(),
            self.reply_applic_id.as_deref(),
            self.aux_applic_info.as_deref(),
        );
        UaCapabilities::write(self.ua_capabilities.as_ref(), writer);
    }
}

impl DeliveryReportRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        Self { status: read_response(element, notes) }
    }
}
