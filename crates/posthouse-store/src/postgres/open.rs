//! Opening a store: whose database it is, which version, whether it keeps what it says, and where the media are.

use std::sync::Arc;

use jiff::Timestamp;
use posthouse_core::{Id, id::IdSource, lock::Mutex, store::StoreError};

use super::{
    PostgresStore,
    at_hand::MediaAtHand,
    batch::{Ids, RecordKeeping},
    partition::Partitions,
    reader::ReadPool,
    retention::DayRetention,
    schema,
    session::{Purpose, Session},
    standbys, statements,
    taking::UNFINISHED,
    upkeep::Upkeep,
    url::PostgresUrl,
    value::values,
    writer::BatchWriter,
};
use crate::{
    error::OpenError,
    media::{
        location::MediaPlace,
        objects::{
            bodies::MediaBodies,
            place::{ObjectPlace, PlaceError},
            s3::S3Bucket,
            shared_folder::SharedFolder,
        },
    },
    sqlite::Mode,
};

/// Under which name the database knows the place of its media.
const PLACE: &str = "media_place";
/// The node whose callbacks have ids of their own beside those of gateways.
const VISITOR: u8 = 255;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The address of the database, as libpq spells it.
    #[cfg_attr(not(feature = "suite"), expect(dead_code, reason = "others open it by a parsed address"))]
    pub url: String,
    /// Where large media are: a place that all nodes reach.
    pub media: MediaPlace,
    /// Who opens it.
    pub mode: Mode,
    /// Whether an empty database becomes a store.
    pub create: bool,
    /// Whether a server without a synchronous standby is refused.
    pub require_standbys: bool,
    /// Whether one is opened that is not whole yet, for what another store holds is being taken over into it.
    pub is_moving: bool,
}

impl PostgresStore {
    /// Opens a store. To be called on a Tokio runtime.
    ///
    /// # Errors
    /// Why it cannot be opened; nothing was changed then, but that a database that was empty may have got its tables.
    #[cfg(feature = "suite")]
    pub async fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let url = PostgresUrl::parse(&options.url).map_err(|error| OpenError::Address(error.0))?;
        Self::open_at(url, &options).await
    }

    /// Whether the server keeps what it says is committed.
    pub(crate) async fn lasts(url: &PostgresUrl, require_standbys: bool) -> Result<(), OpenError> {
        let session = Session::open(url, Purpose::Define).await;
        let session = session.map_err(|fault| schema::unreachable(url, &fault))?;
        standbys::check(url, &session.client, require_standbys).await
    }

    /// The same with a parsed address.
    pub(crate) async fn open_at(url: PostgresUrl, options: &PostgresOptions) -> Result<Self, OpenError> {
        let serves = options.mode == Mode::Serve;
        if serves {
            Self::lasts(&url, options.require_standbys).await?;
        }
        schema::bring_up_to_date(&url, serves || options.create, serves).await?;
        let session = Session::open(&url, Purpose::Write).await;
        let session = session.map_err(|fault| schema::unreachable(&url, &fault))?;
        let readers = ReadPool::new(url.clone());
        let (key, identity) = identity(&readers).await.map_err(schema::unreadable)?;
        let moving = readers.query(&statements::META_READ, values![UNFINISHED]).await;
        if serves && !options.is_moving && !moving.map_err(schema::unreadable)?.is_empty() {
            return Err(OpenError::Unfinished(url.to_string()));
        }
        let partitions = Arc::new(Partitions::new(url.clone()));
        if serves {
            let made = partitions.make_ahead(Timestamp::now()).await;
            made.map_err(|fault| schema::unreachable(&url, &fault))?;
        }
        let node = node(options.mode);
        let newest = newest(&readers, &statements::NEWEST_CALLBACK).await.map_err(schema::unreadable)?;
        let has_place = readers.query(&statements::META_READ, values![PLACE]).await;
        let begins = has_place.map_err(schema::unreadable)?.is_empty()
            && newest.is_none()
            && newest_object(&readers).await.map_err(schema::unreadable)?.is_none();
        let place = place(&options.media).await?;
        let media = MediaBodies::open(place, &identity, begins, IdSource::new(node, None)).await;
        let media = media.map_err(|error| OpenError::MediaPlace(error.to_string()))?;
        if !is_the_place(&session, media.sign(), serves)
            .await
            .map_err(|error| schema::refused(&url, &error))?
        {
            return Err(OpenError::MediaPlace(media.is_another().to_string()));
        }
        let ids = Arc::new(Ids {
            callbacks: Mutex::new(IdSource::new(node, newest)),
            lines: Mutex::new(IdSource::new(node, None)),
            counts: Mutex::default(),
            records: RecordKeeping::default(),
        });
        let retention = DayRetention::new(url.clone(), Arc::clone(&partitions), chance());
        let writer = BatchWriter::start(url, session, Arc::clone(&partitions), Arc::clone(&ids));
        let writer = Arc::new(writer);
        let upkeep = Upkeep::start(serves, Arc::clone(&writer), partitions);
        let at_hand = MediaAtHand::default();
        Ok(Self { mode: options.mode, key, media, at_hand, ids, readers, writer, upkeep, retention })
    }
}

