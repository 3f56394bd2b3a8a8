//! What repetitions are told by: who sent what under which id is remembered under a hash of it, in buckets of six hours.
//!
//! Of several that come at once, on whatever node, one finds room under its key; the others wait for its commit and find it. So that this
//! holds across the border of two buckets, what comes close to one is remembered on both sides.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use posthouse_core::Id;

use super::{
    batch::BatchTx,
    fault::{BatchFault, BatchResult},
    partitioned::bucket,
    record::time,
    statements,
    value::values,
};

/// How close to the border of two buckets something belongs to both.
const BORDER: SignedDuration = SignedDuration::from_secs(60);
/// How often room is looked for beside those that are no repetitions of each other.
const TRIES: u32 = 16;

/// A hash of what makes a repetition.
pub(super) type SeenKey = [u8; 16];

/// The key of these parts of a request. `what` keeps kinds of requests apart.
pub(super) fn key(what: &str, parts: &[&[u8]]) -> SeenKey {
    let mut hash = blake3::Hasher::new();
    for part in [what.as_bytes()].iter().chain(parts) {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut key = [0; 16];
    hash.finalize_xof().fill(&mut key);
    key
}

/// Who is remembered.
struct Entry {
    bucket: i64,
    ordinal: i64,
    id: i64,
    at: i64,
}

/// What became of something to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It is now.
    Now,
    /// It was, under its own id.
    Before,
    /// It repeats this one, and is not remembered.
    Repeats(Id),
}

/// Remembers what came at this time under this id, unless it repeats one since `since`.
pub(super) async fn remember(
    tx: &BatchTx,
    key: SeenKey,
    id: Id,
    at: Timestamp,
    since: Option<Timestamp>,
) -> BatchResult<Remembered> {
    let own = bucket(at);
    // What another node remembers a moment later, by its clock, is in the next bucket at most.
    let (first, last) = (since.map_or(own, bucket).min(own).saturating_sub(1), own.saturating_add(1));
    let buckets = buckets(at);
    let mut ordinals = vec![0_i64; buckets.len()];
    for attempt in 0..TRIES {
        let adding = buckets.iter().zip(&ordinals).map(|(bucket, ordinal)| {
            tx.read(&statements::SEEN_ADD, values![*bucket, &key[..], *ordinal, id, at])
        });
        let adding = futures_util::future::join_all(adding);
        let (added, found) = tokio::join!(biased; adding, find(tx, key, first..=last));
        let added = added.into_iter().collect::<BatchResult<Vec<_>>>()?;
        let found = found?;
        let is_new = attempt > 0 || added.first().is_some_and(|added| !added.is_empty());
        if !is_new && found.iter().any(|entry| entry.id == id.number()) {
            return Ok(Remembered::Before);
        }
        if let Some(first) = repeated(&found, Some(id), since) {
            take_back(tx, key, id, at);
            return Ok(Remembered::Repeats(first));
        }
        let mut has_room = true;
        for (bucket, ordinal) in buckets.iter().zip(&mut ordinals) {
            let there = found.iter().filter(|entry| entry.bucket == *bucket);
            if !there.clone().any(|entry| entry.id == id.number()) {
                *ordinal = there.map(|entry| entry.ordinal + 1).max().unwrap_or(0);
                has_room = false;
            }
        }
        if has_room {
            return Ok(Remembered::Now);
        }
    }
    Err(BatchFault::Deferred)
}

/// What was remembered just now is not to be.
pub(super) fn take_back(tx: &BatchTx, key: SeenKey, id: Id, at: Timestamp) {
    for bucket in buckets(at) {
        tx.write(&statements::SEEN_FORGET, values![bucket, &key[..], id]);
    }
}

async fn find(tx: &BatchTx, key: SeenKey, within: RangeInclusive<i64>) -> BatchResult<Vec<Entry>> {
    let values = values![*within.start(), *within.end(), &key[..]];
    let rows = tx.read(&statements::SEEN_FIND, values).await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                bucket: row.try_get("bucket")?,
                ordinal: row.try_get("ordinal")?,
                id: row.try_get("id")?,
                at: row.try_get("at")?,
            })
        })
        .collect()
}

/// The first of these since a time, but for one.
fn repeated(found: &[Entry], but_for: Option<Id>, since: Option<Timestamp>) -> Option<Id> {
    let since = since?.as_millisecond();
    let first = found.iter().filter(|entry| entry.at >= since).map(|entry| entry.id);
    first.filter(|id| but_for.is_none_or(|own| own.number() != *id)).min().and_then(Id::from_number)
}

/// Who is remembered under a key since a time.
pub(super) async fn known(tx: &BatchTx, key: SeenKey, since: Timestamp) -> BatchResult<Option<Id>> {
    let found = find(tx, key, bucket(since).saturating_sub(1)..=i64::MAX).await?;
    Ok(repeated(&found, None, Some(since)))
}

/// Nothing is a repetition of this message any more.
pub(super) async fn forget(tx: &BatchTx, id: Id) -> BatchResult<()> {
    let Some(row) = tx.read_one(&statements::SEEN_KEY, values![id]).await? else { return Ok(()) };
    let (key, at): (&[u8], i64) = (row.try_get("seen_key")?, row.try_get("accepted_at")?);
    for bucket in buckets(time(at)) {
        tx.write(&statements::SEEN_FORGET, values![bucket, key, id]);
    }
    Ok(())
}

/// The buckets of a time: its own first, and those that are close.
pub(super) fn buckets(at: Timestamp) -> Vec<i64> {
    let own = bucket(at);
    let mut buckets = vec![own];
    for near in [at.checked_sub(BORDER), at.checked_add(BORDER)] {
        let near = near.map_or(own, bucket);
        if !buckets.contains(&near) {
            buckets.push(near);
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_close_to_a_border_is_in_both_buckets() {
        let at = |milliseconds: i64| time(82_870 * 21_600_000 + milliseconds);
        let own = bucket(at(0));
        for (milliseconds, expected) in [
            (0, vec![own, own - 1]),
            (59_999, vec![own, own - 1]),
            (60_000, vec![own]),
            (21_600_000 - 60_001, vec![own]),
            (21_600_000 - 60_000, vec![own, own + 1]),
        ] {
            assert_eq!(buckets(at(milliseconds)), expected, "{milliseconds}");
        }
    }

    #[test]
    fn keys_tell_parts_and_kinds_apart() {
        let all = [key("a", &[b"bc"]), key("a", &[b"b", b"c"]), key("ab", &[b"c"]), key("a", &[b"bc", b""])];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }
}
