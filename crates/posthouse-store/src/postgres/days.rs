//! The days that tables lie in, and what is to be done about those that are over.
//!
//! A day with much in it goes whole: its partitions are emptied, but for what is still needed, and dropped. One with little in it is swept
//! row by row, like any other store, till nothing is left, and its partitions are dropped then.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{Id, store::StoreError};
use tokio_postgres::Row;

use super::{
    fault::refused,
    partitioned::{HOUR_MS, Partitioned},
    reader::ReadPool,
    statements,
    value::values,
};

/// A day.
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;
/// From so many bytes of a day on it goes whole: deleting fewer rows one by one costs less than it is worth.
const LARGE: i64 = 8 << 20;
/// How far the time in an id may lie behind that of its acceptance.
const APART_MS: i64 = 10_000;
/// How long what a repetition is told by is kept.
const SEEN_FOR_MS: i64 = 30 * HOUR_MS;

/// A partition that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DayTable {
    /// Whose.
    pub(super) table: Partitioned,
    /// Which.
    pub(super) number: i64,
    /// How much is in it.
    pub(super) bytes: i64,
    /// How far it is taken out.
    pub(super) taken: TakenOut,
}

/// How far a partition is taken out of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenOut {
    /// It is in it.
    Not,
    /// Somebody began, and did not come to the end.
    Begun,
    /// It stands alone, and was not dropped.
    Done,
}

/// What goes of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum DayPart {
    /// Messages, with all that is about them.
    Messages,
    /// The media that lie in rows, and where the others are.
    Media,
}

/// Something that may be done about a day, once it is seen what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DayStep {
    /// The day, by its number since 1970.
    pub(super) day: i64,
    /// What of it.
    pub(super) part: DayPart,
    /// Whether it goes whole.
    pub(super) is_large: bool,
    /// Its partitions.
    pub(super) tables: Vec<DayTable>,
}

/// The partitions that are there.
#[derive(Debug)]
pub(super) struct Calendar {
    tables: Vec<DayTable>,
    /// Those that somebody began to take out.
    pub(super) unfinished: Vec<DayTable>,
}

impl DayTable {
    /// Its name.
    pub(super) fn name(&self) -> String {
        self.table.partition(self.number)
    }

    /// The day that it is of, or begins in.
    fn day(&self) -> i64 {
        self.number.saturating_mul(self.table.span()).div_euclid(DAY_MS)
    }

    /// One with this name, if it is a partition's.
    pub(super) fn named(name: &str) -> Option<(Partitioned, i64)> {
        let (table, begins) = name.rsplit_once("_p")?;
        let table = Partitioned::ALL.into_iter().find(|one| one.name() == table)?;
        let begins = jiff::civil::DateTime::strptime("%Y%m%d_%H", begins).ok()?;
        let begins = jiff::tz::TimeZone::UTC.to_timestamp(begins).ok()?.as_millisecond();
        let number = begins.div_euclid(table.span());
        (table.partition(number) == name).then_some((table, number))
    }
}

impl Calendar {
    /// What is there.
    ///
    /// # Errors
    /// Those of every operation that reads.
    pub(super) async fn read(readers: &ReadPool) -> Result<Self, StoreError> {
        let rows = readers.query(&statements::PARTITIONS_READ, values![]).await?;
        let tables = rows.iter().filter_map(|row| read(row).transpose()).collect::<Result<_, _>>();
        Ok(Self::of(tables.map_err(|error| refused(&error))?))
    }

    fn of(tables: Vec<DayTable>) -> Self {
        let (tables, unfinished) = tables.into_iter().partition(|table| table.taken == TakenOut::Not);
        Self { tables, unfinished }
    }

