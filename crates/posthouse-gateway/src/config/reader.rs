//! Reads TOML so that every mistake is found and has a line.
//!
//! A [`Reader`] holds a file and collects mistakes; a [`Table`] is asked for its keys one by one. What is wrong is noted
//! and reads as absent, so that reading goes on; what nobody has asked for when the table is dropped is a mistake too.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    fmt,
    io::Read as _,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    duration,
    secrets::{Secret, SecretSource},
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
    pub what: String,
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

/// Why a value is not taken: a predicate that stands after the value ("is no address; write …"), or a whole sentence.
pub(super) enum Problem {
    /// Stands after the value.
    Value(String),
    /// Stands alone: for values that may hold a secret.
    Alone(String),
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self::Value(text.to_owned())
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Value(text)
    }
}

/// A value and its line.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub line: usize,
    pub value: T,
}

/// What was found to be wrong so far.
#[derive(Default)]
struct Mistakes {
    all: Vec<ConfigMistake>,
    /// The lines that are not TOML.
    broken_lines: HashSet<usize>,
}

/// A file that is being read.
pub(super) struct Reader<'a> {
    document: &'a ConfigFile,
    environment: &'a Environment<'a>,
    /// Where each line ends. Each key is asked for its line: counting from the file's beginning would take time by the square of
    /// its length.
    line_ends: Vec<usize>,
    mistakes: RefCell<Mistakes>,
}

