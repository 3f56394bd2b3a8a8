//! What several operations have in common: the sender, recipients, Status and Content.

use super::address::{AddressAttributes, Recipient, RecipientKind};
use super::fields::{
    Child, ChildFields, Notes, addresses, boolean_attribute, has_address, number, number_attribute, r5, r6,
    when_attribute,
};
use super::writer::EnvelopeWriter;
use crate::error::Rule;
use crate::status::StatusCode;
use crate::text::scheme;
use crate::time::When;
use crate::types::{Address, MessageId, VasId, VaspId};
use crate::xml::Element;

/// Status of a response (Annex L `responseStatusType`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// StatusCode as it came, which may be a number that no table knows; 0 when it could not be read.
    pub code: u32,
    /// StatusText; empty when it was missing.
    pub text: String,
    /// Details, without its markup.
    pub details: Option<String>,
}

impl From<StatusCode> for Status {
    /// The row of the table, word for word.
    fn from(code: StatusCode) -> Self {
        Self {
            code: u32::from(code.code()),
            text: code.text().to_owned(),
            details: code.details().map(str::to_owned),
        }
    }
}

/// The Content element: which part of the multipart is the MM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// `href` as it came, trimmed: `cid:…`, or a URL. Where there is none, that of an `Include` of XOP in the element, or the
    /// element's text where that is a `cid:`.
    pub href: Option<String>,
    /// `allowAdaptations`; the schema's default is true.
    pub allow_adaptations: Option<bool>,
}

/// The ReplyCharging element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyCharging {
    /// `replyChargingSize`, in bytes.
    pub size: Option<u64>,
    /// `replyDeadline`.
    pub deadline: Option<When>,
}

/// The UACapabilities element (Release 6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UaCapabilities {
    /// `UAProf`: the handset's profile.
    pub ua_prof: Option<String>,
    /// `TimeStamp`: when the profile was current.
    pub time_stamp: Option<When>,
}

/// ChargedParty: who pays.
///
/// An element with any other value is kept as it came, so that its presence can be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChargedParty {
    /// The sender.
    Sender,
    /// The recipient.
    Recipient,
    /// Sender and recipient.
    Both,
    /// Nobody.
    Neither,
    /// ChargedPartyID (Release 6; not written in Release 5).
    ThirdParty,
    /// Anything else, trimmed; not written.
    Other(String),
}

impl ChargedParty {
    pub(crate) fn read(fields: &ChildFields<'_>, notes: &mut Notes) -> Option<Self> {
        let element = fields.get("ChargedParty")?;
        let party = Self::from_wire(&element.text());
        if party.as_str() != element.text() || matches!(party, Self::Other(_)) {
            notes.note(
                Rule::BadValue,
                element.offset(),
                "ChargedParty: the value is not one of the schema's",
            );
        }
        Some(party)
    }

    /// Writes the element, unless the release does not have the value.
    pub(crate) fn write(party: Option<&Self>, writer: &mut EnvelopeWriter<'_>) {
        let is_written = |party: &&Self| match party {
            Self::Other(_) => false,
            Self::ThirdParty => writer.is_release_6(),
            _ => true,
        };
        let party = party.filter(is_written);
        writer.text("ChargedParty", party.map(Self::as_str));
    }

