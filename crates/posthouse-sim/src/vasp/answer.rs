//! What a VASP answers, well-mannered or not, and how it goes on the wire.

use std::time::Duration;

use http::{HeaderValue, StatusCode as Http, header};
use mm7::{
    DecodeError, Framing, Message, Namespace, StatusCode, Version,
    message::{ErrorRsp, Fault, FaultCode, FaultDetail, Operation, Status},
};
use tokio::time::sleep;

use crate::{
    chance,
    http::{Payload, Reply, reply},
    wire::{self, ReceivedMessage},
};

/// How long a callback that is never answered is held, unless the gateway gives up before.
const HOLD: Duration = Duration::from_secs(15 * 60);
/// What a VASP answers to a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaspAnswer {
    /// The response of the operation with this StatusCode, HTTP 200.
    Code(u32),
    /// The same, under a TransactionID that is not the callback's.
    WrongTransaction,
    /// A Fault with VASPErrorRsp and this StatusCode, HTTP 500.
    Fault(u32),
    /// This HTTP status without a body: 200 is what some VASPs hold for an acknowledgement.
    Http(u16),
    /// HTTP 200 with a body that is no MM7.
    Garbage,
    /// Nothing, till the gateway gives up.
    Never,
}

/// What is answered to one callback.
pub(super) enum CallbackReply {
    Message(Http, Box<Message>, Framing),
    Bare(Http),
    Garbage,
    Never,
}

impl CallbackReply {
    pub fn of(answer: VaspAnswer, received: Result<&ReceivedMessage, &DecodeError>) -> Self {
        let mut framing = match received {
            Ok(received) => Framing::answering(&received.decoded),
            Err(_) => Framing::new(Namespace::LATEST, Version::V6_8_0, None),
        };
        let operation = received.ok().and_then(|received| taken(received.decoded.message.as_ref()?));
        let respond = |code, framing| match (operation, received) {
            (Some(operation), _) => Self::message(Http::OK, operation.response(status(code)), framing),
            (None, Ok(_)) => Self::message(Http::INTERNAL_SERVER_ERROR, fault(4003), framing),
            (None, Err(_)) => Self::message(Http::INTERNAL_SERVER_ERROR, fault(2007), framing),
        };
        match answer {
            VaspAnswer::Code(code) => respond(code, framing),
            VaspAnswer::WrongTransaction => {
                framing.transaction_id = chance::transaction_id();
                respond(1000, framing)
            }
            VaspAnswer::Fault(code) => Self::message(Http::INTERNAL_SERVER_ERROR, fault(code), framing),
            VaspAnswer::Http(status) => {
                Self::Bare(Http::from_u16(status).unwrap_or(Http::INTERNAL_SERVER_ERROR))
            }
            VaspAnswer::Garbage => Self::Garbage,
            VaspAnswer::Never => Self::Never,
        }
    }

    fn message(status: Http, message: Message, framing: Framing) -> Self {
        Self::Message(status, Box::new(message), framing)
    }

    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Message(status, ..) | Self::Bare(status) => Some(status.as_u16()),
            Self::Garbage => Some(200),
            Self::Never => None,
        }
    }

    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Message(_, message, _) => message.status().map(|status| status.code),
            Self::Bare(_) | Self::Garbage | Self::Never => None,
        }
    }

    pub async fn into_reply(self) -> Reply {
        match self {
            Self::Message(status, message, framing) => wire::answer(status, &message, &framing),
            Self::Bare(status) => bare(status),
            Self::Garbage => reply(Http::OK, "text/html", "<html><body>It works!</body></html>\n"),
            Self::Never => {
                sleep(HOLD).await;
                bare(Http::SERVICE_UNAVAILABLE)
            }
        }
    }
}

/// The operation of a message, if it is one that a VASP takes.
fn taken(message: &Message) -> Option<Operation> {
    let is_taken =
        matches!(message, Message::DeliveryReportReq(_) | Message::DeliverReq(_) | Message::ReadReplyReq(_));
    message.operation().filter(|_| is_taken)
}

/// The table's text for a code; none for a code that the table lacks.
fn status(code: u32) -> Status {
    match StatusCode::from_code(code) {
        Some(code) => Status::from(code),
        None => Status { code, text: format!("Status {code}"), details: None },
    }
}

fn fault(code: u32) -> Message {
    let detail = Some(FaultDetail::VaspErrorRsp(ErrorRsp { status: status(code) }));
    Message::Fault(Fault { code: FaultCode::Server, string: "VASP error".to_owned(), detail })
}

/// 401, in plain HTTP.
pub(super) fn unauthorized() -> Reply {
    let mut reply = bare(Http::UNAUTHORIZED);
    reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"MM7\""));
    reply
}

/// HTTP without a body.
pub(super) fn bare(status: Http) -> Reply {
    let mut reply = Reply::new(Payload::whole(""));
    *reply.status_mut() = status;
    reply
}
