//! Endpoints of accounts: what is owed to each, whether it fails, and pauses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit,
    carrier::CarrierId,
    life::callback::{self, NotRetried, ResentCallback},
    store::{CallbackDepth, Endpoint, EndpointPause, KeptCallback, KeptFilter, LastFailure},
};
use rusqlite::{Connection, Row, ToSql};

use super::{
    audit::write as write_audit,
    callback::read_row,
    fault::Result,
    intervene,
    job::Tx,
    queues,
    record::{Record, read_all, time},
};

/// A callback and what it is about, as `c`, `m` and `o`.
const KEPT: &str = "SELECT c.id, c.message, c.account, coalesce(m.carrier, o.carrier) AS carrier, c.status, c.read_status, c.at,
        c.attempts, c.due, c.owner, c.failed, m.state
 FROM callback c LEFT JOIN message m ON m.id = c.message LEFT JOIN mo o ON o.id = c.message
 WHERE ";

/// The callbacks that match: those of an account that failed by their index; all others by a walk in the order of their ids. An index on
/// what is owed would cost each report a page.
fn query(filter: &KeptFilter, limit: usize) -> (String, Vec<Box<dyn ToSql>>) {
    let which = match filter.failed {
        None => "true",
        Some(true) => "c.failed = 1",
        Some(false) => "c.failed = 0",
    };
    let (conditions, mut values) = intervene::matching(&filter.which);
    let sql = format!("{KEPT}{which}{conditions} ORDER BY c.id DESC LIMIT ?");
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    (sql, values)
}

/// Callbacks that are owed or were kept as failed, newest first.
pub(super) fn list(connection: &Connection, filter: &KeptFilter, limit: usize) -> Result<Vec<KeptCallback>> {
    let (sql, values) = query(filter, limit);
    // Not kept prepared: there are as many as there are ways to ask.
    let mut statement = connection.prepare(&sql)?;
    read_all(statement.query(rusqlite::params_from_iter(values))?, read_kept)
}

/// The one of this id.
pub(super) fn find(connection: &Connection, id: Id) -> Result<Option<KeptCallback>> {
    let mut statement = connection.prepare_cached(&format!("{KEPT}c.id = ?"))?;
    let mut rows = statement.query([id.number()])?;
    rows.next()?.map(read_kept).transpose()
}

fn read_kept(row: &Row<'_>) -> Result<KeptCallback> {
    let record = Record::by_id("callback", row)?;
    let says = record.says()?;
    let message = if record.has("state")? { Some(record.state("state")?) } else { None };
    Ok(KeptCallback {
        id: record.id("id")?,
        message: record.id("message")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        says,
        at: record.time("at")?,
        row: read_row(&record)?,
        superseded: callback::is_superseded(says, message),
    })
}

