//! Writes elements, in one canonical form: the MM7 namespace as the default on the operation, no blanks between elements.

use std::collections::HashSet;
use std::fmt::{self, Display, Write as _};

use jiff::Timestamp;

use super::address::AddressAttributes;
use crate::time::write_date_time;
use crate::types::{Address, Version};
use crate::xml::characters::{is_character, is_name};

/// An envelope being written.
pub(crate) struct EnvelopeWriter<'f> {
    out: Vec<u8>,
    namespace: &'f str,
    version: Version,
    release: u8,
    /// The `id` attributes written so far: no two may be the same.
    ids: HashSet<String>,
}

/// Takes what a value's `Display` writes, piece by piece, without a string between.
struct EscapedText<'w, 'f>(&'w mut EnvelopeWriter<'f>);

impl fmt::Write for EscapedText<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text, false);
        Ok(())
    }
}

impl<'f> EnvelopeWriter<'f> {
    /// Nothing is written yet. `namespace` and `version` are those of the operation, and of a TransactionID.
    pub fn new(namespace: &'f str, version: Version, release: u8) -> Self {
        Self { out: Vec::with_capacity(1024), namespace, version, release, ids: HashSet::new() }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// The namespace that MM7's elements are in.
    pub const fn namespace(&self) -> &'f str {
        self.namespace
    }

    /// Whether the namespace has the elements that Release 6 brought.
    pub const fn is_release_6(&self) -> bool {
        self.release >= 6
    }

    /// Writes markup as it is.
    pub fn raw(&mut self, markup: &str) {
        self.out.extend_from_slice(markup.as_bytes());
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
            self.start(name, &[]);
            // Only a value's own Display could fail, and none does.
            let _ = write!(EscapedText(self), "{value}");
            self.end(name);
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
