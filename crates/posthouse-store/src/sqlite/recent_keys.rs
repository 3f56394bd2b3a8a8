//! What recent messages are found by, in the writer's memory: those that are not in `message_key` yet ([`message_key`](super::message_key)).
//!
//! Their rows are on disk, and everything here is made of these when a store is opened. What is here of a transaction that was undone
//! does no harm: whoever finds a message by a key compares its row.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    thread::{self, JoinHandle},
    vec,
};

use rusqlite::Connection;

use super::{
    fault::Result,
    message_key::{self, FirstKeys, KeyEntry, LearnedKeys, RowKeys, bucket_of},
};

/// How many messages are recent before they are put into the table.
const BATCH: usize = 16 << 10;
/// How many entries are put in by each transaction: a fraction of a millisecond.
const AT_A_TIME: usize = 256;
/// How many entries the writer brings into order itself: a fraction of a millisecond.
const SORTED_AT_ONCE: usize = 1 << 12;

/// Recent messages, by what they are found by.
#[derive(Debug)]
pub(super) struct RecentKeys {
    is_loaded: bool,
    /// Messages up to this id are in the table.
    keyed_to: i64,
    /// Those up to this one are, or are being put in: they are found there as well as here.
    being_keyed_to: i64,
    /// Recipient and TransactionID.
    messages: BTreeMap<i64, (i64, i64)>,
    /// By what makes a repetition.
    repetitions: BTreeSet<(i64, i64)>,
    /// By carrier and the carrier's MessageID; of each, the key of that MessageID alone.
    of_carriers: BTreeMap<(i64, i64), i64>,
    /// The buckets that there are in the table.
    buckets: BTreeSet<i64>,
    batch: Option<Batch>,
    /// How many messages are recent before they are put into the table.
    batch_from: usize,
}

/// What is to be put in.
#[derive(Debug)]
enum Batch {
    /// It is brought into order, by a thread of its own: tens of thousands of entries take some milliseconds, in which the writer would
    /// keep everybody waiting.
    Sorting(JoinHandle<Sorted>),
    /// It is being put in.
    Writing {
        left: vec::IntoIter<KeyEntry>,
        /// How many of them were put in by the transaction that is open.
        put: usize,
    },
}

/// Entries in their order, and the buckets that they lie in.
#[derive(Debug)]
struct Sorted {
    entries: Vec<KeyEntry>,
    buckets: BTreeSet<i64>,
}

impl Sorted {
    fn new(mut entries: Vec<KeyEntry>) -> Self {
        entries.sort_unstable();
        let buckets = entries.chunk_by(|one, other| one.bucket == other.bucket);
        let buckets = buckets.filter_map(|of_one| of_one.first()).map(|entry| entry.bucket).collect();
        Self { entries, buckets }
    }
}

impl Default for RecentKeys {
    /// Nothing is read yet.
    fn default() -> Self {
        Self::with_batches_of(BATCH)
    }
}

impl RecentKeys {
    /// With as many in a batch.
    fn with_batches_of(batch_from: usize) -> Self {
        Self {
            is_loaded: false,
            keyed_to: 0,
            being_keyed_to: 0,
            messages: BTreeMap::new(),
            repetitions: BTreeSet::new(),
            of_carriers: BTreeMap::new(),
            buckets: BTreeSet::new(),
            batch: None,
            batch_from,
        }
    }

    /// Reads what is recent in a store that is opened.
    pub(super) fn load(&mut self, connection: &Connection) -> Result<()> {
        let batch_from = self.batch_from;
        *self = Self { keyed_to: message_key::keyed_to(connection)?, ..Self::with_batches_of(batch_from) };
        self.being_keyed_to = self.keyed_to;
        message_key::above(connection, self.keyed_to, |row| {
            let is_recent = self.add(row.id, row.first);
            if let Some(learned) = row.learned.filter(|_| is_recent) {
                self.of_carriers.insert((learned.of_carrier, row.id), learned.carrier_message_id);
            }
        })?;
        let mut below = i64::MAX;
        while let Some(bucket) = message_key::bucket_below(connection, below)? {
            self.buckets.insert(bucket);
            below = bucket;
        }
        self.is_loaded = true;
        Ok(())
    }

