//! What the repository says about the code, held against the code: the rules of its layout, the samples of events, the
//! error types and settings that the documentation lists.
#![expect(clippy::unwrap_used, reason = "in a test, what must not happen ends the test")]

#[path = "package/floors.rs"]
mod floors;
#[path = "package/imports.rs"]
mod imports;

use std::fs;
use std::path::{Path, PathBuf};

use keyroll::api::event::Event;
use keyroll::error::ErrorKind;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every source file of the product with its path from `src`.
fn sources() -> Vec<(String, String)> {
    files_of("src")
}

/// Every source file below a folder, with its path from there.
fn files_of(top: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(top)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root().join(top)).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 25, "only {} files found", found.len());
    found
}

/// The part of a file before its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// Whether a file holds tests and nothing else.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn sdk_types_are_named_at_the_edge_only() {
    let inside: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| {
            let rest = ["aws_smithy_", "aws_config", "aws_types", "aws_credential_types"];
            !name.starts_with("aws/") && (text.contains("aws_sdk_") || rest.iter().any(|its| code(text).contains(its)))
        })
        .filter(|(name, _)| !is_test(name))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(inside, Vec::<String>::new());
}

#[test]
fn the_pure_core_waits_for_nothing_and_draws_nothing() {
    let pure = [
        "error.rs",
        "arn.rs",
        "timestamp.rs",
        "secret/",
        "api/",
        "config/place.rs",
        "config/tags/",
        "plan.rs",
        "dependents/",
        "jose/",
        "aws/rds/topology.rs",
        "database/pair.rs",
        "database/probe.rs",
        "rotation/overlap.rs",
    ];
    let core: Vec<(String, String)> = sources()
        .into_iter()
        .filter(|(name, _)| pure.iter().any(|place| name.starts_with(place)) && !is_test(name))
        .collect();
    assert!(core.len() >= 50, "only {} pure files found", core.len());
    for (name, text) in core {
        for word in ["async ", ".await", "SysRng", "SystemTime", "Instant::", "std::env", "sqlx"] {
            assert!(!code(&text).contains(word), "{name} has {word:?} in it");
        }
    }
}

#[test]
fn files_stay_small_enough_to_read_at_once() {
    let long: Vec<(String, usize)> = sources()
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 300)
        .collect();
    assert_eq!(long, Vec::<(String, usize)>::new());
}

#[test]
fn names_of_tests_fit_on_a_line() {
    let long: Vec<String> = ["src", "tests", "rehearsal/src"]
        .into_iter()
        .flat_map(files_of)
        .flat_map(|(_, text)| {
            text.split("fn ")
                .skip(1)
                .filter_map(|rest| rest.split(['(', '<']).next())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|name| name.len() > 80 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn every_sample_of_an_event_is_parsed() {
    let mut families = [0, 0, 0];
    let samples: Vec<PathBuf> = fs::read_dir(root().join("events"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    for path in samples {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let event = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        match Event::parse(event) {
            Ok(Event::Rotation(rotation)) => {
                assert!(name.starts_with("rotation-") && name.contains(rotation.step.name()), "{name}");
                assert_eq!(rotation.token.is_some(), name.ends_with("cross-account"), "{name}");
                families[0] += 1;
            }
            Ok(Event::Operator(action)) => {
                assert!(name.starts_with(&format!("operator-{}", action.name())), "{name}");
                families[1] += 1;
            }
            Ok(Event::Change(source)) => {
                assert!(name.starts_with(source.trim_start_matches("aws.")), "{name}");
                families[2] += 1;
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert_eq!(families, [5, 10, 6]);
}

#[test]
fn the_readme_stays_short() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= 900, "{words} words");
}

#[test]
fn the_page_of_errors_has_a_row_for_each() {
    let page = read("docs/errors.md");
    for kind in ErrorKind::ALL {
        assert!(page.contains(&format!("| `{}` |", kind.name())), "{} is missing", kind.name());
    }
}

#[test]
fn the_page_of_settings_has_every_variable_and_tag_that_is_read() {
    let page = read("docs/settings.md");
    let files = ["src/config/env.rs", "src/config/tags/mod.rs", "src/secret/password.rs"];
    let text: String = files.iter().map(|file| code(&read(file)).to_owned()).collect();
    let mut names: Vec<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || "_:-".contains(c)))
        .filter(|word| word.starts_with("keyroll:") || is_variable(word))
        .filter(|word| *word != "keyroll:")
        .collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name} is missing");
    }
}

/// Whether a word is the name of an environment variable of the function: of ours or of AWS's own rotation functions.
fn is_variable(word: &str) -> bool {
    let begins = ["KEYROLL_", "EXCLUDE_", "PASSWORD_", "REQUIRE_", "SECRETS_"];
    begins.iter().any(|begin| word.starts_with(begin)) && !word.ends_with('_')
}

#[test]
fn the_role_in_the_deployment_guide_has_every_action_that_is_called() {
    let guide = read("docs/deploy.md");
    let mut called: Vec<String> = Vec::new();
    for (_, text) in sources().into_iter().filter(|(name, _)| name.starts_with("aws/")) {
        let words = code(&text).split('"').map(str::to_owned);
        called.extend(words.filter(|word| {
            let action =
                word.split_once(':').filter(|(service, _)| ["secretsmanager", "ecs", "rds", "s3"].contains(service));
            action.is_some_and(|(_, name)| !name.is_empty() && name.chars().all(char::is_alphanumeric))
        }));
    }
    called.sort();
    called.dedup();
    assert!(called.len() >= 13, "{called:?}");
    for action in called {
        assert!(guide.contains(&action), "{action} is missing in docs/deploy.md");
    }
}
