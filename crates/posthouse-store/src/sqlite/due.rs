//! Who has something due: a few index seeks for each carrier and account, however long the backlog is.

use jiff::Timestamp;
use posthouse_core::{account::AccountName, carrier::CarrierId, store::Due};
use rusqlite::{Connection, Params};

use super::{endpoint, fault::Result, record::time};

/// A partial index walked from one name to the next, and to the earliest `due` of each and the first one that lies ahead.
struct Walk {
    first: &'static str,
    next: &'static str,
    earliest: &'static str,
    ahead: &'static str,
}

const SENDS: Walk = Walk {
    first: "SELECT min(carrier) FROM work WHERE kind = 0",
    next: "SELECT min(carrier) FROM work WHERE kind = 0 AND carrier > ?",
    earliest: "SELECT min(due) FROM work WHERE kind = 0 AND carrier = ?",
    ahead: "SELECT min(due) FROM work WHERE kind = 0 AND carrier = ? AND due > ?",
};

const CALLBACKS: Walk = Walk {
    first: "SELECT min(account) FROM callback WHERE due IS NOT NULL",
    next: "SELECT min(account) FROM callback WHERE due IS NOT NULL AND account > ?",
    earliest: "SELECT min(due) FROM callback WHERE due IS NOT NULL AND account = ?",
    ahead: "SELECT min(due) FROM callback WHERE account = ? AND due > ?",
};

const TIMERS: &str = "SELECT min(due) FROM work WHERE kind > 0";
const TIMERS_AHEAD: &str = "SELECT min(due) FROM work WHERE kind > 0 AND due > ?";

/// Who has something due at this time, and when something will be that is not yet.
pub(super) fn due(connection: &Connection, now: Timestamp) -> Result<Due> {
    let now = now.as_millisecond();
    let (carriers, next_send) = names_due(connection, &SENDS, now)?;
    let (mut accounts, next_callback) = names_due(connection, &CALLBACKS, now)?;
    if !accounts.is_empty() {
        let paused = endpoint::paused(connection)?;
        accounts.retain(|account| !paused.contains(account));
    }
    let mut next_timer = earliest(connection, TIMERS, [])?;
    let timers = is_due(next_timer, now);
    if timers {
        next_timer = earliest(connection, TIMERS_AHEAD, [now])?;
    }
    Ok(Due {
        carriers: carriers.into_iter().map(CarrierId).collect(),
        accounts: accounts.into_iter().map(AccountName).collect(),
        timers,
        next: [next_send, next_callback, next_timer].into_iter().flatten().min().map(time),
    })
}

/// Since when the oldest of what is due has been due.
pub(super) fn oldest(connection: &Connection, now: Timestamp) -> Result<Option<Timestamp>> {
    let mut oldest = earliest(connection, TIMERS, [])?;
    let paused = endpoint::paused(connection)?;
    for (walk, left_out) in [(&SENDS, &[][..]), (&CALLBACKS, &paused)] {
        let mut name: Option<String> =
            connection.prepare_cached(walk.first)?.query_row([], |row| row.get(0))?;
        while let Some(this) = name {
            if !left_out.contains(&this) {
                let due = earliest(connection, walk.earliest, [&this])?;
                oldest = [oldest, due].into_iter().flatten().min();
            }
            name = connection.prepare_cached(walk.next)?.query_row([&this], |row| row.get(0))?;
        }
    }
    Ok(oldest.filter(|due| *due <= now.as_millisecond()).map(time))
}

/// The names, and when the next of theirs becomes due that is not yet.
fn names_due(connection: &Connection, walk: &Walk, now: i64) -> Result<(Vec<String>, Option<i64>)> {
    let (mut due, mut next) = (Vec::new(), None);
    let mut name: Option<String> = connection.prepare_cached(walk.first)?.query_row([], |row| row.get(0))?;
    while let Some(this) = name {
        let mut ahead = earliest(connection, walk.earliest, [&this])?;
        name = connection.prepare_cached(walk.next)?.query_row([&this], |row| row.get(0))?;
        let is_due = is_due(ahead, now);
        if is_due {
            ahead = earliest(connection, walk.ahead, (&this, now))?;
        }
        next = [next, ahead].into_iter().flatten().min();
        if is_due {
            due.push(this);
        }
    }
    Ok((due, next))
}

fn earliest(connection: &Connection, query: &str, values: impl Params) -> Result<Option<i64>> {
    Ok(connection.prepare_cached(query)?.query_row(values, |row| row.get(0))?)
}

fn is_due(earliest: Option<i64>, now: i64) -> bool {
    earliest.is_some_and(|due| due <= now)
}
