//! DeliverReq and DeliverRsp (TS 23.140 clause 8.7.2): the relay delivers an MM to a VASP.

use jiff::Timestamp;

use super::address::{AddressAttributes, Recipient};
use super::enumerations::Priority;
use super::fields::{Child, ChildFields, Notes, addresses, has_address, number_attribute, r5, r6, read_when};
use super::parts::{
    APPLICATION, ApplicationIds, Content, OTHER_SENDERS, RESPONSE, Status, UaCapabilities, read_recipients,
    write_recipients,
};
use super::writer::EnvelopeWriter;
use crate::error::Rule;
use crate::time::When;
use crate::types::{Address, MessageId, VasId, VaspId};
use crate::xml::Element;

/// The relay's request to take an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliverReq {
    /// MMSRelayServerID.
    pub relay_server_id: Option<String>,
    /// VASPID (R6).
    pub vaspid: Option<VaspId>,
    /// VASID (R6).
    pub vasid: Option<VasId>,
    /// LinkedID: what a SubmitReq that answers this MM gives back.
    pub linked_id: Option<MessageId>,
    /// Sender.
    pub sender: Option<Address>,
    /// The attributes of Sender.
    pub sender_attributes: AddressAttributes,
    /// Recipients, in the order of the document.
    pub recipients: Vec<Recipient>,
    /// Previouslysentby (R6).
    pub previously_sent_by: Vec<UserAgent>,
    /// Previouslysentdateandtime (R6).
    pub previously_sent_date_and_time: Vec<SentAt>,
    /// SenderSPI: the sender's service provider (R6).
    pub sender_spi: Option<String>,
    /// RecipientSPI: the recipient's service provider (R6).
    pub recipient_spi: Option<String>,
    /// TimeStamp; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// ReplyChargingID.
    pub reply_charging_id: Option<MessageId>,
    /// Priority.
    pub priority: Option<Priority>,
    /// Subject, exactly as it came.
    pub subject: Option<String>,
    /// ApplicID, ReplyApplicID and AuxApplicInfo (R6).
    pub application: ApplicationIds,
    /// UACapabilities (R6).
    pub ua_capabilities: Option<UaCapabilities>,
    /// Content.
    pub content: Option<Content>,
}

/// One handset that the MM has passed (Previouslysentby/UserAgent, R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent {
    /// Its address.
    pub address: Address,
    /// The attributes of the address.
    pub attributes: AddressAttributes,
    /// `sequence`: 1 for the first, upwards.
    pub sequence: Option<u32>,
}

/// When the MM was sent before (Previouslysentdateandtime/DateTime, R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAt {
    /// The time.
    pub when: When,
    /// `sequence`: 1 for the first, upwards.
    pub sequence: Option<u32>,
}

/// The answer to DeliverReq.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliverRsp {
    /// Status.
    pub status: Status,
    /// ServiceCode.
    pub service_code: Option<String>,
}

pub(super) const DELIVER_REQ: &[Child] = &[
    r5("MM7Version"),
    r5("MMSRelayServerID"),
    r6("VASPID"),
    r6("VASID"),
    r5("LinkedID"),
    r5("Sender").or(OTHER_SENDERS).required(),
    r5("Recipients").or(&["Recipient", "To"]),
    r6("Previouslysentby"),
    r6("Previouslysentdateandtime"),
    r6("SenderSPI"),
    r6("RecipientSPI"),
    r5("TimeStamp"),
    r5("ReplyChargingID"),
    r5("Priority"),
    r5("Subject"),
    APPLICATION[0],
    APPLICATION[1],
    APPLICATION[2],
    r6("UACapabilities"),
    r5("Content"),
];
pub(super) const DELIVER_RSP: &[Child] = &[RESPONSE[0], RESPONSE[1], r5("ServiceCode")];
pub(super) const PREVIOUSLY_SENT_BY: &[Child] = &[r6("UserAgent").repeated()];
pub(super) const PREVIOUSLY_SENT_DATE_AND_TIME: &[Child] = &[r6("DateTime").repeated()];

