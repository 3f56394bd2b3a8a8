//! One name, one thing: a public type name stands in one file of the workspace, so that a reader who looks for it finds one.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::Crate;

/// Names that may stand in several files, each with the reason. One that stands in a single file is taken out.
pub(super) const SHARED: &[(&str, &str)] =
    &[("Args", "each command's own arguments, in the file of the command and never seen from another")];

/// What is wrong: names that stand in several files, and exceptions that are none.
pub(super) fn findings(crates: &[Crate], shared: &[(&str, &str)]) -> Vec<String> {
    let mut files: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    // The tasks of the project are no part of what is searched for.
    let searched = crates.iter().filter(|one| one.name != "xtask");
    for file in searched.flat_map(|one| &one.files) {
        for named in &file.types {
            files.entry(&named.name).or_default().insert(format!("{}:{}", file.file.display(), named.line));
        }
    }
    let is_shared = |name: &str| shared.iter().any(|(known, _)| *known == name);
    // Twice in one file it is one under another `cfg`.
    let several = |places: &BTreeSet<String>| {
        places.iter().map(|place| file_of(place)).collect::<BTreeSet<_>>().len() > 1
    };
    let twice = files.iter().filter(|(name, places)| several(places) && !is_shared(name)).map(|(name, places)| {
        let places = places.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("the public type name {name} stands in {places}: name the more special one after what is special about it")
    });
    let needless = shared.iter().filter(|(name, _)| !files.get(name).is_some_and(several));
    let needless = needless.map(|(name, _)| {
        format!("{name} stands in one file: take its row out of SHARED in xtask/src/tidy/names.rs")
    });
    twice.chain(needless).collect()
}

fn file_of(place: &str) -> &str {
    place.rsplit_once(':').map_or(place, |(file, _)| file)
}

#[cfg(test)]
mod tests {
    use super::super::workspace::house;
    use super::*;

    #[test]
    fn a_name_that_stands_in_two_files_is_found_with_its_places() {
        let house = house(&[
            ("a.rs", "pub struct Turn;\n"),
            ("b.rs", "\npub(crate) enum Turn {}\nstruct Line;\n"),
            ("c.rs", "struct Line;\npub type Other = u8;\n"),
        ]);
        assert_eq!(
            findings(&[house], &[]),
            [
                "the public type name Turn stands in crates/house/src/a.rs:1, crates/house/src/b.rs:2: name the more \
              special one after what is special about it"
            ]
        );
    }

    #[test]
    fn a_name_under_two_conditions_in_one_file_is_one() {
        let house = house(&[("a.rs", "#[cfg(unix)]\npub struct A;\n#[cfg(windows)]\npub struct A;\n")]);
        assert_eq!(findings(&[house], &[]), [""; 0]);
    }

    #[test]
    fn an_exception_passes_as_long_as_it_is_one() {
        let args = [("Args", "each command's own")];
        let both = house(&[("a.rs", "pub struct Args;\n"), ("b.rs", "pub struct Args;\n")]);
        assert_eq!(findings(&[both], &args), [""; 0]);
        let one = house(&[("a.rs", "pub struct Args;\n")]);
        assert_eq!(
            findings(&[one], &args),
            ["Args stands in one file: take its row out of SHARED in xtask/src/tidy/names.rs"]
        );
    }
}
