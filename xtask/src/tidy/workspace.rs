//! The sources of a crate: its files, and which of them a path leads to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::source::{Source, Used};

/// How often a name may be handed on before it is taken for one that leads nowhere.
const MOST_HANDS: usize = 8;

/// A crate's own files.
#[derive(Debug, Default)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) files: Vec<Source>,
    /// The files by module.
    by_module: BTreeMap<Vec<String>, usize>,
}

impl Crate {
    /// A crate of these files. What the files of tests use and name does not count.
    pub(super) fn new(name: &str, mut files: Vec<Source>) -> Self {
        let tests: Vec<_> = files.iter().flat_map(|file| file.test_modules.clone()).collect();
        for file in files.iter_mut().filter(|file| tests.iter().any(|test| file.module.starts_with(test))) {
            file.used.clear();
            file.types.clear();
        }
        let by_module = files.iter().enumerate().map(|(index, file)| (file.module.clone(), index)).collect();
        Self { name: name.to_owned(), files, by_module }
    }

    /// The file that what is used stands in, through whatever hands it on. `None`: the crate's root, which uses everything.
    pub(super) fn target(&self, used: &Used) -> Option<&Source> {
        let mut path = used.path.clone();
        for _ in 0..MOST_HANDS {
            let (file, rest) = self.file(&path)?;
            match rest.split_first().and_then(|(name, deeper)| Some((file.handed_on.get(name)?, deeper))) {
                Some((to, deeper)) => path = to.iter().chain(deeper).cloned().collect(),
                None => return Some(file).filter(|file| !file.module.is_empty()),
            }
        }
        None
    }

    /// The file of the longest part of a path that is a module, and the rest.
    fn file<'p>(&self, path: &'p [String]) -> Option<(&Source, &'p [String])> {
        (0..=path.len()).rev().find_map(|length| {
            let (module, rest) = path.split_at(length);
            Some((self.files.get(*self.by_module.get(module)?)?, rest))
        })
    }

    /// Each use of another file of the crate, in the order of the files.
    pub(super) fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        let edges = self.files.iter().flat_map(move |from| {
            from.used
                .iter()
                .filter_map(move |used| Some(Edge { from, to: self.target(used)?, line: used.line }))
        });
        edges.filter(|edge| edge.from.file != edge.to.file)
    }
}

/// One file uses another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge<'c> {
    pub(super) from: &'c Source,
    pub(super) to: &'c Source,
    /// The line in `from`.
    pub(super) line: usize,
}

impl Edge<'_> {
    /// Where it stands, as editors take it.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.from.file.display(), self.line)
    }
}

/// The folder of a crate's sources.
pub(super) fn sources(name: &str) -> PathBuf {
    if name == "xtask" {
        Path::new("xtask/src").to_owned()
    } else {
        Path::new("crates").join(name).join("src")
    }
}

/// A crate of files that are given as texts, for tests.
#[cfg(test)]
pub(super) fn house(files: &[(&str, &str)]) -> Crate {
    let folder = sources("house");
    let read = |(file, text): &(&str, &str)| Source::read(&folder, &folder.join(file), text).unwrap();
    Crate::new("house", files.iter().map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(house: &Crate) -> Vec<String> {
        let file = |source: &Source| source.module.join("/");
        house.edges().map(|edge| format!("{} {} {}", file(edge.from), edge.line, file(edge.to))).collect()
    }

    #[test]
    fn a_name_leads_to_the_file_that_it_stands_in_and_not_to_who_hands_it_on() {
        let house = house(&[
            ("lib.rs", "pub mod a;\npub mod room;\npub use room::{B, Deep};\n"),
            (
                "a.rs",
                "use crate::B;\nuse crate::room::B as C;\nuse crate::room::{own, gone::X};\nuse crate::Deep;\n",
            ),
            (
                "room/mod.rs",
                "mod b;\nmod deep;\npub use self::b::B;\npub use self::deep::Deep;\npub fn own() {}\n",
            ),
            ("room/b.rs", "pub struct B;\nuse super::own;\n"),
            ("room/deep.rs", "pub struct Deep;\n#[cfg(test)]\nmod checks;\n"),
            ("room/deep/checks.rs", "use crate::a::A;\n"),
        ]);
        assert_eq!(
            edges(&house),
            ["a 1 room/b", "a 2 room/b", "a 3 room", "a 3 room", "a 4 room/deep", "room/b 2 room"]
        );
    }
}
