//! S3 and what speaks as it does, as a place for objects.

use std::{fmt, ops::Range, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::Date;
use object_store::{
    BackoffConfig, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    list::{PaginatedListOptions, PaginatedListStore as _},
    path::Path,
};
use tokio::time::timeout;

use super::{
    place::{DEADLINE, ListedObject, ObjectId, ObjectPlace, PlaceError},
    s3_http::HyperConnector,
};
use crate::media::location::S3Location;

/// What is quoted of an answer that refuses, in characters at most.
const QUOTED: usize = 300;
/// How often the library asks again by itself, after an answer that says so or a connection that broke before anything was read.
const RETRIES: usize = 2;

/// A prefix in a bucket.
#[derive(Debug)]
pub(crate) struct S3Bucket {
    bucket: AmazonS3,
    location: S3Location,
}

impl S3Bucket {
    /// The bucket of a location. Nothing is asked for yet. What the location leaves open is taken from the usual `AWS_…` variables, and
    /// then from the machine's or the container's role.
    ///
    /// # Errors
    /// A location that makes no sense.
    pub(crate) fn new(location: S3Location) -> Result<Self, PlaceError> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&location.bucket)
            .with_http_connector(HyperConnector::new())
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(50),
                    max_backoff: Duration::from_millis(500),
                    base: 2.0,
                },
                max_retries: RETRIES,
                retry_timeout: DEADLINE / 2,
            });
        if let Some(region) = &location.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &location.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(credentials) = &location.credentials {
            builder = builder
                .with_access_key_id(&credentials.access_key_id)
                .with_secret_access_key(credentials.secret_access_key());
        }
        let endpoint = builder
            .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
            .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
        let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        // TLS sees to it that the body arrives as it was sent: a hash of it beside would be a third of the cost.
        builder = builder.with_allow_http(is_plain).with_unsigned_payload(!is_plain);
        let bucket = builder.build().map_err(|error| PlaceError::Denied(said(&error).into()))?;
        Ok(Self { bucket, location })
    }

    fn path(&self, name: &str) -> Path {
        Path::from(self.key(name))
    }

    /// The key of what begins with this name.
    fn key(&self, name: &str) -> String {
        match self.location.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }

    fn name<'a>(&self, path: &'a Path) -> Option<&'a str> {
        match self.location.prefix.as_str() {
            "" => Some(path.as_ref()),
            prefix => path.as_ref().strip_prefix(prefix)?.strip_prefix('/'),
        }
    }
}

impl fmt::Display for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location.fmt(f)
    }
}

/// What an operation brings, within the deadline.
async fn within<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, PlaceError> {
    match timeout(DEADLINE, work).await {
        Ok(done) => done.map_err(|error| fault(&error)),
        Err(_) => Err(PlaceError::unavailable(format!("no answer within {} s", DEADLINE.as_secs()))),
    }
}

