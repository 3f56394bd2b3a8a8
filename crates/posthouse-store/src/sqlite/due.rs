//! Who has something due: a few index seeks for each carrier and account, however long the backlog is.

use jiff::Timestamp;
use posthouse_core::{account::AccountName, carrier::CarrierId, store::Due};
use rusqlite::Connection;

use super::{fault::Result, record::time};

/// A partial index walked from one name to the next, and to the earliest `due` of each.
struct Walk {
    first: &'static str,
    next: &'static str,
    earliest: &'static str,
}

const SENDS: Walk = Walk {
    first: "SELECT min(carrier) FROM work WHERE kind = 0",
    next: "SELECT min(carrier) FROM work WHERE kind = 0 AND carrier > ?",
    earliest: "SELECT min(due) FROM work WHERE kind = 0 AND carrier = ?",
};

const CALLBACKS: Walk = Walk {
    first: "SELECT min(account) FROM callback WHERE due IS NOT NULL",
    next: "SELECT min(account) FROM callback WHERE due IS NOT NULL AND account > ?",
    earliest: "SELECT min(due) FROM callback WHERE due IS NOT NULL AND account = ?",
};

const TIMERS: &str = "SELECT min(due) FROM work WHERE kind > 0";

/// Who has something due at this time, and when the next of the others is.
pub(super) fn due(connection: &Connection, now: Timestamp) -> Result<Due> {
    let now = now.as_millisecond();
    let mut next = None;
    let carriers = names_due(connection, &SENDS, now, &mut next)?;
    let accounts = names_due(connection, &CALLBACKS, now, &mut next)?;
    let timer: Option<i64> = connection.prepare_cached(TIMERS)?.query_row([], |row| row.get(0))?;
    let timers = is_due(timer, now, &mut next);
    Ok(Due {
        carriers: carriers.into_iter().map(CarrierId).collect(),
        accounts: accounts.into_iter().map(AccountName).collect(),
        timers,
        next: next.map(time),
    })
}

fn names_due(connection: &Connection, walk: &Walk, now: i64, next: &mut Option<i64>) -> Result<Vec<String>> {
    let mut due = Vec::new();
    let mut name: Option<String> = connection.prepare_cached(walk.first)?.query_row([], |row| row.get(0))?;
    while let Some(this) = name {
        let earliest = connection.prepare_cached(walk.earliest)?.query_row([&this], |row| row.get(0))?;
        name = connection.prepare_cached(walk.next)?.query_row([&this], |row| row.get(0))?;
        if is_due(earliest, now, next) {
            due.push(this);
        }
    }
    Ok(due)
}

/// Whether this is due; what is not competes for the next.
fn is_due(earliest: Option<i64>, now: i64, next: &mut Option<i64>) -> bool {
    match earliest {
        Some(due) if due <= now => true,
        Some(due) => {
            *next = Some(next.map_or(due, |other| other.min(due)));
            false
        }
        None => false,
    }
}
