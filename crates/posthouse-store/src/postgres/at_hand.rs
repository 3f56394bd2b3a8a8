//! Where the media lie of messages that are about to be sent: their leases tell it on the way, so that sending them asks the database nothing more.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use posthouse_core::{Id, lock::Mutex, message::Submission, store::StoreError};

use super::{fault::BatchResult, record::PgRow};
use crate::{
    media::{
        objects::{bodies::MediaBodies, place::ObjectId},
        record::Seal,
    },
    stored::{corrupt_media, lengths, split},
};

/// So many are remembered: more than carriers have in hand at a time. The oldest are forgotten first.
const MOST: usize = 4096;

/// Media that lie in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaInObject {
    pub(super) seal: Seal,
    /// How long each part is.
    pub(super) lengths: Vec<usize>,
    pub(super) object: ObjectId,
    pub(super) position: u64,
}

impl MediaInObject {
    /// Those of a message, from a row with the columns of `media`; `None` where they lie elsewhere, or cannot be what they should be.
    pub(super) fn of(record: &PgRow<'_>, id: Id, submission: &Submission) -> BatchResult<Option<Self>> {
        if record.value::<Option<i64>>("object")?.is_none() {
            return Ok(None);
        }
        let crc: Option<i64> = record.value("crc")?;
        let (Some(Ok(crc)), Some(lengths)) = (crc.map(u32::try_from), lengths(&submission.parts)) else {
            return Ok(None);
        };
        let seal = Seal { id, crc, length: lengths.iter().map(|length| *length as u64).sum() };
        let position = record.known("position", |position: i64| u64::try_from(position).ok())?;
        Ok(Some(Self { seal, lengths, object: ObjectId(record.id("object")?), position }))
    }

    /// Their bytes, part by part.
    ///
    /// # Errors
    /// Those of [`MediaBodies::read`].
    pub(super) async fn read(&self, bodies: &MediaBodies) -> BatchResult<Vec<Bytes>, StoreError> {
        let body = bodies.read(self.object, self.position, &self.seal).await?;
        split(body, &self.lengths).ok_or_else(|| corrupt_media(self.seal.id))
    }
}

#[derive(Debug, Default)]
struct Remembered {
    of: HashMap<Id, MediaInObject>,
    /// In which order they came; those that were asked for are in it still.
    order: VecDeque<Id>,
}

/// Where media lie, of messages that were leased and not asked for yet.
#[derive(Debug, Default)]
pub(super) struct MediaAtHand(Mutex<Remembered>);

impl MediaAtHand {
    /// Remembers some.
    pub(super) fn note(&self, media: impl IntoIterator<Item = MediaInObject>) {
        let mut remembered = self.0.lock();
        for one in media {
            let id = one.seal.id;
            remembered.order.push_back(id);
            remembered.of.insert(id, one);
            if remembered.order.len() > MOST
                && let Some(oldest) = remembered.order.pop_front()
            {
                remembered.of.remove(&oldest);
            }
        }
    }

    /// Those of a message, once: retention may put them elsewhere later.
    pub(super) fn take(&self, id: Id) -> Option<MediaInObject> {
        self.0.lock().of.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(number: i64) -> MediaInObject {
        let id = Id::from_number(number).unwrap();
        let object = ObjectId(Id::from_number(7).unwrap());
        MediaInObject { seal: Seal { id, crc: 1, length: 9000 }, lengths: vec![9000], object, position: 0 }
    }

    #[test]
    fn media_are_told_once_and_the_oldest_are_forgotten() {
        let at_hand = MediaAtHand::default();
        let most = i64::try_from(MOST).unwrap();
        at_hand.note((1..=most).map(media));
        let id = |number| Id::from_number(number).unwrap();
        assert_eq!(at_hand.take(id(2)), Some(media(2)));
        assert_eq!(at_hand.take(id(2)), None, "once");
        at_hand.note([media(most + 1)]);
        assert_eq!(at_hand.take(id(1)), None, "the oldest went");
        for number in [3, most, most + 1] {
            assert_eq!(at_hand.take(id(number)), Some(media(number)));
        }
        at_hand.note((1..=3 * most).map(media));
        let remembered = at_hand.0.lock();
        assert!(remembered.of.len() <= MOST && remembered.order.len() <= MOST, "bounded");
    }
}
