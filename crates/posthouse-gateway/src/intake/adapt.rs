//! Pictures made small enough for a carrier (docs/adaptation.md), away from the threads that serve.
//!
//! As many pictures are in work as there are processors, within a budget of memory that each takes by its head before anything of it
//! is decoded. A request waits for its turn in a bounded queue and for a bounded time; its turn has a bounded time as well, and ends when
//! nobody waits for the answer any more. Accounts have turns, and no account has all of the queue; a picture that failed is remembered for a
//! while.

mod failed;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use bytes::Bytes;
use posthouse_core::submit::{AdaptFact, Adaptation, Adapted, ContentFacts, SHED_FOR, insert_adapted};
use posthouse_media::PictureFormat;
pub use posthouse_media::{Fitted, PictureError, Wish, fit, memory};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use self::failed::{Failed, PictureKey, digest};
use crate::shares::{Claim, Most, ShareRule, Shares};

/// How much is done at a time, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptLimits {
    /// How many messages may be in work or wait for it.
    pub messages: usize,
    /// How many may be in work.
    pub at_a_time: usize,
    /// How long a message waits for its turn.
    pub wait: Duration,
    /// How long the pictures of a message may take.
    pub work: Duration,
    /// How much memory pictures in work may take together, in KiB.
    pub memory_kib: u32,
}

impl Default for AdaptLimits {
    /// What docs/adaptation.md says. The largest picture that is decoded takes nearly all of the memory.
    fn default() -> Self {
        Self {
            messages: 64,
            at_a_time: available_parallelism().map_or(1, NonZeroUsize::get),
            wait: Duration::from_secs(5),
            work: Duration::from_secs(10),
            memory_kib: 512 << 10,
        }
    }
}

/// What makes a picture fit: [`fit`], but in tests. It may take seconds, and is told when to stop.
pub type Codec = Arc<dyn Fn(&[u8], &Wish, &dyn Fn() -> bool) -> Result<Fitted, PictureError> + Send + Sync>;

/// Why the pictures of a message were not adapted.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Too many messages are in work or wait for it.
    #[error("too many pictures are waiting")]
    NoRoom,
    /// It did not get its turn, or memory, in time.
    #[error("there was no turn, or no memory, in time")]
    TooLate,
    /// A picture that failed lately.
    #[error("part {}: it failed before, less than ten minutes ago", .place + 1)]
    Again { place: usize },
    /// A picture cannot be made to fit.
    #[error("part {}: {source}", .place + 1)]
    Picture { place: usize, source: PictureError },
    /// A task of our own broke off.
    #[error("adapting broke off: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
}

/// Adapts pictures. Clones share their limits.
#[derive(Clone)]
pub struct Adapter {
    limits: AdaptLimits,
    codec: Codec,
    places: Shares<String>,
    turns: Shares<String>,
    failed: Arc<Failed>,
    memory: Arc<Semaphore>,
}

impl Default for Adapter {
    fn default() -> Self {
        Self::new(AdaptLimits::default(), Arc::new(fit))
    }
}

impl Adapter {
    /// An adapter within these limits.
    pub fn new(limits: AdaptLimits, codec: Codec) -> Self {
        Self {
            limits,
            codec,
            places: Shares::new(ShareRule::as_much_as_is_left(limits.messages)),
            // One is left for others, where there are several.
            turns: Shares::new(ShareRule {
                most: Most::Units(limits.at_a_time.saturating_sub(1).max(1)),
                ..ShareRule::as_much_as_is_left(limits.at_a_time)
            }),
            failed: Arc::default(),
            memory: Arc::new(Semaphore::new(limits.memory_kib as usize)),
        }
    }

    /// Makes the pictures of content what is asked of them. Dropping the future stops the work at its next step.
    ///
    /// What fails is logged here, with the account and the TransactionID of the message.
    pub async fn adapt(
        &self,
        content: &ContentFacts,
        wanted: &[Adaptation],
        message: (Option<String>, Option<&str>),
    ) -> AdaptFact {
        let account = message.0.as_deref().unwrap_or_default();
        let failure = match self.adapted(content, wanted, account).await {
            Ok(adapted) => return AdaptFact::Adapted(insert_adapted(content, adapted)),
            Err(failure) => failure,
        };
        let (account, transaction_id) = message;
        match failure {
            Failure::NoRoom | Failure::TooLate => {
                tracing::warn!(account, transaction_id, reason = %failure, "pictures were not adapted: shedding load");
                AdaptFact::NoRoom { retry_after: SHED_FOR }
            }
            Failure::Picture { .. } | Failure::Again { .. } => {
                tracing::info!(account, transaction_id, reason = %failure, "pictures were not adapted");
                AdaptFact::Failed
            }
            Failure::BrokeOff(_) => {
                tracing::error!(account, transaction_id, reason = %failure, "pictures were not adapted");
                AdaptFact::Failed
            }
        }
    }

