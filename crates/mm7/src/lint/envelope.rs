//! What would put an envelope right, rule by rule.

use super::finding::{Finding, Remedy};
use super::mender::Mender;
use super::misspelt::is_misspelt;
use super::source::path_to;
use super::{elements, markup};
use crate::error::{DecodeError, Rule};
use crate::namespace::SOAP_1_1;
use crate::xml::Element;

/// The operations, as a peer's developer may have meant them.
const OPERATIONS: [&str; 6] =
    ["SubmitReq", "DeliverReq", "CancelReq", "ReplaceReq", "DeliveryReportReq", "ReadReplyReq"];

impl<'a> Mender<'a> {
    /// Usually one; none for a place that an earlier finding explains.
    pub fn findings(&self, error: &DecodeError) -> Vec<Finding> {
        let at = self.source.text_offset(error.offset);
        if error.rule == Rule::ElementOrder
            && let Some(findings) = self.path(at).and_then(|path| elements::misplaced(self, &path))
        {
            return findings;
        }
        vec![Finding {
            rule: error.rule,
            place: self.source.place(error.offset),
            what: error.what.clone(),
            remedy: self.remedy(error.rule, at),
        }]
    }

    fn remedy(&self, rule: Rule, at: usize) -> Remedy {
        match rule {
            Rule::NotWellFormed | Rule::Encoding | Rule::Doctype => {
                markup::remedy(rule, &self.source.text, at)
            }
            Rule::TooDeep => Remedy::advise("nest less deeply: no MM7 message needs ten levels"),
            Rule::TooManyAttributes => Remedy::advise("leave attributes out: MM7 knows a handful"),
            Rule::TextTooLong => Remedy::advise("shorten the text: what is long goes into a part of its own"),
            Rule::EnvelopeTooLong => {
                Remedy::advise("shorten the envelope: media go into parts of their own, not into the XML")
            }
            Rule::NotAnEnvelope => self.envelope(at),
            Rule::EnvelopeNamespace => self.envelope_namespace(at),
            Rule::NoHeader | Rule::NoTransactionId | Rule::BadTransactionId => self.header(rule, at),
            Rule::ForeignMustUnderstand => Remedy::advise("leave it out, or do not mark it mustUnderstand")
                .found(self.source.element(at)),
            Rule::OtherHeaderEntry => {
                Remedy::advise("leave it out: TransactionID stands in the Header alone")
                    .found(self.source.element(at))
            }
            Rule::NoBody | Rule::EmptyBody => self.body(rule, at),
            Rule::SeveralOperations => {
                Remedy::advise("send it in a request of its own").found(self.source.start_tag(at))
            }
            Rule::ForeignNamespace | Rule::InventedNamespace | Rule::NoNamespace => self.namespace(at),
            Rule::UnknownOperation => self.operation(at),
            Rule::NoVersion | Rule::BadVersion | Rule::UnknownVersion => self.version(rule, at),
            rule => match self.path(at) {
                Some(path) => elements::remedy(self, rule, &path),
                None => Remedy::advise("write it as the schema has it"),
            },
        }
    }

    /// The elements from the document element down to the one that begins here.
    fn path(&self, at: usize) -> Option<Vec<Element<'a>>> {
        Some(path_to(self.document?.root(), at))
    }

    fn envelope(&self, at: usize) -> Remedy {
        let p = "soapenv";
        Remedy::advise("put the message into a SOAP 1.1 Envelope, with its TransactionID in the Header")
            .found(self.source.start_tag(at))
            .corrected(format!(
                "<{p}:Envelope xmlns:{p}=\"{SOAP_1_1}\"><{p}:Header>…</{p}:Header><{p}:Body>…</{p}:Body></{p}:Envelope>"
            ))
    }

    fn envelope_namespace(&self, at: usize) -> Remedy {
        let declaration = match self.source.prefix(at) {
            Some(prefix) => format!("xmlns:{prefix}=\"{SOAP_1_1}\""),
            None => format!("xmlns=\"{SOAP_1_1}\""),
        };
        Remedy::advise("declare the namespace of SOAP 1.1")
            .found(self.source.start_tag(at))
            .corrected(declaration)
    }

    /// The prefix of the Envelope's namespace with its colon; empty where it is the default.
    fn soap_prefix(&self) -> String {
        let root = self.document.map_or(0, |document| document.root().offset());
        self.source.prefix(root).map(|prefix| format!("{prefix}:")).unwrap_or_default()
    }

    fn header(&self, rule: Rule, at: usize) -> Remedy {
        let p = self.soap_prefix();
        let uri = self.framing.namespace.uri();
        let understood = if p.is_empty() { String::new() } else { format!(" {p}mustUnderstand=\"1\"") };
        let id = format!("<TransactionID xmlns=\"{uri}\"{understood}>an-id-of-yours</TransactionID>");
        match rule {
            Rule::NoHeader => Remedy::advise("begin the Envelope with a Header that holds a TransactionID")
                .corrected(format!("<{p}Header>{id}</{p}Header>")),
            Rule::NoTransactionId => Remedy::advise(
                "put a TransactionID into the Header: any text of yours, another for each request",
            )
            .corrected(id),
            _ => Remedy::advise("give the request an id of your own, of at most 512 bytes")
                .found(self.source.element(at))
                .corrected(id),
        }
    }

    fn body(&self, rule: Rule, at: usize) -> Remedy {
        let p = self.soap_prefix();
        let uri = self.framing.namespace.uri();
        let found = (rule == Rule::EmptyBody).then(|| self.source.element(at)).flatten();
        Remedy::advise("put the operation into the Body")
            .found(found)
            .corrected(format!("<{p}Body><SubmitReq xmlns=\"{uri}\">…</SubmitReq></{p}Body>"))
    }

    fn namespace(&self, at: usize) -> Remedy {
        let uri = self.framing.namespace.uri();
        let declaration = match self.source.prefix(at) {
            Some(prefix) => format!("xmlns:{prefix}=\"{uri}\""),
            None => format!("xmlns=\"{uri}\""),
        };
        Remedy::advise("declare a namespace of MM7 that exists")
            .found(self.source.start_tag(at))
            .corrected(declaration)
    }

    fn operation(&self, at: usize) -> Remedy {
        let name = self.path(at).and_then(|path| path.last().map(Element::name)).unwrap_or_default();
        let meant = OPERATIONS.into_iter().find(|known| is_misspelt(name, known));
        let remedy = match meant {
            Some(meant) => {
                let tag = self.source.start_tag(at).unwrap_or_default();
                Remedy::advise(format!("call it {meant}")).corrected(tag.replacen(name, meant, 1))
            }
            None => Remedy::advise(format!("use an operation of MM7: {}", OPERATIONS.join(", "))),
        };
        remedy.found(self.source.start_tag(at))
    }

    fn version(&self, rule: Rule, at: usize) -> Remedy {
        let corrected = format!("<MM7Version>{}</MM7Version>", self.framing.version);
        if rule == Rule::NoVersion {
            let corrected = self.prefixed(&corrected, at);
            return Remedy::advise("begin the operation with the version of TS 23.140 that it follows")
                .corrected(corrected);
        }
        Remedy::advise("write a version of TS 23.140 that goes with the namespace")
            .found(self.source.element(at))
            .corrected(self.prefixed(&corrected, at))
    }
}
