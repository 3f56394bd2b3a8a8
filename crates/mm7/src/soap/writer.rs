//! Writes an envelope, in one canonical form: the prefix `soapenv`, a Header, mustUnderstand on the TransactionID where
//! it is wanted, the MM7 namespace as the default on the TransactionID and on the operation, no blanks between elements.

use std::collections::HashSet;
use std::fmt::Display;

use jiff::Timestamp;

use crate::message::{AddressAttributes, Message};
use crate::soap::Framing;
use crate::soap::characters::{is_character, is_name};
use crate::soap::namespace::{Namespace, SOAP_1_1, SeenNamespace};

use crate::time::write_date_time;
use crate::types::{Address, Version};

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
    let mut writer =
        EnvelopeWriter { out: Vec::with_capacity(1024), namespace, version, release, ids: HashSet::new() };
    writer.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"");
    writer.raw(SOAP_1_1);
    writer.raw("\">");
    writer.header(framing);
    writer.raw("<soapenv:Body>");
    message.write(&mut writer);
    writer.raw("</soapenv:Body></soapenv:Envelope>");
    writer.out
}

/// An envelope being written.
pub(crate) struct EnvelopeWriter<'f> {
    out: Vec<u8>,
    namespace: &'f str,
    version: Version,
    release: u8,
    /// The `id` attributes written so far: no two may be the same.
    ids: HashSet<String>,
}

impl<'f> EnvelopeWriter<'f> {
    /// Whether the namespace has the elements that Release 6 brought.
    pub const fn is_release_6(&self) -> bool {
        self.release >= 6
    }

    /// Writes markup as it is.
    pub fn raw(&mut self, markup: &str) {
        self.out.extend_from_slice(markup.as_bytes());
    }

    /// The Header, which is empty where there is no TransactionID: clients that look into it fail where it is missing.
    fn header(&mut self, framing: &Framing) {
        self.raw("<soapenv:Header>");
        if let Some(id) = &framing.transaction_id {
            let attributes = [("xmlns", self.namespace), ("soapenv:mustUnderstand", "1")];
            let written = if framing.must_understand { &attributes[..] } else { &attributes[..1] };
            self.element_with("TransactionID", written, id.as_str());
        }
        self.raw("</soapenv:Header>");
    }

    /// An MM7 element at the top of the Body or of a Fault's detail: its namespace, MM7Version, and its contents.
    pub fn operation(&mut self, name: &str, contents: impl FnOnce(&mut Self)) {
        let namespace = self.namespace;
        self.start(name, &[("xmlns", namespace)]);
        self.value("MM7Version", Some(self.version));
        contents(self);
        self.end(name);
    }

    /// A start tag.
    pub fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.raw("<");
        self.raw(name);
        for (name, value) in attributes {
            self.raw(" ");
            self.raw(name);
            self.raw("=\"");
            self.escaped(value, true);
            self.raw("\"");
        }
        self.raw(">");
    }

    /// An end tag.
    pub fn end(&mut self, name: &str) {
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }

    /// An element with a text.
    pub fn element(&mut self, name: &str, text: &str) {
        self.element_with(name, &[], text);
    }

    /// An element with attributes and a text.
    pub fn element_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.start(name, attributes);
        self.escaped(text, false);
        self.end(name);
    }

    /// An element with a text, when there is one.
    pub fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.element(name, text);
        }
    }

    /// An element with a value whose wire form is its `Display`, when there is one.
    pub fn value(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.element(name, &value.to_string());
        }
    }

    /// An element with a time, when there is one.
    pub fn date(&mut self, name: &str, time: Option<Timestamp>) {
        self.text(name, time.map(write_date_time).as_deref());
    }

    /// An element with one address in it, when there is one.
    pub fn address(&mut self, name: &str, address: Option<&Address>, attributes: &AddressAttributes) {
        if attributes.as_text {
            return self.text(name, address.map(Address::as_str));
        }
        if let Some(address) = address {
            self.start(name, &[]);
            self.bare_address(address, attributes);
            self.end(name);
        }
    }

    /// An address without an element round it. An `id` that is no name, or was written before, is left out.
    pub fn bare_address(&mut self, address: &Address, attributes: &AddressAttributes) {
        let mut written = Vec::new();
        if attributes.display_only {
            written.push(("displayOnly", "true"));
        }
        if self.is_release_6() {
            written.extend(attributes.coding.map(|coding| ("addressCoding", coding.as_str())));
            let id = attributes.id.as_ref().filter(|id| is_name(id) && !self.ids.contains(id.as_str()));
            self.ids.extend(id.cloned());
            written.extend(id.map(|id| ("id", id.as_str())));
        }
        let name = match address {
            Address::Number(_) => "Number",
            Address::ShortCode(_) => "ShortCode",
            Address::Rfc2822Address(_) => "RFC2822Address",
        };
        self.element_with(name, &written, address.as_str());
    }

    /// Writes characters so that they are read again exactly: a carriage return would be read as a line feed, and
    /// in an attribute every blank as a space.
    fn escaped(&mut self, text: &str, is_attribute: bool) {
        let mut rest = text;
        while let Some(at) = rest.find(|c| needs_care(c, is_attribute)) {
            let (plain, special) = rest.split_at(at);
            self.raw(plain);
            let Some(c) = special.chars().next() else { break };
            match c {
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '&' => self.raw("&amp;"),
                '"' => self.raw("&quot;"),
                '\r' => self.raw("&#13;"),
                '\n' => self.raw("&#10;"),
                '\t' => self.raw("&#9;"),
                _ => {}
            }
            rest = special.get(c.len_utf8()..).unwrap_or_default();
        }
        self.raw(rest);
    }
}

const fn needs_care(c: char, is_attribute: bool) -> bool {
    match c {
        '<' | '>' | '&' | '\r' => true,
        '"' | '\n' | '\t' => is_attribute,
        c => !is_character(c),
    }
}
