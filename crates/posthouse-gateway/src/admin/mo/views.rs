//! How messages from handsets are shown.

use posthouse_api::{ForNobodyView, MoView, PartView};
use posthouse_core::{
    shown::masked,
    store::{ForNobody, MoOutcome, StoredMo},
};

/// A message from a handset. Phone numbers are whole only where they are to be revealed.
pub(in super::super) fn mo(stored: &StoredMo, reveal: bool) -> MoView {
    let mo = &stored.mo;
    let (state, callback_id) = match stored.outcome {
        MoOutcome::Owed(id) => ("owed", Some(id.to_string())),
        MoOutcome::Failed(id) => ("failed", Some(id.to_string())),
        MoOutcome::Settled => ("settled", None),
    };
    MoView {
        linked_id: stored.id.to_string(),
        received_at: stored.received_at,
        account: stored.account.0.clone(),
        vasid: mo.vasid.clone(),
        carrier: stored.carrier.0.clone(),
        transaction_id: mo.transaction_id.clone(),
        carrier_linked_id: stored.linked_id.clone(),
        sender: shown(&mo.sender.text, reveal),
        recipients: mo.recipients.iter().map(|one| shown(&one.address.text, reveal)).collect(),
        state: state.to_owned(),
        callback_id,
        ended_at: stored.ended_at,
        parts: mo
            .parts
            .iter()
            .map(|part| PartView { content_type: part.content_type.as_str().to_owned(), bytes: part.bytes })
            .collect(),
        odd: mo.odd.clone(),
    }
}

/// One that was for nobody.
pub(super) fn for_nobody(number: i64, mo: &ForNobody, reveal: bool) -> ForNobodyView {
    ForNobodyView {
        number,
        received_at: mo.received_at,
        carrier: mo.carrier.0.clone(),
        transaction_id: mo.transaction_id.clone(),
        sender: mo.sender.as_deref().map(|sender| shown(sender, reveal)),
        recipients: shown(&mo.recipients, reveal),
    }
}

fn shown(text: &str, reveal: bool) -> String {
    if reveal { text.to_owned() } else { masked(text).into_owned() }
}
