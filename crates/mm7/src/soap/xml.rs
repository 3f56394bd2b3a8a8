//! A small tree of an XML document: elements with resolved namespaces, attributes and texts, borrowed from the
//! document wherever its characters stand as they are.
//!
//! Namespace-well-formed XML 1.0 without DOCTYPE; nothing else gets through. Entities are the five predefined ones
//! and character references. The tree lies flat in document order, so that nothing recurses while it is built.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, BytesText, Event};

use crate::error::{DecodeError, Rule};
use crate::limits::Limits;

/// How many namespaces a document may have, and how many declarations may hold at one place: each name is looked up
/// among them.
const MAX_NAMESPACES: usize = 256;

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace name of this document: its place in the list, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamespaceId(usize);

/// A parsed document.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    nodes: Vec<Node<'a>>,
    attributes: Vec<Attribute<'a>>,
    namespaces: Vec<Cow<'a, str>>,
}

#[derive(Debug)]
struct Node<'a> {
    kind: Kind<'a>,
    /// Where it begins in the document.
    offset: usize,
    /// The index behind its last descendant.
    end: usize,
}

#[derive(Debug)]
enum Kind<'a> {
    Element { name: &'a str, namespace: NamespaceId, attributes: Range<usize> },
    Text(Cow<'a, str>),
}

#[derive(Debug)]
struct Attribute<'a> {
    name: &'a str,
    namespace: NamespaceId,
    value: Cow<'a, str>,
}

impl<'a> Document<'a> {
    /// Parses a document.
    ///
    /// # Errors
    /// [`Rule::NotWellFormed`], [`Rule::Encoding`] for NUL characters, [`Rule::Doctype`], and the limits.
    pub fn parse(text: &'a str, limits: &Limits) -> Result<Self, DecodeError> {
        check_characters(text)?;
        Builder::new(text, limits).build()
    }

    /// The document element.
    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: 0 }
    }
}

/// An element of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'d> {
    document: &'d Document<'d>,
    index: usize,
}

impl<'d> Element<'d> {
    fn node(&self) -> Option<&'d Node<'d>> {
        self.document.nodes.get(self.index)
    }

    /// The local name.
    pub fn name(&self) -> &'d str {
        match self.node().map(|node| &node.kind) {
            Some(Kind::Element { name, .. }) => name,
            _ => "",
        }
    }

    /// The namespace, to be compared with others of the same document.
    pub fn namespace(&self) -> NamespaceId {
        match self.node().map(|node| &node.kind) {
            Some(Kind::Element { namespace, .. }) => *namespace,
            _ => NamespaceId::default(),
        }
    }

    /// The namespace name; empty for none.
    pub fn namespace_uri(&self) -> &'d str {
        self.document.namespaces.get(self.namespace().0).map_or("", |uri| uri)
    }

    /// Where the start tag begins in the text.
    pub fn offset(&self) -> usize {
        self.node().map_or(0, |node| node.offset)
    }

    /// The child elements.
    pub fn children(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        let document = self.document;
        self.child_nodes().filter_map(move |(index, node)| {
            matches!(node.kind, Kind::Element { .. }).then_some(Element { document, index })
        })
    }

    /// The first child element of this local name.
    pub fn child(&self, name: &str) -> Option<Element<'d>> {
        self.children().find(|child| child.name() == name)
    }

    fn child_nodes(&self) -> impl Iterator<Item = (usize, &'d Node<'d>)> + use<'d> {
        let nodes = &self.document.nodes;
        let end = self.node().map_or(0, |node| node.end);
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let node = nodes.get(next).filter(|_| next < end)?;
            let index = std::mem::replace(&mut next, node.end);
            Some((index, node))
        })
    }

    /// The text that stands directly in the element.
    pub fn text(&self) -> Cow<'d, str> {
        concatenate(self.child_nodes().filter_map(|(_, node)| node.text()))
    }

    /// The text of the element and everything in it.
    pub fn full_text(&self) -> Cow<'d, str> {
        let end = self.node().map_or(0, |node| node.end);
        let nodes = self.document.nodes.get(self.index..end).unwrap_or_default();
        concatenate(nodes.iter().filter_map(Node::text))
    }

    /// The attribute of this local name: the one without namespace, else one in any, and whether it was in one.
    pub fn attribute(&self, name: &str) -> Option<(&'d str, bool)> {
        let mut named = self.attributes().iter().filter(|attribute| attribute.name == name);
        let plain = named.clone().find(|attribute| attribute.namespace == NamespaceId::default());
        let found = plain.or_else(|| named.next())?;
        Some((&found.value, found.namespace != NamespaceId::default()))
    }

    /// The attribute of this local name in this namespace.
    pub fn qualified_attribute(&self, namespace: &str, name: &str) -> Option<&'d str> {
        let uri = |id: NamespaceId| self.document.namespaces.get(id.0).map_or("", |uri| uri.as_ref());
        let mut attributes = self.attributes().iter();
        let found =
            attributes.find(|attribute| attribute.name == name && uri(attribute.namespace) == namespace)?;
        Some(&found.value)
    }

    fn attributes(&self) -> &'d [Attribute<'d>] {
        match self.node().map(|node| &node.kind) {
            Some(Kind::Element { attributes, .. }) => {
                self.document.attributes.get(attributes.clone()).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

impl<'a> Node<'a> {
    fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Element { .. } => None,
        }
    }
}

fn concatenate<'d>(mut texts: impl Iterator<Item = &'d str>) -> Cow<'d, str> {
    let Some(first) = texts.next() else { return Cow::Borrowed("") };
    let mut whole = Cow::Borrowed(first);
    for text in texts {
        whole += text;
    }
    whole
}

