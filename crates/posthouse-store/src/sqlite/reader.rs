//! The read pool: connections that never write, used by blocking tasks.

use std::sync::Arc;

use posthouse_core::{lock::Mutex, store::StoreError};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::fault::Result;

/// A bounded number of read connections.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    room: Arc<Semaphore>,
}

impl Readers {
    /// A pool of these connections.
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let room = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), room }
    }

    /// Reads within one snapshot. The reading goes on to its end also when the caller stops waiting for it.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let permit = self.room.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = self.idle.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut connection = pop(&idle).ok_or(StoreError::Closed)?;
            let result = in_snapshot(&mut connection, read);
            idle.lock().push(connection);
            drop(permit);
            result.map_err(StoreError::from)
        });
        reading.await.map_err(StoreError::not_done)?
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

fn pop(idle: &Mutex<Vec<Connection>>) -> Option<Connection> {
    idle.lock().pop()
}

fn in_snapshot<T>(connection: &mut Connection, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let snapshot = connection.transaction()?;
    let result = read(&snapshot)?;
    snapshot.finish()?;
    Ok(result)
}
