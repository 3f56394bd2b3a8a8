//! The messages of MM7: one file per operation, with its elements in the order of the schema.
//!
//! Fields are what the schema says, read leniently: every one of them may be missing, since peers leave out what
//! the schema asks for. MM7Version is no field: it is in [`Decoded`](crate::Decoded) and
//! [`Framing`](crate::Framing). In a release that lacks an element, the element is not written.

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
pub use cancel::{CancelReq, CancelRsp};
pub use deliver::{DeliverReq, DeliverRsp, SentAt, UserAgent};
pub use delivery_report::{DeliveryReportReq, DeliveryReportRsp};
pub use enumerations::{AddressCoding, ContentClass, MessageClass, MmStatusExtension, Priority};
pub use extended_cancel::{ExtendedCancelReq, ExtendedCancelRsp};
pub use extended_replace::{ExtendedReplaceReq, ExtendedReplaceRsp};
pub use fault::{ErrorRsp, Fault, FaultCode, FaultDetail};
pub use parts::{ChargedParty, Content, ReplyCharging, Status, UaCapabilities};
pub use read_reply::{ReadReplyReq, ReadReplyRsp};
pub use replace::{ReplaceReq, ReplaceRsp};
pub use submit::{SubmitReq, SubmitRsp};

pub(crate) use children::children;
pub(crate) use fields::{Child, Notes, row_of};
pub(crate) use writer::EnvelopeWriter;

use crate::xml::Element;
use names::answer_name;

/// What one SOAP Body says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// VASP → relay: sends an MM.
    SubmitReq(SubmitReq),
    /// The answer to SubmitReq.
    SubmitRsp(SubmitRsp),
    /// Relay → VASP: delivers an MM.
    DeliverReq(DeliverReq),
    /// The answer to DeliverReq.
    DeliverRsp(DeliverRsp),
    /// VASP → relay: takes back an MM.
    CancelReq(CancelReq),
    /// The answer to CancelReq.
    CancelRsp(CancelRsp),
    /// VASP → relay: replaces an MM that is not yet delivered.
    ReplaceReq(ReplaceReq),
    /// The answer to ReplaceReq.
    ReplaceRsp(ReplaceRsp),
    /// VASP → relay: takes back MMs by a CancelID (REL-6-MM7-1-4 only).
    ExtendedCancelReq(ExtendedCancelReq),
    /// The answer to extendedCancelReq.
    ExtendedCancelRsp(ExtendedCancelRsp),
    /// VASP → relay: replaces MMs by a ReplaceID (REL-6-MM7-1-4 only).
    ExtendedReplaceReq(ExtendedReplaceReq),
    /// The answer to extendedReplaceReq.
    ExtendedReplaceRsp(ExtendedReplaceRsp),
    /// Relay → VASP: what became of an MM.
    DeliveryReportReq(DeliveryReportReq),
    /// The answer to DeliveryReportReq.
    DeliveryReportRsp(DeliveryReportRsp),
    /// Relay → VASP: an MM was read, or deleted unread.
    ReadReplyReq(ReadReplyReq),
    /// The answer to ReadReplyReq.
    ReadReplyRsp(ReadReplyRsp),
    /// The relay's error, directly in the Body as some peers send it; by the standard it is inside a [`Fault`].
    RsErrorRsp(ErrorRsp),
    /// The VASP's error, directly in the Body.
    VaspErrorRsp(ErrorRsp),
    /// A SOAP Fault.
    Fault(Fault),
}

