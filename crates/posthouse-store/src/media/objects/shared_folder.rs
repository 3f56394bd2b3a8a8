//! A folder that all nodes mount (NFS and the like): an object is a file, written aside, synced, and given its name when it is whole.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    ops::Range,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::civil::Date;
use posthouse_core::lock::Mutex;
use tokio::{sync::Semaphore, time::timeout};

use super::place::{DEADLINE, ListedObject, MARKER, ObjectId, ObjectPlace, PlaceError};
use crate::media::folder::make_private;

/// So many operations at most are under way: a mount that hangs holds up so many threads, and no more.
const THREADS: usize = 16;
/// Ends the name of a file that is not whole yet.
const UNFINISHED: &str = "new";

/// A shared folder. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct SharedFolder {
    root: Arc<Path>,
    threads: Arc<Semaphore>,
    /// The folder that was written to last, which is known to last.
    lasting: Arc<Mutex<PathBuf>>,
}

impl SharedFolder {
    /// The folder at this path, made if it is missing.
    ///
    /// # Errors
    /// That it cannot be made, or does not answer.
    pub(crate) async fn open(path: &Path) -> Result<Self, PlaceError> {
        let threads = Arc::new(Semaphore::new(THREADS));
        let folder = Self { root: path.into(), threads, lasting: Arc::default() };
        folder.run(make_private).await?;
        Ok(folder)
    }

    /// Runs what blocks, within the deadline. What hangs keeps its thread, and its place among those that may run.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, PlaceError> {
        let (threads, root) = (Arc::clone(&self.threads), Arc::clone(&self.root));
        let done = timeout(DEADLINE, async move {
            let thread = threads.acquire_owned().await.map_err(io::Error::other)?;
            let blocking = move || {
                let done = work(&root);
                drop(thread);
                done
            };
            tokio::task::spawn_blocking(blocking).await.map_err(io::Error::other)?
        });
        match done.await {
            Ok(done) => done.map_err(fault),
            Err(_) => Err(PlaceError::unavailable(format!("no answer within {} s", DEADLINE.as_secs()))),
        }
    }
}

impl fmt::Display for SharedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", self.root.display())
    }
}

#[async_trait]
impl ObjectPlace for SharedFolder {
    async fn create(&self, name: &str, pieces: &[Bytes]) -> Result<(), PlaceError> {
        let (name, pieces, lasting) = (name.to_owned(), pieces.to_vec(), Arc::clone(&self.lasting));
        self.run(move |root| create(root, &name, &pieces, &lasting)).await
    }

    async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, PlaceError> {
        let name = name.to_owned();
        self.run(move |root| {
            is_mounted(root, &name)?;
            read(&File::open(root.join(&name))?, &range)
        })
        .await
    }

    async fn list(
        &self,
        day: Date,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ListedObject>, PlaceError> {
        self.run(move |root| list(root, day, after, limit)).await
    }

    async fn remove(&self, names: &[String]) -> Result<(), PlaceError> {
        let names = names.to_vec();
        self.run(move |root| {
            names.iter().try_for_each(|name| ignore_missing(fs::remove_file(root.join(name))))
        })
        .await
    }

    async fn forget_day(&self, day: Date) -> Result<(), PlaceError> {
        self.run(move |root| ignore_missing(fs::remove_dir_all(root.join(day.to_string())))).await
    }
}

fn fault(error: io::Error) -> PlaceError {
    match error.kind() {
        io::ErrorKind::NotFound => PlaceError::Missing,
        io::ErrorKind::AlreadyExists => PlaceError::Exists,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => PlaceError::Full,
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => PlaceError::Denied(error.into()),
        _ => PlaceError::Unavailable(error.into()),
    }
}

/// Where there is no marker there is no folder of ours: it is not mounted. Then nothing is missing for good, and what were written would lie
/// where no other node sees it.
fn is_mounted(root: &Path, name: &str) -> io::Result<()> {
    // The marker itself, and what is written before there is one.
    if !name.contains('/') || root.join(MARKER).try_exists()? {
        return Ok(());
    }
    Err(io::Error::other(format!("there is no {MARKER} in {}; is it mounted?", root.display())))
}

fn create(root: &Path, name: &str, pieces: &[Bytes], lasting: &Mutex<PathBuf>) -> io::Result<()> {
    is_mounted(root, name)?;
    let path = root.join(name);
    let folder = path.parent().unwrap_or(root);
    make_folders(root, folder, lasting)?;
    let aside = aside(&path);
    let made = write(&aside, pieces).and_then(|()| give_name(&aside, &path));
    // What has its name now has two, and what went wrong is in the way.
    fs::remove_file(&aside).ok();
    made?;
    sync(folder)
}

/// A name that no other attempt has, of this machine or another.
fn aside(path: &Path) -> PathBuf {
    let random = RandomState::new().build_hasher().finish();
    path.with_extension(format!("{random:016x}.{UNFINISHED}"))
}

fn write(aside: &Path, pieces: &[Bytes]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside)?;
    for piece in pieces {
        file.write_all(piece)?;
    }
    file.sync_all()
}

