//! Objects that go: those of days of which nothing is needed any more, and those to which no row ever referred.

use std::collections::HashSet;

use bytes::Bytes;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use posthouse_core::{Id, store::StoreError};
use tokio_postgres::Row;

use super::{
    days::{DAY_MS, ids_of, is_over},
    fault::refused,
    reader::ReadPool,
    record::PgRow,
    retention::RetentionPlace,
    session::Session,
    statements,
    value::{parameters, values},
};
use crate::media::{
    objects::{bodies::MediaBodies, pack::Heading, place::ObjectId},
    record::Seal,
};

/// Where it is noted up to which day objects without rows are gone.
const NOTE: &str = "orphans_until";
/// So many media at most are put into objects of today, so that a day's objects can go: where more are needed, the day waits.
const NEEDED: usize = 1000;
/// So many objects are removed at a time.
const AT_A_TIME: usize = 1000;
/// So many days are looked through for objects without rows, in one round.
const DAYS: usize = 30;

/// Whether there is anything to be done.
///
/// # Errors
/// Those of every operation that reads.
pub(super) async fn is_due(
    readers: &ReadPool,
    media_before: Timestamp,
    now: Option<Timestamp>,
) -> Result<bool, StoreError> {
    if first_day(readers, 0).await?.is_some_and(|oldest| is_over(oldest, media_before)) {
        return Ok(true);
    }
    let Some(last) = now.map(last_day) else { return Ok(false) };
    Ok(noted(readers).await?.is_none_or(|noted| noted < last))
}

/// Throws away the objects of days that are over, and those without rows.
///
/// # Errors
/// Those of the database and of the place. What went is gone, and the next call goes on.
pub(super) async fn go(
    place: &RetentionPlace<'_>,
    session: &Session,
    media_before: Timestamp,
    now: Option<Timestamp>,
) -> Result<(), StoreError> {
    let oldest = first_day(place.readers, 0).await?;
    let mut next = oldest;
    // Later than any day that goes.
    let newer = media_before.max(Timestamp::now());
    while let Some(day) = next.filter(|day| is_over(*day, media_before)) {
        drop_day(place.media, session, day, newer).await?;
        next = first_day(place.readers, ids_of(day).1).await?;
    }
    match now {
        Some(now) => sweep_orphans(place, session, oldest, now).await,
        None => Ok(()),
    }
}

/// The day of the first object from a number on.
async fn first_day(readers: &ReadPool, from: i64) -> Result<Option<i64>, StoreError> {
    let rows = readers.query(&statements::OBJECT_NEXT, values![from]).await?;
    let id =
        rows.first().map(|row| row.try_get::<_, i64>("id")).transpose().map_err(|error| refused(&error))?;
    Ok(id.and_then(Id::from_number).map(|id| id.time().as_millisecond().div_euclid(DAY_MS)))
}

/// The objects of a day go, once those media of it that are needed lie elsewhere.
async fn drop_day(
    media: &MediaBodies,
    session: &Session,
    day: i64,
    newer: Timestamp,
) -> Result<(), StoreError> {
    let (from, to) = ids_of(day);
    let failed = |error: tokio_postgres::Error| refused(&error);
    let needed =
        session.query(&statements::OBJECT_MEDIA, &parameters![from, to, NEEDED + 1]).await.map_err(failed)?;
    if needed.len() > NEEDED {
        return Ok(());
    }
    for row in &needed {
        move_body(media, session, row, newer).await?;
    }
    let Some(date) = date(day) else { return Ok(()) };
    while !media.drop_day(date, AT_A_TIME).await? {}
    session.query(&statements::OBJECTS_FORGET, &parameters![from, to]).await.map_err(failed)?;
    tracing::info!(%date, moved = needed.len(), "the objects of a day were thrown away");
    Ok(())
}