impl Message {
    /// The local name of the element in the Body.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SubmitReq(_) => "SubmitReq",
            Self::SubmitRsp(_) => "SubmitRsp",
            Self::DeliverReq(_) => "DeliverReq",
            Self::DeliverRsp(_) => "DeliverRsp",
            Self::CancelReq(_) => "CancelReq",
            Self::CancelRsp(_) => "CancelRsp",
            Self::ReplaceReq(_) => "ReplaceReq",
            Self::ReplaceRsp(_) => "ReplaceRsp",
            Self::ExtendedCancelReq(_) => "extendedCancelReq",
            Self::ExtendedCancelRsp(_) => "extendedCancelRsp",
            Self::ExtendedReplaceReq(_) => "extendedReplaceReq",
            Self::ExtendedReplaceRsp(_) => "extendedReplaceRsp",
            Self::DeliveryReportReq(_) => "DeliveryReportReq",
            Self::DeliveryReportRsp(_) => "DeliveryReportRsp",
            Self::ReadReplyReq(_) => "ReadReplyReq",
            Self::ReadReplyRsp(_) => "ReadReplyRsp",
            Self::RsErrorRsp(_) => "RSErrorRsp",
            Self::VaspErrorRsp(_) => "VASPErrorRsp",
            Self::Fault(_) => "Fault",
        }
    }

    /// What an answer says; `None` for requests and for a Fault without RSErrorRsp or VASPErrorRsp in its detail
    /// (see [`Fault::code_in_string`] for those).
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::SubmitRsp(rsp) => Some(&rsp.status),
            Self::DeliverRsp(rsp) => Some(&rsp.status),
            Self::CancelRsp(rsp) => Some(&rsp.status),
            Self::ReplaceRsp(rsp) => Some(&rsp.status),
            Self::ExtendedCancelRsp(rsp) => Some(&rsp.status),
            Self::ExtendedReplaceRsp(rsp) => Some(&rsp.status),
            Self::DeliveryReportRsp(rsp) => Some(&rsp.status),
            Self::ReadReplyRsp(rsp) => Some(&rsp.status),
            Self::RsErrorRsp(rsp) | Self::VaspErrorRsp(rsp) => Some(&rsp.status),
            Self::Fault(fault) => fault.detail.as_ref().map(FaultDetail::status),
            _ => None,
        }
    }

    /// Which operation it belongs to; `None` for errors and Faults, which answer any.
    pub const fn operation(&self) -> Option<Operation> {
        Some(match self {
            Self::SubmitReq(_) | Self::SubmitRsp(_) => Operation::Submit,
            Self::DeliverReq(_) | Self::DeliverRsp(_) => Operation::Deliver,
            Self::CancelReq(_) | Self::CancelRsp(_) => Operation::Cancel,
            Self::ReplaceReq(_) | Self::ReplaceRsp(_) => Operation::Replace,
            Self::ExtendedCancelReq(_) | Self::ExtendedCancelRsp(_) => Operation::ExtendedCancel,
            Self::ExtendedReplaceReq(_) | Self::ExtendedReplaceRsp(_) => Operation::ExtendedReplace,
            Self::DeliveryReportReq(_) | Self::DeliveryReportRsp(_) => Operation::DeliveryReport,
            Self::ReadReplyReq(_) | Self::ReadReplyRsp(_) => Operation::ReadReply,
            Self::RsErrorRsp(_) | Self::VaspErrorRsp(_) | Self::Fault(_) => return None,
        })
    }

    /// Whether it is a request; everything else is an answer.
    pub fn is_request(&self) -> bool {
        self.name().ends_with("Req")
    }
}

impl Message {
    /// Whether an element of this local name is one of MM7's operations, or a Fault.
    pub(crate) fn is_name(name: &str) -> bool {
        matches!(
            name,
            "SubmitReq"
                | "SubmitRsp"
                | "DeliverReq"
                | "DeliverRsp"
                | "CancelReq"
                | "CancelRsp"
                | "ReplaceReq"
                | "ReplaceRsp"
                | "extendedCancelReq"
                | "extendedCancelRsp"
                | "extendedReplaceReq"
                | "extendedReplaceRsp"
                | "DeliveryReportReq"
                | "DeliveryReportRsp"
                | "ReadReplyReq"
                | "ReadReplyRsp"
                | "Fault"
        ) || answer_name(name).is_some()
    }

    /// Reads the operation of this local name.
    pub(crate) fn read(name: &str, element: Element<'_>, notes: &mut Notes) -> Option<Self> {
        Some(match name {
            "SubmitReq" => Self::SubmitReq(SubmitReq::read(element, notes)),
            "SubmitRsp" => Self::SubmitRsp(SubmitRsp::read(element, notes)),
            "DeliverReq" => Self::DeliverReq(DeliverReq::read(element, notes)),
            "DeliverRsp" => Self::DeliverRsp(DeliverRsp::read(element, notes)),
            "CancelReq" => Self::CancelReq(CancelReq::read(element, notes)),
            "CancelRsp" => Self::CancelRsp(CancelRsp::read(element, notes)),
            "ReplaceReq" => Self::ReplaceReq(ReplaceReq::read(element, notes)),
            "ReplaceRsp" => Self::ReplaceRsp(ReplaceRsp::read(element, notes)),
            "extendedCancelReq" => Self::ExtendedCancelReq(ExtendedCancelReq::read(element, notes)),
            "extendedCancelRsp" => Self::ExtendedCancelRsp(ExtendedCancelRsp::read(element, notes)),
            "extendedReplaceReq" => Self::ExtendedReplaceReq(ExtendedReplaceReq::read(element, notes)),
            "extendedReplaceRsp" => Self::ExtendedReplaceRsp(ExtendedReplaceRsp::read(element, notes)),
            "DeliveryReportReq" => Self::DeliveryReportReq(DeliveryReportReq::read(element, notes)),
            "DeliveryReportRsp" => Self::DeliveryReportRsp(DeliveryReportRsp::read(element, notes)),
            "ReadReplyReq" => Self::ReadReplyReq(ReadReplyReq::read(element, notes)),
            "ReadReplyRsp" => Self::ReadReplyRsp(ReadReplyRsp::read(element, notes)),
            "Fault" => Self::Fault(Fault::read(element, notes)),
            other => return Self::read_answer(answer_name(other)?, element, notes),
        })
    }

