//! Which file of `src` imports which: read from the sources' text, as `use` statements and paths write it.

use std::collections::{BTreeMap, BTreeSet};

/// The files of the product by their module paths, `rotation::create_secret` for `rotation/create_secret.rs`.
pub(super) struct Imports {
    files: BTreeMap<String, File>,
}

struct File {
    /// The path from `src`.
    path: String,
    /// The paths that the code names, absolute, each as its segments.
    named: Vec<Vec<String>>,
    /// What the file only hands on (`pub use`): the name that it has here, and the path of what is meant.
    handed_on: Vec<(String, Vec<String>)>,
}

impl Imports {
    /// Reads the sources: pairs of a path from `src` and the file's code.
    pub(super) fn of<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { files: sources.map(|(path, code)| (module_of(path), File::read(path, code))).collect() }
    }

    /// Every import, as the importing and the imported file's paths from `src`, in order and without repetition.
    pub(super) fn edges(&self) -> BTreeSet<(&str, &str)> {
        let mut edges = BTreeSet::new();
        for file in self.files.values() {
            let targets = file.named.iter().filter_map(|named| self.file_of(named, 0));
            edges.extend(targets.filter(|to| *to != file.path).map(|to| (file.path.as_str(), to)));
        }
        edges
    }

    /// The circles: groups of files of which each imports every other one, directly or by way of others.
    pub(super) fn circles(&self) -> Vec<Vec<&str>> {
        let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in self.edges() {
            reached.entry(from).or_default().insert(to);
        }
        loop {
            let further: Vec<(&str, BTreeSet<&str>)> = reached
                .iter()
                .map(|(from, to)| (*from, to.iter().filter_map(|by| reached.get(by)).flatten().copied().collect()))
                .collect();
            let mut grown = false;
            for (from, more) in further {
                let known = reached.entry(from).or_default();
                let before = known.len();
                known.extend(more);
                grown |= known.len() > before;
            }
            if !grown {
                break;
            }
        }
        let in_circle = |file: &&str| reached.get(file).is_some_and(|to| to.contains(file));
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for file in reached.keys().copied().filter(in_circle) {
            if circles.iter().all(|circle| !circle.contains(&file)) {
                let each_other = |other: &&str| reached[file].contains(other) && reached[other].contains(file);
                circles.push(reached.keys().copied().filter(in_circle).filter(each_other).collect());
            }
        }
        circles
    }

    /// The file that defines what a path names. What a file only hands on is looked for where it comes from.
    fn file_of(&self, path: &[String], followed: usize) -> Option<&str> {
        let modules = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length].join("::")))?;
        let file = &self.files[&path[..modules].join("::")];
        let Some(item) = path.get(modules) else { return Some(&file.path) };
        match file.handed_on.iter().find(|(name, _)| name == item) {
            Some((_, from)) if followed < 8 => self.file_of(from, followed + 1),
            _ => Some(&file.path),
        }
    }
}

impl File {
    fn read(path: &str, code: &str) -> Self {
        let mut file = Self { path: path.to_owned(), named: Vec::new(), handed_on: Vec::new() };
        let module: Vec<String> = segments(&module_of(path));
        // Who may see an item is no import.
        let code = code.replace("pub(in crate::", "pub(in ");
        let children: Vec<String> = code.lines().filter_map(child).map(str::to_owned).collect();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//") && child(line).is_none())
            .collect::<Vec<_>>()
            .join("\n");
        let without_uses: String = code.split(';').filter(|statement| !is_use(statement)).collect::<Vec<_>>().join(";");
        for statement in code.split(';') {
            let Some((before, tree)) = statement.rsplit_once("use ").filter(|(before, _)| is_start(before)) else {
                continue;
            };
            let shared = before.trim_end().ends_with(')') || before.trim_end().ends_with("pub");
            for (written, name) in leaves(tree) {
                let Some(absolute) = absolute(&written, &module, &children) else { continue };
                // What is only handed on is no import of this file; what is used here as well is one.
                if !shared || is_used(&without_uses, &name) {
                    file.named.push(absolute.clone());
                }
                if shared {
                    file.handed_on.push((name, absolute));
                }
            }
        }
        file.named.extend(paths(&without_uses).filter_map(|written| absolute(&written, &module, &children)));
        file
    }
}

/// Whether code uses a name as a function, a type or a module, and not as a field, a method or a variant.
fn is_used(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(start, _)| {
        let (before, after) = (&code[..start], &code[start + name.len()..]);
        let begins =
            !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')) && !before.ends_with("::");
        let defines = before.ends_with("fn ");
        begins && !defines && ["::", "(", "<", ">", " {"].iter().any(|next| after.starts_with(next))
    })
}

/// The module path of a file.
fn module_of(path: &str) -> String {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").filter(|segment| !segment.is_empty()).map(|segment| segment.trim().to_owned()).collect()
}

/// The name of a module that a line declares in a file of its own.
fn child(line: &str) -> Option<&str> {
    let line = line.trim_end().strip_suffix(';')?;
    let (before, name) = line.rsplit_once("mod ")?;
    (before.is_empty() || before.starts_with("pub")).then_some(name)
}

fn is_start(before: &str) -> bool {
    let last = before.rsplit(['\n', '{', '}']).next().unwrap_or_default().trim();
    last.is_empty() || last.starts_with("pub")
}

fn is_use(statement: &str) -> bool {
    statement.rsplit_once("use ").is_some_and(|(before, _)| is_start(before))
}

/// The paths of a tree of uses, each with the name that it has in this file.
fn leaves(tree: &str) -> Vec<(String, String)> {
    let tree = tree.trim();
    if let Some((prefix, rest)) = tree.split_once('{') {
        let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
        let mut parts = vec![String::new()];
        let mut depth = 0;
        for letter in inner.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(String::new());
                    continue;
                }
                _ => {}
            }
            parts.last_mut().unwrap().push(letter);
        }
        let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
        return parts.flat_map(|part| leaves(&format!("{}{}", prefix.trim(), part.trim()))).collect();
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (path.trim(), name.trim().to_owned()),
        None => (tree, tree.rsplit("::").find(|segment| *segment != "self").unwrap_or_default().to_owned()),
    };
    vec![(path.trim_end_matches("::self").to_owned(), name)]
}

/// Every path of two segments or more in the code.
fn paths(code: &str) -> impl Iterator<Item = String> {
    code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'))
        .filter(|word| word.contains("::"))
        .map(|word| word.trim_matches(':').to_owned())
}

/// A path as seen from the crate's root; nothing for one that leads out of the crate, or cannot be told.
fn absolute(written: &str, module: &[String], children: &[String]) -> Option<Vec<String>> {
    let mut written = segments(written);
    match written.first()?.as_str() {
        "crate" => Some(written.split_off(1)),
        "self" => Some([module, &written[1..]].concat()),
        "super" => {
            let up = written.iter().take_while(|segment| *segment == "super").count();
            let above = module.len().checked_sub(up)?;
            Some([&module[..above], &written[up..]].concat())
        }
        first if children.iter().any(|child| child == first) => Some([module, &written].concat()),
        _ => None,
    }
}
