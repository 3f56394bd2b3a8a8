//! Bodies of media as a backend sees them: written, read, and thrown away.

use std::{collections::HashSet, fmt, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::{Timestamp, civil::Date};
use posthouse_core::{
    Id,
    id::IdSource,
    store::{ErrorCause, NewMessage, NewMo, StoreError},
};
use tokio::sync::Semaphore;

use super::{
    INLINE_MAX, ORPHAN_AGE,
    marker::{self, PlaceRefused},
    pack::{FoundBody, HEADER, MediaBody, document_length, unpack},
    packer::{Packer, WrittenBody, refused},
    place::{ListedObject, ObjectId, ObjectPlace, PlaceError},
};
use crate::media::record::Seal;

/// So many bodies at most are read at the same time.
const READS: usize = 16;
/// After what time it is worth asking again, when the place is away.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// So many objects are looked at in one step.
const PAGE: usize = 1000;

/// Media that are kept, or will be with the row: what that has to say of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptMedia {
    /// What identifies their bytes.
    pub(crate) seal: Seal,
    /// Where they are.
    pub(crate) place: KeptPlace,
}

/// Where the bytes of some media are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeptPlace {
    /// They lie in the row itself.
    Inline(Vec<u8>),
    /// They lie in an object.
    Object(WrittenBody),
}

/// The bodies of a store's media. Cheap to share in an `Arc`.
#[derive(Debug)]
pub(crate) struct MediaBodies {
    place: Arc<dyn ObjectPlace>,
    sign: String,
    packer: Packer,
    reads: Semaphore,
}

/// What a caller that brings something new is told while the place is away. Why it is away is in the log, once.
fn away(error: StoreError) -> StoreError {
    match error {
        StoreError::NotDone(_) => StoreError::Unavailable { retry_after: RETRY_AFTER },
        error => error,
    }
}

impl MediaBodies {
    /// Opens a place: it has to be this store's (its `identity`), and to take what is written. `begins`: whether the store has no place
    /// yet; then it may be nobody's, and is this store's from here on. `ids` names this node's objects: no other node uses the same number.
    /// To be called on a Tokio runtime.
    ///
    /// # Errors
    /// Why it cannot be used, in a sentence.
    pub(crate) async fn open(
        place: Arc<dyn ObjectPlace>,
        identity: &str,
        begins: bool,
        ids: IdSource,
    ) -> Result<Self, PlaceRefused> {
        let sign = marker::take(&*place, identity, begins).await?;
        let packer = Packer::start(Arc::clone(&place), ids);
        Ok(Self { packer, place, sign, reads: Semaphore::new(READS) })
    }

    /// What tells the place from others that were taken for the same store; empty where an earlier version took it.
    pub(crate) fn sign(&self) -> &str {
        &self.sign
    }

    /// That it is not the store's place after all.
    pub(crate) fn is_another(&self) -> PlaceRefused {
        PlaceRefused::Another { place: self.place.to_string() }
    }

    /// Keeps the media of a message, before the transaction that refers to them; `None`, if it has none.
    ///
    /// # Errors
    /// Those of [`write`](Self::write), and of a submission that cannot be written down. Where the place is away, so is the store, as far as
    /// this message is concerned: [`Unavailable`](StoreError::Unavailable).
    pub(crate) async fn keep(&self, new: &NewMessage) -> Result<Option<KeptMedia>, StoreError> {
        let kept = self.keep_parts(new.id, &new.media, || MediaBody::of_message(new)).await;
        kept.map_err(away)
    }

    /// Keeps the media of a message from a handset.
    ///
    /// # Errors
    /// Those of [`keep`](Self::keep).
    pub(crate) async fn keep_mo(&self, new: &NewMo) -> Result<Option<KeptMedia>, StoreError> {
        self.keep_parts(new.id, &new.media, || MediaBody::of_mo(new)).await.map_err(away)
    }

    /// Keeps media that were taken over from another store, with what is known of their message.
    ///
    /// # Errors
    /// Those of [`keep`](Self::keep).
    pub(crate) async fn keep_known(
        &self,
        id: Id,
        parts: &[Bytes],
        heading: Option<&serde_json::Value>,
    ) -> Result<Option<KeptMedia>, StoreError> {
        self.keep_parts(id, parts, || MediaBody::taken_over(id, heading, parts)).await
    }