    async fn adapted(
        &self,
        content: &ContentFacts,
        wanted: &[Adaptation],
        account: &str,
    ) -> Result<Vec<Adapted>, Failure> {
        let _place = self.places.one_now(account.to_owned()).ok_or(Failure::NoRoom)?;
        let pictures: Vec<_> = wanted
            .iter()
            .filter_map(|wish| Some((*wish, content.media.get(wish.place)?.bytes.clone())))
            .map(|(wish, bytes)| (digest(&bytes, &becomes(&wish)), wish, bytes))
            .collect();
        if let Some((_, wish, _)) = pictures.iter().find(|(digest, ..)| self.failed.holds(digest)) {
            return Err(Failure::Again { place: wish.place });
        }
        let turn = self.turns.one(account.to_owned(), Instant::now() + self.limits.wait).await;
        let turn = turn.map_err(|_| Failure::TooLate)?;
        let stopped = StopOnDrop::default();
        let job = Resize {
            pictures,
            failed: Arc::clone(&self.failed),
            until: Instant::now() + self.limits.work,
            stopped: Arc::clone(&stopped.0),
            codec: Arc::clone(&self.codec),
            memory: Arc::clone(&self.memory),
            memory_kib: self.limits.memory_kib,
            handle: Handle::current(),
            _turn: turn,
        };
        spawn_blocking(move || job.run()).await?
    }
}

fn becomes(wish: &Adaptation) -> Wish {
    let max_bytes = usize::try_from(wish.max_bytes).unwrap_or(usize::MAX);
    Wish { max_bytes, jpeg: wish.jpeg, png: wish.png }
}

/// A picture in the codec: one at which the codec breaks is remembered on the way out.
struct Trying<'f> {
    failed: &'f Failed,
    digest: Option<PictureKey>,
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        if let Some(digest) = self.digest {
            self.failed.add(digest, None);
        }
    }
}

/// Tells a job that nobody waits for it any more.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The pictures of one message, in work. It holds its turn till it ends, whoever waits.
struct Resize {
    pictures: Vec<(PictureKey, Adaptation, Bytes)>,
    failed: Arc<Failed>,
    until: Instant,
    stopped: Arc<AtomicBool>,
    codec: Codec,
    memory: Arc<Semaphore>,
    memory_kib: u32,
    handle: Handle,
    _turn: Claim<String>,
}

impl Resize {
    fn run(self) -> Result<Vec<Adapted>, Failure> {
        self.pictures.iter().map(|(digest, wish, bytes)| self.adapt_once(*digest, wish, bytes)).collect()
    }

    /// Adapts a picture, and remembers it if it fails by itself.
    fn adapt_once(&self, digest: PictureKey, wish: &Adaptation, bytes: &Bytes) -> Result<Adapted, Failure> {
        let mut trying = Trying { failed: &self.failed, digest: Some(digest) };
        let adapted = self.adapt(wish, bytes);
        trying.digest = None;
        // Where nobody waits any more, nothing is known of the picture.
        if let Err(Failure::Picture { source, .. }) = &adapted
            && !self.stopped.load(Ordering::Relaxed)
        {
            self.failed.add(digest, Some(source));
        }
        adapted
    }

    fn adapt(&self, wish: &Adaptation, bytes: &Bytes) -> Result<Adapted, Failure> {
        let failed = |source| Failure::Picture { place: wish.place, source };
        let becomes = becomes(wish);
        let _memory = self.room(memory(bytes, &becomes).map_err(failed)?)?;
        let stop = || self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.until;
        if stop() {
            return Err(failed(PictureError::Stopped));
        }
        let fitted = (self.codec)(bytes, &becomes, &stop).map_err(failed)?;
        Ok(Adapted {
            place: wish.place,
            essence: if fitted.format == PictureFormat::Png { "image/png" } else { "image/jpeg" },
            bytes: fitted.bytes.into(),
            before: fitted.before.to_string(),
            after: fitted.after.to_string(),
        })
    }

    /// Waits for memory. What holds some is at work, and gives it back.
    fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Failure> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(self.memory_kib);
        let room = timeout_at(self.until, Arc::clone(&self.memory).acquire_many_owned(kib));
        let room = self.handle.block_on(room);
        room.ok().and_then(Result::ok).ok_or(Failure::TooLate)
    }
}
