//! No circles of more than two files: a file in one cannot be read, tested or moved without all of the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::workspace::Crate;

/// Who uses whom, by file.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// What is wrong in these crates: their circles.
pub(super) fn findings(crates: &[Crate]) -> Vec<String> {
    let circles = crates.iter().flat_map(|one| circles(&graph(one)));
    let finding = |circle: Vec<String>| {
        format!(
            "these files use each other in a circle: {}; move what one of them needs of the next into a file below both",
            circle.join(" -> ")
        )
    };
    circles.map(finding).collect()
}

fn graph(one: &Crate) -> Graph {
    let mut graph = Graph::new();
    for edge in one.edges() {
        let [from, to] = [edge.from, edge.to].map(|source| source.file.display().to_string());
        graph.entry(from).or_default().insert(to);
    }
    graph
}

/// The shortest circle of three or more files in each knot of files, from its first file in the alphabet.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::new();
    let edges = graph.iter().flat_map(|(from, tos)| tos.iter().map(move |to| (from, to)));
    let mut found: Vec<Vec<String>> =
        edges.filter_map(|(from, to)| way_back(graph, to, from)).map(turned).collect();
    found.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    for circle in found {
        if !all.iter().flatten().any(|file| circle.contains(file)) {
            all.push(circle);
        }
    }
    all.sort();
    all
}

/// The shortest way from one file to another that has a third in between.
fn way_back(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(file) = waiting.pop_front() {
        for next in graph.get(file).into_iter().flatten() {
            if (file == from && next == to) || next == from || before.contains_key(next.as_str()) {
                continue;
            }
            before.insert(next, file);
            waiting.push_back(next);
        }
    }
    let mut way = vec![to.to_owned()];
    while let Some(file) = before.get(way.last()?.as_str()) {
        way.push((*file).to_owned());
    }
    way.reverse();
    (way.len() > 2).then_some(way)
}

/// The same circle, from its first file in the alphabet.
fn turned(mut circle: Vec<String>) -> Vec<String> {
    let first = circle.iter().enumerate().min_by(|(_, a), (_, b)| a.cmp(b)).map_or(0, |(index, _)| index);
    circle.rotate_left(first);
    circle
}

#[cfg(test)]
mod tests {
    use super::super::workspace::house;
    use super::*;

    fn circle_of_three() -> Crate {
        house(&[
            ("a.rs", "use crate::b::B;\n"),
            ("b.rs", "use crate::c::C;\n"),
            ("c.rs", "fn f() { crate::a::f() }\n"),
            ("d.rs", "use crate::a::A;\n"),
        ])
    }

    #[test]
    fn a_circle_of_three_files_is_found_once() {
        assert_eq!(
            findings(&[circle_of_three()]),
            ["these files use each other in a circle: crates/house/src/a.rs -> crates/house/src/b.rs -> \
              crates/house/src/c.rs; move what one of them needs of the next into a file below both"]
        );
    }

    #[test]
    fn pairs_are_no_circle_even_where_they_meet() {
        let house = house(&[
            ("room/mod.rs", "mod a;\nmod b;\nfn f() { a::f(); b::f() }\npub struct Shared;\n"),
            ("room/a.rs", "use super::Shared;\n"),
            ("room/b.rs", "use super::Shared;\n"),
        ]);
        assert_eq!(findings(&[house]), [""; 0]);
    }

    #[test]
    fn a_file_that_goes_through_its_sibling_to_its_parent_closes_a_circle() {
        let house = house(&[
            ("room/mod.rs", "mod a;\nmod b;\nfn f() { a::f() }\npub struct Shared;\n"),
            ("room/a.rs", "use super::b::B;\n"),
            ("room/b.rs", "use super::Shared;\n"),
        ]);
        assert_eq!(findings(&[house]).len(), 1);
    }
}