/// A prefix, `None` for the default namespace, and what it stands for.
struct Binding<'a> {
    prefix: Option<&'a str>,
    namespace: NamespaceId,
}

/// An element whose end tag has not come yet.
struct Open {
    index: usize,
    /// How many bindings there were outside it.
    bindings: usize,
    /// Bytes of text directly in it.
    text: usize,
}

struct Builder<'a, 'l> {
    text: &'a str,
    limits: &'l Limits,
    document: Document<'a>,
    bindings: Vec<Binding<'a>>,
    open: Vec<Open>,
    /// Whether the last node is a text that goes on.
    in_text: bool,
}

impl<'a, 'l> Builder<'a, 'l> {
    fn new(text: &'a str, limits: &'l Limits) -> Self {
        let namespaces = vec![Cow::Borrowed(""), Cow::Borrowed(XML_NAMESPACE)];
        let nodes = Vec::with_capacity(64);
        let xml = Binding { prefix: Some("xml"), namespace: NamespaceId(1) };
        let document = Document { nodes, attributes: Vec::new(), namespaces };
        Self { text, limits, document, bindings: vec![xml], open: Vec::with_capacity(8), in_text: false }
    }

    fn build(mut self) -> Result<Document<'a>, DecodeError> {
        let blank = self.text.len() - self.text.trim_ascii_start().len();
        let mut reader = Reader::from_str(self.text.get(blank..).unwrap_or_default());
        reader.config_mut().check_comments = true;
        let position = |reader: &Reader<&[u8]>| blank + to_usize(reader.buffer_position());
        loop {
            let offset = position(&reader);
            let event = reader.read_event();
            match event.map_err(|error| syntax_error(&error, blank + to_usize(reader.error_position())))? {
                Event::Eof => break,
                Event::Decl(_) if offset != blank => {
                    return Err(ill_formed(offset, "the XML declaration is not at the start"));
                }
                event => self.event(event, offset)?,
            }
        }
        match self.open.last() {
            Some(_) => Err(ill_formed(self.text.len(), "the envelope ends inside an element")),
            None if self.document.nodes.is_empty() => Err(ill_formed(0, "there is no XML element")),
            None => Ok(self.document),
        }
    }

    fn event(&mut self, event: Event<'a>, offset: usize) -> Result<(), DecodeError> {
        match event {
            Event::Start(tag) => self.start(&tag, offset),
            Event::Empty(tag) => self.start(&tag, offset).map(|()| self.end()),
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text, offset),
            Event::CData(_) | Event::GeneralRef(_) if self.open.is_empty() => Err(outside(offset)),
            Event::CData(text) => self.append(text.xml10_content(), offset),
            Event::GeneralRef(name) => {
                let character = reference(&name).ok_or_else(|| ill_formed(offset, no_reference(&name)))?;
                self.append(Cow::Owned(character.to_string()), offset)
            }
            Event::DocType(_) => Err(doctype(offset)),
            Event::PI(_) | Event::Comment(_) | Event::Decl(_) | Event::Eof => Ok(()),
        }
    }

    fn text(&mut self, text: &BytesText<'a>, offset: usize) -> Result<(), DecodeError> {
        if self.open.is_empty() {
            let is_blank = text.trim_ascii().is_empty();
            return if is_blank { Ok(()) } else { Err(outside(offset)) };
        }
        if memchr::memchr(b']', text.as_bytes()).is_some() && text.contains("]]>") {
            return Err(ill_formed(offset, "]]> stands in a text"));
        }
        self.append(text.xml10_content(), offset)
    }

    fn start(&mut self, tag: &BytesStart<'a>, offset: usize) -> Result<(), DecodeError> {
        if self.open.is_empty() && !self.document.nodes.is_empty() {
            return Err(ill_formed(offset, "a second element follows the first"));
        }
        if self.open.len() >= self.limits.max_depth {
            let what = format!("elements are nested more than {} deep", self.limits.max_depth);
            return Err(DecodeError::new(Rule::TooDeep, offset, what));
        }
        // The event's own strings do not outlive it; the document's do.
        let content = self.text.get(offset + 1..offset + 1 + tag.len()).unwrap_or_default();
        let name = content.get(..tag.name().into_inner().len()).unwrap_or_default();
        let bindings = self.bindings.len();
        let attributes = self.attributes(content, name.len(), offset)?;
        let (namespace, name) = self.resolve(name, offset, true)?;
        let index = self.document.nodes.len();
        self.document.nodes.push(Node {
            kind: Kind::Element { name, namespace, attributes },
            offset,
            end: index + 1,
        });
        self.open.push(Open { index, bindings, text: 0 });
        self.in_text = false;
        Ok(())
    }

    fn end(&mut self) {
        let end = self.document.nodes.len();
        if let Some(open) = self.open.pop() {
            self.bindings.truncate(open.bindings);
            if let Some(node) = self.document.nodes.get_mut(open.index) {
                node.end = end;
            }
        }
        self.in_text = false;
    }

    /// Reads the attributes of a start tag: namespace declarations become bindings, which hold for the tag itself,
    /// so that prefixes are resolved when all have been seen.
    fn attributes(
        &mut self,
        content: &'a str,
        name: usize,
        offset: usize,
    ) -> Result<Range<usize>, DecodeError> {
        let first = self.document.attributes.len();
        let mut qualified: Vec<(usize, &'a str)> = Vec::new();
        for (count, attribute) in Attributes::new(content, name).enumerate() {
            if count >= self.limits.max_attributes {
                let what = format!("an element has more than {} attributes", self.limits.max_attributes);
                return Err(DecodeError::new(Rule::TooManyAttributes, offset, what));
            }
            let attribute = attribute.map_err(|error| ill_formed(offset, error.to_string()))?;
            let value = self.attribute_value(attribute.value, offset)?;
            match attribute.key.into_inner() {
                "xmlns" => self.bind(None, value, offset)?,
                key => match key.strip_prefix("xmlns:") {
                    prefix @ Some(_) => self.bind(prefix, value, offset)?,
                    None => {
                        if key.contains(':') {
                            qualified.push((self.document.attributes.len(), key));
                        } else {
                            check_name(key, offset)?;
                        }
                        let attribute = Attribute { name: key, namespace: NamespaceId::default(), value };
                        self.document.attributes.push(attribute);
                    }
                },
            }
        }
        self.qualify(first, &qualified, offset)?;
        Ok(first..self.document.attributes.len())
    }

    /// Resolves the prefixes of attributes, of which no two may then be the same.
    fn qualify(
        &mut self,
        first: usize,
        qualified: &[(usize, &'a str)],
        offset: usize,
    ) -> Result<(), DecodeError> {
        for (index, key) in qualified {
            let (namespace, name) = self.resolve(key, offset, false)?;
            let others = self.document.attributes.get(first..*index).unwrap_or_default();
            if others.iter().any(|other| other.name == name && other.namespace == namespace) {
                return Err(ill_formed(offset, format!("the attribute {} stands twice", excerpt(key))));
            }
            if let Some(attribute) = self.document.attributes.get_mut(*index) {
                (attribute.name, attribute.namespace) = (name, namespace);
            }
        }
        Ok(())
    }

    fn attribute_value(&self, raw: Cow<'a, str>, offset: usize) -> Result<Cow<'a, str>, DecodeError> {
        let value = match raw {
            Cow::Borrowed(raw) => attribute_value(raw),
            Cow::Owned(raw) => attribute_value(&raw).map(|value| Cow::Owned(value.into_owned())),
        };
        let value = value.map_err(|what| ill_formed(offset, what))?;
        self.check_length(value.len(), offset)?;
        Ok(value)
    }

    fn bind(&mut self, prefix: Option<&'a str>, uri: Cow<'a, str>, offset: usize) -> Result<(), DecodeError> {
        let is_reserved = uri == XML_NAMESPACE || uri == XMLNS_NAMESPACE;
        match prefix {
            None if !is_reserved => {}
            Some("xml") if uri == XML_NAMESPACE => {}
            None | Some("xml" | "xmlns") => {
                return Err(ill_formed(offset, "a reserved namespace is declared anew"));
            }
            Some(prefix) if uri.is_empty() || is_reserved => {
                return Err(ill_formed(
                    offset,
                    format!("the prefix {} is declared as nothing", excerpt(prefix)),
                ));
            }
            Some(prefix) => check_name(prefix, offset)?,
        }
        let namespaces = &mut self.document.namespaces;
        if namespaces.len() >= MAX_NAMESPACES || self.bindings.len() >= MAX_NAMESPACES {
            let what = format!("more than {MAX_NAMESPACES} namespaces are declared");
            return Err(DecodeError::new(Rule::TooManyAttributes, offset, what));
        }
        let known = namespaces.iter().position(|known| *known == uri);
        let namespace = NamespaceId(known.unwrap_or(namespaces.len()));
        if known.is_none() {
            namespaces.push(uri);
        }
        self.bindings.push(Binding { prefix, namespace });
        Ok(())
    }

    /// Splits a name at its prefix, and says what the prefix stands for.
    fn resolve(
        &self,
        name: &'a str,
        offset: usize,
        is_element: bool,
    ) -> Result<(NamespaceId, &'a str), DecodeError> {
        let (prefix, local) = match name.split_once(':') {
            Some(("", _)) => return Err(ill_formed(offset, "a name begins with a colon")),
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, name),
        };
        check_name(local, offset)?;
        if prefix.is_none() && !is_element {
            return Ok((NamespaceId::default(), local));
        }
        let binding = self.bindings.iter().rev().find(|binding| binding.prefix == prefix);
        match (binding, prefix) {
            (Some(binding), _) => Ok((binding.namespace, local)),
            (None, None) => Ok((NamespaceId::default(), local)),
            (None, Some(prefix)) => {
                Err(ill_formed(offset, format!("the prefix {} is not declared", excerpt(prefix))))
            }
        }
    }

    fn append(&mut self, text: Cow<'a, str>, offset: usize) -> Result<(), DecodeError> {
        let Some(open) = self.open.last_mut() else { return Err(outside(offset)) };
        open.text += text.len();
        let length = open.text;
        self.check_length(length, offset)?;
        match self.document.nodes.last_mut().map(|node| &mut node.kind) {
            Some(Kind::Text(before)) if self.in_text => *before += text,
            _ => {
                let end = self.document.nodes.len() + 1;
                self.document.nodes.push(Node { kind: Kind::Text(text), offset, end });
                self.in_text = true;
            }
        }
        Ok(())
    }

    fn check_length(&self, length: usize, offset: usize) -> Result<(), DecodeError> {
        if length <= self.limits.max_text {
            return Ok(());
        }
        let what = format!("a text is longer than {} bytes", self.limits.max_text);
        Err(DecodeError::new(Rule::TextTooLong, offset, what))
    }
}

fn to_usize(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn ill_formed(offset: usize, what: impl Into<String>) -> DecodeError {
    DecodeError::new(Rule::NotWellFormed, offset, what)
}

fn outside(offset: usize) -> DecodeError {
    ill_formed(offset, "text stands outside the envelope")
}

fn doctype(offset: usize) -> DecodeError {
    DecodeError::new(Rule::Doctype, offset, "the envelope has a DOCTYPE")
}

fn no_reference(name: &str) -> String {
    format!("&{}; is not one of XML's references", excerpt(name))
}

fn syntax_error(error: &quick_xml::Error, offset: usize) -> DecodeError {
    match error {
        quick_xml::Error::Syntax(SyntaxError::UnclosedDoctype) => doctype(offset),
        error => ill_formed(offset, explain(error)),
    }
}

/// What is not well-formed, in words that do not speak of the parser.
pub(crate) fn explain(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Syntax(error) => unclosed(error).to_owned(),
        quick_xml::Error::IllFormed(error) => mismatched(error),
        error => excerpt(&error.to_string()).to_owned(),
    }
}

/// What the text ends within.
const fn unclosed(error: &SyntaxError) -> &'static str {
    match error {
        SyntaxError::InvalidBangMarkup => "<! begins neither a comment nor a CDATA section",
        SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl => "the text ends within <? and ?>",
        SyntaxError::UnclosedComment => "the text ends within a comment",
        SyntaxError::UnclosedDoctype => "the text ends within a DOCTYPE",
        SyntaxError::UnclosedCData => "the text ends within a CDATA section",
        SyntaxError::UnclosedTag => "the text ends within a tag",
        SyntaxError::UnclosedSingleQuotedAttributeValue | SyntaxError::UnclosedDoubleQuotedAttributeValue => {
            "the quotes of an attribute are never closed"
        }
    }
}

/// Which end tag stands where another should, and what else is not as XML has it.
fn mismatched(error: &IllFormedError) -> String {
    match error {
        IllFormedError::MismatchedEndTag { expected, found } => {
            format!("</{}> stands where </{}> should", excerpt(found), excerpt(expected))
        }
        IllFormedError::UnmatchedEndTag(name) => format!("</{}> closes nothing", excerpt(name)),
        IllFormedError::MissingEndTag(name) => format!("{} is never closed", excerpt(name)),
        IllFormedError::UnclosedReference => "& begins no reference: there is no ; behind it".to_owned(),
        IllFormedError::DoubleHyphenInComment => "-- stands in a comment".to_owned(),
        error => excerpt(&error.to_string()).to_owned(),
    }
}

/// At most the first 80 bytes of a piece of input, for a message.
pub(crate) fn excerpt(text: &str) -> &str {
    cut(text, 80)
}

/// At most the first `max` bytes, cut between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    (0..=max).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// Refuses the characters that XML 1.0 clause 2.2 leaves out; the reader looks at single bytes only.
fn check_characters(text: &str) -> Result<(), DecodeError> {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let bytes = text.as_bytes();
    // Whole chunks without an early exit let the compiler compare many bytes at once.
    let any = |chunk: &[u8]| chunk.iter().fold(false, |found, byte| found | is_control(*byte));
    if bytes.chunks(256).any(any)
        && let Some(offset) = bytes.iter().position(|byte| is_control(*byte))
    {
        let rule = if bytes.get(offset) == Some(&0) { Rule::Encoding } else { Rule::NotWellFormed };
        return Err(DecodeError::new(rule, offset, "the envelope has a control character"));
    }
    // U+FFFE and U+FFFF.
    let is_none = |at: &usize| matches!(bytes.get(*at..), Some([0xef, 0xbf, 0xbe | 0xbf, ..]));
    match memchr::memchr_iter(0xef, bytes).find(is_none) {
        Some(offset) => Err(ill_formed(offset, "the envelope has a character that is none")),
        None => Ok(()),
    }
}

/// Whether XML 1.0 allows the character.
pub(crate) const fn is_character(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    }
}

