//! Refusals are kept, so that they can be explained: noted once they are answered, judged and stored by one task that takes its time.
//! Nobody waits for it, and a flood of refusals costs neither memory nor a core.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use mm7::Dialect;
use posthouse_core::{
    account::AccountName,
    lock::Mutex,
    refusal::{LONGEST_JUDGED, MOST_A_SECOND, RefusedRequest, findings, is_counted},
    store::{NewRefusal, RefusalStore, Store},
    submit::Reject,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// How often what was noted is stored.
const EVERY: Duration = Duration::from_secs(1);
/// For how long of that requests may be judged: a twentieth of a core.
const JUDGING: Duration = Duration::from_millis(50);
/// How many bytes of requests may wait to be judged. What is beyond is kept without findings.
const BYTES: usize = 8 << 20;
/// How many kinds of refusals are counted at a time.
const KINDS: usize = 1024;

/// A refusal that was answered.
#[derive(Debug)]
pub struct NotedRefusal {
    /// What is kept of it, but for its findings.
    pub refusal: RefusedRequest,
    /// Why it was refused.
    pub reject: Reject,
    /// The dialect that answered.
    pub dialect: &'static Dialect,
    /// Its body, where it was read whole.
    pub body: Option<Bytes>,
}

/// What makes refusals the same where they are only counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefusalKind {
    /// The row that refused.
    pub row: u8,
    /// The address.
    pub peer: IpAddr,
    /// Whose it was.
    pub account: Option<AccountName>,
}

/// Refusals that wait to be stored.
#[derive(Debug, Default)]
pub struct RefusalBook {
    waiting: Mutex<Waiting>,
    some: Notify,
    left_out: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    single: VecDeque<NotedRefusal>,
    /// How many bytes their bodies have.
    bytes: usize,
    counted: HashMap<RefusalKind, (NotedRefusal, u64)>,
}

impl RefusalBook {
    /// Notes a refusal, which is only made into one where there is room. It never waits.
    pub fn note(&self, reject: Reject, kind: &RefusalKind, noted: impl FnOnce() -> NotedRefusal) {
        let mut waiting = self.waiting.lock();
        let has_room = match is_counted(reject) {
            true => waiting.count(kind, noted),
            false => waiting.add(noted),
        };
        drop(waiting);
        match has_room {
            true => self.some.notify_one(),
            false => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn take(&self) -> Vec<(NotedRefusal, u64)> {
        let Waiting { single, counted, .. } = std::mem::take(&mut *self.waiting.lock());
        single.into_iter().map(|noted| (noted, 1)).chain(counted.into_values()).collect()
    }
}

impl Waiting {
    fn count(&mut self, kind: &RefusalKind, noted: impl FnOnce() -> NotedRefusal) -> bool {
        if let Some((_, times)) = self.counted.get_mut(kind) {
            *times += 1;
            return true;
        }
        let has_room = self.counted.len() < KINDS;
        if has_room {
            self.counted.insert(kind.clone(), (NotedRefusal { body: None, ..noted() }, 1));
        }
        has_room
    }

    fn add(&mut self, noted: impl FnOnce() -> NotedRefusal) -> bool {
        if self.single.len() >= MOST_A_SECOND {
            return false;
        }
        let mut noted = noted();
        let length = noted.body.as_ref().map_or(0, Bytes::len);
        if length > LONGEST_JUDGED || self.bytes.saturating_add(length) > BYTES {
            noted.body = None;
        } else {
            self.bytes += length;
        }
        self.single.push_back(noted);
        true
    }
}

/// Stores what is noted, till the gateway stops; then what is left.
pub async fn keep(book: Arc<RefusalBook>, store: Arc<dyn Store>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = book.some.notified() => {}
        }
        keep_noted(&book, &*store).await;
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(EVERY) => {}
        }
    }
    keep_noted(&book, &*store).await;
}

async fn keep_noted(book: &RefusalBook, store: &dyn RefusalStore) {
    let noted = book.take();
    let left_out = book.left_out.swap(0, Ordering::Relaxed);
    if left_out > 0 {
        tracing::warn!(left_out, "more is refused than is kept");
    }
    if noted.is_empty() {
        return;
    }
    let judging = tokio::task::spawn_blocking(move || judged(noted, Instant::now() + JUDGING));
    let kept = match judging.await {
        Ok(kept) => store.keep_refusals(&kept).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = kept {
        tracing::warn!(error, "refusals could not be kept");
    }
}

/// Each with its findings, as long as there is time. The oldest come first.
fn judged(noted: Vec<(NotedRefusal, u64)>, until: Instant) -> Vec<NewRefusal> {
    let judge = |(noted, times): (NotedRefusal, u64)| {
        let NotedRefusal { mut refusal, reject, dialect, body } = noted;
        if let Some(body) = body
            && Instant::now() < until
        {
            let head = format!("{}\r\n\r\n", refusal.details.head.trim_end());
            refusal.details.findings = findings(&head, &body, reject, dialect);
        }
        NewRefusal { refusal, times, counted: is_counted(reject) }
    };
    noted.into_iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use posthouse_core::refusal::RefusalDetails;

    use super::*;

    fn noted(reject: Reject, body: &'static [u8]) -> NotedRefusal {
        NotedRefusal {
            refusal: RefusedRequest {
                at: Timestamp::UNIX_EPOCH,
                account: None,
                code: reject.status(),
                row: 1,
                check: String::new(),
                peer: "192.0.2.7".parse().unwrap(),
                transaction_id: None,
                recipient_hash: None,
                details: RefusalDetails::default(),
            },
            reject,
            dialect: Dialect::POSTHOUSE,
            body: Some(Bytes::from_static(body)),
        }
    }

    fn kind(row: u8) -> RefusalKind {
        RefusalKind { row, peer: "192.0.2.7".parse().unwrap(), account: None }
    }

    #[test]
    fn a_flood_of_wrong_keys_is_one_that_is_counted() {
        let book = RefusalBook::default();
        for _ in 0..100_000 {
            book.note(Reject::UnknownVaspId, &kind(11), || noted(Reject::UnknownVaspId, b""));
        }
        let taken = book.take();
        assert_eq!((taken.len(), taken[0].1), (1, 100_000));
        assert!(taken[0].0.body.is_none(), "nothing of it is judged");
        assert!(book.take().is_empty());
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_bytes() {
        static LONG: [u8; 1 << 20] = [b'x'; 1 << 20];
        let book = RefusalBook::default();
        for _ in 0..MOST_A_SECOND + 7 {
            book.note(Reject::NoContent, &kind(21), || noted(Reject::NoContent, &LONG));
        }
        let taken = book.take();
        assert_eq!(taken.len(), MOST_A_SECOND);
        assert_eq!(taken.iter().filter(|(noted, _)| noted.body.is_some()).count(), BYTES / LONG.len());
        assert_eq!(book.left_out.load(Ordering::Relaxed), 7);
    }

    #[test]
    fn where_there_is_no_time_left_nothing_is_judged() {
        let broken = || vec![(noted(Reject::Decode(mm7::Rule::NotWellFormed), b"<a"), 1)];
        let late = judged(broken(), Instant::now());
        assert!(late[0].refusal.details.findings.is_empty());
        let judged = judged(broken(), Instant::now() + Duration::from_secs(60));
        assert!(!judged[0].refusal.details.findings.is_empty());
    }
}