    /// Writes a body once more, into an object of a later day than its own.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub(crate) async fn move_to(
        &self,
        day: Timestamp,
        id: Id,
        body: Bytes,
        heading: Option<&serde_json::Value>,
    ) -> Result<WrittenBody, StoreError> {
        let body = MediaBody::taken_over(id, heading, &[body]).map_err(|error| {
            StoreError::Refused(ErrorCause::within("the submission cannot be written", error))
        })?;
        self.write(body.of_day(day)).await
    }

    async fn keep_parts(
        &self,
        id: Id,
        parts: &[Bytes],
        body: impl FnOnce() -> serde_json::Result<MediaBody>,
    ) -> Result<Option<KeptMedia>, StoreError> {
        if parts.is_empty() {
            return Ok(None);
        }
        if parts.iter().map(Bytes::len).sum::<usize>() <= INLINE_MAX {
            return Ok(Some(KeptMedia {
                seal: Seal::of(id, parts),
                place: KeptPlace::Inline(parts.concat()),
            }));
        }
        let body = body().map_err(|error| {
            StoreError::Refused(ErrorCause::within("the submission cannot be written", error))
        })?;
        let seal = body.seal();
        Ok(Some(KeptMedia { seal, place: KeptPlace::Object(self.write(body).await?) }))
    }

    /// Writes a body. It is durable when this returns, and nothing refers to it yet: a row has to do so within ten minutes.
    ///
    /// # Errors
    /// [`Overloaded`](StoreError::Overloaded) at once where too much is on the way already. Where the place is away, an error that
    /// [may pass](StoreError::may_pass): at once while that is known.
    pub(crate) async fn write(&self, body: MediaBody) -> Result<WrittenBody, StoreError> {
        self.packer.write(body).await
    }

    /// Reads a body that a row refers to. That the place does not answer [may pass](StoreError::may_pass), and says nothing about the
    /// body.
    ///
    /// # Errors
    /// [`NotFound`](StoreError::NotFound) where the place says that there is no such object; [`Corrupt`](StoreError::Corrupt) where its
    /// bytes are not the ones that were written.
    pub(crate) async fn read(
        &self,
        object: ObjectId,
        position: u64,
        seal: &Seal,
    ) -> Result<Bytes, StoreError> {
        if seal.length == 0 {
            return Ok(Bytes::new());
        }
        let _turn = self.reads.acquire().await.map_err(|_| StoreError::Closed)?;
        let end = position.saturating_add(seal.length);
        match self.place.read(&object.name(), position..end).await {
            Ok(body) if seal.fits(&body) => Ok(body),
            Ok(_) => Err(StoreError::Corrupt {
                place: format!("the media of {} at {position} of {}/{object}", seal.id, self.place),
                what: "its checksum does not match".into(),
            }),
            Err(PlaceError::Missing) => Err(StoreError::NotFound("media")),
            Err(error) => Err(refused(&*self.place, error)),
        }
    }

    /// Objects of a day, in the order of their names, from behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn list(
        &self,
        day: Date,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ListedObject>, StoreError> {
        self.place.list(day, after, limit).await.map_err(|error| refused(&*self.place, error))
    }

    /// What lies in an object, without the bodies themselves, in the order of their places. It ends where something is damaged.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn look_into(&self, object: &ListedObject) -> Result<Vec<FoundBody>, StoreError> {
        let (mut found, mut position) = (Vec::new(), 0);
        while let Some(body) = self.body_at(object.id, position).await? {
            position = body.end();
            let is_whole = position <= object.bytes;
            if is_whole {
                found.push(body);
            }
            if !is_whole || position == object.bytes {
                break;
            }
        }
        Ok(found)
    }

    async fn body_at(&self, object: ObjectId, position: u64) -> Result<Option<FoundBody>, StoreError> {
        let name = object.name();
        // Most documents are short: one request brings header and document.
        let guess = 4096;
        let read = async |length: u64| {
            let read = self.place.read(&name, position..position.saturating_add(length)).await;
            read.map_err(|error| refused(&*self.place, error))
        };
        let head = read(guess).await?;
        let Some(length) = document_length(&head) else { return Ok(None) };
        let needed = HEADER as u64 + length;
        let head = if needed > head.len() as u64 { read(needed).await? } else { head };
        Ok(unpack(&head, position))
    }

    /// Throws away objects of a day that no row refers to, and that are [old enough](ORPHAN_AGE) for none to come. `known` says which of
    /// some objects have a row. Returns how many went.
    ///
    /// # Errors
    /// Those of the place, and of `known`: what went is gone.
    pub(crate) async fn sweep_orphans<K, F>(
        &self,
        day: Date,
        now: Timestamp,
        mut known: K,
    ) -> Result<u64, StoreError>
    where
        K: FnMut(Vec<ObjectId>) -> F,
        F: Future<Output = Result<HashSet<ObjectId>, StoreError>>,
    {
        let (mut after, mut swept) = (None, 0);
        loop {
            let listed = self.list(day, after, PAGE).await?;
            after = listed.last().map(|object| object.id);
            let old: Vec<ObjectId> =
                listed.iter().map(|object| object.id).filter(|id| is_old(*id, now)).collect();
            if !old.is_empty() {
                let known = known(old.clone()).await?;
                let orphans: Vec<ObjectId> = old.into_iter().filter(|id| !known.contains(id)).collect();
                self.remove(&orphans).await?;
                swept += orphans.len() as u64;
            }
            if listed.len() < PAGE {
                return Ok(swept);
            }
        }
    }

    /// Throws away the objects of a day, at most `limit` (and a thousand); whether none is left.
    ///
    /// # Errors
    /// Those of the place: what went is gone, and the next call goes on.
    pub(crate) async fn drop_day(&self, day: Date, limit: usize) -> Result<bool, StoreError> {
        let limit = limit.min(PAGE);
        let listed = self.list(day, None, limit.saturating_add(1)).await?;
        let first: Vec<ObjectId> = listed.iter().map(|object| object.id).take(limit).collect();
        self.remove(&first).await?;
        let is_done = listed.len() <= limit;
        if is_done {
            self.place.forget_day(day).await.map_err(|error| refused(&*self.place, error))?;
        }
        Ok(is_done)
    }

    async fn remove(&self, objects: &[ObjectId]) -> Result<(), StoreError> {
        if objects.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = objects.iter().map(|object| object.name()).collect();
        self.place.remove(&names).await.map_err(|error| refused(&*self.place, error))
    }

    /// Whether something can be written, for readiness: an object is written and removed again.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        marker::check(&*self.place).await.map_err(|error| {
            StoreError::not_done(ErrorCause::within(
                format!("the media at {}", self.place),
                error.to_string(),
            ))
        })
    }

    /// Uploads what waits and ends; what comes later fails with [`Closed`](StoreError::Closed).
    pub(crate) async fn close(&self) {
        self.packer.close().await;
        self.reads.close();
    }
}

