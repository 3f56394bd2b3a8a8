//! Messages from handsets: what is remembered of them, their row, media and what is owed to the VASP, in one transaction.

use posthouse_core::{
    life::callback,
    store::{Acceptance, Callback, CallbackBody, Demand, ErrorCause, HandedOn, NewMo, StoreError},
};

use super::{
    accept::{insert_media, media_weight},
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    recording,
    seen::{self, Remembered, SeenKey},
    statements,
    value::values,
    write,
};
use crate::media::objects::bodies::KeptMedia;

/// A message from a handset, with everything done that needs no transaction.
pub(super) struct MoRows {
    new: NewMo,
    document: String,
    keys: Vec<SeenKey>,
    media: Option<KeptMedia>,
}

impl MoRows {
    /// Prepares a message whose media are kept already.
    ///
    /// # Errors
    /// That it cannot be written down.
    pub(super) fn new(new: NewMo, media: Option<KeptMedia>) -> BatchResult<Self, StoreError> {
        let document = serde_json::to_string(&new.mo).map_err(|error| {
            StoreError::Refused(ErrorCause::within("the message cannot be written", error))
        })?;
        let carrier = new.carrier.as_str().as_bytes();
        let transaction = new.mo.transaction_id.as_bytes();
        let mut keys = vec![mo_key(carrier, transaction, &new.digest.0)];
        if let Some(linked_id) = &new.linked_id {
            keys.push(linked_key(carrier, linked_id.as_bytes(), &new.content.0));
        }
        Ok(Self { new, document, keys, media })
    }

    /// About how many bytes it is.
    pub(super) fn weight(&self) -> usize {
        self.document.len() + media_weight(self.media.as_ref()) + 300
    }
}

/// Under which key a message is remembered by its carrier's TransactionID.
pub(super) fn mo_key(carrier: &[u8], transaction_id: &[u8], digest: &[u8]) -> SeenKey {
    seen::key("mo", &[carrier, transaction_id, digest])
}

/// Under which key it is remembered by its LinkedID.
pub(super) fn linked_key(carrier: &[u8], linked_id: &[u8], content: &[u8]) -> SeenKey {
    seen::key("linked", &[carrier, linked_id, content])
}

/// Stores a message, unless it repeats one.
pub(super) async fn accept(tx: &BatchTx, message: &MoRows) -> BatchResult<HandedOn<Acceptance>> {
    tx.has_room(Demand::New)?;
    let new = &message.new;
    tx.claim(BatchClaim::Message(new.id))?;
    let remembering = message
        .keys
        .iter()
        .map(|key| seen::remember(tx, *key, new.id, new.received_at, Some(new.repeats_since)));
    let remembered: Vec<_> =
        futures_util::future::join_all(remembering).await.into_iter().collect::<BatchResult<_>>()?;
    let repeated = remembered.iter().find_map(|one| match one {
        Remembered::Repeats(first) => Some(*first),
        Remembered::Now | Remembered::Before => None,
    });
    if let Some(first) = repeated {
        for (key, one) in message.keys.iter().zip(&remembered) {
            if *one == Remembered::Now {
                seen::take_back(tx, *key, new.id, new.received_at);
            }
        }
        tx.answer_after_commit();
        return Ok(HandedOn::nothing(Acceptance::Repeats(first)));
    }
    if remembered.contains(&Remembered::Before) {
        tx.answer_after_commit();
        return Ok(HandedOn::nothing(Acceptance::Fresh));
    }
    let values = values![
        new.id,
        new.received_at,
        &new.account,
        &new.carrier,
        &new.mo.transaction_id,
        new.linked_id.as_deref(),
        &message.document,
    ];
    tx.write(&statements::INSERT_MO, values);
    recording::note(tx, new.id, new.received_at);
    insert_media(tx, new.id, message.media.as_ref());
    let owed = callback::of_mo(new.received_at);
    let (id, lease) = write::owe(tx, new.id, &new.account, &new.carrier, &owed);
    let callbacks = lease.into_iter().map(|lease| Callback {
        id,
        message: new.id,
        account: new.account.clone(),
        carrier: new.carrier.clone(),
        body: CallbackBody::Mo(new.mo.clone()),
        at: owed.at,
        attempts: 0,
        lease,
    });
    Ok(HandedOn { answer: Acceptance::Fresh, callbacks: callbacks.collect(), left_due: tx.has_left_due() })
}
