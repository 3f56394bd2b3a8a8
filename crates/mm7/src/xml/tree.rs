//! A small tree of an XML document: elements with resolved namespaces, attributes and texts, borrowed from the
//! document wherever its characters stand as they are.
//!
//! Namespace-well-formed XML 1.0 without DOCTYPE; nothing else gets through. Entities are the five predefined ones
//! and character references. The tree lies flat in document order, so that nothing recurses while it is built.

use std::borrow::Cow;

use super::characters::{attribute_value, check_characters, is_name, reference, with_line_feeds};
use super::scan::{InTag, Scanner, Token};
use crate::error::{DecodeError, Rule};
use crate::limits::Limits;
use crate::text::excerpt;

/// How many namespaces a document may have, and how many declarations may hold at one place: each name is looked up
/// among them.
const MAX_NAMESPACES: usize = 256;

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace name of this document: its place in the list, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamespaceId(u16);

/// A parsed document.
#[derive(Debug)]
pub(crate) struct XmlDocument<'a> {
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
    Element { name: &'a str, namespace: NamespaceId },
    Text(Cow<'a, str>),
}

/// An attribute that is no namespace declaration.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    /// The index of its element; attributes stand in the order of their elements.
    element: usize,
    /// The local name.
    pub name: &'a str,
    namespace: NamespaceId,
    /// The value, references resolved.
    pub value: Cow<'a, str>,
}

impl<'a> XmlDocument<'a> {
    /// Parses a document.
    ///
    /// # Errors
    /// [`Rule::NotWellFormed`], [`Rule::Encoding`] for NUL characters, [`Rule::Doctype`], and the limits.
    pub fn parse(text: &'a str, limits: &Limits) -> Result<Self, DecodeError> {
        check_characters(text)?;
        Builder::new(text, limits).build()
    }

    /// Parses what has been [mended](super::mend), and tolerates what can still be understood: prefixes without a
    /// declaration stand for no namespace, end tags may be missing behind the last whole element, what stands outside of the
    /// document element is passed over.
    ///
    /// # Errors
    /// Those of [`XmlDocument::parse`].
    pub fn parse_mended(text: &'a str, limits: &Limits) -> Result<Self, DecodeError> {
        check_characters(text)?;
        Builder { forgives: true, ..Builder::new(text, limits) }.build()
    }

    /// The document element.
    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: 0 }
    }

    fn namespace_uri(&self, namespace: NamespaceId) -> &str {
        self.namespaces.get(usize::from(namespace.0)).map_or("", |uri| uri)
    }
}

/// An element of a [`XmlDocument`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'d> {
    document: &'d XmlDocument<'d>,
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
        self.document.namespace_uri(self.namespace())
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

    /// Whether there is more than blanks in the text that stands directly in the element.
    pub fn has_text(&self) -> bool {
        let is_more = |node: &Node<'_>| node.text().is_some_and(|text| !text.trim_ascii().is_empty());
        self.child_nodes().any(|(_, node)| is_more(node))
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
        let is_in = |id| self.document.namespace_uri(id) == namespace;
        let mut named = self.attributes().iter().filter(|attribute| attribute.name == name);
        named.find(|attribute| is_in(attribute.namespace)).map(|found| found.value.as_ref())
    }

    /// The name of an attribute's namespace; empty for none.
    pub fn uri_of(&self, attribute: &Attribute<'_>) -> &'d str {
        self.document.namespace_uri(attribute.namespace)
    }

    /// Whether the element says of itself that it has no value: `xsi:nil`, or `xsi:null` of early SOAP stacks.
    pub fn is_nil(&self) -> bool {
        let has_contents = self.node().is_none_or(|node| node.end > self.index + 1);
        !has_contents
            && self.attributes().iter().any(|attribute| {
                matches!(attribute.name, "nil" | "null")
                    && matches!(attribute.value.trim_ascii(), "true" | "1")
                    && self.uri_of(attribute).ends_with("/XMLSchema-instance")
            })
    }

    /// The attributes, in the order of the document.
    pub fn attributes(&self) -> &'d [Attribute<'d>] {
        let all = &self.document.attributes;
        let first = all.partition_point(|attribute| attribute.element < self.index);
        let own = all.get(first..).unwrap_or_default();
        let count = own.partition_point(|attribute| attribute.element == self.index);
        own.get(..count).unwrap_or_default()
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
struct Open<'a> {
    /// Its name with prefix.
    name: &'a str,
    index: usize,
    /// How many bindings there were outside it.
    bindings: usize,
    /// Bytes of text directly in it.
    text: usize,
}

