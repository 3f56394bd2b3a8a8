//! Gathers bodies into objects and uploads them: one request for many messages.
//!
//! A body waits for others at most [`LINGER`], or for as long as [`UPLOADS`] uploads are under way; meanwhile its object grows up to
//! [`OBJECT_BYTES`]. Bodies are not copied: what waits or is under way is the memory of the requests that brought it, and is bounded by
//! [`WAITING_BYTES`]. A place that just failed is not asked again for a moment, so that nobody waits for what will not be.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use posthouse_core::{
    id::IdSource,
    lock::Mutex,
    store::{ErrorCause, StoreError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::{JoinHandle, JoinSet},
    time::{sleep_until, timeout},
};

use super::{
    pack::MediaBody,
    place::{ObjectId, ObjectPlace, PlaceError},
};

/// An object is not made longer than this by a further body.
pub(crate) const OBJECT_BYTES: u64 = 8 << 20;
/// How long a body waits for others.
const LINGER: Duration = Duration::from_millis(5);
/// How many objects are uploaded at the same time.
const UPLOADS: usize = 4;
/// So many bytes at most wait or are under way.
const WAITING_BYTES: u64 = 64 << 20;
/// In such units room is counted: a semaphore counts no further than 32 bits.
const ROOM_UNIT: u64 = 1 << 10;
/// So many bodies at most wait.
const QUEUE: usize = 4096;
/// How often an object is tried, under a name of its own each time.
const TRIES: u32 = 3;
/// How long after a failure a further try waits.
const PAUSE: Duration = Duration::from_millis(200);
/// How long all tries of an object may take, and so what waits for it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a place that failed is left alone; each failure in a row doubles it.
const FIRST_REST: Duration = Duration::from_millis(500);
/// And not longer than this.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// Where a body was written: what a row refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrittenBody {
    /// The object that it is in.
    pub(crate) object: ObjectId,
    /// How long that is, in bytes.
    pub(crate) object_bytes: u64,
    /// Where in it the body begins.
    pub(crate) position: u64,
}

/// A body that waits for its object.
struct Waiting {
    body: MediaBody,
    reply: oneshot::Sender<Result<WrittenBody, StoreError>>,
    _room: OwnedSemaphorePermit,
}

/// The packer of one node. Made on a Tokio runtime.
#[derive(Debug)]
pub(crate) struct Packer {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    room: Arc<Semaphore>,
    health: Arc<Mutex<Health>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Packer {
    /// Starts it; `ids` names the objects.
    pub(crate) fn start(place: Arc<dyn ObjectPlace>, ids: IdSource) -> Self {
        let (queue, bodies) = mpsc::channel(QUEUE);
        let health = Arc::new(Mutex::new(Health::default()));
        let uploader = Arc::new(Uploader { place, ids: Mutex::new(ids), health: Arc::clone(&health) });
        let task = tokio::spawn(gather(bodies, uploader));
        let units = usize::try_from(WAITING_BYTES / ROOM_UNIT).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(units)),
            health,
            task: Mutex::new(Some(task)),
        }
    }

    /// Writes a body; it is durable when this returns. Whoever stops waiting leaves an orphan behind, at most.
    ///
    /// # Errors
    /// [`Overloaded`](StoreError::Overloaded) at once where too much waits already; that the place is away.
    pub(crate) async fn write(&self, body: MediaBody) -> Result<WrittenBody, StoreError> {
        self.health.lock().may_be_asked(Instant::now())?;
        let units = u32::try_from(body.packed().min(WAITING_BYTES).div_ceil(ROOM_UNIT)).unwrap_or(u32::MAX);
        let room =
            Arc::clone(&self.room).try_acquire_many_owned(units).map_err(|_| StoreError::Overloaded)?;
        let (reply, written) = oneshot::channel();
        let queue = self.queue.lock().clone().ok_or(StoreError::Closed)?;
        queue.try_send(Waiting { body, reply, _room: room }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        drop(queue);
        written.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Uploads what waits and ends.
    pub(crate) async fn close(&self) {
        self.queue.lock().take();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.await.ok();
        }
    }
}

/// Gathers objects till nobody can bring any more bodies.
async fn gather(mut bodies: mpsc::Receiver<Waiting>, uploader: Arc<Uploader>) {
    let slots = Arc::new(Semaphore::new(UPLOADS));
    let mut uploads = JoinSet::new();
    let mut first = None;
    loop {
        let next = match first.take() {
            Some(body) => Some(body),
            None => bodies.recv().await,
        };
        let Some(body) = next else { break };
        let mut object = vec![body];
        let slot = fill(&mut bodies, &mut object, &mut first, &slots).await;
        while uploads.try_join_next().is_some() {}
        let uploader = Arc::clone(&uploader);
        uploads.spawn(async move {
            uploader.upload(object).await;
            drop(slot);
        });
    }
    while uploads.join_next().await.is_some() {}
}

