//! Reads a tree so that every mistake is found and has its spot.
//!
//! A [`Reader`] collects problems; a [`Table`] is asked for its keys one by one. What is wrong is noted and reads as absent, so that
//! reading goes on; what nobody has asked for when the table is dropped is a problem too.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    ops::RangeInclusive,
    time::Duration,
    vec,
};

use super::{
    export::KEPT,
    tree::{Entries, Outside, Spot, TreeNode, Value, ValueSource},
};
use crate::{duration, mistake::Mistake};

/// One thing that is wrong in what was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is wrong.
    pub spot: Spot,
    /// What is wrong, and the remedy.
    pub what: Mistake,
}

/// All that is wrong, in the order of lines; of what has no lines, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|problem| format!("{}: {}", problem.spot, problem.what)).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// Why a value is not taken: a predicate that stands after the value ("is no address; write …"), or a whole sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Stands after the value.
    Value(Mistake),
    /// Stands alone: for values that may hold a secret.
    Alone(Mistake),
}

impl From<&str> for Unfit {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl From<String> for Unfit {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

impl From<Mistake> for Unfit {
    fn from(mistake: Mistake) -> Self {
        Self::Value(mistake)
    }
}

impl<P: Into<String>, R: Into<String>> From<(P, R)> for Unfit {
    fn from(told: (P, R)) -> Self {
        Self::Value(told.into())
    }
}

/// A value and its spot.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// Where it stands.
    pub spot: Spot,
    /// What it is.
    pub value: T,
}

/// Tables of the top level that are easily looked for in the wrong kind of file, and where they belong.
pub type Elsewhere = [(&'static [&'static str], &'static str)];

/// What was found to be wrong so far.
#[derive(Default)]
struct Noted {
    problems: Vec<Problem>,
    /// The spots that the format itself could not read.
    broken: HashSet<Spot>,
}

/// What is being read, and what was found to be wrong.
pub struct Reader<'a> {
    outside: &'a dyn Outside,
    elsewhere: &'a Elsewhere,
    noted: RefCell<Noted>,
}

impl<'a> Reader<'a> {
    /// Begins to read. `outside` gives the values that stand elsewhere.
    pub fn new(outside: &'a dyn Outside, elsewhere: &'a Elsewhere) -> Self {
        Self { outside, elsewhere, noted: RefCell::default() }
    }

    /// The top level of a tree.
    pub fn root<'r>(&'r self, tree: Entries<'r>, spot: Spot) -> Table<'r> {
        Table::new(self, String::new(), spot, tree)
    }

    /// Notes what the format itself could not read. What else is wrong there is a consequence, and is not told.
    pub fn broken(&self, spot: Spot, what: impl Into<Mistake>) {
        self.wrong(&spot, what);
        self.noted.borrow_mut().broken.insert(spot);
    }

    /// Notes a mistake.
    pub fn wrong(&self, spot: &Spot, what: impl Into<Mistake>) {
        let mut noted = self.noted.borrow_mut();
        if !noted.broken.contains(spot) {
            noted.problems.push(Problem { spot: spot.clone(), what: what.into() });
        }
    }

    /// The value, when nothing was wrong.
    ///
    /// # Errors
    /// All problems.
    pub fn finish<T>(&self, value: T) -> Result<T, Problems> {
        let mut problems = self.noted.take().problems;
        if problems.is_empty() {
            return Ok(value);
        }
        problems.sort_by_key(|problem| problem.spot.line());
        Err(Problems(problems))
    }

    /// What is asked for what stands elsewhere.
    pub const fn outside(&self) -> &'a dyn Outside {
        self.outside
    }

    /// The text that a table of one entry stands for, and where it is from; `None` for other values.
    fn text_outside(&self, value: &Value<'_>) -> Option<Result<(String, ValueSource), Mistake>> {
        let Value::Table(entries) = value else { return None };
        let [(key, TreeNode { value: Value::Text(name), .. })] = entries.as_slice() else { return None };
        self.outside.text(key, name)
    }
}