impl fmt::Display for MediaBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

fn is_old(object: ObjectId, now: Timestamp) -> bool {
    now.duration_since(object.0.time()).unsigned_abs() >= ORPHAN_AGE && now > object.0.time()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        media::objects::{shared_folder::SharedFolder, testing::MemoryPlace},
        suite::{
            bed::{at, message, mo, with_media},
            media::noise,
        },
    };

    /// Bodies in a place, as node 3.
    pub(in crate::media::objects) async fn bodies(place: impl ObjectPlace) -> MediaBodies {
        MediaBodies::open(Arc::new(place), "store-1", true, IdSource::new(3, None)).await.unwrap()
    }

    /// What has to hold in any place.
    pub(in crate::media::objects) async fn assert_keeps_bodies(place: impl ObjectPlace) {
        let bodies = bodies(place).await;
        let mut written = Vec::new();
        for (now, length) in [(0, 9000), (0, 300_000), (86_400, 10)] {
            let media = noise(length, usize::try_from(length).unwrap());
            let new = with_media(message(now), std::slice::from_ref(&media));
            let body = MediaBody::of_message(&new).unwrap();
            let seal = body.seal();
            written.push((bodies.write(body).await.unwrap(), seal, media));
        }
        for (place, seal, media) in &written {
            assert_eq!(bodies.read(place.object, place.position, seal).await.unwrap(), media);
            let wrong = Seal { crc: seal.crc ^ 1, ..*seal };
            let error = bodies.read(place.object, place.position, &wrong).await.unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        }
        let (first, second) = (written[0].0.object.day(), written[2].0.object.day());
        let listed = bodies.list(first, None, 10).await.unwrap();
        let objects: Vec<_> = listed.iter().map(|object| object.id).collect();
        assert_eq!(objects, [written[0].0.object, written[1].0.object]);
        assert_eq!(listed[0].bytes, written[0].0.object_bytes);
        assert_eq!(bodies.list(first, Some(objects[0]), 10).await.unwrap(), listed[1..]);
        assert_eq!(bodies.list(first, None, 1).await.unwrap(), listed[..1]);
        let found = bodies.look_into(&listed[1]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].seal, found[0].position), (written[1].1, written[1].0.position));
        assert!(!bodies.drop_day(first, 1).await.unwrap());
        assert!(bodies.drop_day(first, 1).await.unwrap());
        assert!(bodies.drop_day(first, 1).await.unwrap(), "it is gone already");
        let (place, seal, _) = &written[1];
        assert_eq!(bodies.read(place.object, place.position, seal).await, Err(StoreError::NotFound("media")));
        let (place, seal, media) = &written[2];
        assert_eq!(bodies.read(place.object, place.position, seal).await.unwrap(), media);
        assert_eq!(bodies.list(second, None, 10).await.unwrap().len(), 1);
        bodies.check().await.unwrap();
        bodies.close().await;
    }

    #[tokio::test]
    async fn a_place_in_memory_keeps_bodies() {
        assert_keeps_bodies(MemoryPlace::default()).await;
    }

    #[tokio::test]
    async fn a_shared_folder_keeps_bodies() {
        let folder = tempfile::tempdir().unwrap();
        assert_keeps_bodies(SharedFolder::open(folder.path()).await.unwrap()).await;
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the marker and one day: {left:?}");
    }

    #[tokio::test]
    async fn small_media_lie_in_the_row_and_large_ones_in_an_object() {
        let place = MemoryPlace::default();
        let bodies = bodies(place.clone()).await;
        assert_eq!(bodies.keep(&message(0)).await, Ok(None));
        let small = with_media(message(0), &[vec![1; 8000], vec![], vec![2; 192]]);
        let kept = bodies.keep(&small).await.unwrap().unwrap();
        assert_eq!(kept.seal, Seal::of(small.id, &small.media));
        assert_eq!(kept.place, KeptPlace::Inline([&[1; 8000][..], &[2; 192]].concat()));
        assert_eq!(place.names().len(), 1, "the marker");
        let large = with_media(message(0), &[vec![1; 8000], vec![2; 193]]);
        let kept = bodies.keep(&large).await.unwrap().unwrap();
        let KeptPlace::Object(written) = kept.place else { panic!("{kept:?}") };
        let read = bodies.read(written.object, written.position, &kept.seal).await.unwrap();
        assert_eq!(read, [&[1; 8000][..], &[2; 193]].concat());
        let handset = mo("transaction-1", &[vec![3; 9000]], 0);
        let kept = bodies.keep_mo(&handset).await.unwrap().unwrap();
        assert_eq!(kept.seal, Seal::of(handset.id, &handset.media));
        assert_eq!(place.names().len(), 3);
    }

    #[tokio::test]
    async fn only_old_objects_without_a_row_are_orphans() {
        let bodies = bodies(MemoryPlace::default()).await;
        let mut objects = Vec::new();
        for now in [0, 1, 2] {
            let new = with_media(message(now), &[vec![1; 9000]]);
            objects.push(bodies.write(MediaBody::of_message(&new).unwrap()).await.unwrap().object);
        }
        let day = objects[0].day();
        let known = objects[1];
        let rows = move |asked: Vec<ObjectId>| async move {
            Ok(asked.into_iter().filter(|id| *id == known).collect::<HashSet<_>>())
        };
        assert_eq!(bodies.sweep_orphans(day, at(86_399), rows).await, Ok(0), "too young");
        assert_eq!(bodies.sweep_orphans(day, at(86_401), rows).await, Ok(1));
        assert_eq!(bodies.sweep_orphans(day, at(90_000), rows).await, Ok(1));
        let left = bodies.list(day, None, 10).await.unwrap();
        assert_eq!(left.iter().map(|object| object.id).collect::<Vec<_>>(), [known]);
    }

    #[tokio::test]
    async fn a_place_that_is_away_loses_nothing() {
        let place = MemoryPlace::default();
        let bodies = bodies(place.clone()).await;
        let body = MediaBody::of_message(&with_media(message(0), &[vec![1; 9000]])).unwrap();
        let seal = body.seal();
        let written = bodies.write(body).await.unwrap();
        place.set_away(true);
        let refused = bodies.keep(&with_media(message(0), &[vec![1; 9000]])).await.unwrap_err();
        assert_eq!(refused, StoreError::Unavailable { retry_after: Duration::from_secs(5) });
        let error = bodies.read(written.object, written.position, &seal).await.unwrap_err();
        assert!(error.may_pass(), "{error}");
        assert!(bodies.check().await.unwrap_err().may_pass());
        assert!(bodies.drop_day(written.object.day(), 10).await.unwrap_err().may_pass());
        place.set_away(false);
        assert!(bodies.read(written.object, written.position, &seal).await.is_ok());
    }
}
