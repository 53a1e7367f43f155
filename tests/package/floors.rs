//! The rooms of the product stand on floors, and every import goes down: a room may use what is below it, and nothing else.

use std::collections::BTreeSet;

use super::imports::Imports;
use super::{code, files_of, sources};

/// The rooms, from the ground up. Rooms of one floor do not import each other.
const FLOORS: &[&[&str]] = &[
    &["arn", "error", "timestamp"],
    &["secret"],
    &["api"],
    &["config"],
    &["plan"],
    &["dependents", "jose"],
    &["aws"],
    &["context"],
    &["copies", "database"],
    &["rollout"],
    &["rotation"],
    &["operator"],
    &["handler"],
    &["lib"],
    &["main"],
];

#[test]
fn every_import_goes_down_a_floor() {
    let sources = sources();
    let imports = Imports::of(sources.iter().map(|(path, text)| (path.as_str(), code(text))));
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    let rooms: BTreeSet<&str> = sources.iter().map(|(path, _)| room(path)).collect();
    let named: BTreeSet<&str> = FLOORS.iter().flat_map(|rooms| rooms.iter().copied()).collect();
    assert_eq!(rooms, named, "the table of floors names other rooms than there are");
    let edges = imports.edges();
    assert!(edges.len() > 300, "only {} imports found", edges.len());
    let upward: BTreeSet<(&str, &str)> = edges
        .into_iter()
        .map(|(from, to)| (from, room(to)))
        .filter(|(from, to)| room(from) != *to && floor(room(from)) <= floor(to))
        .collect();
    assert_eq!(upward, BTreeSet::new());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for top in ["src", "rehearsal/src"] {
        let sources = files_of(top);
        let imports = Imports::of(sources.iter().map(|(path, text)| (path.as_str(), code(text))));
        let circles = imports.circles();
        let within =
            |(from, to): &(&str, &str)| circles.iter().any(|circle| circle.contains(from) && circle.contains(to));
        let edges: Vec<(&str, &str)> = imports.edges().into_iter().filter(within).collect();
        assert!(circles.is_empty(), "circles in {top}: {edges:#?}");
    }
}

fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}
