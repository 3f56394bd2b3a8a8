//! Lists of numbers, into a store and out of it, a batch at a time: what else is written meanwhile waits for one batch at most.

use std::time::Duration;

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    provisioning::csv::{self, LineMistake, NumberList},
    store::{Store, StoreError, StoreResult},
};
use tokio::time::{Instant, sleep};

/// How many numbers are one transaction, and one revision: at first, at least, and at most.
const BATCH: (usize, usize, usize) = (500, 250, 2000);
/// A batch that took less is followed by a longer one, and one that took longer than the second by a shorter one.
const BATCH_TIME: (Duration, Duration) = (Duration::from_millis(15), Duration::from_millis(30));
/// Where others write, too, a rest follows each batch, so many times as long as it took: they keep nine tenths of what they had without it.
const REST: u32 = 6;
/// How many are read at a time.
const PAGE: usize = 10_000;
/// How many numbers one answer has at most.
const EXPORTED: usize = 100_000;

/// Why a list was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Lines are wrong; nothing was changed.
    #[error("{} lines are wrong", .0.len())]
    Lines(Vec<LineMistake>),
    /// The store did not do it; batches that were done stay done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// How many lines had a number.
    pub numbers: usize,
    /// The revision that provisioning is at now.
    pub revision: u64,
}

/// Adds the numbers of a list to those there are. All lines are read before the first number is added; the first has the number
/// `first`, for what is wrong with it. `dry_run` only reads them.
///
/// # Errors
/// The lines that are wrong, or the store's failure.
pub async fn import(
    store: &dyn Store,
    list: NumberList,
    (text, first): (&str, usize),
    dry_run: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<Imported, ImportError> {
    let known = store.without_numbers().await?;
    let changes = list.read(text, first, Some(&known)).map_err(ImportError::Lines)?;
    let mut imported = Imported { numbers: changes.len(), revision: known.revision };
    if dry_run {
        return Ok(imported);
    }
    let what = format!("import of {list}");
    let reason = by.reason.as_ref().map_or_else(|| what.clone(), |reason| format!("{what}: {reason}"));
    let by = by.clone().because(&reason);
    let (mut left, (mut batch, least, most)) = (changes.as_slice(), BATCH);
    while !left.is_empty() {
        let (some, more) = left.split_at(batch.min(left.len()));
        let (began, is_alone) = (Instant::now(), store.statistics().queued == 0);
        imported.revision = store.change(some, None, &by, now).await?;
        let took = began.elapsed();
        if !is_alone {
            sleep(took.saturating_mul(REST)).await;
        }
        batch = match took {
            took if took < BATCH_TIME.0 => (batch * 2).min(most),
            took if took > BATCH_TIME.1 => (batch / 2).max(least),
            _ => batch,
        };
        left = more;
    }
    Ok(imported)
}

/// The numbers of a list behind those that `after` ends with, with the heading before the first; and what the next part begins behind.
///
/// # Errors
/// What the store says; [`None`] where `after` is no line of this list.
pub async fn export(
    store: &dyn Store,
    list: NumberList,
    after: Option<&str>,
) -> StoreResult<Option<(String, Option<String>)>> {
    let mut text = if after.is_some() { String::new() } else { format!("{}\n", list.heading()) };
    let Ok(behind) = after.map(|after| csv::cursor(list, after)).transpose() else { return Ok(None) };
    let (mut count, mut behind) = (0, behind);
    loop {
        let lines = page(store, list, behind.as_ref()).await?;
        count += lines.len();
        lines.iter().for_each(|line| text.push_str(line));
        let Some(last) = lines.last().filter(|_| lines.len() == PAGE) else { return Ok(Some((text, None))) };
        let last = last.trim_end().to_owned();
        if count >= EXPORTED {
            return Ok(Some((text, Some(last))));
        }
        behind = csv::cursor(list, &last).ok();
    }
}

/// Some lines.
async fn page(
    store: &dyn Store,
    list: NumberList,
    behind: Option<&csv::NumberEntry>,
) -> StoreResult<Vec<String>> {
    use csv::NumberEntry::{Blacklisted, Range};
    Ok(match (list, behind) {
        (NumberList::Blacklist, Some(Blacklisted(after))) => {
            store.blacklist(Some(after), PAGE).await?.iter().map(csv::blacklisted).collect()
        }
        (NumberList::Blacklist, _) => {
            store.blacklist(None, PAGE).await?.iter().map(csv::blacklisted).collect()
        }
        (NumberList::Ranges, Some(Range(after))) => {
            store.ranges(Some(&after.prefix), PAGE).await?.iter().map(csv::range).collect()
        }
        (NumberList::Ranges, _) => store.ranges(None, PAGE).await?.iter().map(csv::range).collect(),
    })
}
