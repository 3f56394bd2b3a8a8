//! How bodies lie in an object: one behind the other, each behind a header that names its message, and what was asked for with it.
//!
//! Rows say where a body begins, so that one range of the object is all that is read of it. What stands before it is for the day on which
//! the rows are gone: a database that was restored to an earlier time learns from the objects what was accepted since.

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use posthouse_core::{
    Id,
    store::{NewMessage, NewMo},
};
use serde::{Deserialize, Serialize};

use crate::media::record::Seal;

/// Begins each body's header; its last character is the version of the format.
const MAGIC: [u8; 4] = *b"PHB1";
/// Magic, checksum of the header, checksum of the body, length of the document, id, length of the body.
pub(crate) const HEADER: usize = 32;
/// No document is longer.
const DOCUMENT_MAX: u32 = 1 << 20;

/// A body to be written, with what was asked for with it.
#[derive(Clone, Debug)]
pub(crate) struct MediaBody {
    seal: Seal,
    /// The time of its message, or of what happened to it since: its object is of no earlier day.
    at: Timestamp,
    document: Bytes,
    parts: Vec<Bytes>,
}

/// Which way a message came, and what there is to know of it beside its media.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Heading {
    /// From a VASP.
    Submission(SubmissionHeading),
    /// From a handset.
    Mo(MoHeading),
}

/// A [`NewMessage`] without its media.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SubmissionHeading {
    /// The account's name.
    pub(crate) account: String,
    /// The carrier's id.
    pub(crate) carrier: String,
    /// When it was accepted, in milliseconds.
    pub(crate) accepted_at: i64,
    /// Identifies the content of the request.
    pub(crate) digest: [u8; 16],
    /// The submission, as JSON.
    pub(crate) submission: serde_json::Value,
}

/// A [`NewMo`] without its media.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MoHeading {
    /// The account's name.
    pub(crate) account: String,
    /// The carrier's id.
    pub(crate) carrier: String,
    /// When it was received, in milliseconds.
    pub(crate) received_at: i64,
    /// What it says, as JSON.
    pub(crate) mo: serde_json::Value,
}

impl Heading {
    /// That of a message that was taken over from another store, whose document is its submission.
    pub(crate) fn taken_over(
        account: &str,
        carrier: &str,
        id: Id,
        document: serde_json::Value,
    ) -> serde_json::Value {
        serde_json::json!({
            "kind": "taken_over", "account": account, "carrier": carrier, "accepted_at": id.time().as_millisecond(),
            "document": document,
        })
    }
}

impl MediaBody {
    /// The media of a message with what was asked for.
    pub(crate) fn of_message(new: &NewMessage) -> serde_json::Result<Self> {
        let heading = Heading::Submission(SubmissionHeading {
            account: new.account.0.clone(),
            carrier: new.carrier.0.clone(),
            accepted_at: new.accepted_at.as_millisecond(),
            digest: new.digest.0,
            submission: serde_json::to_value(&new.submission)?,
        });
        Self::new(new.id, &heading, &new.media)
    }

    /// The media of a message from a handset.
    pub(crate) fn of_mo(new: &NewMo) -> serde_json::Result<Self> {
        let heading = Heading::Mo(MoHeading {
            account: new.account.0.clone(),
            carrier: new.carrier.0.clone(),
            received_at: new.received_at.as_millisecond(),
            mo: serde_json::to_value(&new.mo)?,
        });
        Self::new(new.id, &heading, &new.media)
    }

    /// Media that were taken over from another store.
    pub(crate) fn taken_over(
        id: Id,
        heading: Option<&serde_json::Value>,
        parts: &[Bytes],
    ) -> serde_json::Result<Self> {
        let document = serde_json::to_vec(&heading)?.into();
        Ok(Self { seal: Seal::of(id, parts), at: id.time(), document, parts: parts.to_vec() })
    }

    fn new(id: Id, heading: &Heading, parts: &[Bytes]) -> serde_json::Result<Self> {
        let document = serde_json::to_vec(heading)?.into();
        Ok(Self { seal: Seal::of(id, parts), at: id.time(), document, parts: parts.to_vec() })
    }

    /// The same for an object of a later day.
    pub(crate) fn of_day(self, at: Timestamp) -> Self {
        Self { at: self.at.max(at), ..self }
    }

    /// From when on its object may be.
    pub(crate) const fn at(&self) -> Timestamp {
        self.at
    }

    /// What identifies its bytes.
    pub(crate) const fn seal(&self) -> Seal {
        self.seal
    }

    /// How many bytes of an object it takes.
    pub(crate) fn packed(&self) -> u64 {
        (HEADER + self.document.len()) as u64 + self.seal.length
    }

