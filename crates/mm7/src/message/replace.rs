//! ReplaceReq and ReplaceRsp (TS 23.140 clause 8.7.3): a VASP replaces an MM that is not yet delivered.

use jiff::Timestamp;

use super::enumerations::ContentClass;
use super::fields::{Child, ChildFields, Notes, r5, r6};
use super::parts::{APPLICATION, ApplicationIds, Content, SenderIdentification};
use super::writer::EnvelopeWriter;
use crate::time::When;
use crate::types::MessageId;
use crate::xml::Element;

/// A VASP's request to replace an MM; what is absent stays as it was. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplaceReq {
    /// SenderIdentification.
    pub sender: SenderIdentification,
    /// MessageID of the MM.
    pub message_id: Option<MessageId>,
    /// ServiceCode, without its vendor attributes.
    pub service_code: Option<String>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// ReadReply.
    pub read_reply: Option<bool>,
    /// EarliestDeliveryTime.
    pub earliest_delivery_time: Option<When>,
    /// DistributionIndicator.
    pub distribution_indicator: Option<bool>,
    /// ContentClass (R6).
    pub content_class: Option<ContentClass>,
    /// DRMContent (R6).
    pub drm_content: Option<bool>,
    /// ApplicID, ReplyApplicID and AuxApplicInfo (R6).
    pub application: ApplicationIds,
    /// Content.
    pub content: Option<Content>,
}

pub(super) const REPLACE_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("SenderIdentification"),
    r5("MessageID").required(),
    r5("ServiceCode"),
    r5("TimeStamp"),
    r5("ReadReply"),
    r5("EarliestDeliveryTime"),
    r5("DistributionIndicator"),
    r6("ContentClass"),
    r6("DRMContent"),
    APPLICATION[0],
    APPLICATION[1],
    APPLICATION[2],
    r5("Content"),
];

impl ReplaceReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, REPLACE_REQ, notes);
        Self {
            sender: SenderIdentification::read(&fields, notes),
            message_id: fields.id("MessageID", MessageId::new, notes),
            service_code: fields.trimmed("ServiceCode"),
            time_stamp: fields.date("TimeStamp", notes),
            read_reply: fields.boolean("ReadReply", notes),
            earliest_delivery_time: fields.when("EarliestDeliveryTime", notes),
            distribution_indicator: fields.boolean("DistributionIndicator", notes),
            content_class: fields.enumeration("ContentClass", ContentClass::WIRE, notes),
            drm_content: fields.boolean("DRMContent", notes),
            application: ApplicationIds::read(&fields),
            content: Content::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.sender.write(writer);
        writer.value("MessageID", self.message_id.as_ref());
        writer.text("ServiceCode", self.service_code.as_deref());
        writer.date("TimeStamp", self.time_stamp);
        writer.value("ReadReply", self.read_reply);
        writer.value("EarliestDeliveryTime", self.earliest_delivery_time);
        writer.value("DistributionIndicator", self.distribution_indicator);
        if writer.is_release_6() {
            writer.text("ContentClass", self.content_class.map(ContentClass::as_str));
            writer.value("DRMContent", self.drm_content);
        }
        self.application.write(writer);
        Content::write(self.content.as_ref(), writer);
    }
}
