//! The requests that a carrier was sent, as they came.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use mm7::{Address, Message, MessageId, TransactionId, message::SubmitReq, mime::Media};

use crate::{
    carrier::examine::{Sound, Unsound},
    recent::Weight,
};

/// One request, and what was done with it.
#[derive(Clone, Debug)]
pub struct KeptMessage {
    /// When it was answered (or, where it never is, taken).
    pub time: Timestamp,
    /// TransactionID, where it could be read.
    pub transaction_id: Option<TransactionId>,
    /// SenderAddress.
    pub sender: Option<String>,
    /// Every recipient.
    pub recipients: Vec<String>,
    /// Subject.
    pub subject: Option<String>,
    /// The parts, decoded.
    pub media: Vec<Media>,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The body of the request.
    pub body: Bytes,
    /// The HTTP status of the answer; `None` where there was none, or not a whole one.
    pub http_status: Option<u16>,
    /// StatusCode of the answer; `None` where there was no MM7 in it.
    pub code: Option<u32>,
    /// The MessageID that it was given.
    pub message_id: Option<MessageId>,
    /// What was wrong with it.
    pub finding: Option<String>,
}

impl KeptMessage {
    /// A request of which nothing has been read yet.
    pub(super) fn new(headers: HeaderMap, body: Bytes) -> Self {
        Self {
            time: Timestamp::UNIX_EPOCH,
            transaction_id: None,
            sender: None,
            recipients: Vec::new(),
            subject: None,
            media: Vec::new(),
            headers,
            body,
            http_status: None,
            code: None,
            message_id: None,
            finding: None,
        }
    }

    /// The same with what a sound request says.
    pub(super) fn of(mut self, sound: &Sound) -> Self {
        self.transaction_id = Some(sound.transaction_id.clone());
        self.media = sound.media.clone();
        self.describe(&sound.submit);
        self
    }

    /// The same with what could be read of an unsound request.
    pub(super) fn of_unsound(mut self, unsound: &Unsound) -> Self {
        self.finding = Some(unsound.finding.to_string());
        if let Some(received) = &unsound.received {
            self.transaction_id = received.decoded.transaction_id.clone();
            self.media = received.package.media().unwrap_or_default();
            if let Some(Message::SubmitReq(submit)) = &received.decoded.message {
                self.describe(submit);
            }
        }
        self
    }

    fn describe(&mut self, submit: &SubmitReq) {
        let text = |address: &Address| address.as_str().to_owned();
        self.sender = submit.sender.address.as_ref().map(text);
        self.recipients = submit.recipients.iter().map(|recipient| text(&recipient.address)).collect();
        self.subject = submit.subject.clone();
    }
}

impl Weight for KeptMessage {
    /// Parts that were decoded are copies, others slices of the body: counting both errs on the safe side.
    fn weight(&self) -> usize {
        let media: usize = self.media.iter().map(|media| media.bytes.len()).sum();
        self.body.len() + media + 1024
    }
}
