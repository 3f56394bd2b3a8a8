//! The messages of MM7 (TS 23.140 clause 8.7, with the elements of its Annex L): one file per operation, with its elements in the
//! order of the schema.
//!
//! | messages | direction | clause |
//! |---|---|---|
//! | [`SubmitReq`], [`SubmitRsp`] | VASP → relay | 8.7.1 |
//! | [`DeliverReq`], [`DeliverRsp`] | relay → VASP | 8.7.2 |
//! | [`CancelReq`], [`ReplaceReq`] and their answers | VASP → relay | 8.7.3 |
//! | [`ExtendedCancelReq`], [`ExtendedReplaceReq`] and their answers | VASP → relay | REL-6-MM7-1-4 |
//! | [`DeliveryReportReq`], [`DeliveryReportRsp`] | relay → VASP | 8.7.4 |
//! | [`ReadReplyReq`], [`ReadReplyRsp`] | relay → VASP | 8.7.5 |
//! | [`ErrorRsp`], in a [`Fault`] or alone | both | 8.7.8.3 |
//!
//! Fields are what the schema says, read leniently: every one of them may be missing, since peers leave out what
//! the schema asks for. MM7Version is no field: it is in [`Decoded`](crate::Decoded) and
//! [`Framing`](crate::Framing). In a release that lacks an element, the element is not written.
//!
//! From bytes to a message, and to the answer that its sender reads:
//!
//! ```
//! use mm7::dialect::Refusal;
//! use mm7::message::Operation;
//! use mm7::{Dialect, Framing, Limits, Message, StatusCode, soap};
//! let xml = br#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"
//!     xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
//!   <e:Header><TransactionID e:mustUnderstand="1">t1</TransactionID></e:Header>
//!   <e:Body><SubmitReq><MM7Version>6.8.0</MM7Version>
//!     <SenderIdentification><VASPID>acme</VASPID></SenderIdentification><Priority>High</Priority></SubmitReq></e:Body>
//! </e:Envelope>"#;
//! let decoded = soap::decode(xml, None, &Limits::default())?;
//! let Some(Message::SubmitReq(req)) = &decoded.message else { panic!("{decoded:?}") };
//! assert_eq!(req.sender.vaspid.as_ref().map(|vaspid| vaspid.as_str()), Some("acme"));
//! assert!(req.recipients.is_empty());
//!
//! let code = StatusCode::MissingDestination;
//! let refusal = Refusal { code, identified: true, operation: Operation::Submit };
//! let answer = Dialect::POSTHOUSE.refusal(&refusal);
//! let written = soap::encode(&answer.message, &Framing::answering(&decoded));
//! assert!(String::from_utf8_lossy(&written).contains("<StatusCode>2502</StatusCode>"));
//! # Ok::<(), mm7::DecodeError>(())
//! ```

mod address;
mod cancel;
mod children;
mod deliver;
mod delivery_report;
mod enumerations;
mod extended_cancel;
mod extended_replace;
mod fault;
mod fields;
mod names;
mod parts;
mod read_reply;
mod replace;
mod submit;
mod writer;

pub use address::{AddressAttributes, Recipient, RecipientKind};
pub use cancel::CancelReq;
pub use deliver::{DeliverReq, DeliverRsp, SentAt, UserAgent};
pub use delivery_report::DeliveryReportReq;
pub use enumerations::{AddressCoding, ContentClass, MessageClass, MmStatusExtension, Priority};
pub use extended_cancel::{ExtendedCancelReq, ExtendedCancelRsp};
pub use extended_replace::{ExtendedReplaceReq, ExtendedReplaceRsp};
pub use fault::{Fault, FaultCode, FaultDetail};
pub use parts::{
    ApplicationIds, CancelRsp, ChargedParty, Content, DeliveryReportRsp, ErrorRsp, ReadReplyRsp, ReplaceRsp,
    ReplyCharging, ReportedMm, SenderIdentification, Status, UaCapabilities,
};
pub use read_reply::ReadReplyReq;
pub use replace::ReplaceReq;
pub use submit::{SubmitReq, SubmitRsp};

pub(crate) use children::children;
pub(crate) use fields::{Child, Notes, row_of};
pub(crate) use writer::EnvelopeWriter;

use names::answer_name;

use crate::xml::Element;

