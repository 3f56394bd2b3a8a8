//! What is wrong with a message as it lies in a file, place by place, and what would put it right.
//!
//! [`Lint::read`] takes the HTTP head, the parts and the envelope apart as a gateway does, but goes on where a gateway
//! would answer: every finding has its place, the words for it, and where there is one the corrected text.
//!
//! ```
//! use mm7::{Limits, Rule, lint::Lint};
//! let xml = r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">
//!   <e:Header><TransactionID xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">t</TransactionID></e:Header>
//!   <e:Body><SubmitReq xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
//!     <MM7Version>6.8.0</MM7Version>
//!     <DeliveryReport>True</DeliveryReport>
//!   </SubmitReq></e:Body>
//! </e:Envelope>"#;
//! let lint = Lint::read(xml.into(), &Limits::default());
//! let finding = &lint.findings[0];
//! assert_eq!(finding.rule, Rule::BooleanCase);
//! assert_eq!(finding.place.to_string(), "5:5");
//! assert_eq!(finding.remedy.corrected.as_deref(), Some("<DeliveryReport>true</DeliveryReport>"));
//! ```

mod content;
mod elements;
mod envelope;
mod finding;
mod linted;
mod markup;
mod mender;
mod misspelt;
mod parts;
mod raw;
mod source;

use bytes::Bytes;

use crate::mime::{ContentType, unpack};
use crate::xml::XmlDocument;
use crate::{DecodeError, Limits, Rule, decode};

pub use finding::{Finding, Place, Position, Remedy, SeenElement};
pub use linted::Lint;
pub use mender::corrected_framing;
pub use raw::{Header, Raw, Start};
use source::Source;

impl Lint {
    /// Reads a file and finds what is wrong with it. Time and memory are bounded by its length and `limits`.
    pub fn read(file: Bytes, limits: &Limits) -> Self {
        let raw = Raw::read(file);
        let package = unpack(raw.effective_type(), raw.body(), limits);
        let root = package.root.as_ref().map(|root| (root, root.bytes()));
        let (decoded, source) = match root {
            None => (Err(DecodeError::new(Rule::RootContentType, 0, "there is no root part")), None),
            Some((_, Err(error))) => (Err(error), None),
            Some((root, Ok(xml))) => {
                let charset = root.content_type.as_ref().and_then(|root| root.param("charset"));
                let decoded = decode(&xml, charset, limits);
                // What is beyond the limit is refused unread.
                let xml = xml.slice(..xml.len().min(limits.max_envelope));
                (decoded, Some(Source::of(root, xml, &raw)))
            }
        };
        let mut lint = Self { raw, package, decoded, findings: Vec::new(), source };
        let mut findings = lint.in_envelope(limits);
        findings.extend(parts::findings(&lint));
        findings.extend(content::findings(&lint, limits));
        lint.tell_compression(&mut findings);
        lint.tell_multipart(&mut findings);
        findings.sort_by_key(|finding| (finding.place.offset, finding.place.position, finding.rule));
        lint.findings = findings;
        lint
    }

    /// A compressed body is read as it came: what is found in it says nothing of the message, but that it is compressed.
    fn tell_compression(&self, findings: &mut [Finding]) {
        const GZIP: &[u8] = b"\x1f\x8b";
        let header = self.raw.encoding();
        if header.is_none() && !self.raw.body().starts_with(GZIP) {
            return;
        }
        let is_symptom = |finding: &&mut Finding| {
            let rules = [Rule::RootContentType, Rule::NotWellFormed, Rule::Encoding, Rule::Boundary];
            rules.contains(&finding.rule)
        };
        for finding in findings.iter_mut().filter(is_symptom) {
            let advice = "send the body as it is: it is compressed, and MM7 has no place for that";
            let found = header.map(|header| format!("{}: {}", header.name, header.value));
            finding.remedy = Remedy::advise(advice).found(found);
        }
    }

    /// A multipart that is labelled as an envelope alone: what does not read in it says nothing of the markup.
    fn tell_multipart(&self, findings: &mut [Finding]) {
        let Some((boundary, header)) = self.raw.hidden_boundary().zip(self.raw.header("content-type")) else {
            return;
        };
        let rules = [Rule::NotWellFormed, Rule::Encoding];
        for finding in findings.iter_mut().filter(|finding| rules.contains(&finding.rule)) {
            let label = ContentType::new("multipart/related").with_param("boundary", &boundary);
            let label = label.with_param("type", "text/xml");
            finding.place = self.in_head("content-type");
            finding.what = format!("the body is a multipart, and the Content-Type says {}", header.value);
            finding.remedy =
                Remedy::advise("label the body as what it is, with the boundary between its parts")
                    .found(Some(format!("{}: {}", header.name, header.value)))
                    .corrected(format!("Content-Type: {label}"));
        }
    }

    fn in_envelope(&self, limits: &Limits) -> Vec<Finding> {
        let Some(source) = &self.source else { return Vec::new() };
        let errors = match &self.decoded {
            Ok(decoded) => decoded.errors.as_slice(),
            Err(error) => std::slice::from_ref(error),
        };
        if errors.is_empty() {
            return Vec::new();
        }
        let document = XmlDocument::parse(&source.text, limits).ok();
        let mender = mender::Mender::new(source, document.as_ref(), self.decoded.as_ref().ok(), limits);
        errors.iter().flat_map(|error| mender.findings(error)).collect()
    }
}
