//! Messages from handsets: row, media and what is owed to the VASP, in one transaction.

use posthouse_core::{
    Id,
    life::callback,
    store::{Acceptance, Demand, ErrorCause, NewMo, StoreError},
};
use rusqlite::OptionalExtension;

use super::{
    accept::{StoredMedia, insert_media},
    fault::Result,
    job::Tx,
    write,
};

/// A message from a handset, with everything done that needs no transaction.
pub(super) struct PreparedMo {
    new: NewMo,
    document: String,
    media: Option<StoredMedia>,
}

impl PreparedMo {
    /// Prepares a message; media of up to `inline_max` bytes go into the database.
    pub(super) fn new(new: NewMo, inline_max: usize) -> Result<Self, StoreError> {
        let document = serde_json::to_string(&new.mo).map_err(|error| {
            StoreError::Refused(ErrorCause::within("the message cannot be written", error))
        })?;
        let media = StoredMedia::of(new.id, &new.media, inline_max);
        Ok(Self { new, document, media })
    }
}

/// Stores a message, unless it repeats one.
pub(super) fn accept(tx: &mut Tx<'_>, message: &PreparedMo) -> Result<Acceptance> {
    tx.has_room(Demand::New)?;
    let new = &message.new;
    match repeated(tx, new)? {
        // An earlier try stored it.
        Some(id) if id == new.id => return Ok(Acceptance::Fresh),
        Some(id) => return Ok(Acceptance::Repeats(id)),
        None if is_stored(tx, new)? => return Ok(Acceptance::Fresh),
        None => {}
    }
    tx.execute(
        "INSERT INTO mo (id, received_at, account, carrier, transaction_id, digest, linked_id, content, document,
                         has_media)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id.number(),
            new.received_at.as_millisecond(),
            &new.account.0,
            new.carrier.as_str(),
            &new.mo.transaction_id,
            &new.digest.0,
            &new.linked_id,
            &new.content.0,
            &message.document,
            message.media.is_some(),
        ),
    )?;
    if let Some(media) = &message.media {
        insert_media(tx, new.id, media)?;
    }
    write::note_record(tx, new.id, new.received_at)?;
    write::owe(tx, new.id, &new.account, &callback::of_mo(new.received_at))?;
    Ok(Acceptance::Fresh)
}

/// Whether it is there under its own id, though it repeats nothing.
fn is_stored(tx: &Tx<'_>, new: &NewMo) -> Result<bool> {
    let stored = "SELECT 1 FROM mo WHERE id = ? AND transaction_id = ? AND digest = ? AND carrier = ?";
    let values = (new.id.number(), &new.mo.transaction_id, &new.digest.0, new.carrier.as_str());
    Ok(tx.prepare(stored)?.exists(values)?)
}

fn repeated(tx: &Tx<'_>, new: &NewMo) -> Result<Option<Id>> {
    match repeated_transaction(tx, new)? {
        Some(id) => Ok(Some(id)),
        None => repeated_linked_id(tx, new),
    }
}

fn repeated_linked_id(tx: &Tx<'_>, new: &NewMo) -> Result<Option<Id>> {
    let Some(linked_id) = &new.linked_id else { return Ok(None) };
    let found: Option<i64> = tx
        .prepare(
            "SELECT id FROM mo WHERE linked_id = ? AND content = ? AND carrier = ? AND received_at >= ?
             ORDER BY id LIMIT 1",
        )?
        .query_row(
            (linked_id, &new.content.0, new.carrier.as_str(), new.repeats_since.as_millisecond()),
            |row| row.get(0),
        )
        .optional()?;
    Ok(found.and_then(Id::from_number))
}

fn repeated_transaction(tx: &Tx<'_>, new: &NewMo) -> Result<Option<Id>> {
    let found: Option<i64> = tx
        .prepare(
            "SELECT id FROM mo WHERE transaction_id = ? AND digest = ? AND carrier = ? AND received_at >= ?
             ORDER BY id LIMIT 1",
        )?
        .query_row(
            (&new.mo.transaction_id, &new.digest.0, new.carrier.as_str(), new.repeats_since.as_millisecond()),
            |row| row.get(0),
        )
        .optional()?;
    Ok(found.and_then(Id::from_number))
}