    /// What may be done about days that are over when everything goes that ended before these times.
    pub(super) fn steps(&self, media_before: Timestamp, messages_before: Timestamp) -> Vec<DayStep> {
        let mut days: BTreeMap<i64, Vec<DayTable>> = BTreeMap::new();
        for table in self.tables.iter().filter(|table| table.table != Partitioned::Seen) {
            days.entry(table.day()).or_default().push(*table);
        }
        let step = |(day, mut tables): (i64, Vec<DayTable>)| {
            let part = if is_over(day, messages_before) {
                DayPart::Messages
            } else if is_over(day, media_before) {
                DayPart::Media
            } else {
                return None;
            };
            let is_large = is_large(&tables, part);
            tables.retain(|table| part == DayPart::Messages || table.table == Partitioned::Media);
            // Messages go first: what is left of one without its row is nowhere to be seen.
            tables.sort_by_key(|table| (table.table, table.number));
            (!tables.is_empty()).then_some(DayStep { day, part, is_large, tables })
        };
        days.into_iter().filter_map(step).collect()
    }

    /// What repetitions were told by, and is not needed any more at this time.
    pub(super) fn forgotten(&self, now: Timestamp) -> Vec<DayTable> {
        let is_past = |table: &&DayTable| {
            let end = table.number.saturating_add(1).saturating_mul(table.table.span());
            table.table == Partitioned::Seen && end.saturating_add(SEEN_FOR_MS) <= now.as_millisecond()
        };
        self.tables.iter().filter(is_past).copied().collect()
    }

    /// The days of messages into which none comes any more.
    pub(super) fn closed(&self, now: Timestamp) -> Vec<DayTable> {
        let is_closed = |table: &&DayTable| {
            let end = table.number.saturating_add(1).saturating_mul(DAY_MS);
            table.table == Partitioned::Message && end.saturating_add(HOUR_MS) <= now.as_millisecond()
        };
        self.tables.iter().filter(is_closed).copied().collect()
    }

    /// The stretches of ids that are swept row by row: all before a time, but for the days that go whole.
    pub(super) fn row_by_row(&self, part: DayPart, before: Timestamp) -> Vec<(i64, i64)> {
        let mut days: BTreeMap<i64, Vec<DayTable>> = BTreeMap::new();
        for table in &self.tables {
            days.entry(table.day()).or_default().push(*table);
        }
        let last = before.as_millisecond().saturating_add(APART_MS);
        let end = Timestamp::from_millisecond(last).map_or(i64::MAX, |last| Id::first_at(last).number());
        let (mut stretches, mut from) = (Vec::new(), 0);
        for day in days.into_iter().filter(|(_, tables)| is_large(tables, part)).map(|(day, _)| day) {
            let (first, next) = ids_of(day);
            if from < first.min(end) {
                stretches.push((from, first.min(end)));
            }
            from = next;
        }
        if from < end {
            stretches.push((from, end));
        }
        stretches
    }
}

/// The ids of a day: the first, and the first of the next.
pub(super) fn ids_of(day: i64) -> (i64, i64) {
    (Partitioned::Message.first(day), Partitioned::Message.first(day.saturating_add(1)))
}

/// Whether all that was accepted on a day, and ended within another, ended before this time.
pub(super) fn is_over(day: i64, before: Timestamp) -> bool {
    let end = day.saturating_add(1).saturating_mul(DAY_MS);
    end.saturating_add(DAY_MS + APART_MS) <= before.as_millisecond()
}

fn is_large(tables: &[DayTable], part: DayPart) -> bool {
    let counts = |table: &&DayTable| match part {
        DayPart::Messages => matches!(table.table, Partitioned::Message | Partitioned::Mo),
        DayPart::Media => table.table == Partitioned::Media,
    };
    tables.iter().filter(counts).map(|table| table.bytes).sum::<i64>() >= LARGE
}

