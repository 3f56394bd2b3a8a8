//! `[media]`: where media are kept.

use std::path::PathBuf;

use posthouse_core::provisioning::reading::{Table, Unfit};

use super::{ConfigFile, quote};

/// The folder when nothing else is said, relative to the settings file.
const DEFAULT: &str = "posthouse-data/media";

/// `[media]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSection {
    /// The folder of the segment files.
    pub path: PathBuf,
}

impl Default for MediaSection {
    fn default() -> Self {
        Self { path: PathBuf::from(DEFAULT) }
    }
}

impl MediaSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let path = table.parsed("url", |url: String| path(&url).map(|path| file.path(path)));
        Self { path: path.unwrap_or_else(|| file.path(DEFAULT)) }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        format!(
            "[media]
# Pictures, sounds and texts of the messages: a folder.
url = {}
",
            quote(&format!("file://{}", self.path.display()))
        )
    }
}

/// The path of a `file:` URL.
fn path(url: &str) -> Result<&str, Unfit> {
    let default = format!("file://{DEFAULT}");
    match url.split_once("://") {
        Some(("file", "")) => Err(format!("names no folder; write one, such as {default:?}").into()),
        Some(("file", path)) => Ok(path),
        Some(("s3", _)) => Err(Unfit::Alone(format!(
            "names an object store, which is not supported by this version; write {default:?} or another folder"
        ))),
        _ => Err(Unfit::Alone(format!(
            "takes an address that begins with file://; write {default:?} or another folder"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[media]\nurl = \"s3://bucket/prefix\"",
                "posthouse.toml:2: media.url names an object store, which is not supported by this version; write \"file://posthouse-data/media\" or another folder",
            ),
            (
                "[media]\nurl = \"media\"",
                "posthouse.toml:2: media.url takes an address that begins with file://; write \"file://posthouse-data/media\" or another folder",
            ),
        ]);
    }
}
