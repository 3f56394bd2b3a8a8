//! What decoding finds wrong: which rule, where, and in which words; and the one total match from a rule to
//! the status code that a peer is answered with.

use std::borrow::Cow;
use std::fmt;

use crate::StatusCode;
use crate::text::{cut, without_controls};

macro_rules! rules {
    ($(#[doc = $doc:literal] $name:ident => $code:ident, $clause:literal;)*) => {
        /// A rule that a request can break. The order is the order in which a peer is told.
        ///
        /// Which of them a peer is refused for is its Dialect's choice.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $doc] $name,)*
        }

        impl Rule {
            /// Every rule, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code that breaking the rule is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$code,)* }
            }

            /// The clause or source the rule follows.
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)* }
            }

            /// How the rule is broken, in one sentence with a full stop.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }.trim_ascii()
            }

            /// The name used in findings and tests.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

rules! {
    /// The root part is missing, has no Content-Type, or one that is no XML type.
    RootContentType => InvalidSoapPartContentType, "TS 23.140 clause 8.7.8.3";
    /// The envelope is not well-formed XML.
    NotWellFormed => UnableToParse, "XML 1.0";
    /// The envelope's encoding is not known, or its bytes are not of it.
    Encoding => UnableToParse, "XML 1.0 clause 4.3.3, RFC 7303";
    /// The envelope has a DOCTYPE.
    Doctype => UnableToParse, "SOAP 1.1 clause 3";
    /// Elements are nested too deeply.
    TooDeep => UnableToParse, "parser limit";
    /// An element has too many attributes.
    TooManyAttributes => UnableToParse, "parser limit";
    /// A text or attribute value is too long.
    TextTooLong => UnableToParse, "parser limit";
    /// The envelope is too long, or has too many elements.
    EnvelopeTooLong => UnableToParse, "parser limit";
    /// The document element is not a SOAP Envelope.
    NotAnEnvelope => InvalidSoapHeader, "SOAP 1.1 clause 4";
    /// The Envelope's namespace is not that of SOAP 1.1, though the element is called Envelope.
    EnvelopeNamespace => InvalidSoapHeader, "SOAP 1.1 clause 4.1.2";
    /// The Envelope has no Header.
    NoHeader => InvalidSoapHeader, "TS 23.140 clause 8.7.8.1";
    /// The Header has no TransactionID.
    NoTransactionId => InvalidSoapHeader, "TS 23.140 clause 8.7.8.1";
    /// The TransactionID is empty, or too long to be one.
    BadTransactionId => InvalidSoapHeader, "TS 23.140 clause 8.7.8.1";
    /// A header entry that is not TransactionID is marked mustUnderstand.
    ForeignMustUnderstand => InvalidSoapHeader, "SOAP 1.1 clause 4.2.3";
    /// A header entry stands beside TransactionID.
    OtherHeaderEntry => InvalidSoapHeader, "TS 23.140 clause 8.7.8.1";
    /// The Envelope has no Body.
    NoBody => InvalidSoapBody, "SOAP 1.1 clause 4.3";
    /// The Body is empty.
    EmptyBody => InvalidSoapBody, "TS 23.140 clause 8.7.8.1";
    /// The Body holds more than one operation.
    SeveralOperations => InvalidSoapBody, "TS 23.140 clause 8.7.8.1";
    /// An MM7 element is in a namespace that is no MM7 namespace.
    ForeignNamespace => UnsupportedNamespace, "TS 23.140 Annex L";
    /// An MM7 element is in a namespace formed like MM7's that never existed.
    InventedNamespace => UnsupportedNamespace, "TS 23.140 Annex L";
    /// The operation is in no namespace.
    NoNamespace => UnsupportedNamespace, "TS 23.140 Annex L";
    /// The operation is none of MM7's.
    UnknownOperation => UnsupportedOperation, "TS 23.140 clause 8.7";
    /// MM7Version is missing.
    NoVersion => UnsupportedVersion, "TS 23.140 clause 8.7.8.2";
    /// MM7Version is not of the form x.y.z.
    BadVersion => UnsupportedVersion, "TS 23.140 clause 8.7.8.2";
    /// MM7Version is not one that is known.
    UnknownVersion => UnsupportedVersion, "TS 23.140 clause 8.7.8.2";
    /// Elements stand in another order than the schema's.
    ElementOrder => UnableToParse, "TS 23.140 Annex L";
    /// An element that the operation does not have.
    UnknownElement => UnableToParse, "TS 23.140 Annex L";
    /// An element that may stand once stands again.
    RepeatedElement => UnableToParse, "TS 23.140 Annex L";
    /// An element that the schema asks for is missing.
    MissingElement => UnableToParse, "TS 23.140 Annex L";
    /// A child is in no namespace, or in another than its operation.
    ChildNamespace => UnableToParse, "TS 23.140 Annex L";
    /// A value that is not of its type: an enumeration, number or identifier.
    BadValue => UnableToParse, "TS 23.140 Annex L";
    /// A date or duration that is not of its type.
    BadDate => UnableToParse, "XML Schema part 2";
    /// A boolean in another spelling than the schema's (`True`, `yes`).
    BooleanCase => UnableToParse, "XML Schema part 2";
    /// An address as bare text, or wrapped in an element too many.
    AddressForm => UnableToParse, "TS 23.140 Annex L";
    /// An attribute that the element does not have.
    UnknownAttribute => UnableToParse, "TS 23.140 Annex L";
    /// An attribute that the schema asks for is missing.
    MissingAttribute => UnableToParse, "TS 23.140 Annex L";
    /// Text between elements, or in an element that is empty by the schema.
    StrayText => UnableToParse, "TS 23.140 Annex L";
    /// An attachment without Content-Type.
    PartWithoutContentType => InvalidAttachmentContentType, "RFC 2045 clause 5";
    /// An attachment with a Content-Type that is malformed.
    PartContentType => InvalidAttachmentContentType, "RFC 2045 clause 5.1";
    /// An attachment's headers are malformed or too long.
    PartHeaders => UnparsableAttachment, "RFC 822 clause 3";
    /// A multipart without a usable boundary, or without its closing delimiter.
    Boundary => UnparsableAttachment, "RFC 2046 clause 5.1.1";
    /// A Content-Transfer-Encoding that is not known, or a body that is not of it.
    TransferEncoding => UnparsableAttachment, "RFC 2045 clause 6";
    /// More parts than are taken.
    TooManyParts => UnparsableAttachment, "parser limit";
    /// Multiparts nested more deeply than is taken.
    PartsTooDeep => UnparsableAttachment, "parser limit";
    /// Content/@href finds no part.
    HrefWithoutPart => UnparsableAttachment, "RFC 2392";
    /// A SMIL presentation names a part that is not there.
    SmilReference => UnparsableAttachment, "RFC 2557 clause 8";
    /// A SMIL presentation that cannot be read.
    SmilForm => UnparsableAttachment, "SMIL 2.0";
}