impl<'a> Reader<'a> {
    /// Begins to read.
    pub fn new(document: &'a ConfigFile, environment: &'a Environment<'a>) -> Self {
        let bytes = document.text.bytes().enumerate();
        let line_ends = bytes.filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset).collect();
        Self { document, environment, line_ends, mistakes: RefCell::default() }
    }

    /// The file's top level. What is not TOML is noted, the rest is read all the same.
    pub fn root(&self) -> Table<'_> {
        let (table, errors) = DeTable::parse_recoverable(&self.document.text);
        for error in errors {
            let offset = error.span().map_or(self.document.text.len(), |span| span.start);
            let what = error.message().replace('\n', ", ");
            let line = self.line(offset);
            self.wrong(line, format!("this is not TOML: {what}; mend this line"));
            self.mistakes.borrow_mut().broken_lines.insert(line);
        }
        Table::new(self, String::new(), 1, table.into_inner())
    }

    /// A path of the file, relative to its folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.document.folder.join(path)
    }

    /// Notes a mistake. A line that is not TOML is told once; what else is wrong with it is a consequence.
    pub fn wrong(&self, line: usize, what: String) {
        let mut mistakes = self.mistakes.borrow_mut();
        if !mistakes.broken_lines.contains(&line) {
            mistakes.all.push(ConfigMistake { file: self.document.file.clone(), line: Some(line), what });
        }
    }

    /// The value, when nothing was wrong.
    ///
    /// # Errors
    /// All mistakes, by line.
    pub fn finish<T>(&self, value: T) -> Result<T, ConfigErrors> {
        let mut mistakes = self.mistakes.take().all;
        if mistakes.is_empty() {
            return Ok(value);
        }
        mistakes.sort_by_key(|mistake| mistake.line);
        Err(ConfigErrors { mistakes })
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < offset)
    }

    /// The text that `{ env = "NAME" }` or `{ file = "path" }` stands for, and where it is from; `None` for other values.
    fn outside(&self, value: &DeValue<'_>) -> Option<Result<(String, SecretSource), String>> {
        let DeValue::Table(table) = value else { return None };
        let mut entries = table.iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else { return None };
        let DeValue::String(name) = value.get_ref() else { return None };
        match key.get_ref().as_ref() {
            "env" => Some(self.in_environment(name)),
            "file" => Some(self.in_file(name)),
            _ => None,
        }
    }

    fn in_environment(&self, name: &str) -> Result<(String, SecretSource), String> {
        match (self.environment)(name) {
            Some(text) => Ok((text, SecretSource::Environment(name.to_owned()))),
            None => {
                Err(format!("the environment variable {name} is not set; set it, or write the value here"))
            }
        }
    }

    fn in_file(&self, name: &str) -> Result<(String, SecretSource), String> {
        let path = self.path(name);
        match read_text(&path) {
            Ok(text) => Ok((text.trim_end_matches(['\r', '\n']).to_owned(), SecretSource::File(path))),
            Err(why) => Err(format!("{} {why}", path.display())),
        }
    }
}

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
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() {
        return PathBuf::new();
    }
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Reads a file whole, up to a limit. The error stands after the file's name: why it cannot be read, and the remedy.
fn read_text(path: &Path) -> Result<String, String> {
    let read = || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().map_err(|error| {
        let why = error.to_string().to_lowercase();
        format!("cannot be read: {why}; check the path and who may read it")
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err("is longer than 64 MiB; split it".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8; save it as UTF-8".to_owned())
}

/// A value that is not a table.
pub(super) trait Scalar: Sized {
    /// What is asked for, for people.
    const WHAT: &'static str;
    /// From a value of the file.
    fn from_toml(value: &DeValue<'_>) -> Option<Self>;
    /// From the text of an environment variable or a file.
    fn from_text(text: String) -> Option<Self>;
    /// As a message quotes it.
    fn quote(&self) -> String;
}

impl Scalar for String {
    const WHAT: &'static str = "a text in quotes";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        if let DeValue::String(text) = value { Some(text.to_string()) } else { None }
    }
    fn from_text(text: String) -> Option<Self> {
        Some(text)
    }
    fn quote(&self) -> String {
        format!("{self:?}")
    }
}

impl Scalar for u64 {
    const WHAT: &'static str = "a whole number, 0 or more";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let DeValue::Integer(integer) = value else { return None };
        u64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }
    fn from_text(text: String) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn quote(&self) -> String {
        self.to_string()
    }
}

/// A code, as a number or in quotes.
pub(super) struct CodeText(pub String);

impl Scalar for CodeText {
    const WHAT: &'static str = "a code, such as 4006";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        String::from_toml(value).or_else(|| Some(u64::from_toml(value)?.to_string())).map(Self)
    }
    fn from_text(text: String) -> Option<Self> {
        Some(Self(text))
    }
    fn quote(&self) -> String {
        self.0.escape_debug().to_string()
    }
}

impl Scalar for bool {
    const WHAT: &'static str = "true or false";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        if let DeValue::Boolean(value) = value { Some(*value) } else { None }
    }
    fn from_text(text: String) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn quote(&self) -> String {
        self.to_string()
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(integer) if u64::from_str_radix(integer.as_str(), integer.radix()).is_ok() => {
            "a number"
        }
        DeValue::Integer(_) => "a number below 0 or too large",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

struct Entry<'r> {
    line: usize,
    value: Spanned<DeValue<'r>>,
}

/// Which tables belong in which file: one is easily taken for the other.
const TABLES_OF: &[(&[&str], &str)] = &[
    (
        &["account", "carrier", "lookup", "range", "blacklist"],
        "a provisioning file, see `posthouse apply --help`",
    ),
    (
        &["store", "media", "mm7", "carriers", "fetch", "admin", "retention"],
        "posthouse.toml, see `posthouse serve --help`",
    ),
];

/// An entry of a table whose keys are free.
pub(super) struct FreeEntry<'t, 'r> {
    /// The key, as it is written.
    pub key: &'t str,
    entry: &'t Entry<'r>,
    table: &'t Table<'r>,
}

impl FreeEntry<'_, '_> {
    /// Its value, checked and converted.
    pub fn parsed<T: Scalar, U>(&self, check: impl FnOnce(T) -> Result<U, Problem>) -> Option<U> {
        let Entry { line, value } = self.entry;
        let place = self.table.place(&format!("{:?}", self.key));
        self.table.scalar(&place, *line, value.get_ref(), check).map(|(value, _)| value)
    }

    /// Notes what is wrong with the key. It stands after the key.
    pub fn wrong_key(&self, what: &str) {
        let (place, key) = (&self.table.path, self.key);
        self.table.reader.wrong(self.entry.line, format!("{place}: the key {key:?} {what}"));
    }
}

/// A table of the file, whose keys are taken out one by one; all that it may have, before it is dropped.
pub(super) struct Table<'r> {
    reader: &'r Reader<'r>,
    /// Its place for people, such as `account.service`; empty at the top.
    path: String,
    line: usize,
    entries: BTreeMap<String, Entry<'r>>,
    lines: BTreeMap<String, usize>,
    known: Vec<&'static str>,
}

impl<'r> Table<'r> {
    fn new(reader: &'r Reader<'r>, path: String, line: usize, table: DeTable<'r>) -> Self {
        let mut entries = BTreeMap::new();
        let mut lines = BTreeMap::new();
        for (key, value) in table {
            let line = reader.line(key.span().start);
            lines.insert(key.get_ref().to_string(), line);
            entries.insert(key.into_inner().into_owned(), Entry { line, value });
        }
        Self { reader, path, line, entries, lines, known: Vec::new() }
    }

    /// The line of a key, also of one that was taken; the table's own when it has no such key.
    pub fn line_of(&self, key: &str) -> usize {
        self.lines.get(key).copied().unwrap_or(self.line)
    }