#[async_trait]
impl ObjectPlace for S3Bucket {
    async fn create(&self, name: &str, pieces: &[Bytes]) -> Result<(), PlaceError> {
        let payload = pieces.iter().cloned().collect::<PutPayload>();
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let created = within(self.bucket.put_opts(&self.path(name), payload, options)).await;
        match created {
            Ok(_) => Ok(()),
            // Nothing can be missing where something is made, but the bucket itself.
            Err(PlaceError::Missing) => Err(PlaceError::Denied("there is no such bucket".into())),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, PlaceError> {
        within(self.bucket.get_range(&self.path(name), range)).await
    }

    async fn list(
        &self,
        day: Date,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ListedObject>, PlaceError> {
        let prefix = self.key(&format!("{day}/"));
        let mut offset = after.map(|after| self.key(&after.name()));
        let mut listed = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions {
                offset: offset.take(),
                max_keys: Some(limit.saturating_sub(listed.len()).clamp(1, 1000)),
                page_token: page_token.take(),
                ..PaginatedListOptions::default()
            };
            let page = within(self.bucket.list_paginated(Some(&prefix), options)).await?;
            listed.extend(page.result.objects.iter().filter_map(|object| {
                let id = ObjectId::from_name(self.name(&object.location)?)?;
                Some(ListedObject { id, bytes: object.size })
            }));
            page_token = page.page_token;
            if page_token.is_none() || listed.len() >= limit {
                break;
            }
        }
        // Keys come in their order from S3; of others that speak as it does, nobody promises it.
        listed.sort_unstable_by_key(|object| object.id.name());
        listed.truncate(limit);
        Ok(listed)
    }

    async fn remove(&self, names: &[String]) -> Result<(), PlaceError> {
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let removed = self.bucket.delete_stream(stream::iter(paths).boxed());
        match within(removed.try_collect::<Vec<_>>()).await {
            Ok(_) | Err(PlaceError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn forget_day(&self, _day: Date) -> Result<(), PlaceError> {
        // There are no folders.
        Ok(())
    }
}

/// What an error means. That something is missing is believed only where S3 says that the object is: a proxy without its backend, or a
/// bucket that is away, says 404 as well.
fn fault(error: &object_store::Error) -> PlaceError {
    use object_store::Error;
    let said = said(error);
    match error {
        Error::NotFound { .. } if said.contains("NoSuchKey") => PlaceError::Missing,
        Error::NotFound { .. } if said.contains("NoSuchBucket") => PlaceError::Denied(said.into()),
        Error::AlreadyExists { .. } | Error::Precondition { .. } => PlaceError::Exists,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => PlaceError::Denied(said.into()),
        _ => PlaceError::Unavailable(said.into()),
    }
}

/// What S3 says, in one line: its code and message where there are some, or else what lies at the bottom of the error.
fn said(error: &object_store::Error) -> String {
    let text = error.to_string();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(content, _)| content)
    };
    let said = match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => bottom(error),
    };
    said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(QUOTED).collect()
}

fn bottom(error: &object_store::Error) -> String {
    let mut bottom: &dyn std::error::Error = error;
    while let Some(source) = bottom.source() {
        bottom = source;
    }
    bottom.to_string()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use posthouse_core::id::IdSource;

    use super::*;
    use crate::{
        media::objects::{
            bodies::{
                KeptPlace, MediaBodies,
                tests::{assert_keeps_bodies, bodies},
            },
            marker::PlaceRefused,
        },
        suite::{
            bed::{message, with_media},
            media::noise,
            seaweed::SeaweedFs,
        },
    };

    fn status(kind: &str, text: &str) -> object_store::Error {
        let (path, source) = ("a".to_owned(), text.to_owned().into());
        match kind {
            "404" => object_store::Error::NotFound { path, source },
            "403" => object_store::Error::PermissionDenied { path, source },
            "412" => object_store::Error::Precondition { path, source },
            _ => object_store::Error::Generic { store: "S3", source },
        }
    }

    #[test]
    fn only_what_s3_calls_missing_is_missing() {
        let xml = "status 404: <Error><Code>NoSuchKey</Code><Message>The  specified key\ndoes not exist.</Message></Error>";
        assert_eq!(fault(&status("404", xml)), PlaceError::Missing);
        let bucket = "<Error><Code>NoSuchBucket</Code><Message>It is gone</Message></Error>";
        assert_eq!(fault(&status("404", bucket)), PlaceError::Denied("NoSuchBucket: It is gone".into()));
        assert_eq!(fault(&status("404", "no route")), PlaceError::Unavailable("no route".into()));
        assert_eq!(fault(&status("412", "")), PlaceError::Exists);
        assert_eq!(fault(&status("403", "go away")), PlaceError::Denied("go away".into()));
        assert_eq!(
            fault(&status("500", "<Code>SlowDown</Code>")),
            PlaceError::Unavailable("SlowDown".into())
        );
    }

    #[tokio::test]
    async fn keys_begin_with_the_prefix() {
        for (url, key) in [("s3://bucket", "name"), ("s3://bucket/a/b/", "a/b/name")] {
            let mut location: S3Location = url.parse().unwrap();
            location.region = Some("eu-1".into());
            let bucket = S3Bucket::new(location).unwrap();
            assert_eq!(bucket.key("name"), key);
            assert_eq!(bucket.name(&bucket.path("name")), Some("name"));
        }
    }

    #[tokio::test]
    async fn a_bucket_keeps_bodies() {
        let Some(weed) = SeaweedFs::start("a_bucket_keeps_bodies") else { return };
        assert_keeps_bodies(S3Bucket::new(weed.location("eu/live")).unwrap()).await;
        // What another prefix of the bucket has is its own.
        let other = bodies(S3Bucket::new(weed.location("")).unwrap()).await;
        let day = "2026-09-21".parse().unwrap();
        assert_eq!(other.list(day, None, 10).await, Ok(vec![]));
        let listed = bodies(S3Bucket::new(weed.location("eu/live")).unwrap()).await;
        let days: Vec<Date> = ["2026-09-21", "2026-09-22"].map(|day| day.parse().unwrap()).into();
        let mut left = 0;
        for day in days {
            left += listed.list(day, None, 10).await.unwrap().len();
        }
        assert_eq!(left, 1, "the day that was dropped is gone, the other is not");
    }

    #[tokio::test]
    async fn an_object_is_never_written_over() {
        let Some(weed) = SeaweedFs::start("an_object_is_never_written_over") else { return };
        let bucket = S3Bucket::new(weed.location("a")).unwrap();
        let name = "2026-11-29/003/02acedcbffe0e000";
        bucket.create(name, &[Bytes::from_static(b"fir"), Bytes::from_static(b"st")]).await.unwrap();
        assert_eq!(bucket.create(name, &[Bytes::from_static(b"second")]).await, Err(PlaceError::Exists));
        assert_eq!(bucket.read(name, 1..4).await.unwrap(), "irs");
        assert_eq!(bucket.read(name, 3..400).await.unwrap(), "st");
        assert_eq!(bucket.read("2026-11-29/003/none", 0..1).await, Err(PlaceError::Missing));
        bucket.remove(&[name.to_owned(), "2026-11-29/003/none".to_owned()]).await.unwrap();
        assert_eq!(bucket.read(name, 0..1).await, Err(PlaceError::Missing));
    }

    #[tokio::test]
    async fn what_s3_refuses_is_said_in_a_sentence() {
        let Some(weed) = SeaweedFs::start("what_s3_refuses_is_said_in_a_sentence") else { return };
        bodies(S3Bucket::new(weed.location("a")).unwrap()).await.close().await;
        let mut no_bucket = weed.location("a");
        no_bucket.bucket = "elsewhere".into();
        let remedy = "check the name of the bucket or folder, the credentials and what they may do there";
        for (location, said) in [
            (weed.as_who("a", "posthouse", "wrong"), "SignatureDoesNotMatch"),
            (weed.as_who("a", "nobody", "wrong"), "InvalidAccessKeyId"),
            (weed.reader("a"), "AccessDenied"),
            (no_bucket, "NoSuchBucket"),
        ] {
            let place = location.to_string();
            let opened = open(location).await.unwrap_err().to_string();
            let begin = format!("media cannot be written to {place}: it refuses: {said}: ");
            assert!(opened.starts_with(&begin) && opened.ends_with(remedy), "{opened}");
        }
        let foreign = MediaBodies::open(
            Arc::new(S3Bucket::new(weed.location("a")).unwrap()),
            "store-2",
            true,
            IdSource::new(3, None),
        );
        assert_eq!(
            foreign.await.unwrap_err().to_string(),
            "the media at s3://media/a are those of store store-1; give this store a place of its own in [media] url"
        );
    }

    async fn open(location: S3Location) -> Result<MediaBodies, PlaceRefused> {
        let place = Arc::new(S3Bucket::new(location).unwrap());
        MediaBodies::open(place, "store-1", false, IdSource::new(3, None)).await
    }

    #[tokio::test]
    async fn while_s3_is_away_nothing_is_lost_and_nothing_missing() {
        let Some(mut weed) = SeaweedFs::start("while_s3_is_away_nothing_is_lost_and_nothing_missing") else {
            return;
        };
        let bodies = bodies(S3Bucket::new(weed.location("a")).unwrap()).await;
        let new = with_media(message(0), &[noise(1, 20_000)]);
        let kept = bodies.keep(&new).await.unwrap().unwrap();
        let KeptPlace::Object(written) = kept.place else { panic!("{kept:?}") };
        let read = async || bodies.read(written.object, written.position, &kept.seal).await;
        weed.pause();
        let error = read().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store failed: the media at s3://media/a: it does not answer: no answer within 10 s"
        );
        assert!(error.may_pass());
        weed.resume();
        assert_eq!(read().await.unwrap(), new.media[0]);
        weed.kill();
        assert!(read().await.unwrap_err().may_pass());
        let unwritten = bodies.keep(&with_media(message(0), &[noise(2, 20_000)])).await.unwrap_err();
        assert!(unwritten.may_pass(), "{unwritten}");
        let opened = open(weed.location("a")).await.unwrap_err().to_string();
        let remedy = "; check that it can be reached from this machine, and [media] endpoint and region";
        assert!(opened.ends_with(remedy), "{opened}");
        weed.go_on();
        // SeaweedFS answers before its volumes have reported to the master: until then with an InternalError.
        let back = within_a_minute("what was written is read again", async || {
            read().await.inspect_err(|error| assert!(error.may_pass(), "{error}")).ok()
        });
        assert_eq!(back.await, new.media[0]);
        within_a_minute("media are written again", async || {
            bodies.keep(&with_media(message(0), &[noise(3, 20_000)])).await.ok()
        })
        .await;
    }

    /// What `attempt` gives once it gives something; fails the test when a minute does not bring it.
    async fn within_a_minute<T>(what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
        let patience = Instant::now();
        loop {
            if let Some(done) = attempt().await {
                return done;
            }
            assert!(patience.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
