//! Messages from handsets: from a carrier's DeliverReq to the store (contract 4.6).

use std::time::Duration;

use jiff::Timestamp;
use mm7::{
    DecodeError, Decoded, Rule, StatusCode, TransactionId,
    message::{DeliverReq, Operation, Recipient},
    mime::Media,
};
use posthouse_core::{
    address::bare,
    carrier::Carrier,
    message::{Digest, KeptRecipient, Mo, StoredPart},
    provisioning::{Destination, Snapshot},
    store::{Acceptance, ForNobody, NewMo},
    submit::make_ids_readable,
};
use sha2::{Digest as _, Sha256};

use super::{
    door::{Accepted, CarrierDoor},
    refusal::{CarrierRefusal, FOR_NOBODY},
    words::odd,
};
use crate::mm7_http::envelope::{self, OpenedEnvelope};

/// How long a repetition of a DeliverReq is recognised, as of a SubmitReq.
const REPEATED_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// How many recipients of a message that is for nobody are named at most.
const MOST_NAMED: usize = 8;
/// How many broken rules of a request's form are logged at most.
const MOST_RULES: usize = 8;

impl CarrierDoor {
    /// Stores a message from a handset for the service that it is for. No service: 2002, in a DeliverRsp.
    pub(super) async fn accept_mo(
        &self,
        carrier: &Carrier,
        req: &DeliverReq,
        opened: &OpenedEnvelope,
    ) -> Result<Accepted, CarrierRefusal> {
        let snapshot = self.snapshot.get();
        let Some(destination) = destination(&snapshot, req) else {
            self.metrics.mo_ended(&carrier.id, None, "nobody");
            self.keep_for_nobody(carrier, req, opened).await;
            return Ok(Accepted { answer: Operation::Deliver.response(FOR_NOBODY.into()), about: None });
        };
        let now = self.clock.now();
        let new = self.read_mo(carrier, destination, req, opened, now)?;
        let id = new.id;
        let taking = self.callbacks.taking();
        let about = match self
            .store
            .accept_mo(new, Some(taking.clone()))
            .await
            .map(|stored| taking.hand_on(stored))
        {
            Ok(Acceptance::Fresh) => {
                self.metrics.mo_ended(&carrier.id, Some(&destination.account.name), "stored");
                let odd = rules(&opened.decoded);
                tracing::info!(%id, carrier = %carrier.id, account = %destination.account.name, odd, "message from a handset");
                id
            }
            Ok(Acceptance::Repeats(first)) => {
                self.metrics.mo_ended(&carrier.id, None, "repeated");
                tracing::info!(id = %first, carrier = %carrier.id, "repeated by its carrier");
                first
            }
            Err(error) => {
                self.metrics.mo_ended(&carrier.id, None, "failed");
                tracing::error!(%error, carrier = %carrier.id, "a message from a handset could not be stored");
                return Err(CarrierRefusal::of_store(&error));
            }
        };
        let answer = Operation::Deliver.response(StatusCode::Success.into());
        Ok(Accepted { answer, about: Some(about) })
    }

    /// Keeps who wrote to which short code, so that somebody can tell whose it should have been.
    async fn keep_for_nobody(&self, carrier: &Carrier, req: &DeliverReq, opened: &OpenedEnvelope) {
        let transaction_id = opened.decoded.transaction_id.as_ref().map(TransactionId::as_str);
        let recipients: Vec<_> = req
            .recipients
            .iter()
            .map(|recipient| bare(recipient.address.as_str()))
            .take(MOST_NAMED)
            .collect();
        let recipients = recipients.join(" ");
        let sender = req.sender.as_ref().map(|sender| bare(sender.as_str()).to_owned());
        let kept = ForNobody {
            carrier: carrier.id.clone(),
            received_at: self.clock.now(),
            transaction_id: transaction_id.unwrap_or_default().to_owned(),
            sender: sender.clone(),
            recipients: recipients.clone(),
        };
        let number = match self.store.keep_for_nobody(kept).await {
            Ok(number) => Some(number),
            Err(error) => {
                tracing::warn!(%error, carrier = %carrier.id, "a message from a handset that is for nobody could not be kept");
                None
            }
        };
        tracing::warn!(carrier = %carrier.id, number, sender, recipients, "a message from a handset is for nobody");
    }

