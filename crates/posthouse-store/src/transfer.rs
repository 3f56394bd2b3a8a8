//! Takes all that an SQLite store holds over into an empty PostgreSQL store: `posthouse migrate`.
//!
//! No gateway runs on either meanwhile: the lock of the SQLite store is held, and a PostgreSQL store that is not whole yet is refused to
//! gateways. Messages go first, by id, some hundred in a transaction that also says how far it came; so it may be stopped at any time, in
//! any way, and goes on from there. After each transaction what was taken over is read back and compared: messages, timelines, media.
//! The rest goes last, with the note that the store is whole. The SQLite store is marked as moved before anything is taken over, so that no
//! gateway sends from it again; that may be taken back as long as no gateway has served the new one, which is emptied then.
//!
//! | file | what it does |
//! |---|---|
//! | `transfer.rs` | the order of things, and the comparison |
//! | `sqlite/taking.rs` | reads tables for it |
//! | `postgres/taking.rs` | writes them |

use std::collections::BTreeMap;

use posthouse_core::{
    Id,
    store::{SearchStore as _, StoreError, UpkeepStore as _},
};

use crate::{
    error::TransferError,
    media::location::MediaPlace,
    postgres::{PostgresUrl, taking::TransferTarget},
    sqlite::{
        Mode, SqliteOptions, SqliteStore,
        taking::{self, TransferPage},
    },
    url::{StoreKind, StoreUrl},
};

/// So many messages are taken over in one transaction.
const PAGE: usize = 200;
/// A transaction takes no further message once it has media of so many bytes.
const PAGE_MEDIA: usize = 32 << 20;

/// A store and where its media are.
#[derive(Clone, Debug)]
pub struct StorePlace {
    /// The store.
    pub url: StoreUrl,
    /// Its media.
    pub media: MediaPlace,
}

/// How far a store was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferProgress {
    /// Messages, and those from handsets, that were taken over by this and compared.
    pub messages: u64,
    /// How many there are in all.
    pub of: u64,
    /// How many had been taken over by an earlier run.
    pub before: u64,
}

/// Takes a store over. `told` hears how far it came, after each transaction. To be called on a Tokio runtime.
///
/// # Errors
/// Why it was not taken over. It may be called again after any of them.
pub async fn take_over(
    from: &StorePlace,
    to: &StorePlace,
    mut told: impl FnMut(TransferProgress) + Send,
) -> Result<TransferProgress, TransferError> {
    let (StoreKind::Sqlite(path), StoreKind::Postgres { url, .. }, Some(folder)) =
        (from.url.backend(), to.url.backend(), from.media.folder())
    else {
        return Err(TransferError::OtherWay);
    };
    let options = SqliteOptions {
        path: path.clone(),
        media: folder.to_owned(),
        mode: Mode::Serve,
        create: false,
        is_moving: true,
        ..SqliteOptions::default()
    };
    let opened = SqliteStore::open(options).await;
    let source = opened.map_err(|source| TransferError::Open { which: from.url.to_string(), source })?;
    let outcome = with_source(&source, url, to, &mut told).await;
    source.close().await.ok();
    outcome
}

async fn with_source(
    source: &SqliteStore,
    url: &PostgresUrl,
    to: &StorePlace,
    told: &mut (impl FnMut(TransferProgress) + Send),
) -> Result<TransferProgress, TransferError> {
    let reading = TransferError::failed("the SQLite store cannot be read");
    let identity = source.read(taking::identity).await.map_err(reading)?;
    let marking = TransferError::failed("the SQLite store cannot be marked as moved");
    let mut target = TransferTarget::open(url, &to.media, &identity).await?;
    // From here on no gateway serves it: what has been taken over already would not be what it does.
    let marked = source.mark_moved(Some(to.url.to_string())).await.map_err(marking);
    let copied = match marked {
        Ok(()) => copy(source, &mut target, told).await,
        Err(error) => Err(error),
    };
    target.close().await;
    copied
}

