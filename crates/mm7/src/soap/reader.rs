//! Reads an envelope: what is in its Header and Body, and everything that is wrong with it.

use std::borrow::Cow;

use super::decoded::Decoded;
use super::guess::guess;
use crate::error::{DecodeError, Rule};
use crate::limits::Limits;
use crate::message::Notes;
use crate::message::{Message, Status, SubmitRsp};
use crate::xml::charset;
use crate::xml::mend::mend;

use super::schema;
use crate::namespace::{SOAP_1_1, SOAP_1_2, SOAP_AS_PRINTED, SeenNamespace};
use crate::text::{cut, excerpt};
use crate::types::{MessageId, TransactionId, VaspId, Version};
use crate::xml::{Element, XmlDocument};

/// The longest local name that is given back as the operation's, in bytes.
const MAX_OPERATION: usize = 64;
/// The versions of TS 23.140 that ever had MM7 and are known here.
const VERSIONS: std::ops::RangeInclusive<Version> =
    Version { major: 5, minor: 2, patch: 0 }..=Version { major: 6, minor: 10, patch: 0 };

/// Reads a SOAP envelope. `charset` is the charset parameter of the Content-Type that it came with.
///
/// What is wrong with an envelope that can be parsed is in [`Decoded::errors`]; which of it matters is the
/// [`Dialect`](crate::Dialect)'s choice.
///
/// # Errors
/// Only what leaves nothing to read: [`Rule::EnvelopeTooLong`], [`Rule::Encoding`], [`Rule::Doctype`],
/// [`Rule::NotWellFormed`], [`Rule::TooDeep`], [`Rule::TooManyAttributes`] and [`Rule::TextTooLong`].
///
/// ```
/// use mm7::{Limits, Message, Rule};
/// let xml = br#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"
///     xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
///   <e:Header><TransactionID e:mustUnderstand="1">t1</TransactionID></e:Header>
///   <e:Body><DeliveryReportRsp><MM7Version>6.8.0</MM7Version>
///     <Status><StatusCode>1000</StatusCode><StatusText>Success</StatusText></Status></DeliveryReportRsp></e:Body>
/// </e:Envelope>"#;
/// let decoded = mm7::decode(xml, Some("utf-8"), &Limits::default())?;
/// assert_eq!(decoded.errors, []);
/// assert_eq!(decoded.message.as_ref().and_then(Message::status).map(|status| status.code), Some(1000));
/// # Ok::<(), mm7::DecodeError>(())
/// ```
pub fn decode(xml: &[u8], charset: Option<&str>, limits: &Limits) -> Result<Decoded, DecodeError> {
    check_length(xml, limits)?;
    let text = charset::to_text(xml, charset)?;
    match XmlDocument::parse(&text.text, limits) {
        Ok(document) => {
            let mut decoded = read(&document, Notes::new());
            let errors = decoded.errors.iter_mut().map(|error| &mut error.offset);
            let own = [&mut decoded.operation_offset, &mut decoded.version_offset];
            text.to_byte_offsets_of_all(errors.chain(own));
            Ok(decoded)
        }
        Err(mut error) => {
            text.to_byte_offsets(std::iter::once(&mut error.offset));
            Err(error)
        }
    }
}

/// Reads an envelope for what it says, whatever its form: for a message that is worth more than how it is written.
///
/// Beside all that [`decode`] reads: what is not well-formed is mended where its elements can still be told; bytes of no encoding
/// are read as far as they go; names count in any case; a prefix without a declaration is no namespace; an operation of a relay
/// whose name is not known is told by a name near it, or by its contents. All of it is in [`Decoded::errors`], for
/// [`Dialect::FORGIVING`](crate::Dialect::FORGIVING) to judge. Offsets in what had to be mended are near, not exact.
///
/// # Errors
/// What leaves nothing to read, as for [`decode`].
///
/// ```
/// use mm7::{Limits, Message, soap};
/// let xml = br#"<e:Envelope><e:Body><DeliverReportReq><MessageID>m-1</MessageID><MMStatus>Retrieved</MMStatus>
///     <StatusText>Tom & Jerry</StatusText></DeliverReportReq></e:Body></e:Envelope>"#;
/// let decoded = soap::decode_forgiving(xml, None, &Limits::default())?;
/// let Some(Message::DeliveryReportReq(report)) = decoded.message else { panic!("no report") };
/// assert_eq!((report.mm_status.as_str(), report.status_text.as_deref()), ("Retrieved", Some("Tom & Jerry")));
/// # Ok::<(), mm7::DecodeError>(())
/// ```
pub fn decode_forgiving(xml: &[u8], charset: Option<&str>, limits: &Limits) -> Result<Decoded, DecodeError> {
    check_length(xml, limits)?;
    let (text, fault) = match charset::to_text(xml, charset) {
        Ok(text) => (text.text, None),
        Err(fault) => (Cow::Owned(charset::as_far_as_it_goes(xml, charset)), Some(fault)),
    };
    let within = |offset: &mut usize| *offset = (*offset).min(xml.len());
    let (mut decoded, mended) = read_mending(&text, limits).map_err(|mut fault| {
        within(&mut fault.offset);
        fault
    })?;
    decoded.errors.extend(fault.or(mended));
    decoded.errors.iter_mut().for_each(|error| within(&mut error.offset));
    within(&mut decoded.operation_offset);
    within(&mut decoded.version_offset);
    decoded.errors.sort_by_key(|error| error.offset);
    Ok(decoded)
}