/// Adds what comes till the object is full, or has waited and may be uploaded. What does not fit begins the next one.
async fn fill(
    bodies: &mut mpsc::Receiver<Waiting>,
    object: &mut Vec<Waiting>,
    rest: &mut Option<Waiting>,
    slots: &Arc<Semaphore>,
) -> Option<OwnedSemaphorePermit> {
    let mut bytes: u64 = object.iter().map(|waiting| waiting.body.packed()).sum();
    let lingered = tokio::time::Instant::now() + LINGER;
    let slot = async {
        sleep_until(lingered).await;
        Arc::clone(slots).acquire_owned().await.ok()
    };
    tokio::pin!(slot);
    while bytes < OBJECT_BYTES && rest.is_none() {
        tokio::select! {
            biased;
            more = bodies.recv() => match more {
                Some(waiting) if bytes + waiting.body.packed() <= OBJECT_BYTES => {
                    bytes += waiting.body.packed();
                    object.push(waiting);
                }
                Some(waiting) => *rest = Some(waiting),
                None => break,
            },
            slot = &mut slot => return slot,
        }
    }
    Arc::clone(slots).acquire_owned().await.ok()
}

#[derive(Debug)]
struct Uploader {
    place: Arc<dyn ObjectPlace>,
    ids: Mutex<IdSource>,
    health: Arc<Mutex<Health>>,
}

impl Uploader {
    async fn upload(&self, object: Vec<Waiting>) {
        let (mut pieces, mut positions, mut bytes) = (Vec::new(), Vec::new(), 0);
        for waiting in &object {
            positions.push(waiting.body.pack(bytes, &mut pieces));
            bytes += waiting.body.packed();
        }
        let newest = object.iter().map(|waiting| waiting.body.at()).max();
        let stored = match timeout(PATIENCE, self.create(newest, &pieces)).await {
            Ok(stored) => stored,
            Err(_) => Err(PlaceError::unavailable("it took too long")),
        };
        self.health.lock().note(&stored, Instant::now());
        for (waiting, position) in object.into_iter().zip(positions) {
            let written = stored.clone().map(|object| WrittenBody { object, object_bytes: bytes, position });
            // Who asked may have gone.
            waiting.reply.send(written.map_err(|error| refused(&*self.place, error))).ok();
        }
    }