    /// Reads an answer whose name was spelled in another way.
    fn read_answer(name: &str, element: Element<'_>, notes: &mut Notes) -> Option<Self> {
        Some(match name {
            "RSErrorRsp" => Self::RsErrorRsp(ErrorRsp::read(element, notes)),
            "VASPErrorRsp" => Self::VaspErrorRsp(ErrorRsp::read(element, notes)),
            "SubmitRsp" => Self::SubmitRsp(SubmitRsp::read(element, notes)),
            "DeliverRsp" => Self::DeliverRsp(DeliverRsp::read(element, notes)),
            "DeliveryReportRsp" => Self::DeliveryReportRsp(DeliveryReportRsp::read(element, notes)),
            "ReadReplyRsp" => Self::ReadReplyRsp(ReadReplyRsp::read(element, notes)),
            _ => return None,
        })
    }

    /// Writes the element in the Body.
    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        if let Self::Fault(fault) = self {
            return fault.write(writer);
        }
        writer.operation(self.name(), |writer| match self {
            Self::SubmitReq(req) => req.write(writer),
            Self::SubmitRsp(rsp) => rsp.write(writer),
            Self::DeliverReq(req) => req.write(writer),
            Self::DeliverRsp(rsp) => rsp.write(writer),
            Self::CancelReq(req) => req.write(writer),
            Self::ReplaceReq(req) => req.write(writer),
            Self::ExtendedCancelReq(req) => req.write(writer),
            Self::ExtendedReplaceReq(req) => req.write(writer),
            Self::ExtendedReplaceRsp(rsp) => rsp.write(writer),
            Self::DeliveryReportReq(req) => req.write(writer),
            Self::ReadReplyReq(req) => req.write(writer),
            Self::CancelRsp(CancelRsp { status })
            | Self::ReplaceRsp(ReplaceRsp { status })
            | Self::ExtendedCancelRsp(ExtendedCancelRsp { status })
            | Self::DeliveryReportRsp(DeliveryReportRsp { status })
            | Self::ReadReplyRsp(ReadReplyRsp { status })
            | Self::RsErrorRsp(ErrorRsp { status })
            | Self::VaspErrorRsp(ErrorRsp { status }) => status.write(writer),
            Self::Fault(_) => {}
        });
    }

    /// Whether it is one of the operations that REL-6-MM7-1-4 alone has.
    pub(crate) const fn is_extended(&self) -> bool {
        matches!(self.operation(), Some(Operation::ExtendedCancel | Operation::ExtendedReplace))
    }
}

/// A pair of request and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// SubmitReq and SubmitRsp.
    Submit,
    /// DeliverReq and DeliverRsp.
    Deliver,
    /// CancelReq and CancelRsp.
    Cancel,
    /// ReplaceReq and ReplaceRsp.
    Replace,
    /// extendedCancelReq and extendedCancelRsp.
    ExtendedCancel,
    /// extendedReplaceReq and extendedReplaceRsp.
    ExtendedReplace,
    /// DeliveryReportReq and DeliveryReportRsp.
    DeliveryReport,
    /// ReadReplyReq and ReadReplyRsp.
    ReadReply,
}

impl Operation {
    /// The response with this status and nothing else.
    pub fn response(self, status: Status) -> Message {
        match self {
            Self::Submit => Message::SubmitRsp(SubmitRsp { status, message_id: None }),
            Self::Deliver => Message::DeliverRsp(DeliverRsp { status, service_code: None }),
            Self::Cancel => Message::CancelRsp(CancelRsp { status }),
            Self::Replace => Message::ReplaceRsp(ReplaceRsp { status }),
            Self::ExtendedCancel => Message::ExtendedCancelRsp(ExtendedCancelRsp { status }),
            Self::ExtendedReplace => {
                Message::ExtendedReplaceRsp(ExtendedReplaceRsp { message_id: None, status })
            }
            Self::DeliveryReport => Message::DeliveryReportRsp(DeliveryReportRsp { status }),
            Self::ReadReply => Message::ReadReplyRsp(ReadReplyRsp { status }),
        }
    }
}