impl DeliverReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, DELIVER_REQ, notes);
        let (sender, sender_attributes) = fields.address("Sender", notes);
        if let Some(empty) = fields.get("Recipients").filter(|list| list.children().next().is_none()) {
            notes.note(Rule::MissingElement, empty.offset(), "Recipients has neither To nor Cc nor Bcc");
        }
        Self {
            relay_server_id: fields.trimmed("MMSRelayServerID"),
            vaspid: fields.id("VASPID", VaspId::new, notes),
            vasid: fields.id("VASID", VasId::new, notes),
            linked_id: fields.id("LinkedID", MessageId::new, notes),
            sender,
            sender_attributes,
            recipients: read_recipients(&fields, notes),
            previously_sent_by: UserAgent::read_all(&fields, notes),
            previously_sent_date_and_time: SentAt::read_all(&fields, notes),
            sender_spi: fields.trimmed("SenderSPI"),
            recipient_spi: fields.trimmed("RecipientSPI"),
            time_stamp: fields.date("TimeStamp", notes),
            reply_charging_id: fields.id("ReplyChargingID", MessageId::new, notes),
            priority: fields.enumeration("Priority", Priority::WIRE, notes),
            subject: fields.text("Subject"),
            application: ApplicationIds::read(&fields),
            ua_capabilities: UaCapabilities::read(&fields, notes),
            content: Content::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.text("MMSRelayServerID", self.relay_server_id.as_deref());
        if writer.is_release_6() {
            writer.value("VASPID", self.vaspid.as_ref());
            writer.value("VASID", self.vasid.as_ref());
        }
        writer.value("LinkedID", self.linked_id.as_ref());
        writer.address("Sender", self.sender.as_ref(), &self.sender_attributes);
        write_recipients(writer, &self.recipients);
        if writer.is_release_6() {
            UserAgent::write_all(&self.previously_sent_by, writer);
            SentAt::write_all(&self.previously_sent_date_and_time, writer);
            writer.text("SenderSPI", self.sender_spi.as_deref());
            writer.text("RecipientSPI", self.recipient_spi.as_deref());
        }
        writer.date("TimeStamp", self.time_stamp);
        writer.value("ReplyChargingID", self.reply_charging_id.as_ref());
        writer.text("Priority", self.priority.map(Priority::as_str));
        writer.text("Subject", self.subject.as_deref());
        self.application.write(writer);
        UaCapabilities::write(self.ua_capabilities.as_ref(), writer);
        Content::write(self.content.as_ref(), writer);
    }
}

impl UserAgent {
    fn read_all(fields: &ChildFields<'_>, notes: &mut Notes) -> Vec<Self> {
        let Some(element) = fields.get("Previouslysentby") else { return Vec::new() };
        let fields = ChildFields::of(element, PREVIOUSLY_SENT_BY, notes);
        fields.all("UserAgent").filter_map(|agent| Self::read(agent, notes)).collect()
    }

    fn read(element: Element<'_>, notes: &mut Notes) -> Option<Self> {
        if !has_address(element) {
            notes.note(Rule::MissingElement, element.offset(), "UserAgent has no address");
        }
        let mut found = addresses(element, notes).into_iter();
        if found.len() > 1 {
            notes.note(Rule::RepeatedElement, element.offset(), "UserAgent has several addresses");
        }
        let (address, attributes) = found.next()?;
        Some(Self { address, attributes, sequence: number_attribute(element, "sequence", notes) })
    }

    fn write_all(agents: &[Self], writer: &mut EnvelopeWriter<'_>) {
        if agents.is_empty() {
            return;
        }
        writer.start("Previouslysentby", &[]);
        for agent in agents {
            let sequence = agent.sequence.map(|sequence| sequence.to_string());
            let attributes = sequence.as_deref().map(|sequence| ("sequence", sequence));
            writer.start("UserAgent", attributes.as_slice());
            writer.bare_address(&agent.address, &agent.attributes);
            writer.end("UserAgent");
        }
        writer.end("Previouslysentby");
    }
}

impl SentAt {
    fn read_all(fields: &ChildFields<'_>, notes: &mut Notes) -> Vec<Self> {
        let Some(element) = fields.get("Previouslysentdateandtime") else { return Vec::new() };
        let fields = ChildFields::of(element, PREVIOUSLY_SENT_DATE_AND_TIME, notes);
        fields.all("DateTime").filter_map(|time| Self::read(time, notes)).collect()
    }

    fn read(element: Element<'_>, notes: &mut Notes) -> Option<Self> {
        let when = read_when(element, notes)?;
        Some(Self { when, sequence: number_attribute(element, "sequence", notes) })
    }

    fn write_all(times: &[Self], writer: &mut EnvelopeWriter<'_>) {
        if times.is_empty() {
            return;
        }
        writer.start("Previouslysentdateandtime", &[]);
        for time in times {
            let sequence = time.sequence.map(|sequence| sequence.to_string());
            let attributes = sequence.as_deref().map(|sequence| ("sequence", sequence));
            writer.element_with("DateTime", attributes.as_slice(), &time.when.to_string());
        }
        writer.end("Previouslysentdateandtime");
    }
}

impl DeliverRsp {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, DELIVER_RSP, notes);
        Self {
            status: Status::of_response(element, &fields, notes),
            service_code: fields.trimmed("ServiceCode"),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.status.write(writer);
        writer.text("ServiceCode", self.service_code.as_deref());
    }
}