    fn read_mo(
        &self,
        carrier: &Carrier,
        destination: &Destination,
        req: &DeliverReq,
        opened: &OpenedEnvelope,
        now: Timestamp,
    ) -> Result<NewMo, CarrierRefusal> {
        let missing = |what| CarrierRefusal::from(DecodeError::new(Rule::MissingElement, 0, what));
        let sender = req.sender.as_ref().ok_or_else(|| missing("there is no Sender"))?;
        let transaction_id = opened.decoded.transaction_id.as_ref().map(TransactionId::as_str);
        let mut media = envelope::media_as_it_is(&opened.package)?;
        let content = content(req, &media);
        make_ids_readable(&mut media);
        let mo = Mo {
            transaction_id: transaction_id.unwrap_or_default().to_owned(),
            vasid: destination.vasid.clone(),
            sender: sender.into(),
            recipients: req.recipients.iter().map(KeptRecipient::from).collect(),
            subject: req.subject.clone(),
            priority: req.priority.map(|priority| priority.as_str().to_owned()),
            time_stamp: req.time_stamp.unwrap_or(now),
            odd: odd(&opened.decoded),
            parts: media.iter().map(StoredPart::of).collect(),
        };
        Ok(NewMo {
            id: self.ids.next(now).map_err(|_| CarrierRefusal::NotStored)?,
            account: destination.account.name.clone(),
            carrier: carrier.id.clone(),
            mo,
            media: media.into_iter().map(|Media { bytes, .. }| bytes).collect(),
            digest: envelope::digest(&opened.package),
            linked_id: req.linked_id.as_ref().map(|id| id.as_str().to_owned()),
            content,
            repeats_since: repeats_since(transaction_id, req, now),
            received_at: now,
        })
    }
}

/// What was odd about the form of a request, in words that quote none of it.
fn rules(decoded: &Decoded) -> Option<String> {
    let mut rules: Vec<_> = decoded.errors.iter().map(|error| error.rule.name()).collect();
    rules.dedup();
    rules.truncate(MOST_RULES);
    (!rules.is_empty()).then(|| rules.join(" "))
}

/// Since when a message may have come that this one repeats. Without anything that tells one message from the next, two of the same
/// contents are two: a handset that says yes twice is not to be lost.
fn repeats_since(transaction_id: Option<&str>, req: &DeliverReq, now: Timestamp) -> Timestamp {
    if transaction_id.is_none() && req.time_stamp.is_none() && req.linked_id.is_none() {
        return Timestamp::MAX;
    }
    now.checked_sub(REPEATED_WITHIN).unwrap_or(Timestamp::MIN)
}

/// The service that a message is for: that of the first recipient which is one of ours. One that stands there for display only is not
/// sent to, unless the carrier left it at that.
fn destination<'s>(snapshot: &'s Snapshot, req: &DeliverReq) -> Option<&'s Destination> {
    let of = |recipient: &Recipient| snapshot.destination(recipient.address.as_str());
    let sent_to = req.recipients.iter().filter(|recipient| !recipient.display_only).find_map(of);
    sent_to.or_else(|| req.recipients.iter().find_map(of))
}

/// Digests what the handset sent: from whom, to whom, and every part.
fn content(req: &DeliverReq, media: &[Media]) -> Digest {
    let addresses = req.sender.iter().chain(req.recipients.iter().map(|recipient| &recipient.address));
    let addresses = addresses.map(|address| bare(address.as_str()).as_bytes());
    let subject = req.subject.iter().map(|subject| subject.as_bytes());
    let mut hash = Sha256::new();
    for piece in addresses.chain(subject).chain(media.iter().map(|media| &media.bytes[..])) {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    Digest(digest)
}
