//! extendedReplaceReq and extendedReplaceRsp (REL-6-MM7-1-4 only): a VASP replaces MMs by a ReplaceID.

use jiff::Timestamp;

use super::fields::{Child, ChildFields, Notes, r5};
use super::parts::{Content, Status};
use super::writer::EnvelopeWriter;
use crate::time::When;
use crate::types::{MessageId, VasId, VaspId};
use crate::xml::Element;

/// A VASP's request to replace the MMs of a ReplaceID. VASPID and VASID stand in it without SenderIdentification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedReplaceReq {
    /// VASPID.
    pub vaspid: Option<VaspId>,
    /// VASID.
    pub vasid: Option<VasId>,
    /// ServiceCode, without its vendor attributes.
    pub service_code: Option<String>,
    /// ReplaceID.
    pub replace_id: Option<MessageId>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// EarliestDeliveryTime.
    pub earliest_delivery_time: Option<When>,
    /// ExpiryDate.
    pub expiry_date: Option<When>,
    /// ReadReply.
    pub read_reply: Option<bool>,
    /// DeliveryReport.
    pub delivery_report: Option<bool>,
    /// Content.
    pub content: Option<Content>,
}

/// The answer to extendedReplaceReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtendedReplaceRsp {
    /// MessageID.
    pub message_id: Option<MessageId>,
    /// Status.
    pub status: Status,
}

pub(super) const EXTENDED_REPLACE_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("VASPID"),
    r5("VASID"),
    r5("ServiceCode"),
    r5("ReplaceID"),
    r5("TimeStamp"),
    r5("EarliestDeliveryTime"),
    r5("ExpiryDate"),
    r5("ReadReply"),
    r5("DeliveryReport"),
    r5("Content"),
];
pub(super) const EXTENDED_REPLACE_RSP: &[Child] =
    &[r5("MM7Version"), r5("MessageID"), r5("Status").required()];

impl ExtendedReplaceReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, EXTENDED_REPLACE_REQ, notes);
        Self {
            vaspid: fields.id("VASPID", VaspId::new, notes),
            vasid: fields.id("VASID", VasId::new, notes),
            service_code: fields.trimmed("ServiceCode"),
            replace_id: fields.id("ReplaceID", MessageId::new, notes),
            time_stamp: fields.date("TimeStamp", notes),
            earliest_delivery_time: fields.when("EarliestDeliveryTime", notes),
            expiry_date: fields.when("ExpiryDate", notes),
            read_reply: fields.boolean("ReadReply", notes),
            delivery_report: fields.boolean("DeliveryReport", notes),
            content: Content::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.value("VASPID", self.vaspid.as_ref());
        writer.value("VASID", self.vasid.as_ref());
        writer.text("ServiceCode", self.service_code.as_deref());
        writer.value("ReplaceID", self.replace_id.as_ref());
        writer.date("TimeStamp", self.time_stamp);
        writer.value("EarliestDeliveryTime", self.earliest_delivery_time);
        writer.value("ExpiryDate", self.expiry_date);
        writer.value("ReadReply", self.read_reply);
        writer.value("DeliveryReport", self.delivery_report);
        Content::write(self.content.as_ref(), writer);
    }
}

impl ExtendedReplaceRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, EXTENDED_REPLACE_RSP, notes);
        Self {
            message_id: fields.id("MessageID", MessageId::new, notes),
            status: Status::of_extended(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.value("MessageID", self.message_id.as_ref());
        self.status.write(writer);
    }
}