    /// Writes an object; each try under another name, for one whose answer was lost may have been written.
    async fn create(
        &self,
        newest: Option<jiff::Timestamp>,
        pieces: &[Bytes],
    ) -> Result<ObjectId, PlaceError> {
        let mut last = PlaceError::Exists;
        for number in 0..TRIES {
            if number > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let id = ObjectId(self.ids.lock().next(newest.unwrap_or(jiff::Timestamp::MIN)));
            match self.place.create(&id.name(), pieces).await {
                Ok(()) => return Ok(id),
                Err(error @ (PlaceError::Exists | PlaceError::Unavailable(_))) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }
}

/// What a caller of the store is told.
pub(crate) fn refused(place: &dyn ObjectPlace, error: PlaceError) -> StoreError {
    match error {
        PlaceError::Full => StoreError::Full,
        error => StoreError::not_done(away(place.to_string(), &error)),
    }
}

fn away(place: String, error: &PlaceError) -> ErrorCause {
    ErrorCause::within(format!("the media at {place}"), error.to_string())
}

/// Whether the place is there, as far as the last upload told.
#[derive(Debug, Default)]
struct Health {
    failures: u32,
    rests_until: Option<Instant>,
    said: String,
}

impl Health {
    fn may_be_asked(&self, now: Instant) -> Result<(), StoreError> {
        match self.rests_until {
            Some(until) if now < until => {
                Err(StoreError::not_done(ErrorCause::within("media cannot be written", self.said.clone())))
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, stored: &Result<ObjectId, PlaceError>, now: Instant) {
        match stored {
            Ok(_) => {
                if self.failures > 0 {
                    tracing::info!("media are written again");
                }
                *self = Self::default();
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::error!(%error, "media cannot be written: messages whose media are large are answered 3510");
                }
                let rest = FIRST_REST.saturating_mul(1 << self.failures.min(4)).min(LONGEST_REST);
                self.failures = self.failures.saturating_add(1);
                self.rests_until = now.checked_add(rest);
                self.said = error.to_string();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        media::objects::{pack::unpack, testing::MemoryPlace},
        suite::{
            bed::{message, with_media},
            media::noise,
        },
    };

    fn body(length: usize) -> MediaBody {
        MediaBody::of_message(&with_media(message(0), &[noise(length as u64, length)])).unwrap()
    }

    fn packer(place: &MemoryPlace) -> Packer {
        Packer::start(Arc::new(place.clone()), IdSource::new(3, None))
    }

    #[tokio::test]
    async fn bodies_that_come_together_share_an_object() {
        let place = MemoryPlace::default();
        let packer = packer(&place);
        let (a, b, c) =
            tokio::join!(packer.write(body(10_000)), packer.write(body(20_000)), packer.write(body(9)));
        let written = [a.unwrap(), b.unwrap(), c.unwrap()];
        assert_eq!(place.names(), [written[0].object.name()]);
        assert_eq!(written.iter().map(|body| body.object).collect::<BTreeSet<_>>().len(), 1);
        let object = place.object(&written[0].object.name());
        let mut position = 0;
        for written in written {
            let found = unpack(&object.slice(usize::try_from(position).unwrap()..), position).unwrap();
            assert_eq!(found.position, written.position);
            assert_eq!(written.object_bytes, object.len() as u64);
            position = found.end();
        }
        assert_eq!(position, object.len() as u64);
        packer.close().await;
        assert_eq!(packer.write(body(1)).await, Err(StoreError::Closed));
    }

    #[tokio::test]
    async fn an_object_is_no_longer_than_its_limit_unless_one_body_is() {
        let place = MemoryPlace::default();
        let packer = packer(&place);
        let (a, b, c) = tokio::join!(
            packer.write(body(5 << 20)),
            packer.write(body(4 << 20)),
            packer.write(body(9 << 20)),
        );
        let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
        assert_eq!([a, b, c].iter().map(|body| body.object).collect::<BTreeSet<_>>().len(), 3);
        assert!(a.object_bytes < OBJECT_BYTES && b.object_bytes < OBJECT_BYTES);
        assert!(c.object_bytes > 9 << 20);
    }

    #[tokio::test]
    async fn a_name_that_is_taken_is_left_alone() {
        let place = MemoryPlace::default();
        let new = with_media(message(0), &[vec![1; 9000]]);
        let taken = ObjectId(IdSource::new(3, None).next(new.id.time())).name();
        place.create(&taken, &[Bytes::from_static(b"theirs")]).await.unwrap();
        let written = packer(&place).write(MediaBody::of_message(&new).unwrap()).await.unwrap();
        assert_ne!(written.object.name(), taken);
        assert_eq!(place.object(&taken), "theirs");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_is_tried_again_under_another_name() {
        let place = MemoryPlace::default();
        place.lose_answers(1);
        let written = packer(&place).write(body(9000)).await.unwrap();
        assert_eq!(place.names().len(), 2, "one is an orphan");
        assert_eq!(place.names()[1], written.object.name());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_away_is_left_alone_for_a_moment() {
        let place = MemoryPlace::default();
        place.set_away(true);
        let packer = packer(&place);
        let error = packer.write(body(9000)).await.unwrap_err();
        assert!(error.may_pass(), "{error}");
        assert_eq!(
            error.to_string(),
            "the store failed: the media at memory: it does not answer: it was taken away"
        );
        let asked = place.asked();
        assert!(packer.write(body(9000)).await.unwrap_err().may_pass());
        assert_eq!(place.asked(), asked, "it was not asked");
        place.set_away(false);
        packer.health.lock().rests_until = None;
        packer.write(body(9000)).await.unwrap();
        assert_eq!(packer.health.lock().failures, 0);
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let place = MemoryPlace::default();
        let hold = place.hold();
        let packer = Arc::new(packer(&place));
        let big = 16 << 20;
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let packer = Arc::clone(&packer);
                tokio::spawn(async move { packer.write(body(big)).await })
            })
            .collect();
        while packer.room.available_permits() > (17 << 20 >> 10) {
            tokio::task::yield_now().await;
        }
        assert_eq!(packer.write(body(big)).await, Err(StoreError::Overloaded));
        drop(hold);
        for written in waiting {
            written.await.unwrap().unwrap();
        }
        assert!(packer.write(body(big)).await.is_ok(), "the room was given back");
    }

    #[test]
    fn rests_grow_and_end_with_a_success() {
        let (mut health, now) = (Health::default(), Instant::now());
        let failed = || Err(PlaceError::unavailable("gone"));
        for milliseconds in [500, 1000, 2000, 4000, 5000, 5000] {
            health.note(&failed(), now);
            assert!(health.may_be_asked(now + Duration::from_millis(milliseconds - 1)).is_err());
            assert!(health.may_be_asked(now + Duration::from_millis(milliseconds)).is_ok());
        }
        let id = ObjectId(posthouse_core::Id::from_number(1).unwrap());
        health.note(&Ok(id), now);
        assert!(health.may_be_asked(now).is_ok());
    }
}