/// Reads a text, mended where it has to be: then with what was wrong first.
fn read_mending(text: &str, limits: &Limits) -> Result<(Decoded, Option<DecodeError>), DecodeError> {
    let fault = match XmlDocument::parse(text, limits) {
        Ok(document) => return Ok((read(&document, Notes::forgiving()), None)),
        Err(fault) if matches!(fault.rule, Rule::NotWellFormed | Rule::Encoding) => fault,
        Err(fault) => return Err(fault),
    };
    let Some(mended) = mend(text, limits.max_envelope) else { return Err(fault) };
    match XmlDocument::parse_mended(&mended, limits) {
        Ok(document) => Ok((read(&document, Notes::forgiving()), Some(fault))),
        Err(again) if matches!(again.rule, Rule::NotWellFormed | Rule::Encoding) => Err(fault),
        Err(again) => Err(again),
    }
}

fn check_length(xml: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    if xml.len() <= limits.max_envelope {
        return Ok(());
    }
    let what = format!("the envelope is longer than {} bytes", limits.max_envelope);
    Err(DecodeError::new(Rule::EnvelopeTooLong, limits.max_envelope, what))
}

fn read(document: &XmlDocument<'_>, mut notes: Notes) -> Decoded {
    let root = document.root();
    let (transaction_id, operation) = if is_envelope(root, &mut notes) {
        check_envelope(root, &mut notes);
        (read_header(root, &mut notes), find_operation(root, &mut notes))
    } else {
        // Without an envelope the operation still tells who sent it.
        (None, Some(Found::Operation(root)))
    };
    let namespace = namespace_of(operation, transaction_id, &notes);
    notes.set_release(namespace.release());
    let mut decoded = Decoded {
        transaction_id: transaction_id.and_then(|element| TransactionId::new(&element.text()).ok()),
        namespace,
        version: None,
        operation: None,
        operation_offset: 0,
        version_offset: 0,
        vaspid: None,
        message: None,
        errors: Vec::new(),
    };
    match operation {
        Some(Found::Operation(element)) => read_operation(element, &mut decoded, &mut notes),
        Some(Found::BareAnswer(body)) => read_bare_answer(body, &mut decoded, &mut notes),
        None => {}
    }
    decoded.errors = notes.into_errors();
    decoded
}

/// Whether the document element is an Envelope; notes one of another SOAP, or none.
fn is_envelope(root: Element<'_>, notes: &mut Notes) -> bool {
    let uri = notes.uri_of(root);
    let is_named = notes.is_name(root.name(), "Envelope");
    let name = excerpt(root.name());
    match uri {
        SOAP_1_1 if is_named => return true,
        SOAP_1_2 | SOAP_AS_PRINTED if is_named => {
            let what = format!("the Envelope is in {uri} instead of {SOAP_1_1}");
            notes.note(Rule::EnvelopeNamespace, root.offset(), what);
            return true;
        }
        "" => notes.note(
            Rule::NotAnEnvelope,
            root.offset(),
            format!("{name} in no namespace is not a SOAP Envelope"),
        ),
        uri => {
            let what = format!("{name} in {} is not a SOAP Envelope", excerpt(uri));
            notes.note(Rule::NotAnEnvelope, root.offset(), what);
        }
    }
    is_named
}

/// Notes what SOAP does not allow in an Envelope, even where Header and Body can still be found.
fn check_envelope(envelope: Element<'_>, notes: &mut Notes) {
    schema::check_blank(envelope, notes);
    let (mut has_header, mut has_body) = (false, false);
    for child in envelope.children() {
        let offset = child.offset();
        let name = ["Header", "Body"].into_iter().find(|name| notes.is_name(child.name(), name));
        let name = name.unwrap_or(child.name());
        match name {
            "Body" if has_body => {
                notes.note(Rule::SeveralOperations, offset, "a second Body follows the first")
            }
            "Header" if has_header => {
                notes.note(Rule::RepeatedElement, offset, "a second Header follows the first")
            }
            "Header" if has_body => notes.note(Rule::ElementOrder, offset, "Header stands behind Body"),
            "Header" | "Body" => {}
            // SOAP 1.1 clause 4: what is of another kind may follow the Body.
            _ if has_body => continue,
            _ => {
                let what = format!("{} stands in the Envelope before Body", excerpt(name));
                notes.note(Rule::UnknownElement, offset, what);
                continue;
            }
        }
        has_header |= name == "Header";
        has_body |= name == "Body";
        if child.namespace() != envelope.namespace() {
            let what = format!("{name} is in another namespace than the Envelope");
            notes.note(Rule::ChildNamespace, offset, what);
        }
        schema::check_blank(child, notes);
    }
}

