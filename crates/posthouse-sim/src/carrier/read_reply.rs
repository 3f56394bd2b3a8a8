//! What a recipient did with a message: ReadReplyReq to the gateway's door.

use jiff::Timestamp;
use mm7::{
    Address, Message, MessageId,
    message::{ReadReplyReq, ReportedMm},
};
use serde::Deserialize;

use crate::{
    carrier::{desk::Desk, reports::DoorError},
    submit::address,
    wire::{self, Mm7Answer},
};

/// A read reply; as JSON the body of `POST /sim/read-reply`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadReply {
    /// The MessageID that this carrier gave the message; left out: the newest that it took.
    #[serde(default)]
    pub message_id: Option<String>,
    /// MMStatus as it goes on the wire: Read, Deleted, Indeterminate. Left out: Read.
    #[serde(default)]
    pub status: Option<String>,
    /// TimeStamp; left out: now.
    #[serde(default)]
    pub time_stamp: Option<Timestamp>,
}

/// Why a read reply was not sent, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadReplyError {
    /// No such message was taken, or it is not kept any more.
    #[error("no message with this message_id is kept; GET /sim/messages shows those that are")]
    Unknown,
    /// Not sent, or not answered.
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// Sends a read reply about a message that is kept.
pub(super) async fn send(desk: &Desk, reply: &ReadReply) -> Result<Mm7Answer, ReadReplyError> {
    let wanted = |id: &MessageId| reply.message_id.as_deref().is_none_or(|wanted| wanted == id.as_str());
    let kept = desk.kept.all().into_iter().rev().find(|kept| kept.message_id.as_ref().is_some_and(wanted));
    let kept = kept.ok_or(ReadReplyError::Unknown)?;
    let request = ReadReplyReq {
        mm: ReportedMm {
            relay_server_id: Some(desk.options.carrier_id.clone()),
            message_id: kept.message_id.clone(),
            recipient: kept.recipients.first().map(|to| Address::Number(to.clone())),
            sender: kept.sender.as_deref().map(address),
            ..ReportedMm::default()
        },
        time_stamp: Some(reply.time_stamp.unwrap_or_else(wire::now)),
        mm_status: reply.status.clone().unwrap_or_else(|| "Read".to_owned()),
        ..ReadReplyReq::default()
    };
    Ok(desk.reports.post(&Message::ReadReplyReq(request), &[]).await?)
}
