//! Messages from handsets: from a carrier's DeliverReq to the store (contract 4.6).

use std::time::Duration;

use jiff::Timestamp;
use mm7::{
    DecodeError, Message, Rule, StatusCode, TransactionId,
    message::{DeliverReq, Operation, Recipient},
    mime::Media,
};
use posthouse_core::{
    address::bare,
    carrier::Carrier,
    message::{Digest, KeptRecipient, Mo, Part},
    route::{Destination, Snapshot},
    store::{Acceptance, NewMo, StoreError},
    submit::make_ids_readable,
};
use sha2::{Digest as _, Sha256};

use super::door::{CarrierDoor, Refused};
use crate::envelope::{self, Opened};

/// How long a repetition of a DeliverReq is recognised, as of a SubmitReq.
const REPEATED_WITHIN: Duration = Duration::from_secs(24 * 3600);

impl CarrierDoor {
    /// Stores a message from a handset for the service that it is for. No service: 2002, in a DeliverRsp.
    pub(super) async fn accept_mo(
        &self,
        carrier: &Carrier,
        req: &DeliverReq,
        opened: &Opened,
    ) -> Result<Message, Refused> {
        let snapshot = self.snapshot.get();
        let Some(destination) = destination(&snapshot, req) else {
            tracing::warn!(carrier = %carrier.id, "a message from a handset is for nobody");
            return Ok(Operation::Deliver.response(StatusCode::AddressError.into()));
        };
        let now = self.clock.now();
        let new = self.read_mo(carrier, destination, req, opened, now)?;
        let id = new.id;
        match self.store.accept_mo(new).await {
            Ok(Acceptance::Fresh) => {
                tracing::info!(%id, carrier = %carrier.id, account = %destination.account.name, "message from a handset");
                self.handoff.ring();
            }
            Ok(Acceptance::Repeats(first)) => {
                tracing::info!(id = %first, carrier = %carrier.id, "repeated by its carrier")
            }
            Err(error) => return Err(refuse_for(carrier, &error)),
        }
        Ok(Operation::Deliver.response(StatusCode::Success.into()))
    }

    fn read_mo(
        &self,
        carrier: &Carrier,
        destination: &Destination,
        req: &DeliverReq,
        opened: &Opened,
        now: Timestamp,
    ) -> Result<NewMo, Refused> {
        let missing = |what| Refused::from(DecodeError::new(Rule::MissingElement, 0, what));
        let sender = req.sender.as_ref().ok_or_else(|| missing("there is no Sender"))?;
        let transaction_id = opened.decoded.transaction_id.as_ref().map(TransactionId::as_str);
        let mut media = opened.package.media()?;
        let content = content(req, &media);
        make_ids_readable(&mut media);
        let mo = Mo {
            transaction_id: transaction_id.ok_or_else(|| missing("there is no TransactionID"))?.to_owned(),
            vasid: destination.vasid.clone(),
            sender: sender.into(),
            recipients: req.recipients.iter().map(KeptRecipient::from).collect(),
            subject: req.subject.clone(),
            priority: req.priority.map(|priority| priority.as_str().to_owned()),
            time_stamp: req.time_stamp.unwrap_or(now),
            parts: media.iter().map(Part::of).collect(),
        };
        Ok(NewMo {
            id: self.ids.next(now),
            account: destination.account.name.clone(),
            carrier: carrier.id.clone(),
            mo,
            media: media.into_iter().map(|Media { bytes, .. }| bytes).collect(),
            digest: envelope::digest(&opened.package),
            linked_id: req.linked_id.as_ref().map(|id| id.as_str().to_owned()),
            content,
            repeats_since: now.checked_sub(REPEATED_WITHIN).unwrap_or(Timestamp::MIN),
            received_at: now,
        })
    }
}

/// The service that a message is for: that of the first recipient which is one of ours. Who stands there for display only is not
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

/// What a carrier is told when its message could not be stored: 4006 where it may come again soon.
fn refuse_for(carrier: &Carrier, error: &StoreError) -> Refused {
    tracing::error!(%error, carrier = %carrier.id, "a message from a handset could not be stored");
    match error {
        StoreError::Full | StoreError::Overloaded => Refused(StatusCode::ServiceUnavailable),
        _ => Refused(StatusCode::SystemError),
    }
}
