//! TOML files into trees, and what stands outside of them: the environment, files of secrets, PEM files.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use posthouse_core::{
    mistake::Mistake,
    provisioning::{
        reading::{Elsewhere, Problems, Reader, Table},
        tree::{Entries, Outside, Spot, TreeNode, Value, ValueSource},
    },
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The longest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Looks up an environment variable. Only the program's outermost layer knows the real environment.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1; `None` when it is about the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and the remedy.
    pub what: Mistake,
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// All that is wrong in a file, by line. `Display` gives each mistake a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// The mistakes; at least one.
    pub mistakes: Vec<ConfigMistake>,
}

impl ConfigErrors {
    /// What is wrong in this file.
    pub(super) fn of(file: &ConfigFile, Problems(problems): Problems) -> Self {
        let mistakes = problems.into_iter().map(|problem| ConfigMistake {
            file: file.file.clone(),
            line: problem.spot.line(),
            what: problem.what,
        });
        Self { mistakes: mistakes.collect() }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// Which tables belong in which file: one is easily taken for the other.
pub(super) const ELSEWHERE: &Elsewhere = &[
    (
        &["account", "carrier", "lookup", "range", "blacklist"],
        "a provisioning file, see `posthouse apply --help`",
    ),
    (
        &["store", "media", "mm7", "carriers", "fetch", "admin", "retention", "shutdown", "log"],
        "posthouse.toml, see `posthouse serve --help`",
    ),
];

/// The text of a file that people wrote, before it is understood.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its name for people.
    pub file: String,
    /// All of it.
    pub text: String,
    /// What its relative paths start from; empty for the working directory.
    pub folder: PathBuf,
}

impl ConfigFile {
    /// Reads a file. Its folder becomes absolute, unless it is the working directory itself.
    ///
    /// # Errors
    /// The one mistake that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let file = path.display().to_string();
        match read_text(path) {
            Ok(text) => Ok(Self { file, text, folder: folder_of(path) }),
            Err(what) => Err(ConfigErrors { mistakes: vec![ConfigMistake { file, line: None, what }] }),
        }
    }

    /// Reads what comes on standard input. Its relative paths start from the working directory.
    ///
    /// # Errors
    /// The one mistake that it cannot be read.
    pub fn read(from: impl std::io::Read) -> Result<Self, ConfigErrors> {
        let file = "-".to_owned();
        match whole_text(from) {
            Ok(text) => Ok(Self { file, text, folder: PathBuf::new() }),
            Err(what) => Err(ConfigErrors { mistakes: vec![ConfigMistake { file, line: None, what }] }),
        }
    }

    /// A path of the file, relative to its folder.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The file as a tree. What is not TOML is noted, the rest is read all the same.
    pub(super) fn tree<'r>(&'r self, reader: &Reader<'_>) -> (Entries<'r>, Spot) {
        let lines = Lines::of(&self.text);
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in errors {
            let offset = error.span().map_or(self.text.len(), |span| span.start);
            let what = error.message().replace('\n', ", ");
            reader.broken(lines.spot(offset), (format!("this is not TOML: {what}"), "mend this line"));
        }
        (lines.entries(table.into_inner()), Spot::Line(1))
    }

    /// The file's top level, whose keys are asked for.
    pub(super) fn root<'r>(&'r self, reader: &'r Reader<'r>) -> Table<'r> {
        let (entries, spot) = self.tree(reader);
        reader.root(entries, spot)
    }
}

/// Where each line of a text ends. Each key is asked for its line: counting from the file's beginning would take time by the square
/// of its length.
struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let bytes = text.bytes().enumerate();
        Self { ends: bytes.filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset).collect() }
    }

    fn spot(&self, offset: usize) -> Spot {
        Spot::Line(1 + self.ends.partition_point(|end| *end < offset))
    }

    fn entries<'r>(&self, table: DeTable<'r>) -> Entries<'r> {
        let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'r>>)| {
            let spot = self.spot(key.span().start);
            (key.into_inner(), TreeNode { spot, value: self.value(value.into_inner()) })
        };
        table.into_iter().map(entry).collect()
    }

    /// The parser has bounded how deep values stand in each other.
    fn value<'r>(&self, value: DeValue<'r>) -> Value<'r> {
        match value {
            DeValue::String(text) => Value::Text(text),
            DeValue::Integer(integer) => match u64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(number) => Value::Number(number),
                Err(_) => Value::Other("a number below 0 or too large"),
            },
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(values) => {
                let nodes = values.into_iter().map(|value| TreeNode {
                    spot: self.spot(value.span().start),
                    value: self.value(value.into_inner()),
                });
                Value::List(nodes.collect())
            }
            DeValue::Table(table) => Value::Table(self.entries(table)),
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() {
        return PathBuf::new();
    }
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Reads a file whole, up to a limit. The error stands after the file's name: why it cannot be read, and the remedy.
fn read_text(path: &Path) -> Result<String, Mistake> {
    whole_text(File::open(path).map_err(|error| unreadable(&error))?)
}

fn unreadable(error: &std::io::Error) -> Mistake {
    let why = error.to_string().to_lowercase();
    (format!("cannot be read: {why}"), "check the path and who may read it").into()
}

fn whole_text(from: impl std::io::Read) -> Result<String, Mistake> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(("is longer than 64 MiB", "split it").into());
    }
    String::from_utf8(bytes).map_err(|_| ("is no text in UTF-8", "give a TOML file, saved as UTF-8").into())
}

/// What stands outside of a file: `{ env = "NAME" }`, `{ file = "path" }`, and the files that it names.
pub(super) struct Surroundings<'a> {
    pub file: &'a ConfigFile,
    pub environment: &'a Environment<'a>,
}

impl Outside for Surroundings<'_> {
    fn text(&self, key: &str, name: &str) -> Option<Result<(String, ValueSource), Mistake>> {
        match key {
            "env" => Some(match (self.environment)(name) {
                Some(text) => Ok((text, ValueSource::Environment(name.to_owned()))),
                None => Err((
                    format!("the environment variable {name} is not set"),
                    "set it, or write the value here",
                )
                    .into()),
            }),
            "file" => {
                let path = self.file.path(name);
                Some(match read_text(&path) {
                    Ok(text) => Ok((text.trim_end_matches(['\r', '\n']).to_owned(), ValueSource::File(path))),
                    Err(why) => Err(why.at(path.display())),
                })
            }
            _ => None,
        }
    }

    fn file(&self, name: &str) -> Result<PathBuf, Mistake> {
        let path = self.file.path(name);
        let opened = File::open(&path).and_then(|file| file.metadata());
        let why = match opened {
            Ok(metadata) if metadata.is_file() => match std::path::absolute(&path) {
                // The store keeps it as text.
                Ok(absolute) if absolute.to_str().is_some() => return Ok(absolute),
                Ok(_) => "its folder's name is not UTF-8".to_owned(),
                Err(error) => error.to_string().to_lowercase(),
            },
            Ok(_) => "it is no file".to_owned(),
            Err(error) => error.to_string().to_lowercase(),
        };
        Err((format!("cannot be read: {why}"), "check the path, which starts at this file's folder").into())
    }
}