/// A value that is not a table.
pub trait Scalar: Sized {
    /// What is asked for, for people.
    const WHAT: &'static str;
    /// From a declared value.
    fn from_value(value: &Value<'_>) -> Option<Self>;
    /// From the text of an environment variable or a file.
    fn from_text(text: String) -> Option<Self>;
    /// As a message quotes it.
    fn quote(&self) -> String;
}

impl Scalar for String {
    const WHAT: &'static str = "a text in quotes";
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.to_string()) } else { None }
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
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if let Value::Number(number) = value { Some(*number) } else { None }
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
    fn from_value(value: &Value<'_>) -> Option<Self> {
        String::from_value(value).or_else(|| Some(u64::from_value(value)?.to_string())).map(Self)
    }
    fn from_text(text: String) -> Option<Self> {
        Some(Self(text))
    }
    fn quote(&self) -> String {
        self.0.escape_debug().to_string()
    }
}

/// A time, in quotes.
struct TimeText(String);

impl Scalar for TimeText {
    const WHAT: &'static str = "a time in quotes, such as \"10s\" or \"5m\"";
    fn from_value(value: &Value<'_>) -> Option<Self> {
        String::from_value(value).map(Self)
    }
    fn from_text(text: String) -> Option<Self> {
        Some(Self(text))
    }
    fn quote(&self) -> String {
        self.0.quote()
    }
}

impl Scalar for bool {
    const WHAT: &'static str = "true or false";
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if let Value::Flag(flag) = value { Some(*flag) } else { None }
    }
    fn from_text(text: String) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn quote(&self) -> String {
        self.to_string()
    }
}

/// An entry of a table whose keys are free.
pub struct FreeEntry<'t, 'r> {
    /// The key, as it is written.
    pub key: &'t str,
    node: &'t TreeNode<'r>,
    table: &'t Table<'r>,
}

impl FreeEntry<'_, '_> {
    /// Its value, checked and converted.
    pub fn parsed<T: Scalar, U>(&self, check: impl FnOnce(T) -> Result<U, Unfit>) -> Option<U> {
        let place = self.table.place(&format!("{:?}", self.key));
        self.table.scalar(&place, self.node, check).map(|(value, _)| value)
    }

    /// Notes what is wrong with the key. It stands after the key.
    pub fn wrong_key(&self, what: impl Into<Mistake>) {
        let (place, key) = (&self.table.path, self.key);
        self.table.reader.wrong(&self.node.spot, what.into().at(format_args!("{place}: the key {key:?}")));
    }
}

/// A declared table, whose keys are taken out one by one; all that it may have, before it is dropped.
pub struct Table<'r> {
    reader: &'r Reader<'r>,
    /// Its place for people, such as `account.service`; empty at the top.
    path: String,
    spot: Spot,
    entries: BTreeMap<String, TreeNode<'r>>,
    spots: BTreeMap<String, Spot>,
    known: Vec<&'static str>,
}

impl<'r> Table<'r> {
    fn new(reader: &'r Reader<'r>, path: String, spot: Spot, declared: Entries<'r>) -> Self {
        let mut entries = BTreeMap::new();
        let mut spots = BTreeMap::new();
        for (key, node) in declared {
            spots.insert(key.to_string(), node.spot.clone());
            entries.insert(key.into_owned(), node);
        }
        Self { reader, path, spot, entries, spots, known: Vec::new() }
    }

    /// The reader that it is of.
    pub const fn reader(&self) -> &'r Reader<'r> {
        self.reader
    }

    /// The spot of a key, also of one that was taken; the table's own when it has no such key.
    pub fn spot_of(&self, key: &str) -> &Spot {
        self.spots.get(key).unwrap_or(&self.spot)
    }

    /// Whether this key was declared.
    pub fn has(&self, key: &str) -> bool {
        self.spots.contains_key(key)
    }

    /// Whether a value is to be what is kept already, written `{ kept = true }`. Then it is taken.
    pub fn is_kept(&mut self, key: &'static str) -> bool {
        let is_kept = self.entries.get(key).is_some_and(|node| match &node.value {
            Value::Table(entries) => {
                matches!(entries.as_slice(), [(key, TreeNode { value: Value::Flag(true), .. })] if key == KEPT)
            }
            _ => false,
        });
        is_kept && self.take(key).is_some()
    }

    /// A value that may be what is kept already: that of `stored`, where there is one. Otherwise `read` reads it.
    pub fn kept_or<U>(
        &mut self,
        key: &'static str,
        stored: Option<U>,
        read: impl FnOnce(&mut Self) -> Option<U>,
    ) -> Option<U> {
        if !self.is_kept(key) {
            return read(self);
        }
        if stored.is_none() {
            self.wrong(key, ("the store keeps nothing here", "write the value itself"));
        }
        stored
    }

