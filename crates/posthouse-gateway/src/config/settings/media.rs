//! `[media]`: where media are kept.

use std::path::PathBuf;

use posthouse_core::provisioning::{
    reading::{Table, Unfit},
    tree::ValueSource,
};
use posthouse_store::{MediaPlace, S3Credentials, S3Location};

use super::{ConfigFile, quote};
use crate::secrets::Secret;

/// The folder when nothing else is said, relative to the settings file.
const DEFAULT: &str = "posthouse-data/media";
/// The keys that only a bucket has.
const BUCKET_KEYS: [&str; 4] = ["endpoint", "region", "access_key_id", "secret_access_key"];

/// `[media]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSection {
    /// Where they are.
    pub place: MediaPlace,
    /// The secret of a bucket, for where it is from.
    secret: Option<Secret>,
}

impl Default for MediaSection {
    fn default() -> Self {
        Self { place: PathBuf::from(DEFAULT).into(), secret: None }
    }
}

impl MediaSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let place = table.parsed("url", |url: String| place(&url, file));
        match place.unwrap_or_else(|| file.path(DEFAULT).into()) {
            MediaPlace::S3(location) => read_bucket(&mut table, location),
            place => {
                for key in BUCKET_KEYS {
                    if table.has(key) {
                        table.wrong(
                            key,
                            ("only a bucket has one", "write url = \"s3://bucket/prefix\", or leave it out"),
                        );
                        table.value::<String>(key);
                    }
                }
                Self { place, secret: None }
            }
        }
    }

    /// The section as a file has it, with comments. The secret is shown as where it is from.
    pub(super) fn print(&self) -> String {
        format!(
            "[media]
# Pictures, sounds and texts of the messages: a folder, or for a store that several nodes share a bucket, \"s3://bucket/prefix\".
url = {}
# Of a bucket: whom to ask, which region, and as whom. What is left out is taken from AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
# AWS_SECRET_ACCESS_KEY, and then from the machine's or the container's role.
{}
",
            quote(&self.place.to_string()),
            self.print_bucket().join("\n")
        )
    }

    fn print_bucket(&self) -> [String; 4] {
        let location = match &self.place {
            MediaPlace::S3(location) => Some(location),
            MediaPlace::Folder(_) => None,
        };
        let key = |name: &str, value: Option<&String>, example: &str| match value {
            Some(value) => format!("{name} = {}", quote(value)),
            None => format!("# {name} = {}", quote(example)),
        };
        let id = location.and_then(|location| location.credentials.as_ref()).map(|who| &who.access_key_id);
        [
            key("endpoint", location.and_then(|it| it.endpoint.as_ref()), "https://s3.example.com"),
            key("region", location.and_then(|it| it.region.as_ref()), "eu-central-1"),
            key("access_key_id", id, "AKIA…"),
            self.print_secret(),
        ]
    }

    fn print_secret(&self) -> String {
        match self.secret.as_ref().map(Secret::source) {
            None => "# secret_access_key = { env = \"AWS_SECRET_ACCESS_KEY\" }".to_owned(),
            Some(ValueSource::Inline) => "# secret_access_key = \"…\" is set, and not shown".to_owned(),
            Some(ValueSource::Environment(name)) => {
                format!("secret_access_key = {{ env = {} }}", quote(name))
            }
            Some(ValueSource::File(path)) => {
                format!("secret_access_key = {{ file = {} }}", quote(&path.display().to_string()))
            }
        }
    }
}

/// Reads what a bucket has beside its URL.
fn read_bucket(table: &mut Table<'_>, mut location: S3Location) -> MediaSection {
    location.endpoint = table.parsed("endpoint", endpoint);
    location.region = table.value("region");
    let id: Option<String> = table.value("access_key_id");
    let secret = table.secret("secret_access_key").map(|(text, source)| Secret::new(text, source));
    match (id, &secret) {
        (Some(id), Some(secret)) => {
            location.credentials = Some(S3Credentials::new(id, secret.expose().to_owned()));
        }
        (Some(_), None) => table.require("secret_access_key", "{ env = \"AWS_SECRET_ACCESS_KEY\" }"),
        (None, Some(_)) => table.require("access_key_id", "\"AKIA…\""),
        (None, None) => {}
    }
    MediaSection { place: MediaPlace::S3(location), secret }
}