    /// The schema's spelling, or what came.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sender => "Sender",
            Self::Recipient => "Recipient",
            Self::Both => "Both",
            Self::Neither => "Neither",
            Self::ThirdParty => "ThirdParty",
            Self::Other(text) => text,
        }
    }

    /// Reads the value in any case, padded or not.
    pub fn from_wire(text: &str) -> Self {
        let text = text.trim();
        let known = [Self::Sender, Self::Recipient, Self::Both, Self::Neither, Self::ThirdParty];
        let found = known.into_iter().find(|party| party.as_str().eq_ignore_ascii_case(text));
        found.unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

/// What carriers call the Sender of a relay's request, too.
pub(super) const OTHER_SENDERS: &[&str] = &["SenderAddress", "From"];
/// What carriers call the Recipient of a report, too.
pub(super) const OTHER_RECIPIENTS: &[&str] = &["Recipients", "RecipientAddress", "To"];

/// The children of every response; some have more.
pub(crate) const RESPONSE: &[Child] = &[r5("MM7Version"), r5("Status").required()];

pub(super) const STATUS: &[Child] =
    &[r5("StatusCode").required(), r5("StatusText").required(), r5("Details").or(&["Detail"])];
const EXTENDED_STATUS: &[Child] =
    &[r5("StatusCode").required(), r5("StatusText"), r5("Details").or(&["Detail"])];

impl Status {
    /// The Status of a response. Some peers leave the element out and put what belongs in it directly.
    pub(crate) fn of_response(response: Element<'_>, fields: &ChildFields<'_>, notes: &mut Notes) -> Self {
        match fields.get("Status") {
            Some(element) => Self::of(element, notes),
            None => Self::of_fields(&ChildFields::quietly(response, STATUS), notes),
        }
    }

    /// The Status element.
    pub(crate) fn of(element: Element<'_>, notes: &mut Notes) -> Self {
        Self::of_fields(&ChildFields::unordered(element, STATUS, notes), notes)
    }

    /// The Status element of the extended operations, where the text may be left out.
    pub(crate) fn of_extended(fields: &ChildFields<'_>, notes: &mut Notes) -> Self {
        let element = fields.get("Status");
        let status = element
            .map(|element| Self::of_fields(&ChildFields::unordered(element, EXTENDED_STATUS, notes), notes));
        status.unwrap_or_default()
    }

    fn of_fields(fields: &ChildFields<'_>, notes: &mut Notes) -> Self {
        Self {
            code: fields
                .get("StatusCode")
                .and_then(|element| number(&element.text(), element, notes))
                .unwrap_or(0),
            text: fields.text("StatusText").unwrap_or_default(),
            details: fields.get("Details").map(|element| element.full_text().into_owned()),
        }
    }

    /// Writes the element. A code that could not be read counts as 3000 (TS 23.140 clause 8.7.8.4).
    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.start("Status", &[]);
        let code = if self.code == 0 { u32::from(StatusCode::SystemError.code()) } else { self.code };
        writer.value("StatusCode", Some(code));
        writer.element("StatusText", &self.text);
        writer.text("Details", self.details.as_deref());
        writer.end("Status");
    }
}

/// Responses that are nothing but MM7Version and Status.
macro_rules! status_responses {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            /// Status.
            pub status: Status,
        }

        impl $name {
            pub(super) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
                let fields = ChildFields::of(element, RESPONSE, notes);
                Self { status: Status::of_response(element, &fields, notes) }
            }

            pub(super) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
                self.status.write(writer);
            }
        }
    )*};
}

status_responses! {
    /// The answer to CancelReq.
    CancelRsp
    /// The answer to ReplaceReq.
    ReplaceRsp
    /// The answer to DeliveryReportReq.
    DeliveryReportRsp
    /// The answer to ReadReplyReq.
    ReadReplyRsp
    /// RSErrorRsp (the relay's) or VASPErrorRsp (the VASP's): a request could not be processed.
    ErrorRsp
}

/// SenderIdentification: which VASP a request is from, and which of its services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SenderIdentification {
    /// VASPID.
    pub vaspid: Option<VaspId>,
    /// VASID.
    pub vasid: Option<VasId>,
    /// SenderAddress.
    pub address: Option<Address>,
    /// The attributes of SenderAddress.
    pub attributes: AddressAttributes,
}

pub(super) const SENDER_IDENTIFICATION: &[Child] = &[r5("VASPID"), r5("VASID"), r5("SenderAddress")];

impl SenderIdentification {
    pub(super) fn read(fields: &ChildFields<'_>, notes: &mut Notes) -> Self {
        let Some(element) = fields.get("SenderIdentification") else { return Self::default() };
        let fields = ChildFields::of(element, SENDER_IDENTIFICATION, notes);
        let (address, attributes) = fields.address("SenderAddress", notes);
        Self {
            vaspid: fields.id("VASPID", VaspId::new, notes),
            vasid: fields.id("VASID", VasId::new, notes),
            address,
            attributes,
        }
    }

    /// Writes the element, which every VASP's request has.
    pub(super) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.start("SenderIdentification", &[]);
        writer.value("VASPID", self.vaspid.as_ref());
        writer.value("VASID", self.vasid.as_ref());
        writer.address("SenderAddress", self.address.as_ref(), &self.attributes);
        writer.end("SenderIdentification");
    }
}

/// What a report begins with: which MM it is about, and at which recipient.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedMm {
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
}

