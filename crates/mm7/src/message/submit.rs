//! SubmitReq and SubmitRsp (TS 23.140 clause 8.7.1): a VASP sends an MM.

use jiff::Timestamp;

use super::address::Recipient;
use super::enumerations::{ContentClass, MessageClass, Priority};
use super::fields::{Child, ChildFields, Notes, number, r5, r6};
use super::parts::{
    APPLICATION, ApplicationIds, ChargedParty, Content, RESPONSE, ReplyCharging, SenderIdentification,
    Status, read_recipients, write_recipients,
};
use super::writer::EnvelopeWriter;
use crate::time::When;
use crate::types::MessageId;
use crate::xml::Element;

/// A VASP's request to send an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitReq {
    /// SenderIdentification.
    pub sender: SenderIdentification,
    /// Recipients, in the order of the document.
    pub recipients: Vec<Recipient>,
    /// ServiceCode, without its vendor attributes.
    pub service_code: Option<String>,
    /// LinkedID: the delivered MM that this one answers.
    pub linked_id: Option<MessageId>,
    /// MessageClass.
    pub message_class: Option<MessageClass>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// ReplyCharging.
    pub reply_charging: Option<ReplyCharging>,
    /// EarliestDeliveryTime.
    pub earliest_delivery_time: Option<When>,
    /// ExpiryDate.
    pub expiry_date: Option<When>,
    /// DeliveryReport: whether reports are asked for.
    pub delivery_report: Option<bool>,
    /// ReadReply: whether read replies are asked for.
    pub read_reply: Option<bool>,
    /// Priority.
    pub priority: Option<Priority>,
    /// Subject, exactly as it came.
    pub subject: Option<String>,
    /// ChargedParty.
    pub charged_party: Option<ChargedParty>,
    /// ChargedPartyID (R6); present but empty is `Some("")`.
    pub charged_party_id: Option<String>,
    /// DistributionIndicator: whether the content may be passed on.
    pub distribution_indicator: Option<bool>,
    /// DeliveryCondition/DC (R6).
    pub delivery_condition: Vec<u32>,
    /// ApplicID, ReplyApplicID and AuxApplicInfo (R6).
    pub application: ApplicationIds,
    /// ContentClass (R6).
    pub content_class: Option<ContentClass>,
    /// DRMContent (R6).
    pub drm_content: Option<bool>,
    /// Content.
    pub content: Option<Content>,
}

/// The answer to SubmitReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitRsp {
    /// Status.
    pub status: Status,
    /// MessageID; the schema asks for it always, the text of the standard only on success.
    pub message_id: Option<MessageId>,
}

pub(super) const SUBMIT_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("SenderIdentification"),
    r5("Recipients"),
    r5("ServiceCode"),
    r5("LinkedID"),
    r5("MessageClass"),
    r5("TimeStamp"),
    r5("ReplyCharging"),
    r5("EarliestDeliveryTime"),
    r5("ExpiryDate"),
    r5("DeliveryReport"),
    r5("ReadReply"),
    r5("Priority"),
    r5("Subject"),
    r5("ChargedParty"),
    r6("ChargedPartyID"),
    r5("DistributionIndicator"),
    r6("DeliveryCondition"),
    APPLICATION[0],
    APPLICATION[1],
    APPLICATION[2],
    r6("ContentClass"),
    r6("DRMContent"),
    r5("Content"),
];
pub(super) const SUBMIT_RSP: &[Child] = &[RESPONSE[0], RESPONSE[1], r5("MessageID")];
pub(super) const DELIVERY_CONDITION: &[Child] = &[r6("DC").repeated()];

impl SubmitReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, SUBMIT_REQ, notes);
        Self {
            sender: SenderIdentification::read(&fields, notes),
            recipients: read_recipients(&fields, notes),
            service_code: fields.trimmed("ServiceCode"),
            linked_id: fields.id("LinkedID", MessageId::new, notes),
            message_class: fields.enumeration("MessageClass", MessageClass::WIRE, notes),
            time_stamp: fields.date("TimeStamp", notes),
            reply_charging: ReplyCharging::read(&fields, notes),
            earliest_delivery_time: fields.when("EarliestDeliveryTime", notes),
            expiry_date: fields.when("ExpiryDate", notes),
            delivery_report: fields.boolean("DeliveryReport", notes),
            read_reply: fields.boolean("ReadReply", notes),
            priority: fields.enumeration("Priority", Priority::WIRE, notes),
            subject: fields.text("Subject"),
            charged_party: ChargedParty::read(&fields, notes),
            charged_party_id: fields.trimmed("ChargedPartyID"),
            distribution_indicator: fields.boolean("DistributionIndicator", notes),
            delivery_condition: read_delivery_condition(&fields, notes),
            application: ApplicationIds::read(&fields),
            content_class: fields.enumeration("ContentClass", ContentClass::WIRE, notes),
            drm_content: fields.boolean("DRMContent", notes),
            content: Content::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.sender.write(writer);
        write_recipients(writer, &self.recipients);
        writer.text("ServiceCode", self.service_code.as_deref());
        writer.value("LinkedID", self.linked_id.as_ref());
        writer.text("MessageClass", self.message_class.map(MessageClass::as_str));
        writer.date("TimeStamp", self.time_stamp);
        ReplyCharging::write(self.reply_charging.as_ref(), writer);
        writer.value("EarliestDeliveryTime", self.earliest_delivery_time);
        writer.value("ExpiryDate", self.expiry_date);
        writer.value("DeliveryReport", self.delivery_report);
        writer.value("ReadReply", self.read_reply);
        writer.text("Priority", self.priority.map(Priority::as_str));
        writer.text("Subject", self.subject.as_deref());
        ChargedParty::write(self.charged_party.as_ref(), writer);
        if writer.is_release_6() {
            writer.text("ChargedPartyID", self.charged_party_id.as_deref());
        }
        writer.value("DistributionIndicator", self.distribution_indicator);
        self.write_delivery_condition(writer);
        self.application.write(writer);
        if writer.is_release_6() {
            writer.text("ContentClass", self.content_class.map(ContentClass::as_str));
            writer.value("DRMContent", self.drm_content);
        }
        Content::write(self.content.as_ref(), writer);
    }

    fn write_delivery_condition(&self, writer: &mut EnvelopeWriter<'_>) {
        if self.delivery_condition.is_empty() || !writer.is_release_6() {
            return;
        }
        writer.start("DeliveryCondition", &[]);
        for condition in &self.delivery_condition {
            writer.value("DC", Some(condition));
        }
        writer.end("DeliveryCondition");
    }
}

fn read_delivery_condition(fields: &ChildFields<'_>, notes: &mut Notes) -> Vec<u32> {
    let Some(element) = fields.get("DeliveryCondition") else { return Vec::new() };
    let fields = ChildFields::of(element, DELIVERY_CONDITION, notes);
    fields.all("DC").filter_map(|element| number(&element.text(), element, notes)).collect()
}

impl SubmitRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, SUBMIT_RSP, notes);
        Self {
            status: Status::of_response(element, &fields, notes),
            message_id: fields.id("MessageID", MessageId::new, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.status.write(writer);
        writer.value("MessageID", self.message_id.as_ref());
    }
}
