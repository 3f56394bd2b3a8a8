//! ReplaceReq and ReplaceRsp (TS 23.140 clause 8.7.3): a VASP replaces an MM that is not yet delivered.

use jiff::Timestamp;

use super::address::AddressAttributes;
use super::enumerations::ContentClass;
use super::fields::{Child, ChildFields, Notes, r5, r6};
use super::parts::{Content, SenderIdentification, Status, read_response, write_application, write_sender};
use super::writer::EnvelopeWriter;
use crate::time::When;
use crate::types::{Address, MessageId, VasId, VaspId};
use crate::xml::Element;

/// A VASP's request to replace an MM; what is absent stays as it was. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplaceReq {
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
    /// ApplicID (R6).
    pub applic_id: Option<String>,
    /// ReplyApplicID (R6).
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo (R6).
    pub aux_applic_info: Option<String>,
    /// Content.
    pub content: Option<Content>,
}

/// The answer to ReplaceReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplaceRsp {
    /// Status.
    pub status: Status,
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
    r6("ApplicID"),
    r6("ReplyApplicID"),
    r6("AuxApplicInfo"),
    r5("Content"),
];

impl ReplaceReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, REPLACE_REQ, notes);
        let sender = SenderIdentification::read(&fields, notes);
        Self {
            vaspid: sender.vaspid,
            vasid: sender.vasid,
            sender_address: sender.address,
            sender_attributes: sender.attributes,
            message_id: fields.id("MessageID", MessageId::new, notes),
            service_code: fields.trimmed("ServiceCode"),
            time_stamp: fields.date("TimeStamp", notes),
            read_reply: fields.boolean("ReadReply", notes),
            earliest_delivery_time: fields.when("EarliestDeliveryTime", notes),
            distribution_indicator: fields.boolean("DistributionIndicator", notes),
            content_class: fields.enumeration("ContentClass", ContentClass::WIRE, notes),
            drm_content: fields.boolean("DRMContent", notes),
            applic_id: fields.trimmed("ApplicID"),
            reply_applic_id: fields.trimmed("ReplyApplicID"),
            aux_applic_info: fields.trimmed("AuxApplicInfo"),
            content: Content::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        let address = self.sender_address.as_ref();
        write_sender(writer, self.vaspid.as_ref(), self.vasid.as_ref(), address, &self.sender_attributes);
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
        write_application(
            writer,
            self.applic_id.as_deref(),
            self.reply_applic_id.as_deref(),
            self.aux_applic_info.as_deref(),
        );
        Content::write(self.content.as_ref(), writer);
    }
}

impl ReplaceRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        Self { status: read_response(element, notes) }
    }
}
