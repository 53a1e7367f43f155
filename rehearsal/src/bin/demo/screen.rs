//! What the demo writes: lines of at most 96 columns, in colour on a terminal only.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

/// Standard output, and how many promises were seen broken on it.
pub(crate) struct Screen {
    colour: bool,
    pub(crate) broken: usize,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some() || std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        Self { colour: stdout().is_terminal() && !plain, broken: 0 }
    }

    pub(crate) fn heading(&self, text: &str) {
        self.write(format_args!("\n{}", self.bold(text)));
    }

    pub(crate) fn row(&self, label: &str, text: impl Display) {
        self.write(format_args!("  {label:<14} {text}"));
    }

    pub(crate) fn line(&self, text: impl Display) {
        self.write(format_args!("  {text}"));
    }

    /// A row of the timeline: when, what, how long, and what happened in it.
    pub(crate) fn moment(&self, at: Duration, what: &str, took: Option<Duration>, text: impl Display) {
        let took = took.map_or(String::new(), |took| format!("{} ms", took.as_millis()));
        self.write(format_args!(
            "  {} {what:<13} {took:>8}  {text}",
            self.dim(&format!("{:>7.3} s", at.as_secs_f64()))
        ));
    }

    /// One more line under a moment.
    pub(crate) fn under(&self, text: impl Display) {
        self.write(format_args!("{:37}{text}", ""));
    }

    /// States a promise and whether it was kept.
    pub(crate) fn promise(&mut self, kept: bool, text: impl Display) {
        if kept {
            self.write(format_args!("  {} {text}", self.paint("32", "kept  ")));
        } else {
            self.broken += 1;
            self.write(format_args!("  {} {text}", self.paint("1;31", "BROKEN")));
        }
    }

    pub(crate) fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(&self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    #[expect(clippy::unused_self, reason = "the one place that writes belongs to the screen")]
    fn write(&self, text: std::fmt::Arguments<'_>) {
        // A reader that has gone away, as in `make demo | head`, is no reason to stop half-way.
        let _ = writeln!(stdout(), "{text}");
    }
}

/// Words as lines of at most `width` characters.
pub(crate) fn wrapped(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let letters: Vec<char> = word.chars().collect();
        // An ARN can be longer than a line.
        for piece in letters.chunks(width) {
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + piece.len() <= width => {
                    line.push(' ');
                    line.extend(piece);
                }
                _ => lines.push(piece.iter().collect()),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_never_lost() {
        let words: Vec<String> = ["a", "bb", "ccc", "very-long", "d"].map(str::to_owned).to_vec();
        assert_eq!(wrapped(&words, 6), ["a bb", "ccc", "very-l", "ong d"]);
        assert!(wrapped(&[], 6).is_empty());
    }
}
