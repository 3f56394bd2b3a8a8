//! What a gateway tells a VASP.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use mm7::{
    DecodeError, Message, MmStatus, Rule, TransactionId,
    message::{DeliverReq, DeliveryReportReq, ReadReplyReq},
    mime::Media,
};

use crate::{recent::Weight, wire::ReceivedMessage};

/// One callback, and what was answered.
#[derive(Clone, Debug)]
pub struct ReceivedCallback {
    /// When it came.
    pub time: Timestamp,
    /// The path it was posted to.
    pub path: String,
    /// TransactionID.
    pub transaction_id: Option<TransactionId>,
    /// What it says.
    pub event: CallbackContent,
    /// X-Posthouse-Reason: why the message was refused.
    pub reason: Option<String>,
    /// The carrier's id: the first header whose name ends in `-Carrier-Id`.
    pub carrier_id: Option<String>,
    /// Every header.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// The HTTP status it was answered with; `None` when it was not answered.
    pub http_status: Option<u16>,
    /// The StatusCode it was answered with.
    pub code: Option<u32>,
}

/// What a callback says.
#[derive(Clone, Debug)]
pub enum CallbackContent {
    /// What became of a message.
    Report(DeliveryReportReq),
    /// A message from a handset, and its parts.
    Deliver(DeliverReq, Vec<Media>),
    /// A message was read.
    ReadReply(ReadReplyReq),
    /// Something that is none of these, and why.
    Unreadable(DecodeError),
}

impl ReceivedCallback {
    /// The delivery status, if it is a report.
    pub fn status(&self) -> Option<MmStatus> {
        self.report().map(|report| MmStatus::from_wire(&report.mm_status))
    }

    /// The report, if it is one.
    pub const fn report(&self) -> Option<&DeliveryReportReq> {
        match &self.event {
            CallbackContent::Report(report) => Some(report),
            _ => None,
        }
    }

    /// Whether it is a report on the message with this MessageID.
    pub fn reports_on(&self, message_id: &str) -> bool {
        let id = self.report().and_then(|report| report.mm.message_id.as_ref());
        id.is_some_and(|id| id.as_str() == message_id)
    }

    /// Whether it was answered 1000.
    pub fn is_acknowledged(&self) -> bool {
        self.http_status == Some(200) && self.code == Some(1000)
    }
}

impl Weight for ReceivedCallback {
    /// Parts that were decoded are copies, others slices of the body: counting both errs on the safe side.
    fn weight(&self) -> usize {
        let media = match &self.event {
            CallbackContent::Deliver(_, media) => media.iter().map(|media| media.bytes.len()).sum(),
            _ => 0,
        };
        self.body.len() + media + 1024
    }
}

impl CallbackContent {
    pub(super) fn of(received: Result<ReceivedMessage, DecodeError>) -> Self {
        let received = match received {
            Ok(received) => received,
            Err(error) => return Self::Unreadable(error),
        };
        match received.decoded.message {
            Some(Message::DeliveryReportReq(report)) => Self::Report(report),
            Some(Message::ReadReplyReq(reply)) => Self::ReadReply(reply),
            Some(Message::DeliverReq(message)) => match received.package.media() {
                Ok(media) => Self::Deliver(message, media),
                Err(error) => Self::Unreadable(error),
            },
            _ => Self::Unreadable(not_for_a_vasp()),
        }
    }
}

fn not_for_a_vasp() -> DecodeError {
    DecodeError::new(Rule::UnknownOperation, 0, "a VASP takes DeliveryReportReq, DeliverReq and ReadReplyReq")
}
