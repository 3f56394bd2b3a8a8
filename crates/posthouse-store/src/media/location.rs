//! Where media are, as settings say it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where media are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaPlace {
    /// In a folder: of this machine for SQLite, one that all nodes mount for what several nodes share.
    Folder(PathBuf),
    /// In a bucket of S3, or of what speaks as it does.
    S3(S3Location),
}

impl MediaPlace {
    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::S3(_) => None,
        }
    }
}

impl From<PathBuf> for MediaPlace {
    fn from(path: PathBuf) -> Self {
        Self::Folder(path)
    }
}

impl From<&Path> for MediaPlace {
    fn from(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }
}

impl fmt::Display for MediaPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "file://{}", path.display()),
            Self::S3(location) => location.fmt(f),
        }
    }
}

/// A prefix in a bucket. What is left open is taken from the environment (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and
/// so on), and credentials then from the machine's role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// What keys begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The URL of what speaks as S3 does; none: AWS's own.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Who asks.
    pub credentials: Option<S3Credentials>,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Credentials {
    /// The access key's id.
    pub access_key_id: String,
    secret_access_key: String,
}

impl S3Credentials {
    /// These credentials.
    pub const fn new(access_key_id: String, secret_access_key: String) -> Self {
        Self { access_key_id, secret_access_key }
    }

    pub(crate) fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }
}

impl fmt::Debug for S3Credentials {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Why a text is not the address of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names no bucket; write s3://bucket or s3://bucket/prefix, in letters, digits, dots and hyphens")]
pub struct NotABucket;

impl FromStr for S3Location {
    type Err = NotABucket;

    /// Reads `s3://bucket` or `s3://bucket/prefix`.
    fn from_str(url: &str) -> Result<Self, NotABucket> {
        let rest = url.strip_prefix("s3://").ok_or(NotABucket)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let is_plain = |text: &str, more: &[char]| {
            text.chars().all(|one| one.is_ascii_alphanumeric() || more.contains(&one))
        };
        let segments_are_plain = prefix.split('/').all(|segment| !matches!(segment, "." | ".."));
        let is_whole = !bucket.is_empty() && (prefix.is_empty() || !prefix.split('/').any(str::is_empty));
        if !is_whole
            || !segments_are_plain
            || !is_plain(bucket, &['.', '-', '_'])
            || !is_plain(prefix, &['.', '-', '_', '/'])
        {
            return Err(NotABucket);
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: None,
            region: None,
            credentials: None,
        })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_its_prefix_are_read() {
        for (url, bucket, prefix, shown) in [
            ("s3://media", "media", "", "s3://media"),
            ("s3://media/", "media", "", "s3://media"),
            ("s3://me.d-ia/eu/live/", "me.d-ia", "eu/live", "s3://me.d-ia/eu/live"),
        ] {
            let location: S3Location = url.parse().unwrap();
            assert_eq!((location.bucket.as_str(), location.prefix.as_str()), (bucket, prefix), "{url}");
            assert_eq!(location.to_string(), shown);
        }
        for url in
            ["s3://", "s3:///prefix", "s3://a b", "s3://b/a//b", "s3://b/../c", "s3://b/a?c", "file://b"]
        {
            assert_eq!(url.parse::<S3Location>(), Err(NotABucket), "{url}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let credentials = S3Credentials::new("AKIA1".into(), "hidden".into());
        assert_eq!(format!("{credentials:?}"), "S3Credentials { access_key_id: \"AKIA1\", .. }");
    }
}
