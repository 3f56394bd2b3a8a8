//! What was read of a file, and where things stand in it: what all checks have in common.

use super::finding::{Finding, Place, Position, SeenElement};
use super::mender::corrected_framing;
use super::raw::Raw;
use super::source::Source;
use crate::mime::Package;
use crate::xml::XmlDocument;
use crate::{DecodeError, Decoded, Framing, Limits};

/// A message in a file, and every rule of the format that it breaks.
#[derive(Debug)]
pub struct Lint {
    /// The file.
    pub raw: Raw,
    /// The parts of the body.
    pub package: Package,
    /// The envelope; `Err` where it cannot be read at all.
    pub decoded: Result<Decoded, DecodeError>,
    /// What is wrong, in the order of the file.
    pub findings: Vec<Finding>,
    pub(super) source: Option<Source>,
}

impl Lint {
    /// An element: the path leads by local names from the Body down; where an element is missing, the last one that is
    /// there is meant. `None` without an envelope that can be read.
    pub fn element(&self, path: &[&str], limits: &Limits) -> Option<SeenElement> {
        let source = self.source.as_ref()?;
        let document = XmlDocument::parse(&source.text, limits).ok()?;
        let mut element = document.root().child("Body").unwrap_or(document.root());
        for name in path {
            let Some(child) = element.child(name) else { break };
            element = child;
        }
        let at = element.offset();
        Some(SeenElement {
            place: source.place_in_text(at),
            text: source.element(at),
            prefix: source.prefix(at).map(str::to_owned),
        })
    }

    /// The place where the envelope begins, or the body where there is none.
    pub fn start(&self) -> Place {
        match &self.source {
            Some(source) => source.place(0),
            None => self.in_body(0),
        }
    }

    /// The place behind the body.
    pub fn end(&self) -> Place {
        self.in_body(self.raw.body().len())
    }

    /// The place of a header's line, or of the head where there is no such header.
    pub fn in_head(&self, name: &str) -> Place {
        self.at(self.raw.header(name).map_or(0, |header| header.offset))
    }

    /// A place in the head, by its offset in the file.
    pub fn at(&self, offset: usize) -> Place {
        let before = String::from_utf8_lossy(self.raw.file.get(..offset).unwrap_or_default());
        Place { offset, position: Some(Position::START.after(&before)), is_decoded: false }
    }

    /// A place among the parts, by the offset in the body.
    pub(super) fn in_body(&self, offset: usize) -> Place {
        Place { offset: self.raw.in_file(offset), position: None, is_decoded: false }
    }

    /// What a corrected envelope is written in: see [`corrected_framing`].
    pub fn framing(&self) -> Option<Framing> {
        self.decoded.as_ref().ok().map(corrected_framing)
    }
}