/// The TransactionID, whatever namespace it is in.
pub(super) fn read_header<'d>(envelope: Element<'d>, notes: &mut Notes) -> Option<Element<'d>> {
    let Some(header) = notes.child(envelope, "Header") else {
        notes.note(Rule::NoHeader, envelope.offset(), "the Envelope has no Header");
        return None;
    };
    let transaction_id = notes.child(header, "TransactionID");
    let is_other =
        |entry: &Element<'_>| transaction_id.is_none_or(|element| element.offset() != entry.offset());
    for entry in header.children().filter(is_other) {
        let name = excerpt(entry.name());
        if must_be_understood(entry) {
            let what = format!("{name} in the Header must be understood and is not");
            notes.note(Rule::ForeignMustUnderstand, entry.offset(), what);
        } else {
            let what = format!("{name} stands in the Header beside TransactionID");
            notes.note(Rule::OtherHeaderEntry, entry.offset(), what);
        }
    }
    let Some(element) = transaction_id else {
        notes.note(Rule::NoTransactionId, header.offset(), "the Header has no TransactionID");
        return None;
    };
    notes.note_unsupported(&SeenNamespace::of(notes.uri_of(element)), element);
    if let Err(error) = TransactionId::new(&element.text()) {
        notes.note(Rule::BadTransactionId, element.offset(), format!("TransactionID: {error}"));
    }
    schema::check_transaction_id(element, envelope, notes);
    Some(element)
}

fn must_be_understood(entry: Element<'_>) -> bool {
    let mut values = [SOAP_1_1, SOAP_1_2, SOAP_AS_PRINTED]
        .into_iter()
        .filter_map(|namespace| entry.qualified_attribute(namespace, "mustUnderstand"));
    values.any(|value| matches!(value.trim(), "1" | "true"))
}

/// What the Body holds.
#[derive(Clone, Copy)]
enum Found<'d> {
    /// An operation, known or not.
    Operation(Element<'d>),
    /// A response whose own element was left out, as one copy of the standard prints it: the Body itself.
    BareAnswer(Element<'d>),
}

fn find_body<'d>(envelope: Element<'d>, notes: &mut Notes) -> Option<Element<'d>> {
    if let Some(body) = notes.child(envelope, "Body") {
        return Some(body);
    }
    let is_operation = |child: Element<'_>| Message::is_name(child.name()) || guess(child).is_some();
    if notes.forgives() && envelope.children().any(is_operation) {
        notes.note(
            Rule::UnknownElement,
            envelope.offset(),
            "the operation stands in the Envelope without a Body",
        );
        return Some(envelope);
    }
    notes.note(Rule::NoBody, envelope.offset(), "the Envelope has no Body");
    None
}

fn find_operation<'d>(envelope: Element<'d>, notes: &mut Notes) -> Option<Found<'d>> {
    let body = find_body(envelope, notes)?;
    let Some(first) = body.children().next() else {
        notes.note(Rule::EmptyBody, body.offset(), "the Body is empty");
        return None;
    };
    let known = body.children().find(|child| Message::is_name(child.name()));
    if known.is_none() && body.child("Status").is_some() {
        notes.note(
            Rule::MissingElement,
            body.offset(),
            "the Body has a Status without the response it belongs to",
        );
        return Some(Found::BareAnswer(body));
    }
    let guessed = || body.children().find(|child| notes.forgives() && guess(*child).is_some());
    let operation = known.or_else(guessed).unwrap_or(first);
    let counts =
        |other: Element<'_>| !notes.forgives() || Message::is_name(other.name()) || guess(other).is_some();
    if let Some(other) = body.children().find(|child| child.offset() != operation.offset() && counts(*child))
    {
        let what = format!("the Body has {} beside {}", excerpt(other.name()), excerpt(operation.name()));
        notes.note(Rule::SeveralOperations, other.offset(), what);
    }
    Some(Found::Operation(operation))
}