    /// Whether the file has this key.
    pub fn has(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// Notes a mistake at a key.
    pub fn wrong(&self, key: &str, what: impl fmt::Display) {
        self.wrong_at(self.line_of(key), key, what);
    }

    /// Notes a mistake in a line that a key's value goes on to.
    pub fn wrong_at(&self, line: usize, key: &str, what: impl fmt::Display) {
        self.reader.wrong(line, format!("{}: {what}", self.place(key)));
    }

    /// Notes a missing key. `example` is what could be written.
    pub fn require(&self, key: &str, example: &str) {
        if !self.has(key) {
            self.reader.wrong(self.line, format!("{} is missing; add {key} = {example}", self.place(key)));
        }
    }

    /// A value as it stands.
    pub fn value<T: Scalar>(&mut self, key: &'static str) -> Option<T> {
        self.parsed(key, Ok)
    }

    /// A value, checked and converted.
    pub fn parsed<T: Scalar, U>(
        &mut self,
        key: &'static str,
        check: impl FnOnce(T) -> Result<U, Problem>,
    ) -> Option<U> {
        let entry = self.take(key)?;
        self.scalar(&self.place(key), entry.line, entry.value.get_ref(), check).map(|(value, _)| value)
    }

    /// A whole number within bounds.
    pub fn number<T: TryFrom<u64>>(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<T> {
        let (least, most) = (*bounds.start(), *bounds.end());
        let problem = format!("is out of range; write a number from {least} to {most}");
        self.parsed(key, |number: u64| {
            let within = Some(number).filter(|number| bounds.contains(number));
            within.and_then(|number| T::try_from(number).ok()).ok_or_else(|| problem.into())
        })
    }

    /// A time that is longer than nothing.
    pub fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.parsed(key, |text: String| match duration::parse(&text) {
            Some(duration) if duration.is_zero() => Err("is no time at all; write \"1s\" or more".into()),
            Some(duration) => Ok(duration),
            None => {
                Err("is no time; write a number and one of ms, s, m, h, d, such as \"10s\" (at most 3650d)"
                    .into())
            }
        })
    }

    /// A text that no message shows. Empty ones are refused.
    pub fn secret(&mut self, key: &'static str) -> Option<Secret> {
        let entry = self.take(key)?;
        let check = |text: String| match text.is_empty() {
            true => Err(Problem::Alone("is empty; write a value, or leave the key out".to_owned())),
            false => Ok(text),
        };
        let (text, source) = self.scalar(&self.place(key), entry.line, entry.value.get_ref(), check)?;
        Some(Secret::new(text, source))
    }

    /// A list of texts, each checked and converted. Also a single text, with commas, from `{ env = … }` or `{ file = … }`.
    pub fn list<U>(
        &mut self,
        key: &'static str,
        check: impl Fn(String) -> Result<U, Problem>,
    ) -> Option<Vec<Located<U>>> {
        let entry = self.take(key)?;
        let place = self.place(key);
        let values = match entry.value.into_inner() {
            DeValue::Array(values) => values,
            other => return self.list_from_outside(&place, entry.line, &other, check),
        };
        let located = values.into_iter().map(|value| {
            let line = self.reader.line(value.span().start);
            let (value, _) = self.scalar(&place, line, value.get_ref(), &check)?;
            Some(Located { line, value })
        });
        // All are read, for all their mistakes, before one of them spoils the list.
        located.collect::<Vec<_>>().into_iter().collect()
    }

    fn list_from_outside<U>(
        &self,
        place: &str,
        line: usize,
        value: &DeValue<'_>,
        check: impl Fn(String) -> Result<U, Problem>,
    ) -> Option<Vec<Located<U>>> {
        let (text, source) = match self.reader.outside(value) {
            Some(Ok(found)) => found,
            Some(Err(what)) => {
                self.reader.wrong(line, format!("{place}: {what}"));
                return None;
            }
            None => {
                self.reader
                    .wrong(line, format!("{place} takes a list, not {}; write it in [ ]", kind(value)));
                return None;
            }
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let values = parts.map(|part| {
            let checked = check(part.to_owned());
            let noted = checked.map_err(|problem| self.refuse(place, line, &source.for_people(), problem));
            noted.ok().map(|value| Located { line, value })
        });
        values.collect()
    }

    /// A table; `None` when there is none.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'r>> {
        let entry = self.take(key)?;
        let place = self.place(key);
        match entry.value.into_inner() {
            DeValue::Table(table) => Some(Table::new(self.reader, place, entry.line, table)),
            other => {
                self.reader.wrong(entry.line, format!("{place} takes a table, not {}", kind(&other)));
                None
            }
        }
    }

    /// A table; an empty one when there is none.
    pub fn section(&mut self, key: &'static str) -> Table<'r> {
        let place = self.place(key);
        let line = self.line;
        self.table(key).unwrap_or_else(|| Table::new(self.reader, place, line, DeTable::new()))
    }

    /// Tables under one name: `[[account]]`. One is made when it is asked for: a file may have a million.
    pub fn tables(&mut self, key: &'static str) -> impl Iterator<Item = Table<'r>> + use<'r> {
        let (reader, place) = (self.reader, self.place(key));
        self.array(key, &place).into_iter().filter_map(move |value| {
            let line = reader.line(value.span().start);
            match value.into_inner() {
                DeValue::Table(table) => Some(Table::new(reader, place.clone(), line, table)),
                other => {
                    reader.wrong(line, format!("{place} takes tables, not {}", kind(&other)));
                    None
                }
            }
        })
    }

    fn array(&mut self, key: &'static str, place: &str) -> DeArray<'r> {
        let Some(entry) = self.take(key) else { return DeArray::new() };
        let DeValue::Array(values) = entry.value.into_inner() else {
            self.reader.wrong(entry.line, format!("{place} may be there more than once; write [[{place}]]"));
            return DeArray::new();
        };
        values
    }

    /// A table whose keys are free: each of its entries, in the file's order, at most so many.
    pub fn free(mut self, most: usize, mut take: impl FnMut(FreeEntry<'_, 'r>)) {
        let mut entries: Vec<_> = std::mem::take(&mut self.entries).into_iter().collect();
        entries.sort_by_key(|(_, entry)| entry.line);
        if let Some((_, beyond)) = entries.get(most) {
            let place = &self.path;
            self.reader
                .wrong(beyond.line, format!("{place} has more than {most} keys; keep those that come"));
            entries.truncate(most);
        }
        for (key, entry) in &entries {
            take(FreeEntry { key, entry, table: &self });
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Entry<'r>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// What to write instead of a key that is unknown here.
    fn remedy(&self, key: &str) -> String {
        let elsewhere = TABLES_OF.iter().find(|(tables, _)| self.path.is_empty() && tables.contains(&key));
        match (elsewhere, nearest(key, &self.known)) {
            (Some((_, file)), _) => format!("it belongs in {file}"),
            (None, Some(near)) => format!("did you mean {near}?"),
            (None, None) => format!("the keys here are {}", self.known.join(", ")),
        }
    }

    fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn scalar<T: Scalar, U>(
        &self,
        place: &str,
        line: usize,
        value: &DeValue<'_>,
        check: impl FnOnce(T) -> Result<U, Problem>,
    ) -> Option<(U, SecretSource)> {
        let (read, source) = match self.reader.outside(value) {
            Some(Ok((text, source))) => (T::from_text(text), source),
            Some(Err(what)) => {
                self.reader.wrong(line, format!("{place}: {what}"));
                return None;
            }
            None => (T::from_toml(value), SecretSource::Inline),
        };
        let Some(read) = read else {
            let instead =
                if source == SecretSource::Inline { kind(value).to_owned() } else { source.for_people() };
            self.reader.wrong(line, format!("{place} takes {}, not {instead}", T::WHAT));
            return None;
        };
        let shown = if source == SecretSource::Inline { read.quote() } else { source.for_people() };
        let checked = check(read).map_err(|problem| self.refuse(place, line, &shown, problem)).ok()?;
        Some((checked, source))
    }

    fn refuse(&self, place: &str, line: usize, shown: &str, problem: Problem) {
        let what = match problem {
            Problem::Value(what) => format!("{place}: {shown} {what}"),
            Problem::Alone(what) => format!("{place} {what}"),
        };
        self.reader.wrong(line, what);
    }
}

impl Drop for Table<'_> {
    /// Tells of every key that nobody asked for.
    fn drop(&mut self) {
        for (key, entry) in &self.entries {
            let remedy = self.remedy(key);
            self.reader.wrong(entry.line, format!("unknown key {}; {remedy}", self.place(key)));
        }
    }
}

/// The known word that is nearest to what was written, when it is near enough to be what was meant.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let written = written.to_lowercase();
    let distances = known.iter().map(|known| (distance(&written, known), *known));
    let (steps, word) = distances.min_by_key(|(steps, _)| *steps)?;
    (steps <= 2 && steps < word.len().div_ceil(2)).then_some(word)
}

/// How many characters have to be added, dropped or replaced to make one word the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.chars().enumerate() {
        let mut next = vec![line + 1];
        let mut before = line + 1;
        for (to, above) in right.iter().zip(row.windows(2)) {
            let &[diagonal, above] = above else { continue };
            before = (diagonal + usize::from(from != *to)).min(above + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_when_it_is_near() {
        let known = ["listen", "path", "max_request_bytes", "id"];
        assert_eq!(nearest("lisen", &known), Some("listen"));
        assert_eq!(nearest("Listen", &known), Some("listen"));
        assert_eq!(nearest("max_requests_bytes", &known), Some("max_request_bytes"));
        assert_eq!(nearest("max-request-bytes", &known), Some("max_request_bytes"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("xy", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
