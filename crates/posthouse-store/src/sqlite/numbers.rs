//! Ranges and the blacklist, a page at a time.

use async_trait::async_trait;
use posthouse_core::{
    address::Msisdn,
    provisioning::{Blacklisted, Prefix, Provisioning, Range},
    store::{NumberStore, StoreResult},
};
use rusqlite::{Connection, Params, Row};

use super::{
    SqliteStore,
    fault::Result,
    provisioning::{self, account_text, blacklisted, range},
};

#[async_trait]
impl NumberStore for SqliteStore {
    async fn without_numbers(&self) -> StoreResult<Provisioning> {
        self.readers.read(provisioning::without_numbers).await
    }

    async fn blacklisted(&self, number: &Msisdn) -> StoreResult<Vec<Blacklisted>> {
        let number = number.as_str().to_owned();
        let select = "SELECT number, account FROM blacklist WHERE number = ? ORDER BY account";
        self.readers.read(move |connection| rows(connection, select, [&number], blacklisted)).await
    }

    async fn blacklist(&self, after: Option<&Blacklisted>, limit: usize) -> StoreResult<Vec<Blacklisted>> {
        let (number, account) = after.map_or((String::new(), String::new()), |after| {
            (after.number.as_str().to_owned(), account_text(after).to_owned())
        });
        let select = "SELECT number, account FROM blacklist WHERE (number, account) > (?, ?)
                      ORDER BY number, account LIMIT ?";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read =
            move |connection: &Connection| rows(connection, select, (&number, &account, limit), blacklisted);
        self.readers.read(read).await
    }

    async fn ranges(&self, after: Option<&Prefix>, limit: usize) -> StoreResult<Vec<Range>> {
        let after = after.map_or(String::new(), ToString::to_string);
        let select = "SELECT prefix, carrier FROM range WHERE prefix > ? ORDER BY prefix LIMIT ?";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readers.read(move |connection| rows(connection, select, (&after, limit), range)).await
    }
}

fn rows<T>(
    connection: &Connection,
    select: &str,
    values: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
