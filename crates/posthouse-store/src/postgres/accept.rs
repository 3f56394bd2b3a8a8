//! Accepting a message: what is remembered of it, its row, its work and its media, in one transaction.

use bytes::Bytes;
use posthouse_core::{
    Id,
    life::{
        load::{Subject, Work},
        state::State,
    },
    message::Digest,
    store::{Acceptance, Demand, ErrorCause, NewMessage, StoreError},
};

use super::{
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    seen::{self, Remembered, SeenKey},
    statements,
    value::values,
    write,
};
use crate::media::objects::bodies::{KeptMedia, KeptPlace};

/// A message to be accepted, with everything done that needs no transaction.
pub(super) struct MessageRows {
    subject: Subject,
    sender: String,
    transaction_id: String,
    submission: String,
    key: SeenKey,
    repeats_since: Option<jiff::Timestamp>,
    accepted_at: jiff::Timestamp,
    media: Option<KeptMedia>,
}

impl MessageRows {
    /// Prepares a message whose media are kept already.
    ///
    /// # Errors
    /// That it cannot be written down.
    pub(super) fn new(message: &NewMessage, media: Option<KeptMedia>) -> BatchResult<Self, StoreError> {
        let submission = &message.submission;
        let json = serde_json::to_string(submission).map_err(|error| {
            StoreError::Refused(ErrorCause::within("the submission cannot be written", error))
        })?;
        let subject = Subject {
            id: message.id,
            state: State::FIRST,
            account: message.account.clone(),
            carrier: message.carrier.clone(),
            recipient: submission.recipient.as_str().to_owned(),
            delivery_report: submission.owes_reports(),
            carrier_message_id: None,
            report_until: None,
            work: Some(Work::first(message.first_attempt, submission.expiry, message.accepted_at)),
            owes: false,
        };
        Ok(Self {
            subject,
            sender: submission.sender.clone(),
            transaction_id: submission.transaction_id.clone(),
            submission: json,
            key: key_of(&message.account.0, &submission.transaction_id, message.digest),
            repeats_since: message.repeats_since,
            accepted_at: message.accepted_at,
            media,
        })
    }

    /// Its MessageID.
    pub(super) const fn id(&self) -> Id {
        self.subject.id
    }

    /// Under which key it is remembered.
    pub(super) const fn key(&self) -> SeenKey {
        self.key
    }

    /// About how many bytes it is.
    pub(super) fn weight(&self) -> usize {
        self.submission.len() + media_weight(self.media.as_ref()) + 500
    }
}

/// Under which key a message is remembered.
pub(super) fn key_of(account: &str, transaction_id: &str, digest: Digest) -> SeenKey {
    seen::key("message", &[account.as_bytes(), transaction_id.as_bytes(), &digest.0])
}

/// About how many bytes media take in the database.
pub(super) fn media_weight(media: Option<&KeptMedia>) -> usize {
    match media.map(|media| &media.place) {
        Some(KeptPlace::Inline(body)) => body.len(),
        _ => 0,
    }
}

/// Stores a message, unless it repeats one.
pub(super) async fn accept(tx: &BatchTx, message: &MessageRows) -> BatchResult<Acceptance> {
    tx.has_room(Demand::New)?;
    let id = message.subject.id;
    tx.claim(BatchClaim::Message(id))?;
    match seen::remember(tx, message.key, id, message.accepted_at, message.repeats_since).await? {
        Remembered::Now => {}
        Remembered::Before => {
            tx.answer_after_commit();
            return Ok(Acceptance::Fresh);
        }
        Remembered::Repeats(first) => {
            tx.answer_after_commit();
            return Ok(Acceptance::Repeats(first));
        }
    }
    let subject = &message.subject;
    tx.write(
        &statements::INSERT_MESSAGE,
        values![
            id,
            message.accepted_at,
            subject.delivery_report,
            &subject.account,
            &subject.carrier,
            &subject.recipient,
            &message.transaction_id,
            &message.key[..],
            &message.submission,
        ],
    );
    write::insert_first(tx, subject, &message.sender, message.accepted_at);
    insert_media(tx, id, message.media.as_ref());
    tx.count_accepted(&subject.carrier, &subject.account);
    Ok(Acceptance::Fresh)
}

/// Whether a message is there under this id that is remembered, or was, under this key.
pub(super) async fn is_stored(tx: &BatchTx, id: Id, key: SeenKey) -> BatchResult<bool> {
    let Some(row) = tx.read_one(&statements::SEEN_KEY, values![id]).await? else { return Ok(false) };
    tx.answer_after_commit();
    Ok(row.try_get::<_, &[u8]>("seen_key")? == key)
}

/// Says where the media of a message are.
pub(super) fn insert_media(tx: &BatchTx, id: Id, media: Option<&KeptMedia>) {
    let Some(media) = media else { return };
    let length = i64::try_from(media.seal.length).unwrap_or(i64::MAX);
    let (object, position, body) = match &media.place {
        KeptPlace::Inline(body) => (None, None, Some(Bytes::copy_from_slice(body))),
        KeptPlace::Object(written) => {
            tx.write(&statements::INSERT_OBJECT, values![written.object.0]);
            let position = i64::try_from(written.position).unwrap_or(i64::MAX);
            (Some(written.object.0.number()), Some(position), None)
        }
    };
    tx.write(&statements::INSERT_MEDIA, values![id, media.seal.crc, length, object, position, body]);
}