    /// Whether what is recent was read.
    pub(super) const fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// Notes a new message; `false` when it has to be put into the table at once: its id is older than what is in there.
    #[must_use]
    pub(super) fn add(&mut self, id: i64, keys: FirstKeys) -> bool {
        if !self.is_recent(id) {
            return false;
        }
        self.messages.insert(id, (keys.recipient, keys.transaction_id));
        self.repetitions.extend(keys.repetition.map(|key| (key, id)));
        true
    }

    /// Notes that the carrier's MessageID is known; `false` as above.
    #[must_use]
    pub(super) fn learn(&mut self, id: i64, keys: LearnedKeys) -> bool {
        if !self.is_recent(id) {
            return false;
        }
        self.of_carriers.insert((keys.of_carrier, id), keys.carrier_message_id);
        true
    }

    /// Whether this message is here, and nobody began to put it into the table.
    fn is_recent(&mut self, id: i64) -> bool {
        let is_recent = id > self.being_keyed_to;
        if !is_recent {
            self.buckets.insert(bucket_of(id));
        }
        is_recent
    }

    /// A message is thrown away, or nothing repeats it any more.
    pub(super) fn forget(&mut self, row: &RowKeys, is_gone: bool) {
        if let Some(key) = row.first.repetition {
            self.repetitions.remove(&(key, row.id));
        }
        if is_gone {
            self.messages.remove(&row.id);
            if let Some(learned) = row.learned {
                self.of_carriers.remove(&(learned.of_carrier, row.id));
            }
        }
    }

    /// The recent messages that something may repeat, the oldest first, and the buckets of the table in which there may be more.
    pub(super) fn repeated(&self, key: i64, (from, since): (i64, i64)) -> (Vec<i64>, Vec<i64>) {
        let recent = self.repetitions.range((key, since)..=(key, i64::MAX)).map(|(_, id)| *id).collect();
        (recent, self.buckets.range(from..).copied().collect())
    }

    /// The recent messages that may have this MessageID of the carrier's, the newest first.
    pub(super) fn of_carrier(&self, key: i64) -> Vec<i64> {
        self.of_carriers.range((key, i64::MIN)..=(key, i64::MAX)).rev().map(|((_, id), _)| *id).collect()
    }

    /// The newest bucket of the table below this one.
    pub(super) fn bucket_below(&self, bucket: i64) -> Option<i64> {
        self.buckets.range((Bound::Unbounded, Bound::Excluded(bucket))).next_back().copied()
    }