struct Builder<'a, 'l> {
    text: &'a str,
    limits: &'l Limits,
    document: XmlDocument<'a>,
    bindings: Vec<Binding<'a>>,
    open: Vec<Open<'a>>,
    /// Whether the last node is a text that goes on.
    in_text: bool,
    /// Whether there is any carriage return.
    has_returns: bool,
    /// Whether what can be understood passes.
    forgives: bool,
}

impl<'a, 'l> Builder<'a, 'l> {
    fn new(text: &'a str, limits: &'l Limits) -> Self {
        let namespaces = vec![Cow::Borrowed(""), Cow::Borrowed(XML_NAMESPACE)];
        // At once about as many as there will be: a list that grows is copied, and for a time takes twice its memory.
        let count = |byte| memchr::memchr_iter(byte, text.as_bytes()).count().min(limits.max_nodes);
        let (nodes, attributes) = (Vec::with_capacity(count(b'<')), Vec::with_capacity(count(b'=')));
        let xml = Binding { prefix: Some("xml"), namespace: NamespaceId(1) };
        let document = XmlDocument { nodes, attributes, namespaces };
        let bindings = Vec::from([xml]);
        let has_returns = memchr::memchr(b'\r', text.as_bytes()).is_some();
        Self {
            text,
            limits,
            document,
            bindings,
            open: Vec::with_capacity(8),
            in_text: false,
            has_returns,
            forgives: false,
        }
    }

