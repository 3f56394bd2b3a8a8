//! What a carrier looks at before it takes a SubmitReq: everything the standard asks for, to the letter.

use bytes::Bytes;
use http::HeaderMap;
use mm7::{
    Address, DecodeError, Dialect, Framing, Message, Rule, SeenNamespace, TransactionId,
    message::{Content, Operation, SubmitReq},
    mime::Media,
};

use crate::wire::ReceivedMessage;

/// A SubmitReq with which nothing is wrong.
#[derive(Debug)]
pub(super) struct Sound {
    pub transaction_id: TransactionId,
    pub recipient: Address,
    pub submit: SubmitReq,
    pub media: Vec<Media>,
    pub framing: Framing,
}

/// A request with which something is.
#[derive(Debug)]
pub(super) struct Unsound {
    /// What, by the order of [`Rule`].
    pub finding: DecodeError,
    /// What could be read of it.
    pub received: Option<Box<ReceivedMessage>>,
}

impl Unsound {
    /// Whether its sender can be given a SubmitRsp: it is a SubmitReq, and has a TransactionID.
    pub fn is_submit(&self) -> bool {
        let Some(decoded) = self.received.as_ref().map(|received| &received.decoded) else { return false };
        decoded.transaction_id.is_some() && matches!(decoded.message, Some(Message::SubmitReq(_)))
    }

    /// As its sender wrote, as far as that is known.
    pub fn framing(&self) -> Framing {
        match &self.received {
            Some(received) => Framing::answering(&received.decoded),
            None => Framing {
                namespace: SeenNamespace::Absent,
                version: mm7::Version::V6_8_0,
                transaction_id: None,
                must_understand: true,
            },
        }
    }
}

/// Reads a request and finds the first thing that is wrong with it, if there is one.
pub(super) fn examine(headers: &HeaderMap, body: Bytes) -> Result<Sound, Unsound> {
    let received =
        ReceivedMessage::read(headers, body).map_err(|finding| Unsound { finding, received: None })?;
    match judge(&received) {
        Ok(sound) => Ok(sound),
        Err(finding) => Err(Unsound { finding, received: Some(Box::new(received)) }),
    }
}

fn judge(received: &ReceivedMessage) -> Result<Sound, DecodeError> {
    let ReceivedMessage { decoded, package } = received;
    let in_envelope = Dialect::THREE_GPP.first_refused(decoded, &[Operation::Submit]);
    let in_parts = package.errors.iter().filter(|error| Dialect::THREE_GPP.refuses(error.rule)).cloned();
    if let Some(finding) = in_envelope.into_iter().chain(in_parts).min_by_key(|error| error.rule) {
        return Err(finding);
    }
    // What the schema asks for is there, or it would have been found above.
    let missing = |what: &str| DecodeError::new(Rule::MissingElement, 0, format!("there is no {what}"));
    let Some(Message::SubmitReq(submit)) = &decoded.message else { return Err(missing("SubmitReq")) };
    let recipient = submit.recipients.first().ok_or_else(|| missing("recipient"))?;
    check_content(submit.content.as_ref(), received)?;
    Ok(Sound {
        transaction_id: decoded.transaction_id.clone().ok_or_else(|| missing("TransactionID"))?,
        recipient: recipient.address.clone(),
        media: package.media()?,
        framing: Framing::answering(decoded),
        submit: submit.clone(),
    })
}

/// An MMS has content, and the content is in the message.
fn check_content(content: Option<&Content>, received: &ReceivedMessage) -> Result<(), DecodeError> {
    let Some(content) = content else {
        return Err(DecodeError::new(Rule::MissingElement, 0, "there is no Content"));
    };
    let href = content.href.as_deref().unwrap_or_default();
    match received.package.resolve(href) {
        Some(_) => Ok(()),
        None => Err(DecodeError::new(Rule::HrefWithoutPart, 0, "Content/@href names no part of the message")),
    }
}
