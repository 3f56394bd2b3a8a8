//! A place in memory that can be taken away, for tests.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::civil::Date;
use posthouse_core::lock::Mutex;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

use super::place::{ListedObject, ObjectId, ObjectPlace, PlaceError};

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    away: bool,
    lost_answers: u32,
    asked: u32,
}

/// A place in memory; clones are the same place.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryPlace {
    state: Arc<Mutex<State>>,
    gate: Arc<RwLock<()>>,
}

impl MemoryPlace {
    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state.lock().objects.keys().cloned().collect()
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Bytes {
        self.state.lock().objects[name].clone()
    }

    /// Whether it does not answer.
    pub(crate) fn set_away(&self, away: bool) {
        self.state.lock().away = away;
    }

    /// The answers to so many further objects are lost, after they were written.
    pub(crate) fn lose_answers(&self, count: u32) {
        self.state.lock().lost_answers = count;
    }

    /// How often it was asked to write.
    pub(crate) fn asked(&self) -> u32 {
        self.state.lock().asked
    }

    /// Nothing is written till this is dropped.
    pub(crate) fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).try_write_owned().unwrap()
    }

    fn there(&self) -> Result<(), PlaceError> {
        if self.state.lock().away { Err(PlaceError::unavailable("it was taken away")) } else { Ok(()) }
    }
}

impl fmt::Display for MemoryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

#[async_trait]
impl ObjectPlace for MemoryPlace {
    async fn create(&self, name: &str, pieces: &[Bytes]) -> Result<(), PlaceError> {
        let _open = self.gate.read().await;
        self.state.lock().asked += 1;
        self.there()?;
        let mut state = self.state.lock();
        if state.objects.contains_key(name) {
            return Err(PlaceError::Exists);
        }
        state.objects.insert(name.to_owned(), pieces.concat().into());
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(PlaceError::unavailable("the answer was lost"));
        }
        Ok(())
    }

    async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, PlaceError> {
        self.there()?;
        let object = self.state.lock().objects.get(name).cloned().ok_or(PlaceError::Missing)?;
        let end = usize::try_from(range.end).unwrap().min(object.len());
        Ok(object.slice(usize::try_from(range.start).unwrap().min(end)..end))
    }

    async fn list(
        &self,
        day: Date,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ListedObject>, PlaceError> {
        self.there()?;
        let after = after.map(ObjectId::name);
        let state = self.state.lock();
        let objects =
            state.objects.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
        let listed = objects.filter_map(|(name, object)| {
            Some(ListedObject { id: ObjectId::from_name(name)?, bytes: object.len() as u64 })
        });
        Ok(listed.filter(|listed| listed.id.day() == day).take(limit).collect())
    }

    async fn remove(&self, names: &[String]) -> Result<(), PlaceError> {
        self.there()?;
        self.state.lock().objects.retain(|name, _| !names.contains(name));
        Ok(())
    }

    async fn forget_day(&self, _day: Date) -> Result<(), PlaceError> {
        self.there()
    }
}