/// One broken rule, at one place.
///
/// `Display` is one sentence without a full stop; it quotes at most a short piece of the input, never a whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The rule that is broken.
    pub rule: Rule,
    /// Where: the byte offset in what was decoded (the XML's own bytes for the envelope, the HTTP body for MIME).
    pub offset: usize,
    /// What is wrong, in words for the peer's developer.
    pub what: String,
}

impl DecodeError {
    /// The most bytes of [`DecodeError::what`].
    pub const MAX_WORDS: usize = 320;

    /// A broken rule at a byte offset.
    ///
    /// The words go into one line of a log, and may quote input: control characters become spaces, and what is beyond
    /// [`DecodeError::MAX_WORDS`] is cut off.
    pub fn new(rule: Rule, offset: usize, what: impl Into<String>) -> Self {
        let mut what = what.into();
        what.truncate(cut(&what, Self::MAX_WORDS).len());
        if let Cow::Owned(plain) = without_controls(&what) {
            what = plain;
        }
        Self { rule, offset, what }
    }

    /// Markup that is not well-formed.
    pub(crate) fn ill_formed(offset: usize, what: impl Into<String>) -> Self {
        Self::new(Rule::NotWellFormed, offset, what)
    }

    /// The code that it is answered with.
    pub const fn status(&self) -> StatusCode {
        self.rule.status()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.what, self.offset)
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_short_line_whatever_they_quote() {
        let error = DecodeError::new(Rule::NotWellFormed, 0, "expected `</a\r\nb\u{1b}[31m>`");
        assert_eq!(error.what, "expected `</a  b [31m>`");
        let error = DecodeError::new(Rule::SmilForm, 0, format!("expected `<{}>`", "é".repeat(1000)));
        assert_eq!(error.what.len(), 319, "cut between characters");
    }
}