    /// Notes a mistake at a key.
    pub fn wrong(&self, key: &str, what: impl Into<Mistake>) {
        self.wrong_at(self.spot_of(key), key, what);
    }

    /// Notes a mistake at a spot that a key's value goes on to.
    pub fn wrong_at(&self, spot: &Spot, key: &str, what: impl Into<Mistake>) {
        self.reader.wrong(spot, what.into().at(format_args!("{}:", self.place(key))));
    }

    /// Notes a missing key. `example` is what could be written.
    pub fn require(&self, key: &str, example: &str) {
        if !self.has(key) {
            let problem = format!("{} is missing", self.place(key));
            self.reader.wrong(&self.spot, (problem, format!("add {key} = {example}")));
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
        check: impl FnOnce(T) -> Result<U, Unfit>,
    ) -> Option<U> {
        let node = self.take(key)?;
        self.scalar(&self.place(key), &node, check).map(|(value, _)| value)
    }

    /// A value that has to be there, checked and converted. `example` is what could be written.
    pub fn required<T: Scalar, U>(
        &mut self,
        key: &'static str,
        example: &str,
        check: impl FnOnce(T) -> Result<U, Unfit>,
    ) -> Option<U> {
        self.require(key, example);
        self.parsed(key, check)
    }

    /// A whole number within bounds.
    pub fn number<T: TryFrom<u64>>(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<T> {
        let (least, most) = (*bounds.start(), *bounds.end());
        let problem = ("is out of range", format!("write a number from {least} to {most}"));
        self.parsed(key, |number: u64| {
            let within = Some(number).filter(|number| bounds.contains(number));
            within.and_then(|number| T::try_from(number).ok()).ok_or_else(|| problem.into())
        })
    }

    /// A time that is longer than nothing.
    pub fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.parsed(key, |TimeText(text)| match duration::parse(&text) {
            Some(duration) if duration.is_zero() => Err(("is no time at all", "write \"1s\" or more").into()),
            Some(duration) => Ok(duration),
            None => Err((
                "is no time",
                "write a number and one of ms, s, m, h, d, such as \"10s\" (at most 3650d)",
            )
                .into()),
        })
    }

    /// A text that no message shows, and where it is from. Empty ones are refused.
    pub fn secret(&mut self, key: &'static str) -> Option<(String, ValueSource)> {
        let node = self.take(key)?;
        let check = |text: String| match text.is_empty() {
            true => Err(Unfit::Alone(("is empty", "write a value, or leave the key out").into())),
            false => Ok(text),
        };
        self.scalar(&self.place(key), &node, check)
    }

    /// A list of texts, each checked and converted. Also a single text, with commas, from `{ env = … }` or `{ file = … }`.
    pub fn list<U>(
        &mut self,
        key: &'static str,
        check: impl Fn(String) -> Result<U, Unfit>,
    ) -> Option<Vec<Located<U>>> {
        let node = self.take(key)?;
        let place = self.place(key);
        let Value::List(nodes) = &node.value else { return self.list_from_outside(&place, &node, check) };
        let located = nodes.iter().map(|node| {
            let (value, _) = self.scalar(&place, node, &check)?;
            Some(Located { spot: node.spot.clone(), value })
        });
        // All are read, for all their mistakes, before one of them spoils the list.
        located.collect::<Vec<_>>().into_iter().collect()
    }

    fn list_from_outside<U>(
        &self,
        place: &str,
        TreeNode { spot, value }: &TreeNode<'_>,
        check: impl Fn(String) -> Result<U, Unfit>,
    ) -> Option<Vec<Located<U>>> {
        let (text, source) = match self.reader.text_outside(value) {
            Some(Ok(found)) => found,
            Some(Err(what)) => {
                self.reader.wrong(spot, what.at(format_args!("{place}:")));
                return None;
            }
            None => {
                let kind = value.kind();
                self.reader.wrong(spot, (format!("{place} takes a list, not {kind}"), "write it in [ ]"));
                return None;
            }
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let values = parts.map(|part| {
            let checked = check(part.to_owned());
            let noted = checked.map_err(|unfit| self.refuse(place, spot, &source.for_people(), unfit));
            noted.ok().map(|value| Located { spot: spot.clone(), value })
        });
        values.collect()
    }

    /// A table; `None` when there is none.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'r>> {
        let node = self.take(key)?;
        let place = self.place(key);
        match node.value {
            Value::Table(declared) => Some(Table::new(self.reader, place, node.spot, declared)),
            other => {
                self.reader.wrong(&node.spot, format!("{place} takes a table, not {}", other.kind()));
                None
            }
        }
    }

    /// A table; an empty one when there is none.
    pub fn section(&mut self, key: &'static str) -> Table<'r> {
        let place = self.place(key);
        let spot = self.spot.clone();
        self.table(key).unwrap_or_else(|| Table::new(self.reader, place, spot, Vec::new()))
    }

    /// Tables under one name: `[[account]]`. One is made when it is asked for: a file may have a million.
    pub fn tables(&mut self, key: &'static str) -> impl Iterator<Item = Table<'r>> + use<'r> {
        let (reader, place) = (self.reader, self.place(key));
        self.array(key, &place).filter_map(move |node| match node.value {
            Value::Table(declared) => Some(Table::new(reader, place.clone(), node.spot, declared)),
            other => {
                reader.wrong(&node.spot, format!("{place} takes tables, not {}", other.kind()));
                None
            }
        })
    }

    fn array(&mut self, key: &'static str, place: &str) -> vec::IntoIter<TreeNode<'r>> {
        let Some(node) = self.take(key) else { return Vec::new().into_iter() };
        let Value::List(nodes) = node.value else {
            self.reader.wrong(
                &node.spot,
                (format!("{place} may be there more than once"), format!("write [[{place}]]")),
            );
            return Vec::new().into_iter();
        };
        nodes.into_iter()
    }

    /// A table whose keys are free: each of its entries, in the order of lines, at most so many.
    pub fn free(mut self, most: usize, mut take: impl FnMut(FreeEntry<'_, 'r>)) {
        let mut entries: Vec<_> = std::mem::take(&mut self.entries).into_iter().collect();
        entries.sort_by_key(|(_, node)| node.spot.line());
        if let Some((_, beyond)) = entries.get(most) {
            let place = &self.path;
            self.reader
                .wrong(&beyond.spot, (format!("{place} has more than {most} keys"), "keep those that come"));
            entries.truncate(most);
        }
        for (key, node) in &entries {
            take(FreeEntry { key, node, table: &self });
        }
    }

    fn take(&mut self, key: &'static str) -> Option<TreeNode<'r>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// What to write instead of a key that is unknown here.
    fn remedy(&self, key: &str) -> String {
        let is_there = |tables: &&[&str]| self.path.is_empty() && tables.contains(&key);
        let elsewhere = self.reader.elsewhere.iter().find(|(tables, _)| is_there(tables));
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
        TreeNode { spot, value }: &TreeNode<'_>,
        check: impl FnOnce(T) -> Result<U, Unfit>,
    ) -> Option<(U, ValueSource)> {
        let (read, source) = match self.reader.text_outside(value) {
            Some(Ok((text, source))) => (T::from_text(text), source),
            Some(Err(what)) => {
                self.reader.wrong(spot, what.at(format_args!("{place}:")));
                return None;
            }
            None => (T::from_value(value), ValueSource::Inline),
        };
        let Some(read) = read else {
            let is_inline = source == ValueSource::Inline;
            let instead = if is_inline { value.kind().to_owned() } else { source.for_people() };
            self.reader.wrong(spot, format!("{place} takes {}, not {instead}", T::WHAT));
            return None;
        };
        let shown = if source == ValueSource::Inline { read.quote() } else { source.for_people() };
        let checked = check(read).map_err(|unfit| self.refuse(place, spot, &shown, unfit)).ok()?;
        Some((checked, source))
    }

    fn refuse(&self, place: &str, spot: &Spot, shown: &str, unfit: Unfit) {
        let what = match unfit {
            Unfit::Value(what) => what.at(format_args!("{place}: {shown}")),
            Unfit::Alone(what) => what.at(place),
        };
        self.reader.wrong(spot, what);
    }
}

impl Drop for Table<'_> {
    /// Tells of every key that nobody asked for.
    fn drop(&mut self) {
        for (key, node) in &self.entries {
            let remedy = self.remedy(key);
            self.reader.wrong(&node.spot, (format!("unknown key {}", self.place(key)), remedy));
        }
    }
}

/// The known word that is nearest to what was written, when it is near enough to be what was meant.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let written = written.to_lowercase();
    let distances = known.iter().map(|known| (strsim::levenshtein(&written, known), *known));
    let (steps, word) = distances.min_by_key(|(steps, _)| *steps)?;
    (steps <= 2 && steps < word.len().div_ceil(2)).then_some(word)
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
    }
}