/// What stands between `&` and `;`.
fn reference(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    // The number parser would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_character(*c))
}

/// Resolves references and makes blanks of line breaks and tabs (XML 1.0 clause 3.3.3).
fn attribute_value(raw: &str) -> Result<Cow<'_, str>, String> {
    if !raw.contains(['&', '<', '\t', '\n', '\r']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let mut after = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '<' => return Err("< stands in an attribute".to_owned()),
            '&' => {
                let (name, tail) = after.split_once(';').ok_or("& stands in an attribute")?;
                let c = reference(name).ok_or_else(|| no_reference(name))?;
                value.push(c);
                after = tail;
            }
            '\r' => {
                after = after.strip_prefix('\n').unwrap_or(after);
                value.push(' ');
            }
            '\t' | '\n' => value.push(' '),
            c => value.push(c),
        }
        rest = after;
    }
    Ok(Cow::Owned(value))
}

fn check_name(name: &str, offset: usize) -> Result<(), DecodeError> {
    if is_name(name) {
        return Ok(());
    }
    Err(ill_formed(offset, format!("{:?} is not a name", excerpt(name))))
}

/// Whether it is an NCName (Namespaces in XML clause 3).
pub(crate) fn is_name(name: &str) -> bool {
    // Nearly every name there is.
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return true;
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_character)
}