    /// Puts some of what is recent into the table, once there is enough of it. To be called before each commit.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<()> {
        if self.batch.is_none() {
            if self.messages.len() < self.batch_from {
                return Ok(());
            }
            self.begin();
        }
        self.take_sorted();
        let Some(Batch::Writing { left, put }) = &mut self.batch else { return Ok(()) };
        let some = left.as_slice();
        let some = some.get(..AT_A_TIME).unwrap_or(some);
        for entry in some.iter().filter(|entry| self.messages.contains_key(&entry.message)) {
            message_key::insert(connection, *entry)?;
        }
        *put = some.len();
        if some.len() == left.len() {
            message_key::set_keyed_to(connection, self.being_keyed_to)?;
        }
        Ok(())
    }

    fn begin(&mut self) {
        let Some((newest, _)) = self.messages.last_key_value() else { return };
        self.being_keyed_to = *newest;
        let entries = self.entries();
        if entries.len() <= SORTED_AT_ONCE {
            return self.sorted(Sorted::new(entries));
        }
        match thread::Builder::new().name("store-keys".into()).spawn(move || Sorted::new(entries)) {
            Ok(sorting) => self.batch = Some(Batch::Sorting(sorting)),
            // There is no thread to be had.
            Err(_) => self.sorted(Sorted::new(self.entries())),
        }
    }

    /// What the table has of everything that is recent, in no order.
    fn entries(&self) -> Vec<KeyEntry> {
        let messages = self.messages.iter().flat_map(|(id, (one, other))| [(*one, *id), (*other, *id)]);
        let learned = self.of_carriers.iter().flat_map(|((one, id), other)| [(*one, *id), (*other, *id)]);
        let all = messages.chain(self.repetitions.iter().copied()).chain(learned);
        all.map(|(key, message)| KeyEntry { bucket: bucket_of(message), key, message }).collect()
    }

    /// Takes the entries that are in their order by now.
    fn take_sorted(&mut self) {
        let is_sorted = |batch: &mut Batch| matches!(batch, Batch::Sorting(thread) if thread.is_finished());
        let Some(Batch::Sorting(thread)) = self.batch.take_if(is_sorted) else { return };
        match thread.join() {
            Ok(sorted) => self.sorted(sorted),
            // Nothing is lost: the entries are made of what is recent, which is still here. Why it panicked is logged where it did.
            Err(_) => {
                let messages = self.messages.len();
                tracing::error!(
                    messages,
                    "keys of messages were not sorted, for the thread panicked; the next commit sorts them anew"
                );
            }
        }
    }

    fn sorted(&mut self, Sorted { entries, buckets }: Sorted) {
        self.buckets.extend(buckets);
        self.batch = Some(Batch::Writing { left: entries.into_iter(), put: 0 });
    }

    /// The transaction is committed: what it put in is in.
    pub(super) fn committed(&mut self) {
        let Some(Batch::Writing { left, put }) = &mut self.batch else { return };
        let put = std::mem::take(put);
        left.by_ref().take(put).for_each(drop);
        if left.len() > 0 {
            return;
        }
        let to = self.being_keyed_to;
        self.batch = None;
        self.keyed_to = to;
        self.messages = self.messages.split_off(&to.saturating_add(1));
        // Most of them go: what stays is put together anew, which is quicker than to take so many out.
        let repetitions = std::mem::take(&mut self.repetitions);
        self.repetitions = repetitions.into_iter().filter(|(_, id)| *id > to).collect();
        let of_carriers = std::mem::take(&mut self.of_carriers);
        self.of_carriers = of_carriers.into_iter().filter(|((_, id), _)| *id > to).collect();
    }

    /// The transaction is undone, and with it what it put in.
    pub(super) fn undone(&mut self) {
        if let Some(Batch::Writing { put, .. }) = &mut self.batch {
            *put = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::{Duration, Instant},
    };

    use posthouse_core::{
        Id,
        id::IdSource,
        lock::Mutex,
        message::Digest,
        store::{Acceptance, FirstAttempt, MessageFilter, NewMessage},
    };
    use tracing::{
        Event, Level, Metadata, Subscriber,
        span::{self, Attributes, Record},
    };

    use super::*;
    use crate::{
        sqlite::{
            accept::{self, PreparedMessage},
            job::Tx,
            load, schema, search, sweep, work,
        },
        suite::bed::{ME, at, carrier, lease, message, taken},
    };

    struct Store {
        connection: Connection,
        ids: IdSource,
        recent: Mutex<RecentKeys>,
    }

    impl Store {
        /// One that puts as many messages into the table at a time.
        fn new(batch: usize) -> Self {
            let mut connection = Connection::open_in_memory().unwrap();
            schema::migrate(&mut connection).unwrap();
            let recent = Mutex::new(RecentKeys::with_batches_of(batch));
            recent.lock().load(&connection).unwrap();
            Self { connection, ids: IdSource::new(0, None), recent }
        }

        fn run<T>(&mut self, run: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> T {
            let mut tx = Tx::new(&self.connection, None, &mut self.ids, false);
            tx.recent = Some(&self.recent);
            run(&mut tx).unwrap()
        }

        fn accept(&mut self, message: &NewMessage) -> Acceptance {
            let prepared = PreparedMessage::new(message, 0).unwrap();
            self.run(|tx| accept::accept(tx, &prepared))
        }

        /// Accepts a message, which the carrier takes under this id.
        fn taken(&mut self, known_as: &str, now: i64) -> NewMessage {
            let new = NewMessage {
                repeats_since: Some(at(0)),
                digest: Digest([now.to_le_bytes()[0]; 16]),
                first_attempt: FirstAttempt::Leased(lease(ME, now)),
                ..message(now)
            };
            assert_eq!(self.accept(&new), Acceptance::Fresh);
            self.learn(new.id, known_as, now);
            new
        }

        fn learn(&mut self, id: Id, known_as: &str, now: i64) {
            self.run(|tx| work::begin(tx, id, ME, "east", at(now + 60), at(now)));
            self.run(|tx| work::settle(tx, id, ME, &taken(known_as, now), "", &[], at(now)));
        }

        /// One commit.
        fn commit(&self) {
            let mut recent = self.recent.lock();
            recent.write(&self.connection).unwrap();
            recent.committed();
        }

        /// Each message is found by whatever it is found by, and nothing else is.
        fn finds(&mut self, all: &[(NewMessage, String)]) {
            let newest_first: Vec<Id> = all.iter().rev().map(|(new, _)| new.id).collect();
            let recipient = || Some("16175550100".to_owned());
            let of_recipient = MessageFilter { recipient: recipient(), ..MessageFilter::default() };
            assert_eq!(self.listed(&of_recipient, 1000), newest_first);
            if let Some(below) = newest_first.get(2) {
                let page = MessageFilter { below: Some(*below), ..of_recipient.clone() };
                let next: Vec<_> = newest_first.iter().skip(3).take(3).copied().collect();
                assert_eq!(self.listed(&page, 3), next);
            }
            let counted = search::count(&self.connection, &of_recipient, &[], 9).unwrap();
            assert_eq!(counted.first().map_or(0, |count| count.messages), all.len() as u64);
            for (new, known_as) in all {
                assert_eq!(
                    self.accept(&NewMessage { id: Id::from_number(1).unwrap(), ..new.clone() }),
                    Acceptance::Repeats(new.id)
                );
                let known = self.run(|tx| load::subject_by_carriers_id(tx, &carrier(), known_as));
                assert_eq!(known.map(|subject| subject.id), Some(new.id));
                let transaction_id = Some(new.submission.transaction_id.clone());
                let filter = MessageFilter { transaction_id, ..MessageFilter::default() };
                assert_eq!(self.listed(&filter, 9), [new.id]);
                let filter = MessageFilter { carrier_message_id: Some(known_as.clone()), ..filter };
                assert_eq!(self.listed(&filter, 9), [new.id]);
            }
            let unknown = self.run(|tx| load::subject_by_carriers_id(tx, &carrier(), "nobody"));
            assert_eq!(unknown, None);
        }

        fn listed(&self, filter: &MessageFilter, limit: usize) -> Vec<Id> {
            let found = search::messages(&self.connection, filter, limit).unwrap();
            found.into_iter().map(|message| message.id).collect()
        }

        fn entries(&self) -> i64 {
            self.connection.query_row("SELECT count(*) FROM message_key", [], |row| row.get(0)).unwrap()
        }
    }

    /// While they are recent, while they are put into the table, in it, and after the store is opened again at any of these moments.
    #[test]
    fn messages_are_found_wherever_their_keys_are() {
        let mut store = Store::new(60);
        let mut all = Vec::new();
        for number in 0..200 {
            // Several buckets.
            let (now, known_as) = (number * 400, format!("c-{number}"));
            all.push((store.taken(&known_as, now), known_as));
            store.commit();
            if number % 25 == 0 {
                store.finds(&all);
            }
            if number % 67 == 0 {
                store.recent.lock().load(&store.connection).unwrap();
            }
        }
        store.finds(&all);
        assert!(store.entries() > 0 && store.recent.lock().messages.len() < 200);
        store.recent.lock().load(&store.connection).unwrap();
        store.finds(&all);
        // What a program found that had indices.
        message_key::key_all(&store.connection, |_| ()).unwrap();
        store.recent.lock().load(&store.connection).unwrap();
        assert_eq!((store.entries(), store.recent.lock().messages.len()), (200 * 5, 0));
        store.finds(&all);
    }

    /// What a transaction put in that is undone is put in by the next.
    #[test]
    fn what_is_undone_is_put_in_again() {
        let mut store = Store::new(3);
        let mut all: Vec<_> =
            (0..3).map(|now| (store.taken(&format!("c-{now}"), now), format!("c-{now}"))).collect();
        store.connection.execute_batch("BEGIN").unwrap();
        store.recent.lock().write(&store.connection).unwrap();
        assert_eq!(store.entries(), 3 * 5);
        store.connection.execute_batch("ROLLBACK").unwrap();
        store.recent.lock().undone();
        assert_eq!((store.entries(), message_key::keyed_to(&store.connection).unwrap()), (0, -1));
        store.finds(&all);
        store.commit();
        assert_eq!(message_key::keyed_to(&store.connection).unwrap(), all[2].0.id.number());
        assert_eq!(store.entries(), 3 * 5);
        store.finds(&all);
        // An id that is older than what is in the table, and a MessageID that is learned only now.
        let late = NewMessage {
            repeats_since: Some(at(0)),
            first_attempt: FirstAttempt::Leased(lease(ME, 1)),
            ..message(1)
        };
        assert_eq!(store.accept(&late), Acceptance::Fresh);
        assert_eq!(store.entries(), 3 * 5 + 3);
        store.learn(late.id, "c-late", 1);
        assert_eq!(store.entries(), 4 * 5);
        all.push((late, "c-late".to_owned()));
        all.sort_by_key(|(new, _)| new.id);
        store.finds(&all);
    }

    /// What is too much to be sorted in between is sorted by a thread, and everything is found meanwhile.
    #[test]
    fn a_large_batch_is_sorted_beside_the_writer() {
        let messages = i32::try_from(SORTED_AT_ONCE / 5 + 1).unwrap();
        let mut store = Store::new(usize::try_from(messages).unwrap());
        let all: Vec<_> = (0..i64::from(messages))
            .map(|now| (store.taken(&format!("c-{now}"), now), format!("c-{now}")))
            .collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        store.recent.lock().begin();
        assert!(matches!(store.recent.lock().batch, Some(Batch::Sorting(_))));
        store.finds(&all);
        while store.recent.lock().keyed_to < all.last().unwrap().0.id.number() {
            assert!(Instant::now() < deadline);
            store.commit();
        }
        assert_eq!(store.entries(), i64::from(messages) * 5);
        store.finds(&all);
    }

    /// How many events were logged as errors.
    #[derive(Default)]
    struct ErrorCount(AtomicUsize);

    impl Subscriber for ErrorCount {
        fn enabled(&self, of: &Metadata<'_>) -> bool {
            *of.level() == Level::ERROR
        }

        fn new_span(&self, _: &Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn a_thread_that_panicked_is_logged_and_its_batch_is_begun_again() {
        let mut store = Store::new(1);
        let all = vec![(store.taken("c-1", 1), "c-1".to_owned())];
        let thread = thread::spawn(|| panic!("on purpose"));
        while !thread.is_finished() {
            thread::yield_now();
        }
        store.recent.lock().batch = Some(Batch::Sorting(thread));
        let logged = Arc::new(ErrorCount::default());
        tracing::subscriber::with_default(Arc::clone(&logged), || store.commit());
        assert_eq!((logged.0.load(Ordering::Relaxed), store.entries()), (1, 0));
        store.finds(&all);
        store.commit();
        assert_eq!(store.entries(), 5);
        store.finds(&all);
    }

    #[test]
    fn what_is_swept_leaves_no_key() {
        for commits in [0, 1] {
            let mut store = Store::new(2);
            for now in 0..2 {
                store.taken(&format!("c-{now}"), now);
            }
            (0..commits).for_each(|_| store.commit());
            assert_eq!(store.entries(), commits * 2 * 5);
            store
                .connection
                .execute_batch(
                    "DELETE FROM work; DELETE FROM callback; UPDATE message SET state = 10, changed_at = 0",
                )
                .unwrap();
            let candidates = sweep::find(&store.connection, at(9), at(9), 9).unwrap();
            assert_eq!(store.run(|tx| sweep::sweep(tx, &candidates)).messages, 2);
            let recent = store.recent.lock();
            assert_eq!((store.entries(), recent.messages.len()), (0, 0));
            assert!(recent.repetitions.is_empty() && recent.of_carriers.is_empty());
        }
    }
}
