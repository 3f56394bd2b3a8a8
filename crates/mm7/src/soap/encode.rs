//! Writes an envelope, in one canonical form: the prefix `soapenv`, a Header, mustUnderstand on the TransactionID where
//! it is wanted, the MM7 namespace as the default on the TransactionID and on the operation, no blanks between elements.

use super::framing::Framing;
use crate::message::{EnvelopeWriter, Message};
use crate::namespace::{Namespace, SOAP_1_1, SeenNamespace};

/// Writes a message.
///
/// The result is UTF-8 and valid against the schema of its namespace, as far as the message has what the schema asks
/// for: absent fields are not written, nor are those that the namespace's release lacks. The extended operations
/// exist in REL-6-MM7-1-4 only, and are written in it whatever known namespace the framing names. Characters that
/// XML has no place for are left out.
///
/// ```
/// use mm7::message::{DeliveryReportRsp, Status};
/// use mm7::{Framing, Message, Namespace, StatusCode, Version};
/// let message = Message::DeliveryReportRsp(DeliveryReportRsp { status: Status::from(StatusCode::Success) });
/// let xml = mm7::encode(&message, &Framing::new(Namespace::LATEST, Version::V6_8_0, None));
/// assert!(String::from_utf8_lossy(&xml).contains("<StatusCode>1000</StatusCode>"));
/// ```
pub fn encode(message: &Message, framing: &Framing) -> Vec<u8> {
    let is_lacking = |seen: Namespace| message.is_extended() && seen != Namespace::LATEST;
    let (namespace, version) = match &framing.namespace {
        SeenNamespace::Known(known) if is_lacking(*known) => {
            (Namespace::LATEST.uri(), Namespace::LATEST.version_for(framing.version))
        }
        SeenNamespace::Known(_) | SeenNamespace::Invented(_) => (framing.namespace.uri(), framing.version),
        SeenNamespace::Foreign(_) | SeenNamespace::Absent => (Namespace::LATEST.uri(), framing.version),
    };
    let release = if message.is_extended() { 6 } else { framing.namespace.release() };
    let mut writer = EnvelopeWriter::new(namespace, version, release);
    writer.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"");
    writer.raw(SOAP_1_1);
    writer.raw("\">");
    write_header(framing, &mut writer);
    writer.raw("<soapenv:Body>");
    message.write(&mut writer);
    writer.raw("</soapenv:Body></soapenv:Envelope>");
    writer.into_bytes()
}

/// The Header, which is empty where there is no TransactionID: clients that look into it fail where it is missing.
fn write_header(framing: &Framing, writer: &mut EnvelopeWriter<'_>) {
    writer.raw("<soapenv:Header>");
    if let Some(id) = &framing.transaction_id {
        let attributes = [("xmlns", writer.namespace()), ("soapenv:mustUnderstand", "1")];
        let written = if framing.must_understand { &attributes[..] } else { &attributes[..1] };
        writer.element_with("TransactionID", written, id.as_str());
    }
    writer.raw("</soapenv:Header>");
}
