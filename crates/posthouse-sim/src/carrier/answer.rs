//! What a carrier answers, and how it goes on the wire.

use http::{HeaderValue, StatusCode as Http, header};
use mm7::{
    DecodeError, Framing, Message, MessageId, StatusCode,
    message::{ErrorRsp, Fault, FaultCode, FaultDetail, Status, SubmitRsp},
};

use crate::{
    http::{Payload, Reply, reply},
    wire,
};

/// An answer.
#[derive(Debug)]
pub(super) enum ScriptedAnswer {
    /// An MM7 message.
    Whole(Http, Message),
    /// HTTP without a body.
    Bare(Http),
    /// The first half of an MM7 message, and then the connection closes.
    Half(Message),
    /// None, ever.
    Never,
}

impl ScriptedAnswer {
    /// 1000, with the MessageID.
    pub fn accepted(message_id: Option<MessageId>) -> Self {
        Self::Whole(Http::OK, accepted(message_id))
    }

    /// Half of what [`ScriptedAnswer::accepted`] is.
    pub fn half_accepted(message_id: Option<MessageId>) -> Self {
        Self::Half(accepted(message_id))
    }

    /// A code in a SubmitRsp, as a refusal of an operation is by TS 23.140 clause 8.7.8.3.
    pub fn refused(status: Status) -> Self {
        Self::Whole(Http::OK, Message::SubmitRsp(SubmitRsp { status, message_id: None }))
    }

    /// A code in a Fault.
    pub fn fault(http_status: Http, status: Status) -> Self {
        let code = if status.code / 1000 == 2 { FaultCode::Client } else { FaultCode::Server };
        let string = if status.code / 1000 == 2 { "Client error" } else { "Server error" }.to_owned();
        let detail = Some(FaultDetail::RsErrorRsp(ErrorRsp { status }));
        Self::Whole(http_status, Message::Fault(Fault { code, string, detail }))
    }

    /// The HTTP status that its reader has in the end; `None` where there is none to be had, or no whole answer.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Whole(status, _) | Self::Bare(status) => Some(status.as_u16()),
            Self::Half(_) | Self::Never => None,
        }
    }

    /// StatusCode, where a whole message carries one.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Whole(_, message) => message.status().map(|status| status.code),
            Self::Bare(_) | Self::Half(_) | Self::Never => None,
        }
    }

    /// The answer on the wire; `None` when there is none.
    pub fn into_reply(self, framing: &Framing) -> Option<Reply> {
        match self {
            Self::Whole(status, message) => Some(wire::answer(status, &message, framing)),
            Self::Bare(status) => Some(bare(status)),
            Self::Half(message) => Some(half(&mm7::encode(&message, framing))),
            Self::Never => None,
        }
    }
}

/// 4004 with what is wrong in Details.
pub(super) fn validation_error(finding: &DecodeError) -> Status {
    Status { details: Some(finding.to_string()), ..Status::from(StatusCode::ValidationError) }
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

fn accepted(message_id: Option<MessageId>) -> Message {
    Message::SubmitRsp(SubmitRsp { status: Status::from(StatusCode::Success), message_id })
}

fn half(message: &[u8]) -> Reply {
    let (half, _) = message.split_at(message.len() / 2);
    let mut reply = reply(Http::OK, "text/xml; charset=utf-8", "").map(|_| Payload::cut(half.to_vec()));
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(message.len()));
    reply
}