const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

const fn is_name_character(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<Rule> {
        Document::parse(text, &Limits::default()).err().map(|error| error.rule)
    }

    #[test]
    fn what_is_not_well_formed() {
        for text in [
            "",
            "   ",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "text<a/>",
            "<a/>&lt;",
            "<a/><![CDATA[x]]>",
            "<a",
            "<a b>",
            "<a b=c/>",
            "<a b='1' b='2'/>",
            "<a b='<'/>",
            "<a b='&'/>",
            "<a b='&nbsp;'/>",
            "<a>&nbsp;</a>",
            "<a>&</a>",
            "<a>& b;</a>",
            "<a>&#1;</a>",
            "<a>&#xd800;</a>",
            "<a>&#x110000;</a>",
            "<a>&#+65;</a>",
            "<a>&#;</a>",
            "<a>]]></a>",
            "<a><!-- -- --></a>",
            "<a><!-- </a>",
            "<a><![CDATA[ </a>",
            "<1/>",
            "<a$/>",
            "<a:b/>",
            "<a b:c=''/>",
            "<:a/>",
            "<a:/>",
            "<a:b:c xmlns:a='u'/>",
            "<a xmlns:b=''/>",
            "<a xmlns:xml='u'/>",
            "<a xmlns:xmlns='u'/>",
            "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns:b='u' xmlns:c='u' b:d='' c:d=''/>",
            "<a xmlns='u'><b:c xmlns='v'/></a>",
            "<a/><?xml version='1.0'?>",
            "<a>\u{1}</a>",
            "<a>\u{ffff}</a>",
        ] {
            assert_eq!(refused(text), Some(Rule::NotWellFormed), "{text:?}");
        }
        assert_eq!(refused("<a>\0</a>"), Some(Rule::Encoding));
    }

    #[test]
    fn what_is_well_formed() {
        for text in [
            "<a/>",
            "\n <?xml version='1.0'?> <!-- c --> <a/> <!-- c --> ",
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?><a/>",
            "<?style sheet?><a><?pi?></a>",
            "<a b='>' c=\"'\"/>",
            "<é.ü-1/>",
            "<a xmlns:b='u' b:c='' c=''/>",
            "<a xml:lang='en'/>",
            "<a xmlns='u'><b xmlns=''/></a>",
            "<a\nxmlns=\n'u'/>",
        ] {
            assert_eq!(refused(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_document_type_is_refused_whatever_it_holds() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "<!DOCTYPE a [",
        ] {
            assert_eq!(refused(text), Some(Rule::Doctype), "{text:?}");
        }
    }

    #[test]
    fn limits_hold_exactly() {
        let limits = Limits { max_depth: 3, max_attributes: 2, max_text: 4, ..Limits::default() };
        let refused = |text: &str| Document::parse(text, &limits).err().map(|error| error.rule);
        assert_eq!(refused("<a><a><a/></a></a>"), None);
        assert_eq!(refused("<a><a><a><a/></a></a></a>"), Some(Rule::TooDeep));
        assert_eq!(refused("<a b='' xmlns=''/>"), None);
        assert_eq!(refused("<a b='' xmlns='' c=''/>"), Some(Rule::TooManyAttributes));
        assert_eq!(refused("<a b='1234'>1234</a>"), None);
        assert_eq!(refused("<a b='12345'/>"), Some(Rule::TextTooLong));
        assert_eq!(refused("<a>12<!-- -->3<b/>45</a>"), Some(Rule::TextTooLong), "in pieces");
        assert_eq!(refused("<a>&#49;&#50;<![CDATA[345]]></a>"), Some(Rule::TextTooLong));
    }

    #[test]
    fn namespaces_are_limited_in_all_and_at_one_place() {
        let in_turn: String = (0..300).map(|n| format!("<a xmlns='u{n}'/>")).collect();
        assert_eq!(refused(&format!("<a>{in_turn}</a>")), Some(Rule::TooManyAttributes));
        let of_one: String = (0..100).map(|n| format!(" xmlns:p{n}='u'")).collect();
        assert_eq!(refused(&format!("<a{of_one}><b{of_one}/><b{of_one}/></a>")), None);
        assert_eq!(
            refused(&format!("<a{of_one}><b{of_one}><c{of_one}/></b></a>")),
            Some(Rule::TooManyAttributes)
        );
    }

    #[test]
    fn texts_and_attributes_as_xml_reads_them() {
        let text =
            "<a b=' 1\t2\r\n3&#10;4&amp;'> x\r\ny\rz&#13;&#x1F600;<!-- c --><![CDATA[<&]]><c>in</c> w</a>";
        let document = Document::parse(text, &Limits::default()).unwrap();
        let root = document.root();
        assert_eq!(root.attribute("b"), Some((" 1 2 3\n4&", false)));
        assert_eq!(root.text(), " x\ny\nz\r😀<& w");
        assert_eq!(root.full_text(), " x\ny\nz\r😀<&in w");
        assert_eq!(root.child("c").map(|child| child.offset()), text.find("<c>"));
    }

    #[test]
    fn namespaces_are_those_in_scope() {
        let text = "<a xmlns='u' xmlns:p='v'><b/><p:c q='1' p:q='2'><d xmlns=''/></p:c><e xmlns:p='w'><p:f/></e><p:g/></a>";
        let document = Document::parse(text, &Limits::default()).unwrap();
        let root = document.root();
        let uri = |path: &[&str]| {
            path.iter()
                .try_fold(root, |element, name| element.child(name))
                .map(|element| element.namespace_uri())
        };
        assert_eq!(uri(&[]), Some("u"));
        assert_eq!(uri(&["b"]), Some("u"));
        assert_eq!(uri(&["c"]), Some("v"));
        assert_eq!(uri(&["c", "d"]), Some(""));
        assert_eq!(uri(&["e", "f"]), Some("w"));
        assert_eq!(uri(&["g"]), Some("v"));
        let c = root.child("c").unwrap();
        assert_eq!(c.attribute("q"), Some(("1", false)));
        assert_eq!(c.qualified_attribute("v", "q"), Some("2"));
        assert_eq!(c.qualified_attribute("u", "q"), None);
    }
}