/// Makes callbacks due at once, in the order in which they became owed; what came of each, in the order of `ids`.
pub(super) fn retry(
    tx: &Tx<'_>,
    ids: &[Id],
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<std::result::Result<(), NotRetried>>> {
    let (mut done, mut about) = (BTreeMap::new(), Vec::new());
    for id in callback::resend_order(ids) {
        let retried = retry_one(tx, id, by, now)?;
        about.extend(retried.ok());
        done.insert(id, retried.map(|_| ()));
    }
    audit::retried(by, about, now).map_or(Ok(()), |entry| write_audit(tx, &entry))?;
    Ok(ids.iter().map(|id| done.get(id).copied().unwrap_or(Err(NotRetried::Unknown))).collect())
}

/// The message that it is about, where it is done.
pub(super) fn retry_one(
    tx: &Tx<'_>,
    id: Id,
    by: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<Id, NotRetried>> {
    let Some(kept) = find(tx.connection, id)? else { return Ok(Err(NotRetried::Unknown)) };
    let owes = "SELECT 1 FROM callback WHERE message = ? AND failed = 0 AND id <> ?";
    let message_owes = tx.prepare(owes)?.exists([kept.message.number(), id.number()])?;
    let again: ResentCallback = match callback::retry(&kept, message_owes, &by.name, now) {
        Ok(again) => again,
        Err(why) => return Ok(Err(why)),
    };
    intervene::write_resent(tx, id, kept.message, &again)?;
    Ok(Ok(kept.message))
}

/// The endpoints of all accounts that are owed something, have failed, or are paused.
pub(super) fn endpoints(connection: &Connection) -> Result<Vec<Endpoint>> {
    let depths = queues::callbacks(connection)?.into_iter().map(|depth| {
        let CallbackDepth { account, owed, failed, oldest } = depth;
        (account.0.clone(), Endpoint { owed, oldest, failed, ..Endpoint::idle(account) })
    });
    let mut endpoints: BTreeMap<String, Endpoint> = depths.collect();
    let mut known = connection.prepare_cached(
        "SELECT account, failing_since, failed_at, http_status, words, paused_at, paused_by, paused_for FROM endpoint",
    )?;
    let mut rows = known.query([])?;
    while let Some(row) = rows.next()? {
        let account: String = row.get("account")?;
        let endpoint =
            endpoints.entry(account.clone()).or_insert_with(|| Endpoint::idle(AccountName(account.clone())));
        read_endpoint(&Record::new("endpoint", account, row), endpoint)?;
    }
    Ok(endpoints.into_values().collect())
}

fn read_endpoint(record: &Record<'_, String>, endpoint: &mut Endpoint) -> Result<()> {
    endpoint.failing_since = record.value::<Option<i64>>("failing_since")?.map(time);
    if record.has("failed_at")? {
        endpoint.last_failure = Some(LastFailure {
            at: record.time("failed_at")?,
            http_status: record.value("http_status")?,
            words: record.value::<Option<String>>("words")?.unwrap_or_default(),
        });
    }
    if record.has("paused_at")? {
        endpoint.paused = Some(EndpointPause {
            at: record.time("paused_at")?,
            by: record.value::<Option<String>>("paused_by")?.unwrap_or_default(),
            reason: record.value::<Option<String>>("paused_for")?.unwrap_or_default(),
        });
    }
    Ok(())
}

/// Pauses an account, unless it is.
pub(super) fn pause(tx: &Tx<'_>, account: &AccountName, by: &Actor, now: Timestamp) -> Result<bool> {
    let changed = tx.execute(
        "INSERT INTO endpoint (account, paused_at, paused_by, paused_for) VALUES (?, ?, ?, ?)
         ON CONFLICT (account) DO UPDATE SET paused_at = excluded.paused_at, paused_by = excluded.paused_by,
             paused_for = excluded.paused_for WHERE paused_at IS NULL",
        (&account.0, now.as_millisecond(), &by.name, by.reason.as_deref().unwrap_or_default()),
    )?;
    note_pause(tx, account, by, (true, changed > 0), now)
}

/// Ends a pause.
pub(super) fn resume(tx: &Tx<'_>, account: &AccountName, by: &Actor, now: Timestamp) -> Result<bool> {
    let resume = "UPDATE endpoint SET paused_at = NULL, paused_by = NULL, paused_for = NULL
                  WHERE account = ? AND paused_at IS NOT NULL";
    let changed = tx.execute(resume, [&account.0])?;
    note_pause(tx, account, by, (false, changed > 0), now)
}

/// Who paused an account, or ended that, where anything changed; whether it did.
fn note_pause(
    tx: &Tx<'_>,
    account: &AccountName,
    by: &Actor,
    (is_paused, is_new): (bool, bool),
    now: Timestamp,
) -> Result<bool> {
    if is_new {
        write_audit(tx, &audit::paused(by, account, is_paused, now))?;
    }
    Ok(is_new)
}

/// It does not fail any more.
pub(super) fn note_recovered(tx: &Tx<'_>, account: &AccountName) -> Result<()> {
    let recovered =
        "UPDATE endpoint SET failing_since = NULL WHERE account = ? AND failing_since IS NOT NULL";
    tx.execute(recovered, [&account.0])?;
    Ok(())
}

/// The accounts that are paused.
pub(super) fn paused(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection
        .prepare_cached("SELECT account FROM endpoint WHERE paused_at IS NOT NULL ORDER BY account")?;
    let paused = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(paused)
}

#[cfg(test)]
mod tests {
    use posthouse_core::life::intervention::FailedFilter;

    use super::*;
    use crate::{
        sqlite::{schema, search::plan},
        suite::bed::{acme, at},
    };

    /// Each walks an index from its end and sorts nothing; what has a beginning goes no further.
    #[test]
    fn lists_are_walked_within_their_bounds() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let any = FailedFilter::default;
        let of_acme = || FailedFilter { account: Some(acme()), ..any() };
        let since = |filter| FailedFilter { since: Some(at(0)), before: Some(at(9)), ..filter };
        let below = FailedFilter { below: Some(Id::first_at(at(9))), ..since(any()) };
        for (which, failed, walk) in [
            (any(), None, "SCAN c"),
            (of_acme(), Some(true), "SEARCH c USING INDEX callback_failed (account=?)"),
            (since(of_acme()), Some(true), "SEARCH c USING INDEX callback_failed (account=? AND id>?)"),
            (since(of_acme()), Some(false), "SEARCH c USING INTEGER PRIMARY KEY (rowid>?)"),
            (since(of_acme()), None, "SEARCH c USING INTEGER PRIMARY KEY (rowid>?)"),
            (below, None, "SEARCH c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        ] {
            let plan = plan(&connection, &query(&KeptFilter { which, failed }, 9).0);
            assert_eq!(plan[0], walk, "{plan:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
    }
}
