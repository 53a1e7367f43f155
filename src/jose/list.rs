//! Lists of random values, the newest first: services take the first for what they make, and accept what any of them opens.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Sensitive;

/// What stands between the entries of a list, beside white space.
const SEPARATORS: [char; 2] = [',', ';'];

/// A list: its entries, and what stands before, between and behind them.
pub(super) struct List<'a> {
    entries: Vec<&'a str>,
    /// One more than entries.
    around: Vec<&'a str>,
}

impl<'a> List<'a> {
    /// Reads a list. Without a separator it has one entry.
    pub(super) fn read(text: &'a str) -> Result<Self> {
        let refused = |cause: &str| {
            let remedy = "store the entries with commas between them, the newest first; nothing was changed";
            Err(Error::new(ErrorKind::RefusedValue, cause, remedy))
        };
        if text.trim_start().starts_with(['[', '{', '"']) {
            return refused("the value is JSON, and a list of this kind has entries with commas between them");
        }
        let separates = |c: char| SEPARATORS.contains(&c) || c.is_ascii_whitespace();
        let (mut entries, mut around, mut rest) = (Vec::new(), Vec::new(), text);
        loop {
            let (before, entry) = rest.split_at(rest.find(|c| !separates(c)).unwrap_or(rest.len()));
            around.push(before);
            if entry.is_empty() {
                break;
            }
            let (entry, behind) = entry.split_at(entry.find(separates).unwrap_or(entry.len()));
            entries.push(entry);
            rest = behind;
        }
        let commas = |text: &&str| text.matches(SEPARATORS).count();
        let inner = around.get(1..around.len() - 1).unwrap_or_default();
        if entries.is_empty() {
            return refused("the list has no entry");
        }
        if inner.iter().any(|text| commas(text) > 1) || around.first().is_some_and(|text| commas(text) > 0) {
            return refused("the list has an empty entry");
        }
        Ok(Self { entries, around })
    }

    /// Its entries, the newest first.
    pub(super) fn entries(&self) -> &[&'a str] {
        &self.entries
    }

    /// The list with this entry in place of its first one.
    pub(super) fn fill(&self, newest: &Sensitive) -> Sensitive {
        self.written(std::iter::once(newest.expose()).chain(self.entries.iter().skip(1).copied()))
    }

    /// The list with this entry in front and without its last one.
    pub(super) fn push(&self, newest: &Sensitive) -> Sensitive {
        let kept = self.entries.iter().take(self.entries.len() - 1).copied();
        self.written(std::iter::once(newest.expose()).chain(kept))
    }

    fn written<'b>(&self, entries: impl Iterator<Item = &'b str>) -> Sensitive {
        let mut text = String::new();
        for (before, entry) in self.around.iter().zip(entries) {
            text.push_str(before);
            text.push_str(entry);
        }
        text.push_str(self.around.last().copied().unwrap_or_default());
        Sensitive::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(text: &str) -> String {
        let list = List::read(text).unwrap_or_else(|error| panic!("{error}"));
        list.push(&Sensitive::new("NEW".to_owned())).expose().to_owned()
    }

    #[test]
    fn the_newest_comes_first_and_the_last_one_goes() {
        for (text, expected) in [
            ("A,B", "NEW,A"),
            ("A, B, C\n", "NEW, A, B\n"),
            ("A;B", "NEW;A"),
            ("A\nB\n", "NEW\nA\n"),
            ("A B", "NEW A"),
            ("A", "NEW"),
            ("A,", "NEW,"),
            (" A ,B", " NEW ,A"),
        ] {
            assert_eq!(pushed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_without_quoting_it() {
        for text in ["", " ", ",", "hunter2,,hunter3", ",hunter2", r#"["hunter2","hunter3"]"#, "{}"] {
            let Err(error) = List::read(text) else { panic!("{text:?}") };
            assert!(error.kind() == ErrorKind::RefusedValue && !error.to_string().contains("hunter"), "{error}");
        }
    }
}