    /// Adds it to the pieces of an object, at this position; returns where the body itself begins. Nothing of the media is copied.
    pub(crate) fn pack(&self, position: u64, pieces: &mut Vec<Bytes>) -> u64 {
        let mut head = BytesMut::with_capacity(HEADER + self.document.len());
        let mut fields = [0; HEADER - 8];
        let mut rest = fields.as_mut_slice();
        rest.put_u32_le(self.seal.crc);
        rest.put_u32_le(u32::try_from(self.document.len()).unwrap_or(u32::MAX));
        rest.put_i64_le(self.seal.id.number());
        rest.put_u64_le(self.seal.length);
        head.put_slice(&MAGIC);
        head.put_u32_le(checksum(&fields, &self.document));
        head.put_slice(&fields);
        head.put_slice(&self.document);
        let body = position + head.len() as u64;
        pieces.push(head.freeze());
        pieces.extend(self.parts.iter().filter(|part| !part.is_empty()).cloned());
        body
    }
}

fn checksum(fields: &[u8], document: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(fields);
    crc.update(document);
    crc.finalize()
}

/// A body that was found in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundBody {
    /// What its bytes must be.
    pub(crate) seal: Seal,
    /// The [heading](Heading), as JSON.
    pub(crate) document: Bytes,
    /// Where the body begins in the object.
    pub(crate) position: u64,
}

impl FoundBody {
    /// Where the next one begins.
    pub(crate) const fn end(&self) -> u64 {
        self.position.saturating_add(self.seal.length)
    }
}

/// How long the document is that stands behind this header; `None` where it is none of ours.
pub(crate) fn document_length(header: &[u8]) -> Option<u64> {
    let (magic, rest) = header.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*rest.get(8..)?.first_chunk()?);
    (*magic == MAGIC && length <= DOCUMENT_MAX).then_some(u64::from(length))
}

/// The body whose header stands at this position of an object; `head`: the bytes from there on, header and document at least. `None`
/// where they are damaged.
pub(crate) fn unpack(head: &Bytes, position: u64) -> Option<FoundBody> {
    let length = document_length(head)?;
    let document = head.get(HEADER..)?.get(..usize::try_from(length).ok()?)?;
    let fields = head.get(8..HEADER)?;
    if head.get(4..8)? != checksum(fields, document).to_le_bytes() {
        return None;
    }
    let crc = u32::from_le_bytes(*fields.first_chunk()?);
    let id = Id::from_number(i64::from_le_bytes(*fields.get(8..)?.first_chunk()?))?;
    let bytes = u64::from_le_bytes(*fields.last_chunk()?);
    Some(FoundBody {
        seal: Seal { id, crc, length: bytes },
        document: head.slice_ref(document),
        position: position.checked_add(HEADER as u64 + length)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::suite::bed::{message, mo, with_media};

    fn concat(pieces: &[Bytes]) -> Bytes {
        pieces.concat().into()
    }

    #[test]
    fn bodies_lie_one_behind_the_other_with_what_was_asked_for() {
        let first = with_media(message(0), &[vec![1; 10], vec![], vec![2; 5]]);
        let second = mo("transaction-1", &[vec![3; 7]], 1);
        let mut pieces = Vec::new();
        let bodies = [MediaBody::of_message(&first).unwrap(), MediaBody::of_mo(&second).unwrap()];
        let mut position = 0;
        let mut places = Vec::new();
        for body in &bodies {
            places.push(body.pack(position, &mut pieces));
            position += body.packed();
        }
        let object = concat(&pieces);
        assert_eq!(object.len() as u64, position);
        let body = unpack(&object, 0).unwrap();
        assert_eq!((body.seal.id, body.position), (first.id, places[0]));
        let start = usize::try_from(body.position).unwrap();
        assert_eq!(object[start..start + 15], [&[1; 10][..], &[2; 5]].concat());
        assert!(body.seal.fits(&object[start..start + 15]));
        let Heading::Submission(heading) = serde_json::from_slice(&body.document).unwrap() else {
            panic!("a submission")
        };
        assert_eq!((heading.account.as_str(), heading.carrier.as_str()), ("acme", "31003"));
        assert_eq!(heading.submission["transaction_id"], first.submission.transaction_id.as_str());
        let next = unpack(&object.slice(usize::try_from(body.end()).unwrap()..), body.end()).unwrap();
        assert_eq!((next.seal.id, next.position, next.end()), (second.id, places[1], position));
    }

    #[test]
    fn a_damaged_header_is_none() {
        let mut pieces = Vec::new();
        MediaBody::of_message(&with_media(message(0), &[vec![1; 10]])).unwrap().pack(0, &mut pieces);
        let object = concat(&pieces);
        for position in 0..object.len() - 10 {
            let mut damaged = object.to_vec();
            damaged[position] ^= 0x10;
            assert_eq!(unpack(&damaged.into(), 0), None, "byte {position}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_body_or_none(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut ours = b"PHB1".to_vec();
            ours.extend(&bytes);
            unpack(&ours.into(), u64::MAX);
            unpack(&bytes.into(), 0);
        }
    }
}