/// The names of all messages, each once: of operations with their request and response, and of errors.
macro_rules! messages {
    (
        operations { $(
            $operation:ident:
            $(#[$req_doc:meta])* $req:ident = $req_name:literal,
            $(#[$rsp_doc:meta])* $rsp:ident = $rsp_name:literal;
        )* }
        errors { $($(#[$error_doc:meta])* $error:ident = $error_name:literal;)* }
    ) => {
        /// What one SOAP Body says.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Message {
            $($(#[$req_doc])* $req($req), $(#[$rsp_doc])* $rsp($rsp),)*
            $($(#[$error_doc])* $error(ErrorRsp),)*
            /// A SOAP Fault.
            Fault(Fault),
        }

        impl Message {
            /// The local name of the element in the Body.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$req(_) => $req_name, Self::$rsp(_) => $rsp_name,)*
                    $(Self::$error(_) => $error_name,)*
                    Self::Fault(_) => "Fault",
                }
            }

            /// What an answer says; `None` for requests and for a Fault without RSErrorRsp or VASPErrorRsp in its detail
            /// (see [`Fault::code_in_string`] for those).
            pub fn status(&self) -> Option<&Status> {
                match self {
                    $(Self::$req(_) => None, Self::$rsp(rsp) => Some(&rsp.status),)*
                    $(Self::$error(rsp) => Some(&rsp.status),)*
                    Self::Fault(fault) => fault.detail.as_ref().map(FaultDetail::status),
                }
            }

            /// Which operation it belongs to; `None` for errors and Faults, which answer any.
            pub const fn operation(&self) -> Option<Operation> {
                match self {
                    $(Self::$req(_) | Self::$rsp(_) => Some(Operation::$operation),)*
                    $(Self::$error(_))|* | Self::Fault(_) => None,
                }
            }

            /// Whether it is a request; everything else is an answer.
            pub const fn is_request(&self) -> bool {
                matches!(self, $(Self::$req(_))|*)
            }

            /// Whether an element of this local name is one of MM7's operations, or a Fault.
            pub(crate) fn is_name(name: &str) -> bool {
                matches!(name, $($req_name | $rsp_name |)* $($error_name |)* "Fault") || answer_name(name).is_some()
            }

            /// Reads the operation of this local name, or the answer that is spelled so.
            pub(crate) fn read(name: &str, element: Element<'_>, notes: &mut Notes) -> Option<Self> {
                Some(match name {
                    $(
                        $req_name => Self::$req($req::read(element, notes)),
                        $rsp_name => Self::$rsp($rsp::read(element, notes)),
                    )*
                    $($error_name => Self::$error(ErrorRsp::read(element, notes)),)*
                    "Fault" => Self::Fault(Fault::read(element, notes)),
                    other => return Self::read(answer_name(other)?, element, notes),
                })
            }

            /// Writes the element in the Body.
            pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
                if let Self::Fault(fault) = self {
                    return fault.write(writer);
                }
                writer.operation(self.name(), |writer| match self {
                    $(Self::$req(req) => req.write(writer), Self::$rsp(rsp) => rsp.write(writer),)*
                    $(Self::$error(rsp) => rsp.write(writer),)*
                    Self::Fault(_) => {}
                });
            }
        }

        /// A pair of request and response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!($req_name, " and ", $rsp_name, ".")] $operation,)*
        }

        impl Operation {
            /// The response with this status and nothing else.
            pub fn response(self, status: Status) -> Message {
                match self {
                    $(Self::$operation => {
                        let mut rsp = $rsp::default();
                        rsp.status = status;
                        Message::$rsp(rsp)
                    })*
                }
            }
        }
    };
}

messages! {
    operations {
        Submit:
            /// VASP → relay: sends an MM.
            SubmitReq = "SubmitReq",
            /// The answer to SubmitReq.
            SubmitRsp = "SubmitRsp";
        Deliver:
            /// Relay → VASP: delivers an MM.
            DeliverReq = "DeliverReq",
            /// The answer to DeliverReq.
            DeliverRsp = "DeliverRsp";
        Cancel:
            /// VASP → relay: takes back an MM.
            CancelReq = "CancelReq",
            /// The answer to CancelReq.
            CancelRsp = "CancelRsp";
        Replace:
            /// VASP → relay: replaces an MM that is not yet delivered.
            ReplaceReq = "ReplaceReq",
            /// The answer to ReplaceReq.
            ReplaceRsp = "ReplaceRsp";
        ExtendedCancel:
            /// VASP → relay: takes back MMs by a CancelID (REL-6-MM7-1-4 only).
            ExtendedCancelReq = "extendedCancelReq",
            /// The answer to extendedCancelReq.
            ExtendedCancelRsp = "extendedCancelRsp";
        ExtendedReplace:
            /// VASP → relay: replaces MMs by a ReplaceID (REL-6-MM7-1-4 only).
            ExtendedReplaceReq = "extendedReplaceReq",
            /// The answer to extendedReplaceReq.
            ExtendedReplaceRsp = "extendedReplaceRsp";
        DeliveryReport:
            /// Relay → VASP: what became of an MM.
            DeliveryReportReq = "DeliveryReportReq",
            /// The answer to DeliveryReportReq.
            DeliveryReportRsp = "DeliveryReportRsp";
        ReadReply:
            /// Relay → VASP: an MM was read, or deleted unread.
            ReadReplyReq = "ReadReplyReq",
            /// The answer to ReadReplyReq.
            ReadReplyRsp = "ReadReplyRsp";
    }
    errors {
        /// The relay's error, directly in the Body as some peers send it; by the standard it is inside a [`Fault`].
        RsErrorRsp = "RSErrorRsp";
        /// The VASP's error, directly in the Body.
        VaspErrorRsp = "VASPErrorRsp";
    }
}

impl Message {
    /// Whether it is one of the operations that REL-6-MM7-1-4 alone has.
    pub(crate) const fn is_extended(&self) -> bool {
        matches!(self.operation(), Some(Operation::ExtendedCancel | Operation::ExtendedReplace))
    }
}