    fn build(mut self) -> Result<XmlDocument<'a>, DecodeError> {
        let mut scanner = Scanner::new(self.text);
        loop {
            if self.open.last().is_some_and(|open| scanner.closes(open.name)) {
                self.close();
                continue;
            }
            if self.forgives && self.open.is_empty() && !self.document.nodes.is_empty() {
                break;
            }
            let Some(token) = scanner.next()? else { break };
            let offset = scanner.offset();
            match token {
                Token::Start(name) => self.start(name, &mut scanner)?,
                Token::End(name) => self.end(name, offset)?,
                Token::Text(text) if self.open.is_empty() && text.trim_ascii().is_empty() => {}
                Token::Text(_) | Token::CData(_) | Token::Reference(_)
                    if self.forgives && self.open.is_empty() => {}
                Token::Text(text) | Token::CData(text) => self.append(self.lines(text), offset)?,
                Token::Reference(name) => {
                    let character = reference(name).map_err(|what| DecodeError::ill_formed(offset, what))?;
                    self.append(Cow::Owned(character.to_string()), offset)?;
                }
            }
        }
        if self.forgives && self.breaks_off_between_elements() {
            while !self.open.is_empty() {
                self.close();
            }
        }
        match self.open.last() {
            Some(open) => Err(DecodeError::ill_formed(
                self.text.len(),
                format!("{} is never closed", excerpt(open.name)),
            )),
            None if self.document.nodes.is_empty() => {
                Err(DecodeError::ill_formed(0, "there is no XML element"))
            }
            None => Ok(self.document),
        }
    }

    /// Whether no text was being given when the document ended: the element that is open last holds elements.
    fn breaks_off_between_elements(&self) -> bool {
        let inside = self.open.last().and_then(|open| self.document.nodes.get(open.index + 1..));
        inside.is_some_and(|nodes| nodes.iter().any(|node| matches!(node.kind, Kind::Element { .. })))
    }

    fn lines(&self, text: &'a str) -> Cow<'a, str> {
        if self.has_returns { with_line_feeds(text) } else { Cow::Borrowed(text) }
    }

    /// Reads a start tag to its end.
    fn start(&mut self, tag: &'a str, scanner: &mut Scanner<'a>) -> Result<(), DecodeError> {
        let offset = scanner.offset();
        if self.open.is_empty() && !self.document.nodes.is_empty() {
            return Err(DecodeError::ill_formed(offset, "a second element follows the first"));
        }
        if self.open.len() >= self.limits.max_depth {
            let what = format!("elements are nested more than {} deep", self.limits.max_depth);
            return Err(DecodeError::new(Rule::TooDeep, offset, what));
        }
        let bindings = self.bindings.len();
        let is_empty = self.attributes(scanner)?;
        let (namespace, name) = self.resolve(tag, offset, true)?;
        let index = self.document.nodes.len();
        self.push(Kind::Element { name, namespace }, offset)?;
        self.in_text = false;
        self.open.push(Open { name: tag, index, bindings, text: 0 });
        if is_empty {
            self.close();
        }
        Ok(())
    }

    fn end(&mut self, name: &str, offset: usize) -> Result<(), DecodeError> {
        match self.open.last() {
            Some(open) if open.name == name => {
                self.close();
                Ok(())
            }
            _ if self.forgives => {
                self.close_down_to(name);
                Ok(())
            }
            Some(open) => {
                let what = format!("</{}> stands where </{}> should", excerpt(name), excerpt(open.name));
                Err(DecodeError::ill_formed(offset, what))
            }
            None => Err(DecodeError::ill_formed(offset, format!("</{}> closes nothing", excerpt(name)))),
        }
    }

    /// Closes the element of this name and those inside of it; where none is open, it closes nothing.
    fn close_down_to(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open.name == name) {
            while self.open.len() > at {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let end = self.document.nodes.len();
        if let Some(open) = self.open.pop() {
            self.bindings.truncate(open.bindings);
            if let Some(node) = self.document.nodes.get_mut(open.index) {
                node.end = end;
            }
        }
        self.in_text = false;
    }

    fn push(&mut self, kind: Kind<'a>, offset: usize) -> Result<(), DecodeError> {
        let end = self.document.nodes.len() + 1;
        self.check_count(end, offset)?;
        self.document.nodes.push(Node { kind, offset, end });
        Ok(())
    }

    /// Reads the attributes of a start tag: namespace declarations become bindings, which hold for the tag itself,
    /// so that prefixes are resolved when all have been seen. Says whether the tag is that of an empty element.
    fn attributes(&mut self, scanner: &mut Scanner<'a>) -> Result<bool, DecodeError> {
        let offset = scanner.offset();
        let first = self.document.attributes.len();
        let first_binding = self.bindings.len();
        let mut count = 0;
        let is_empty = loop {
            let (key, value) = match scanner.in_tag()? {
                InTag::Attribute(key, value) => (key, value),
                InTag::Open => break false,
                InTag::Empty => break true,
            };
            count += 1;
            if count > self.limits.max_attributes {
                let what = format!("an element has more than {} attributes", self.limits.max_attributes);
                return Err(DecodeError::new(Rule::TooManyAttributes, offset, what));
            }
            self.attribute(key, value, first_binding, offset)?;
        };
        if first < self.document.attributes.len() {
            self.qualify(first, offset)?;
        }
        Ok(is_empty)
    }

    fn attribute(
        &mut self,
        key: &'a str,
        value: &'a str,
        first_binding: usize,
        offset: usize,
    ) -> Result<(), DecodeError> {
        let value = attribute_value(value).map_err(|what| DecodeError::ill_formed(offset, what))?;
        self.check_length(value.len(), offset)?;
        match key.strip_prefix("xmlns") {
            Some("") => self.bind(None, value, first_binding, offset),
            Some(rest) if rest.starts_with(':') => self.bind(rest.get(1..), value, first_binding, offset),
            _ => {
                let attributes = &mut self.document.attributes;
                let element = self.document.nodes.len();
                attributes.push(Attribute { element, name: key, namespace: NamespaceId::default(), value });
                let count = attributes.len();
                self.check_count(count, offset)
            }
        }
    }

    /// Resolves the prefixes of the attributes from `first` on, of which no two may then be the same.
    fn qualify(&mut self, first: usize, offset: usize) -> Result<(), DecodeError> {
        for index in first..self.document.attributes.len() {
            let Some(key) = self.document.attributes.get(index).map(|attribute| attribute.name) else {
                break;
            };
            let (namespace, name) = self.resolve(key, offset, false)?;
            let others = self.document.attributes.get(first..index).unwrap_or_default();
            let is_twice = others.iter().any(|other| other.name == name && other.namespace == namespace);
            if is_twice && !self.forgives {
                return Err(stands_twice(key, offset));
            }
            if let Some(attribute) = self.document.attributes.get_mut(index) {
                (attribute.name, attribute.namespace) = (name, namespace);
            }
        }
        Ok(())
    }

    fn bind(
        &mut self,
        prefix: Option<&'a str>,
        uri: Cow<'a, str>,
        first_binding: usize,
        offset: usize,
    ) -> Result<(), DecodeError> {
        match check_binding(prefix, &uri, offset) {
            Err(_) if self.forgives => return Ok(()),
            checked => checked?,
        }
        let of_this_tag = self.bindings.get(first_binding..).unwrap_or_default();
        if of_this_tag.iter().any(|other| other.prefix == prefix) {
            if self.forgives {
                return Ok(());
            }
            return Err(stands_twice(prefix.unwrap_or("xmlns"), offset));
        }
        let namespaces = &mut self.document.namespaces;
        if namespaces.len() >= MAX_NAMESPACES || self.bindings.len() >= MAX_NAMESPACES {
            let what = format!("more than {MAX_NAMESPACES} namespaces are declared");
            return Err(DecodeError::new(Rule::TooManyAttributes, offset, what));
        }
        let known = namespaces.iter().position(|known| *known == uri);
        // There are fewer than the type can count.
        let namespace = u16::try_from(known.unwrap_or(namespaces.len())).unwrap_or_default();
        if known.is_none() {
            namespaces.push(uri);
        }
        self.bindings.push(Binding { prefix, namespace: NamespaceId(namespace) });
        Ok(())
    }

    /// Splits a name at its prefix, and says what the prefix stands for.
    fn resolve(
        &self,
        name: &'a str,
        offset: usize,
        is_element: bool,
    ) -> Result<(NamespaceId, &'a str), DecodeError> {
        let (prefix, local) = match memchr::memchr(b':', name.as_bytes()) {
            Some(0) => return Err(DecodeError::ill_formed(offset, "a name begins with a colon")),
            Some(at) => (name.get(..at), name.get(at + 1..).unwrap_or_default()),
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
            (None, Some(_)) if self.forgives => Ok((NamespaceId::default(), local)),
            (None, Some(prefix)) => Err(DecodeError::ill_formed(
                offset,
                format!("the prefix {} is not declared", excerpt(prefix)),
            )),
        }
    }

    fn append(&mut self, text: Cow<'a, str>, offset: usize) -> Result<(), DecodeError> {
        let Some(open) = self.open.last_mut() else {
            return Err(DecodeError::ill_formed(offset, "text stands outside the envelope"));
        };
        open.text += text.len();
        let length = open.text;
        self.check_length(length, offset)?;
        match self.document.nodes.last_mut().map(|node| &mut node.kind) {
            Some(Kind::Text(before)) if self.in_text => *before += text,
            _ => {
                self.push(Kind::Text(text), offset)?;
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

    /// Elements and texts, and the attributes of all of them, take more memory than their characters.
    fn check_count(&self, count: usize, offset: usize) -> Result<(), DecodeError> {
        if count <= self.limits.max_nodes {
            return Ok(());
        }
        let what = format!("the envelope has more than {} elements and texts", self.limits.max_nodes);
        Err(DecodeError::new(Rule::EnvelopeTooLong, offset, what))
    }
}

/// What Namespaces in XML clause 3 does not let be declared.
fn check_binding(prefix: Option<&str>, uri: &str, offset: usize) -> Result<(), DecodeError> {
    let is_reserved = uri == XML_NAMESPACE || uri == XMLNS_NAMESPACE;
    match prefix {
        None if !is_reserved => Ok(()),
        Some("xml") if uri == XML_NAMESPACE => Ok(()),
        None | Some("xml" | "xmlns") => {
            Err(DecodeError::ill_formed(offset, "a reserved namespace is declared anew"))
        }
        Some(prefix) if uri.is_empty() || is_reserved => Err(DecodeError::ill_formed(
            offset,
            format!("the prefix {} is declared as nothing", excerpt(prefix)),
        )),
        Some(prefix) => check_name(prefix, offset),
    }
}

fn check_name(name: &str, offset: usize) -> Result<(), DecodeError> {
    if is_name(name) {
        return Ok(());
    }
    Err(DecodeError::ill_formed(offset, format!("{:?} is not a name", excerpt(name))))
}

fn stands_twice(attribute: &str, offset: usize) -> DecodeError {
    DecodeError::ill_formed(offset, format!("the attribute {} stands twice", excerpt(attribute)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<Rule> {
        XmlDocument::parse(text, &Limits::default()).err().map(|error| error.rule)
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
            "<a b='1'c='2'/>",
            "<a xmlns='u' xmlns='u'/>",
            "<a xmlns:b='u' xmlns:b='v'/>",
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
        let refused = |text: &str| XmlDocument::parse(text, &limits).err().map(|error| error.rule);
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
        let document = XmlDocument::parse(text, &Limits::default()).unwrap();
        let root = document.root();
        assert_eq!(root.attribute("b"), Some((" 1 2 3\n4&", false)));
        assert_eq!(root.text(), " x\ny\nz\r😀<& w");
        assert_eq!(root.full_text(), " x\ny\nz\r😀<&in w");
        assert_eq!(root.child("c").map(|child| child.offset()), text.find("<c>"));
    }

    #[test]
    fn namespaces_are_those_in_scope() {
        let text = "<a xmlns='u' xmlns:p='v'><b/><p:c q='1' p:q='2'><d xmlns=''/></p:c><e xmlns:p='w'><p:f/></e><p:g/></a>";
        let document = XmlDocument::parse(text, &Limits::default()).unwrap();
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