pub(super) const REPORTED_MM: [Child; 4] = [
    r5("MMSRelayServerID"),
    r5("MessageID").required(),
    r5("Recipient").or(OTHER_RECIPIENTS).required(),
    r5("Sender").or(OTHER_SENDERS).required(),
];

impl ReportedMm {
    pub(super) fn read(fields: &ChildFields<'_>, notes: &mut Notes) -> Self {
        let (recipient, recipient_attributes) = fields.address("Recipient", notes);
        let (sender, sender_attributes) = fields.address("Sender", notes);
        Self {
            relay_server_id: fields.trimmed("MMSRelayServerID"),
            message_id: fields.id("MessageID", MessageId::new, notes),
            recipient,
            recipient_attributes,
            sender,
            sender_attributes,
        }
    }

    pub(super) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.text("MMSRelayServerID", self.relay_server_id.as_deref());
        writer.value("MessageID", self.message_id.as_ref());
        writer.address("Recipient", self.recipient.as_ref(), &self.recipient_attributes);
        writer.address("Sender", self.sender.as_ref(), &self.sender_attributes);
    }
}

pub(super) const RECIPIENTS: &[Child] = &[r5("To").repeated(), r5("Cc").repeated(), r5("Bcc").repeated()];

/// Reads the addresses of every Recipients element there is.
pub(crate) fn read_recipients(fields: &ChildFields<'_>, notes: &mut Notes) -> Vec<Recipient> {
    let mut recipients = Vec::new();
    for element in fields.all("Recipients") {
        // The table only tells what does not belong there: the order is the document's.
        let _ = ChildFields::unordered(element, RECIPIENTS, notes);
        for (kind, list) in recipient_lists(element, notes) {
            let found = addresses(list, notes);
            if !has_address(list) {
                notes.note(Rule::MissingElement, list.offset(), format!("{} has no address", list.name()));
            }
            recipients.extend(found.into_iter().map(|(address, attributes)| {
                let AddressAttributes { display_only, coding, id, .. } = attributes;
                Recipient { kind, address, display_only, coding, id }
            }));
        }
    }
    recipients
}

/// To, Cc and Bcc. Where form counts for less, addresses without such a list are To.
fn recipient_lists<'d>(recipients: Element<'d>, notes: &Notes) -> Vec<(RecipientKind, Element<'d>)> {
    let all = [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc];
    let kind = |list: Element<'d>| all.into_iter().find(|kind| notes.is_name(list.name(), kind.name()));
    let lists: Vec<_> = recipients.children().filter_map(|list| Some((kind(list)?, list))).collect();
    if lists.is_empty() && notes.forgives() { vec![(RecipientKind::To, recipients)] } else { lists }
}

/// Writes Recipients, neighbours of one kind in one element.
pub(crate) fn write_recipients(writer: &mut EnvelopeWriter<'_>, recipients: &[Recipient]) {
    if recipients.is_empty() {
        return;
    }
    writer.start("Recipients", &[]);
    for list in recipients.chunk_by(|a, b| a.kind == b.kind) {
        let name = list.first().map_or("To", |recipient| recipient.kind.name());
        writer.start(name, &[]);
        for Recipient { address, display_only, coding, id, .. } in list {
            let attributes = AddressAttributes {
                display_only: *display_only,
                coding: *coding,
                id: id.clone(),
                as_text: false,
            };
            writer.bare_address(address, &attributes);
        }
        writer.end(name);
    }
    writer.end("Recipients");
}

impl Content {
    /// `href` where it leads out of the message: it has a scheme, and that is not `cid`.
    ///
    /// ```
    /// use mm7::message::Content;
    /// let content = |href: &str| Content { href: Some(href.to_owned()), allow_adaptations: None };
    /// assert_eq!(content("http://media.example/a.jpg").url(), Some("http://media.example/a.jpg"));
    /// assert_eq!(content("cid:a.jpg").url(), None);
    /// ```
    pub fn url(&self) -> Option<&str> {
        let href = self.href.as_deref()?.trim();
        let scheme = scheme(href)?;
        (!scheme.eq_ignore_ascii_case("cid")).then_some(href)
    }

    pub(crate) fn read(fields: &ChildFields<'_>, notes: &mut Notes) -> Option<Self> {
        let element = fields.get("Content")?;
        let href = element.attribute("href").map(|(value, _)| value.trim().to_owned());
        if href.is_none() {
            notes.note(Rule::MissingAttribute, element.offset(), "Content has no href");
        }
        let href = href.or_else(|| included(element));
        Some(Self { href, allow_adaptations: boolean_attribute(element, "allowAdaptations", notes) })
    }

