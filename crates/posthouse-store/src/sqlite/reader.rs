//! The read pool: connections that never write, used by blocking tasks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use posthouse_core::{
    lock::Mutex,
    store::{SEARCH_TIME, StoreError},
};
use rusqlite::Connection;
use tokio::{sync::Semaphore, time::timeout};

use super::fault::Result;

/// After how many steps of SQLite's a search looks at the time: some tens of microseconds.
const STEPS: i32 = 10_000;

/// A bounded number of read connections.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    room: Arc<Semaphore>,
    /// Permits to search: half of the connections are left to what is short.
    searches: Arc<Semaphore>,
    /// How long each may take.
    search_time: Duration,
}

impl Readers {
    /// A pool of these connections, on which a search may take so long.
    pub(crate) fn new(connections: Vec<Connection>, search_time: Duration) -> Self {
        let room = Arc::new(Semaphore::new(connections.len()));
        let searches = Arc::new(Semaphore::new(connections.len().div_ceil(2)));
        Self { idle: Arc::new(Mutex::new(connections)), room, searches, search_time }
    }

    /// Reads within one snapshot. The reading goes on to its end also when the caller stops waiting for it.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.on_one(move |connection| in_snapshot(connection, read)).await
    }

    /// Has something done on a connection of its own.
    async fn on_one<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let permit = self.room.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = self.idle.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut connection = pop(&idle).ok_or(StoreError::Closed)?;
            let result = read(&mut connection);
            idle.lock().push(connection);
            drop(permit);
            result.map_err(StoreError::from)
        });
        reading.await.map_err(StoreError::not_done)?
    }

    /// Reads what may take long: a few at a time, and each for as long as a search may take.
    pub(crate) async fn search<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.search_for(self.search_time, read).await
    }

    async fn search_for<T, F>(&self, time: Duration, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let turn = timeout(SEARCH_TIME, self.searches.clone().acquire_owned()).await;
        let permit = turn.map_err(|_| StoreError::Overloaded)?.map_err(|_| StoreError::Closed)?;
        self.on_one(move |connection| {
            let found = until(Instant::now() + time, connection, read);
            drop(permit);
            found
        })
        .await
    }

    /// Lets readings that go on end, then closes all connections.
    pub(crate) async fn close(&self, connections: u32) {
        if let Ok(all) = self.room.acquire_many(connections).await {
            all.forget();
        }
        self.room.close();
        self.idle.lock().clear();
    }
}

/// Reads within one snapshot, but not beyond this time.
fn until<T>(
    deadline: Instant,
    connection: &mut Connection,
    read: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let is_late = Arc::new(AtomicBool::new(false));
    let late = Arc::clone(&is_late);
    let look = move || {
        let is_over = Instant::now() >= deadline;
        late.fetch_or(is_over, Ordering::Relaxed);
        is_over
    };
    connection.progress_handler(STEPS, Some(look))?;
    let read = in_snapshot(connection, read);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match read {
        Err(_) if is_late.load(Ordering::Relaxed) => Err(StoreError::TooWide.into()),
        read => read,
    }
}

fn pop(idle: &Mutex<Vec<Connection>>) -> Option<Connection> {
    idle.lock().pop()
}

fn in_snapshot<T>(connection: &mut Connection, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let snapshot = connection.transaction()?;
    let result = read(&snapshot)?;
    snapshot.finish()?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

    fn number(connection: &Connection, select: &str) -> Result<i64> {
        Ok(connection.query_row(select, [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_search_that_takes_too_long_is_given_up_and_leaves_its_connection_as_it_was() {
        let readers = Readers::new(vec![Connection::open_in_memory().unwrap()], SEARCH_TIME);
        let wide =
            readers.search_for(Duration::from_millis(20), |connection| number(connection, ENDLESS)).await;
        assert_eq!(wide, Err(StoreError::TooWide));
        let long = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT max(i) FROM n";
        assert_eq!(readers.read(|connection| number(connection, long)).await, Ok(100_000));
        assert_eq!(readers.search(|connection| number(connection, long)).await, Ok(100_000));
        let broken = readers.search(|connection| number(connection, "SELECT")).await;
        assert!(matches!(broken, Err(StoreError::NotDone(_))), "{broken:?}");
    }
}
