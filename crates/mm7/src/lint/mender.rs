//! A message beside its canonical form, off which corrections are read.

use super::finding::prefixed;
use super::source::{Source, element_text, quoted};
use crate::xml::{Element, XmlDocument};
use crate::{Decoded, Framing, Limits, Namespace, SeenNamespace, Version, encode};

/// Says what would put each finding of an envelope right.
pub(super) struct Mender<'a> {
    pub source: &'a Source,
    pub document: Option<&'a XmlDocument<'a>>,
    pub framing: Framing,
    /// The message in its one canonical form: what a corrected element looks like is read off it.
    canonical: Option<String>,
    limits: &'a Limits,
}

impl<'a> Mender<'a> {
    pub fn new(
        source: &'a Source,
        document: Option<&'a XmlDocument<'a>>,
        decoded: Option<&Decoded>,
        limits: &'a Limits,
    ) -> Self {
        let latest = || Framing::new(Namespace::LATEST, Version::V6_8_0, None);
        let framing = decoded.map_or_else(latest, corrected_framing);
        let message = decoded.and_then(|decoded| decoded.message.as_ref());
        let canonical = message.and_then(|message| String::from_utf8(encode(message, &framing)).ok());
        Self { source, document, framing, canonical, limits }
    }

    /// The same element as the canonical form has it, with the prefix that it has in the file; `None` where it does not
    /// have it.
    pub fn canonical(&self, path: &[Element<'_>]) -> Option<String> {
        let text = self.canonical.as_deref()?;
        let document = XmlDocument::parse(text, self.limits).ok()?;
        let root = document.root();
        let inner = match path {
            [first, rest @ ..] if first.name() == "Envelope" => rest,
            // What was no envelope is in the Body of one now.
            path => {
                let body = root.child("Body")?;
                return self.walk(body, path, text);
            }
        };
        self.walk(root, inner, text)
    }

    fn walk(&self, from: Element<'_>, path: &[Element<'_>], text: &str) -> Option<String> {
        let at = path.last()?.offset();
        let mut element = from;
        for step in path {
            element = element.child(step.name())?;
        }
        let written = element_text(text, element.offset())?;
        let closing = format!("></{}>", element.name());
        let start = written.strip_suffix(&closing).filter(|start| !start.contains('>'));
        let short = start.map(|start| format!("{start}/>"));
        Some(quoted(&self.prefixed(short.as_deref().unwrap_or(written), at)))
    }

    /// Canonical markup with the prefix of the element that stands at this place.
    pub fn prefixed(&self, markup: &str, at: usize) -> String {
        prefixed(markup, self.source.prefix(at))
    }
}

/// What a corrected envelope is written in: the namespace and version as they came where they exist and belong
/// together; else the last edition of the release that was meant, and the version that goes with the namespace.
pub fn corrected_framing(decoded: &Decoded) -> Framing {
    let major = decoded.version.map_or(6, |version| version.major);
    let release = match &decoded.namespace {
        SeenNamespace::Known(namespace) => namespace.release(),
        SeenNamespace::Invented(uri) if uri.contains("/REL-5-") => 5,
        SeenNamespace::Invented(_) => 6,
        SeenNamespace::Foreign(_) | SeenNamespace::Absent => major,
    };
    let namespace = match (&decoded.namespace, release) {
        (SeenNamespace::Known(namespace), _) => *namespace,
        (_, 5) => Namespace::Rel5(0),
        _ => Namespace::LATEST,
    };
    let version: Version = decoded.version.unwrap_or_else(|| namespace.default_version());
    Framing::new(namespace, version, decoded.transaction_id.clone())
}
