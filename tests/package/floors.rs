//! The rooms of the product stand on floors, and every import goes down: a room may use what is below it, and nothing else.

use std::collections::BTreeSet;

use super::imports::Imports;
use super::{code, sources};

/// The rooms, from the ground up. Rooms of one floor do not import each other.
const FLOORS: &[&[&str]] = &[
    &["error"],
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

/// Imports that go up or across, as the file and the room that it imports. This list only gets shorter.
const UPWARD: &[(&str, &str)] = &[];

/// The files that import each other in circles, directly or by way of others. This list only gets shorter.
const IN_CIRCLES: &[&str] = &[
    "database/credential.rs",
    "database/mariadb/account.rs",
    "database/mariadb/mod.rs",
    "database/mariadb/partner/mod.rs",
    "database/mariadb/partner/plan.rs",
    "database/postgres/account.rs",
    "database/postgres/mod.rs",
    "database/session.rs",
    "jose/document.rs",
    "jose/form.rs",
    "jose/form/draw.rs",
    "jose/key.rs",
    "jose/key/jwk.rs",
    "jose/key/parts.rs",
    "jose/mod.rs",
    "jose/plain.rs",
    "jose/ring.rs",
    "jose/ring/key.rs",
    "operator/dry_run.rs",
    "operator/mod.rs",
    "operator/reconcile.rs",
    "operator/redeploy.rs",
    "operator/schedule.rs",
    "operator/status.rs",
    "rollout/apply.rs",
    "rollout/mod.rs",
    "rotation/create.rs",
    "rotation/finish.rs",
    "rotation/login/beside.rs",
    "rotation/login/logins.rs",
    "rotation/login/set.rs",
    "rotation/login/turn.rs",
    "rotation/mod.rs",
    "rotation/preflight.rs",
    "rotation/services.rs",
    "rotation/test.rs",
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
    assert_eq!(upward, UPWARD.iter().copied().collect());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let imports = Imports::of(sources.iter().map(|(path, text)| (path.as_str(), code(text))));
    let circles = imports.circles();
    let mut files: Vec<&str> = circles.concat();
    files.sort_unstable();
    assert_eq!(files, IN_CIRCLES, "{circles:#?}");
}

fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}