fn read(row: &Row) -> Result<Option<DayTable>, tokio_postgres::Error> {
    let named = DayTable::named(row.try_get("name")?);
    let bytes = row.try_get("bytes")?;
    let taken = match row.try_get("leaves")? {
        Some(false) => TakenOut::Not,
        Some(true) => TakenOut::Begun,
        None => TakenOut::Done,
    };
    Ok(named.map(|(table, number)| DayTable { table, number, bytes, taken }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-09-22.
    const DAY: i64 = 20_718;

    fn at(day: i64, milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(day * DAY_MS + milliseconds).unwrap()
    }

    fn table(table: Partitioned, day: i64, bytes: i64) -> DayTable {
        let number = day * DAY_MS / table.span();
        DayTable { table, number, bytes, taken: TakenOut::Not }
    }

    #[test]
    fn a_name_tells_the_partition() {
        for (name, expected) in [
            ("message_p20260922_00", Some((Partitioned::Message, DAY))),
            ("awaiting_p20260922_06", Some((Partitioned::Awaiting, DAY * 4 + 1))),
            ("read_reply_p20260922_00", Some((Partitioned::ReadReply, DAY))),
            ("message_p20260922_06", None),
            ("message_p20260922", None),
            ("message_pkey", None),
            ("customers_p20260922_00", None),
        ] {
            assert_eq!(DayTable::named(name), expected, "{name}");
        }
    }

    #[test]
    fn a_day_goes_a_day_after_its_end() {
        assert!(!is_over(DAY, at(DAY + 2, APART_MS - 1)));
        assert!(is_over(DAY, at(DAY + 2, APART_MS)));
    }

    #[test]
    fn media_go_before_messages_and_large_days_whole() {
        let calendar = Calendar::of(vec![
            table(Partitioned::Media, DAY, LARGE),
            table(Partitioned::Message, DAY, LARGE - 1),
            table(Partitioned::Message, DAY + 1, LARGE),
            table(Partitioned::Event, DAY, LARGE),
            table(Partitioned::Media, DAY + 1, 0),
            table(Partitioned::Seen, DAY, LARGE),
        ]);
        let steps = calendar.steps(at(DAY + 3, APART_MS), at(DAY + 2, APART_MS));
        let seen: Vec<_> =
            steps.iter().map(|step| (step.day, step.part, step.is_large, step.tables.len())).collect();
        assert_eq!(seen, [(DAY, DayPart::Messages, false, 3), (DAY + 1, DayPart::Media, false, 1)]);
        assert_eq!(steps[0].tables[0].table, Partitioned::Message, "it goes first");
        let steps = calendar.steps(at(DAY + 3, APART_MS), at(DAY + 3, APART_MS));
        assert!(steps[1].is_large);
        let steps = calendar.steps(at(DAY + 2, APART_MS), at(DAY, 0));
        assert_eq!(steps.len(), 1);
        assert!(steps[0].is_large && steps[0].part == DayPart::Media);
    }

    #[test]
    fn large_days_are_not_swept_row_by_row() {
        let calendar = Calendar::of(vec![
            table(Partitioned::Message, DAY, LARGE),
            table(Partitioned::Message, DAY + 2, LARGE),
        ]);
        let ((first, next), (third, after)) = (ids_of(DAY), ids_of(DAY + 2));
        let end = Id::first_at(at(DAY + 4, APART_MS)).number();
        assert_eq!(
            calendar.row_by_row(DayPart::Messages, at(DAY + 4, 0)),
            [(0, first), (next, third), (after, end)]
        );
        assert_eq!(calendar.row_by_row(DayPart::Media, at(DAY + 4, 0)), [(0, end)]);
        let end = Id::first_at(at(DAY + 1, APART_MS)).number();
        assert_eq!(calendar.row_by_row(DayPart::Messages, at(DAY + 1, 0)), [(0, first), (next, end)]);
        assert_eq!(calendar.row_by_row(DayPart::Messages, at(DAY, -APART_MS)), [(0, first)]);
    }

    #[test]
    fn what_repetitions_are_told_by_goes_after_thirty_hours() {
        let calendar =
            Calendar::of(vec![table(Partitioned::Seen, DAY, 1), table(Partitioned::Message, DAY, 1)]);
        assert_eq!(calendar.forgotten(at(DAY, 36 * HOUR_MS - 1)), []);
        assert_eq!(calendar.forgotten(at(DAY, 36 * HOUR_MS)), [table(Partitioned::Seen, DAY, 1)]);
    }
}