    pub(crate) fn write(content: Option<&Self>, writer: &mut EnvelopeWriter<'_>) {
        let Some(content) = content else { return };
        let adaptations = content.allow_adaptations.map(|allowed| if allowed { "true" } else { "false" });
        let href = content.href.as_deref().map(|href| ("href", href));
        let attributes: Vec<_> =
            href.into_iter().chain(adaptations.map(|value| ("allowAdaptations", value))).collect();
        writer.element_with("Content", &attributes, "");
    }
}

/// What stands inside a Content without href: an `Include` of XOP, as stacks write it that optimise messages (MTOM), or the
/// reference as a text.
fn included(content: Element<'_>) -> Option<String> {
    let include = content.children().find(|child| child.name() == "Include");
    let text = content.text();
    let in_include = include.and_then(|include| include.attribute("href")).map(|(href, _)| href.trim());
    let is_cid = |text: &&str| text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"));
    in_include.or_else(|| Some(text.trim()).filter(is_cid)).filter(|href| !href.is_empty()).map(str::to_owned)
}

impl ReplyCharging {
    pub(crate) fn read(fields: &ChildFields<'_>, notes: &mut Notes) -> Option<Self> {
        let element = fields.get("ReplyCharging")?;
        Some(Self {
            size: number_attribute(element, "replyChargingSize", notes),
            deadline: when_attribute(element, "replyDeadline", notes),
        })
    }

    pub(crate) fn write(charging: Option<&Self>, writer: &mut EnvelopeWriter<'_>) {
        let Some(charging) = charging else { return };
        let size = charging.size.map(|size| size.to_string());
        let deadline = charging.deadline.map(|deadline| deadline.to_string());
        let attributes = [("replyChargingSize", &size), ("replyDeadline", &deadline)];
        write_attributes(writer, "ReplyCharging", &attributes);
    }
}

impl UaCapabilities {
    pub(crate) fn read(fields: &ChildFields<'_>, notes: &mut Notes) -> Option<Self> {
        let element = fields.get("UACapabilities")?;
        Some(Self {
            ua_prof: element.attribute("UAProf").map(|(value, _)| value.to_owned()),
            time_stamp: when_attribute(element, "TimeStamp", notes),
        })
    }

    pub(crate) fn write(capabilities: Option<&Self>, writer: &mut EnvelopeWriter<'_>) {
        let Some(capabilities) = capabilities.filter(|_| writer.is_release_6()) else { return };
        let time_stamp = capabilities.time_stamp.map(|time| time.to_string());
        write_attributes(
            writer,
            "UACapabilities",
            &[("UAProf", &capabilities.ua_prof), ("TimeStamp", &time_stamp)],
        );
    }
}

/// An element without contents, and those of its attributes that there are.
fn write_attributes(writer: &mut EnvelopeWriter<'_>, name: &str, attributes: &[(&str, &Option<String>)]) {
    let present = attributes.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    writer.element_with(name, &present.collect::<Vec<_>>(), "");
}

/// What addresses an application on the handset (Release 6): three elements that stand together wherever they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationIds {
    /// ApplicID: the application that the MM is for.
    pub applic_id: Option<String>,
    /// ReplyApplicID: the application that an answer is for.
    pub reply_applic_id: Option<String>,
    /// AuxApplicInfo: what the application is told beside.
    pub aux_applic_info: Option<String>,
}

pub(super) const APPLICATION: [Child; 3] = [r6("ApplicID"), r6("ReplyApplicID"), r6("AuxApplicInfo")];

impl ApplicationIds {
    pub(super) fn read(fields: &ChildFields<'_>) -> Self {
        Self {
            applic_id: fields.trimmed("ApplicID"),
            reply_applic_id: fields.trimmed("ReplyApplicID"),
            aux_applic_info: fields.trimmed("AuxApplicInfo"),
        }
    }

    pub(super) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        if writer.is_release_6() {
            writer.text("ApplicID", self.applic_id.as_deref());
            writer.text("ReplyApplicID", self.reply_applic_id.as_deref());
            writer.text("AuxApplicInfo", self.aux_applic_info.as_deref());
        }
    }
}