/// The namespace of the MM7 element in the Body, else that of the TransactionID.
fn namespace_of(
    operation: Option<Found<'_>>,
    transaction_id: Option<Element<'_>>,
    notes: &Notes,
) -> SeenNamespace {
    let in_body = match operation {
        Some(Found::Operation(element)) if element.name() == "Fault" => {
            element.child("detail").and_then(|detail| detail.children().next())
        }
        Some(Found::Operation(element)) => Some(element),
        Some(Found::BareAnswer(body)) => body.child("Status"),
        None => None,
    };
    let mut seen =
        in_body.into_iter().chain(transaction_id).map(|element| SeenNamespace::of(notes.uri_of(element)));
    seen.find(|seen| *seen != SeenNamespace::Absent).unwrap_or(SeenNamespace::Absent)
}

fn read_operation(element: Element<'_>, decoded: &mut Decoded, notes: &mut Notes) {
    let name = element.name();
    decoded.operation = Some(cut(name, MAX_OPERATION).to_owned());
    decoded.operation_offset = element.offset();
    if name != "Fault" {
        notes.note_unsupported(&SeenNamespace::of(notes.uri_of(element)), element);
    }
    let contents = contents(element, notes);
    let name = if notes.forgives() { meant(element, contents, notes) } else { name };
    // A Fault is read leniently whatever its sender: no other answer will come.
    if contents.name() != "Fault" && Message::is_name(contents.name()) {
        schema::check(contents, notes);
    }
    read_version(contents, decoded, notes);
    decoded.vaspid = read_vaspid(contents);
    decoded.message = Message::read(name, contents, notes);
    if decoded.message.is_none() {
        let what = format!("{} is not an operation of MM7", excerpt(name));
        notes.note(Rule::UnknownOperation, element.offset(), what);
    }
}

/// The name of the operation that an unknown name stands for, if that can be told.
fn meant<'d>(operation: Element<'d>, contents: Element<'d>, notes: &mut Notes) -> &'d str {
    let name = operation.name();
    if Message::is_name(name) {
        return name;
    }
    // What was put inside an element of no known name.
    let inner = Some(contents.name()).filter(|inner| Message::is_name(inner));
    let Some(meant) = inner.or_else(|| guess(contents)) else { return name };
    notes.note(Rule::UnknownElement, operation.offset(), format!("{} is taken for {meant}", excerpt(name)));
    meant
}

/// The element that holds the operation's fields: itself, or an operation that some put inside another.
fn contents<'d>(operation: Element<'d>, notes: &mut Notes) -> Element<'d> {
    let mut children = operation.children();
    match (children.next(), children.next()) {
        (Some(inner), None) if operation.name() != "Fault" && Message::is_name(inner.name()) => {
            let what = format!("{} stands inside {}", inner.name(), excerpt(operation.name()));
            notes.note(Rule::UnknownElement, inner.offset(), what);
            inner
        }
        _ => operation,
    }
}

/// MM7Version of an operation, or of the error in a Fault's detail (where nothing is missing when there is none).
fn read_version(contents: Element<'_>, decoded: &mut Decoded, notes: &mut Notes) {
    let is_fault = contents.name() == "Fault";
    let error = || contents.child("detail")?.children().next();
    let parent = if is_fault { error() } else { Some(contents) };
    let Some(element) = parent.and_then(|parent| parent.child("MM7Version")) else {
        if !is_fault {
            let what = format!("{} has no MM7Version", excerpt(contents.name()));
            notes.note(Rule::NoVersion, contents.offset(), what);
        }
        return;
    };
    let text = element.text();
    decoded.version_offset = element.offset();
    decoded.version = Version::parse(&text).ok();
    match decoded.version {
        None => {
            let what = format!("MM7Version {:?} is not of the form x.y.z", excerpt(text.trim()));
            notes.note(Rule::BadVersion, element.offset(), what);
        }
        Some(version) if !VERSIONS.contains(&version) => {
            notes.note(Rule::UnknownVersion, element.offset(), format!("MM7Version {version} is not known"));
        }
        Some(version) if version.to_string() != text => {
            let what = format!("MM7Version {:?} is written as {version}", excerpt(&text));
            notes.note(Rule::BadValue, element.offset(), what);
        }
        Some(_) => {}
    }
}

fn read_vaspid(contents: Element<'_>) -> Option<VaspId> {
    let sender = contents.child("SenderIdentification").unwrap_or(contents);
    VaspId::new(&sender.child("VASPID")?.text()).ok()
}

/// A Status directly in the Body is read as a SubmitRsp, which is what it was printed for; the MessageID goes with it.
fn read_bare_answer(body: Element<'_>, decoded: &mut Decoded, notes: &mut Notes) {
    decoded.operation = Some("Status".to_owned());
    decoded.operation_offset = body.offset();
    read_version(body, decoded, notes);
    let status = body.child("Status").map(|element| Status::of(element, notes)).unwrap_or_default();
    let message_id = body.child("MessageID").and_then(|element| MessageId::new(&element.text()).ok());
    decoded.message = Some(Message::SubmitRsp(SubmitRsp { status, message_id }));
}
