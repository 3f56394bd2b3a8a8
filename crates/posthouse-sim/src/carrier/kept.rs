//! The requests that a carrier was sent, as they came; bounded in number and in bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use mm7::{Address, Message, MessageId, TransactionId, message::SubmitReq, mime::Media};
use tokio::sync::watch;

use crate::carrier::examine::{Sound, Unsound};

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
        self.sender = submit.sender_address.as_ref().map(text);
        self.recipients = submit.recipients.iter().map(|recipient| text(&recipient.address)).collect();
        self.subject = submit.subject.clone();
    }

    /// What it holds in memory. Parts that were decoded are copies, others slices of the body: counting both errs on
    /// the safe side.
    fn size(&self) -> usize {
        let media: usize = self.media.iter().map(|media| media.bytes.len()).sum();
        self.body.len() + media + 1024
    }
}

/// The last requests.
#[derive(Debug)]
pub(super) struct Kept {
    shelf: Mutex<Shelf>,
    max_messages: usize,
    max_bytes: usize,
    received: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Shelf {
    messages: VecDeque<Arc<KeptMessage>>,
    bytes: usize,
}

impl Kept {
    pub fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { shelf: Mutex::default(), max_messages, max_bytes, received: watch::Sender::new(0) }
    }

    pub fn add(&self, message: KeptMessage) {
        {
            let mut shelf = self.shelf();
            shelf.bytes += message.size();
            shelf.messages.push_back(Arc::new(message));
            while shelf.messages.len() > self.max_messages || shelf.bytes > self.max_bytes {
                let Some(oldest) = shelf.messages.pop_front() else { break };
                shelf.bytes -= oldest.size();
            }
        }
        self.received.send_modify(|received| *received += 1);
    }

    pub fn all(&self) -> Vec<Arc<KeptMessage>> {
        self.shelf().messages.iter().cloned().collect()
    }

    pub fn received(&self) -> u64 {
        *self.received.borrow()
    }

    /// Changes with every request.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.received.subscribe()
    }

    /// A holder that panicked has left nothing half done: every step leaves the shelf whole.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, bytes: usize) -> KeptMessage {
        let subject = Some(subject.to_owned());
        KeptMessage { subject, ..KeptMessage::new(HeaderMap::new(), Bytes::from(vec![0; bytes])) }
    }

    fn subjects(kept: &Kept) -> Vec<String> {
        kept.all().iter().filter_map(|message| message.subject.clone()).collect()
    }

    #[test]
    fn the_oldest_go_first() {
        let kept = Kept::new(2, usize::MAX);
        for subject in ["a", "b", "c"] {
            kept.add(message(subject, 1));
        }
        assert_eq!(subjects(&kept), ["b", "c"]);
        assert_eq!(kept.received(), 3);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let kept = Kept::new(10, 10_000);
        for subject in ["a", "b", "c"] {
            kept.add(message(subject, 3_000));
        }
        assert_eq!(subjects(&kept), ["b", "c"]);
        kept.add(message("too large", 20_000));
        assert_eq!(subjects(&kept), [""; 0]);
    }
}