fn endpoint(url: String) -> Result<String, Unfit> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host.filter(|host| !host.is_empty() && !host.contains(['@', '?', '#', ' '])) {
        Some(_) => Ok(url.trim_end_matches('/').to_owned()),
        // There may be a password in it.
        None => Err(Unfit::Alone(
            (
                "is no endpoint",
                "write https://host, and the credentials in access_key_id and secret_access_key",
            )
                .into(),
        )),
    }
}

/// The place of a `file:` or `s3:` URL.
fn place(url: &str, file: &ConfigFile) -> Result<MediaPlace, Unfit> {
    let default = format!("file://{DEFAULT}");
    match url.split_once("://") {
        Some(("file", "")) => Err(("names no folder", format!("write one, such as {default:?}")).into()),
        Some(("file", path)) => Ok(file.path(path).into()),
        Some(("s3", _)) => match url.parse() {
            Ok(location) => Ok(MediaPlace::S3(location)),
            // There may be a password in it.
            Err(error) => Err(Unfit::Alone(error.to_string().into())),
        },
        _ => Err(Unfit::Alone(
            (
                "takes an address that begins with file:// or s3://",
                format!("write {default:?}, another folder, or \"s3://bucket/prefix\""),
            )
                .into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{assert_mistakes, parse},
        *,
    };

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[media]\nurl = \"s3://key:secret@bucket\"",
                "posthouse.toml:2: media.url names no bucket; write s3://bucket or s3://bucket/prefix, in letters, digits, dots and hyphens",
            ),
            (
                "[media]\nurl = \"media\"",
                "posthouse.toml:2: media.url takes an address that begins with file:// or s3://; write \"file://posthouse-data/media\", another folder, or \"s3://bucket/prefix\"",
            ),
            (
                "[media]\nurl = \"file://media\"\nregion = \"eu-central-1\"",
                "posthouse.toml:3: media.region: only a bucket has one; write url = \"s3://bucket/prefix\", or leave it out",
            ),
            (
                "[media]\nurl = \"s3://bucket\"\nendpoint = \"s3.example.com\"",
                "posthouse.toml:3: media.endpoint is no endpoint; write https://host, and the credentials in access_key_id and secret_access_key",
            ),
            (
                "[media]\nurl = \"s3://bucket\"\naccess_key_id = \"AKIA1\"",
                "posthouse.toml:1: media.secret_access_key is missing; add secret_access_key = { env = \"AWS_SECRET_ACCESS_KEY\" }",
            ),
        ]);
    }

    #[test]
    fn a_bucket_is_printed_as_it_was_read_without_its_secret() {
        let text = "[media]\nurl = \"s3://bucket/eu\"\nendpoint = \"https://s3.example.com/\"\nregion = \"eu-central-1\"\naccess_key_id = \"AKIA1\"\nsecret_access_key = \"hidden\"";
        let settings = parse(text).unwrap();
        let MediaPlace::S3(location) = &settings.media.place else { panic!("a bucket") };
        assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("bucket", "eu"));
        assert_eq!(location.credentials, Some(S3Credentials::new("AKIA1".into(), "hidden".into())));
        let printed = settings.media.print();
        for line in [
            "url = \"s3://bucket/eu\"",
            "endpoint = \"https://s3.example.com\"",
            "region = \"eu-central-1\"",
            "access_key_id = \"AKIA1\"",
            "# secret_access_key = \"…\" is set, and not shown",
        ] {
            assert!(printed.lines().any(|found| found == line), "{line} is not in\n{printed}");
        }
        assert!(!printed.contains("hidden") && !format!("{settings:?}").contains("hidden"));
    }
}