async fn place(media: &MediaPlace) -> Result<Arc<dyn ObjectPlace>, OpenError> {
    Ok(match media {
        MediaPlace::Folder(path) => Arc::new(SharedFolder::open(path).await.map_err(|error| {
            let why = match error {
                PlaceError::Missing => "it cannot be made there".to_owned(),
                error => error.to_string(),
            };
            OpenError::MediaPlace(format!(
                "media cannot be kept in file://{}: {why}; give a folder in [media] url that the gateway's user may make and write to",
                path.display()
            ))
        })?),
        MediaPlace::S3(location) => Arc::new(S3Bucket::new(location.clone()).map_err(|error| {
            OpenError::MediaPlace(format!("media cannot be kept: {error}; see [media] in the configuration"))
        })?),
    })
}

/// Whether this is the place of the store's media. The first gateway settles that, from which time on a cluster with another place, and
/// so with other messages in mind, is refused.
async fn is_the_place(session: &Session, sign: &str, settles: bool) -> Result<bool, tokio_postgres::Error> {
    if settles {
        let settle = "INSERT INTO meta (name, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        session.client.execute(settle, &[&PLACE, &sign.as_bytes()]).await?;
    }
    let settled = "SELECT bytes FROM meta WHERE name = $1";
    let settled = session.client.query_opt(settled, &[&PLACE]).await?;
    let settled: Option<Vec<u8>> = settled.map(|row| row.try_get("bytes")).transpose()?;
    Ok(settled.is_none_or(|settled| settled == sign.as_bytes()))
}

/// A node's number, by chance: what it numbers is told from others' by its time as well.
fn node(mode: Mode) -> u8 {
    let mut byte = [0_u8];
    match (mode, getrandom::fill(&mut byte)) {
        (Mode::Serve, Ok(())) => 1 + byte[0] % 239,
        (Mode::Serve, Err(_)) => 1,
        (Mode::Visit, _) => VISITOR,
    }
}

/// Some number, by which a store knows itself among others.
fn chance() -> i64 {
    let mut bytes = [0_u8; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => i64::from_le_bytes(bytes),
        Err(_) => std::process::id().into(),
    }
}

/// The store's key, and its identity in words.
async fn identity(readers: &ReadPool) -> Result<([u8; 32], String), StoreError> {
    let bytes = async |name: &str| -> Result<Vec<u8>, StoreError> {
        let rows = readers.query(&statements::META_READ, values![name]).await?;
        let found: Option<Vec<u8>> = rows.first().and_then(|row| row.try_get("bytes").ok().flatten());
        found.ok_or_else(|| super::record::corrupt("meta", "bytes", name, "it is not there"))
    };
    let key = bytes("key").await?;
    let key =
        key.try_into().map_err(|_| super::record::corrupt("meta", "bytes", "key", "it has not 32 bytes"))?;
    let identity = bytes("identity").await?;
    Ok((key, identity.iter().map(|byte| format!("{byte:02x}")).collect()))
}

async fn newest(
    readers: &ReadPool,
    statement: &'static statements::Statement,
) -> Result<Option<Id>, StoreError> {
    let rows = readers.query(statement, values![]).await?;
    let number: Option<i64> = rows.first().and_then(|row| row.try_get("id").ok().flatten());
    Ok(number.and_then(Id::from_number))
}

async fn newest_object(readers: &ReadPool) -> Result<Option<Id>, StoreError> {
    newest(readers, &statements::NEWEST_OBJECT).await
}