/// Gives a file its name, unless that is taken.
fn give_name(aside: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(aside, path) {
        // Without hard links: names are made once, so that a look is enough.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
        {
            if path.try_exists()? {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(aside, path)
        }
        linked => linked,
    }
}

/// Makes the folders between the root and this one, each lasting before something lies in it. `lasting`: the one that was seen to last
/// before; another process may have made one and not yet synced it.
fn make_folders(root: &Path, folder: &Path, lasting: &Mutex<PathBuf>) -> io::Result<()> {
    if *lasting.lock() == folder && folder.is_dir() {
        return Ok(());
    }
    make_private(folder)?;
    folder.ancestors().skip(1).take_while(|above| above.starts_with(root)).try_for_each(sync)?;
    folder.clone_into(&mut lasting.lock());
    Ok(())
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn read(file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    let end = range.end.min(file.metadata()?.len());
    let length = usize::try_from(end.saturating_sub(range.start)).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}

fn list(root: &Path, day: Date, after: Option<ObjectId>, limit: usize) -> io::Result<Vec<ListedObject>> {
    let mut names = Vec::new();
    for node in entries(&root.join(day.to_string()))? {
        for file in entries(&node)? {
            let name = file.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned);
            names.extend(name.filter(|name| after.is_none_or(|after| *name > after.name())));
        }
    }
    names.sort_unstable();
    let mut listed = Vec::new();
    for id in names.iter().filter_map(|name| ObjectId::from_name(name)).take(limit) {
        match root.join(id.name()).metadata() {
            Ok(found) => listed.push(ListedObject { id, bytes: found.len() }),
            // Another node was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listed)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(found) => found.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_appears_whole_and_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = SharedFolder::open(&root.path().join("media")).await.unwrap();
        folder.create(MARKER, &[]).await.unwrap();
        let pieces = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        folder.create("2026-11-29/003/0a", &pieces).await.unwrap();
        assert_eq!(folder.create("2026-11-29/003/0a", &pieces[..1]).await, Err(PlaceError::Exists));
        assert_eq!(folder.read("2026-11-29/003/0a", 2..5).await.unwrap(), "etw");
        assert_eq!(folder.read("2026-11-29/003/0a", 4..50).await.unwrap(), "wo");
        assert_eq!(folder.read("2026-11-29/003/0b", 0..5).await, Err(PlaceError::Missing));
        let names = entries(&root.path().join("media/2026-11-29/003")).unwrap();
        assert_eq!(names.len(), 1, "nothing is left aside: {names:?}");
    }

    #[tokio::test]
    async fn where_nothing_is_mounted_nothing_is_written_and_nothing_missing() {
        let root = tempfile::tempdir().unwrap();
        let folder = SharedFolder::open(root.path()).await.unwrap();
        let read = folder.read("2026-11-29/003/0a", 0..5).await;
        let created = folder.create("2026-11-29/003/0a", &[]).await;
        for error in [read.unwrap_err(), created.unwrap_err()] {
            assert_eq!(
                error.to_string(),
                format!(
                    "it does not answer: there is no posthouse-store in {}; is it mounted?",
                    root.path().display()
                )
            );
        }
        assert_eq!(entries(root.path()).unwrap(), Vec::<PathBuf>::new());
    }

    #[tokio::test]
    async fn what_is_no_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("file"), "").unwrap();
        let refused = SharedFolder::open(&root.path().join("file/media")).await.unwrap_err();
        assert!(matches!(refused, PlaceError::Denied(_)), "{refused}");
    }
}