async fn copy(
    source: &SqliteStore,
    target: &mut TransferTarget,
    told: &mut (impl FnMut(TransferProgress) + Send),
) -> Result<TransferProgress, TransferError> {
    let mut progress = TransferProgress::default();
    for kind in taking::PAGED {
        let reading = TransferError::failed("the SQLite store cannot be read");
        let writing = TransferError::failed("the PostgreSQL store cannot be read");
        let mut after = target.taken(kind.name).await.map_err(writing)?;
        let (before, of) =
            source.read(move |connection| taking::count(connection, kind, after)).await.map_err(reading)?;
        (progress.before, progress.of) = (progress.before + before, progress.of + of);
        told(progress);
        while let Some(page) = page(source, kind, after).await? {
            let writing = TransferError::failed("the PostgreSQL store cannot be written");
            target.take(kind.name, &page).await.map_err(writing)?;
            compare(source, target, kind.is_mo, &page.ids).await?;
            progress.messages += page.ids.len() as u64;
            after = page.last();
            told(progress);
        }
    }
    let reading = TransferError::failed("the SQLite store cannot be read");
    let rest = source.read(taking::rest).await.map_err(reading)?;
    let writing = TransferError::failed("the PostgreSQL store cannot be written");
    target.finish(rest).await.map_err(writing)?;
    Ok(progress)
}

/// The messages behind an id; `None`: there are none.
async fn page(
    source: &SqliteStore,
    kind: &'static taking::PagedKind,
    after: i64,
) -> Result<Option<TransferPage>, TransferError> {
    let failed = || TransferError::failed("the SQLite store cannot be read");
    let read = source.read(move |connection| taking::page(connection, kind, after, PAGE)).await;
    let (mut ids, with_media) = read.map_err(failed())?;
    let (mut media, mut bytes) = (BTreeMap::new(), 0);
    for id in with_media {
        if bytes >= PAGE_MEDIA {
            // The rest goes with the next page.
            ids.retain(|other| *other < id);
            break;
        }
        match source.media(id).await {
            Ok(parts) => {
                bytes += parts.iter().map(bytes::Bytes::len).sum::<usize>();
                media.insert(id, parts);
            }
            // What is lost already ends as Rejected there as it would here.
            Err(error @ (StoreError::Corrupt { .. } | StoreError::NotFound(_))) => {
                tracing::error!(%error, %id, "media cannot be read, and are not taken over");
            }
            Err(error) => return Err(failed()(error)),
        }
    }
    let Some(last) = ids.last().map(|id| id.number()) else { return Ok(None) };
    let rows = source
        .read(move |connection| taking::about(connection, kind, (after, last)))
        .await
        .map_err(failed())?;
    Ok(Some(TransferPage { ids, rows, media }))
}

/// Compares what was taken over with what was there.
async fn compare(
    source: &SqliteStore,
    target: &TransferTarget,
    is_mo: bool,
    ids: &[Id],
) -> Result<(), TransferError> {
    let here = || TransferError::failed("the SQLite store cannot be read");
    let there = || TransferError::failed("the PostgreSQL store cannot be read");
    let store = target.store();
    for id in ids {
        let differs = |what| TransferError::Differs { id: *id, what, target: target.to_string() };
        if !is_mo {
            if source.message(*id).await.map_err(here())? != store.message(*id).await.map_err(there())? {
                return Err(differs("row"));
            }
            if source.timeline(*id).await.map_err(here())? != store.timeline(*id).await.map_err(there())? {
                return Err(differs("timeline"));
            }
        }
        let (ours, theirs) = (source.media(*id).await, store.media(*id).await);
        let both_lost =
            matches!(ours, Err(StoreError::Corrupt { .. } | StoreError::NotFound(_))) && theirs.is_err();
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => {}
            _ if both_lost => {}
            (Ok(_), Err(error)) if error.may_pass() => return Err(there()(error)),
            (Err(error), _) if error.may_pass() => return Err(here()(error)),
            _ => return Err(differs("media")),
        }
    }
    Ok(())
}

/// Takes back that a store was taken over, as long as no gateway has served the new one: that is empty afterwards, and the SQLite store may
/// be served again.
///
/// # Errors
/// [`TransferError::Served`], and those of opening them.
pub async fn take_back(from: &StorePlace, to: &StorePlace) -> Result<(), TransferError> {
    let (StoreKind::Sqlite(path), StoreKind::Postgres { url, .. }, Some(folder)) =
        (from.url.backend(), to.url.backend(), from.media.folder())
    else {
        return Err(TransferError::OtherWay);
    };
    TransferTarget::take_back(url).await?;
    let options = SqliteOptions {
        path: path.clone(),
        media: folder.to_owned(),
        mode: Mode::Serve,
        create: false,
        is_moving: true,
        ..SqliteOptions::default()
    };
    let opened = SqliteStore::open(options).await;
    let source = opened.map_err(|source| TransferError::Open { which: from.url.to_string(), source })?;
    let marked = source.mark_moved(None).await;
    source.close().await.ok();
    marked.map_err(TransferError::failed("the SQLite store cannot be marked"))
}