/// Writes a body into a newer object. One that is not there any more is not needed either.
async fn move_body(
    media: &MediaBodies,
    session: &Session,
    row: &Row,
    newer: Timestamp,
) -> Result<(), StoreError> {
    let record = PgRow::by_id("media", row)?;
    let (id, object) = (record.id("id")?, record.id("object")?);
    let seal = Seal {
        id,
        crc: record.known("crc", |crc: i64| u32::try_from(crc).ok())?,
        length: record.known("length", |length: i64| u64::try_from(length).ok())?,
    };
    let position = record.known("position", |position: i64| u64::try_from(position).ok())?;
    let failed = |error: tokio_postgres::Error| refused(&error);
    let body: Bytes = match media.read(ObjectId(object), position, &seal).await {
        Err(StoreError::NotFound(_)) => {
            session.query(&statements::MEDIA_LOST, &parameters![id, object]).await.map_err(failed)?;
            return Ok(());
        }
        body => body?,
    };
    let heading = match record.value::<Option<&str>>("document")? {
        None => None,
        Some(_) => Some(Heading::taken_over(
            record.value("account")?,
            record.value("carrier")?,
            id,
            record.json("document")?,
        )),
    };
    let written = media.move_to(newer, id, body, heading.as_ref()).await?;
    let position = i64::try_from(written.position).unwrap_or(i64::MAX);
    let moved = parameters![id, written.object.0, position, object];
    session.query(&statements::MEDIA_MOVE, &moved).await.map_err(failed)?;
    Ok(())
}

/// Looks through the days since the last time: all of their objects are old enough for their rows to be there.
async fn sweep_orphans(
    place: &RetentionPlace<'_>,
    session: &Session,
    oldest: Option<i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let last = last_day(now);
    let from = match noted(place.readers).await? {
        Some(noted) => noted.saturating_add(1),
        None => oldest.unwrap_or(last).min(last),
    };
    for day in (from..=last).take(DAYS) {
        let Some(date) = date(day) else { return Ok(()) };
        let known = |objects: Vec<ObjectId>| known(place.readers, objects);
        let swept = place.media.sweep_orphans(date, now, known).await?;
        if swept > 0 {
            tracing::info!(%date, objects = swept, "objects that nothing referred to were thrown away");
        }
        let note = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        session.client.execute(note, &[&NOTE, &day]).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

async fn noted(readers: &ReadPool) -> Result<Option<i64>, StoreError> {
    let rows = readers.query(&statements::META_READ, values![NOTE]).await?;
    let value = rows.first().map(|row| row.try_get::<_, Option<i64>>("value")).transpose();
    Ok(value.map_err(|error| refused(&error))?.flatten())
}

/// Which of these objects have rows. They come in the order of their names, which is that of nodes before that of time.
pub(super) async fn known(
    readers: &ReadPool,
    objects: Vec<ObjectId>,
) -> Result<HashSet<ObjectId>, StoreError> {
    let numbers = || objects.iter().map(|object| object.0.number());
    let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else { return Ok(HashSet::new()) };
    let rows = readers.query(&statements::OBJECTS_BETWEEN, values![first, last]).await?;
    let ids = rows.iter().map(|row| row.try_get::<_, i64>("id"));
    let ids: Vec<i64> = ids.collect::<Result<_, _>>().map_err(|error| refused(&error))?;
    Ok(ids.into_iter().filter_map(Id::from_number).map(ObjectId).collect())
}

/// The last day of which every object is older than a day.
fn last_day(now: Timestamp) -> i64 {
    now.as_millisecond().saturating_sub(DAY_MS).div_euclid(DAY_MS) - 1
}

fn date(day: i64) -> Option<Date> {
    let begins = Timestamp::from_millisecond(day.checked_mul(DAY_MS)?).ok()?;
    Some(TimeZone::UTC.to_datetime(begins).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_looked_through_when_all_of_it_is_a_day_old() {
        let at = |day: i64, more: i64| Timestamp::from_millisecond(day * DAY_MS + more).unwrap();
        assert_eq!(last_day(at(20_720, -1)), 20_717);
        assert_eq!(last_day(at(20_720, 0)), 20_718);
        assert_eq!(date(20_718).unwrap().to_string(), "2026-09-22");
    }
}
