//! The binary log, which replicas read and backups keep: a statement in it is told to many.

use std::path::PathBuf;

use super::client::STAGE;
use super::{MariaDb, configuration};

/// Every file begins with these bytes; then come the events.
const MAGIC: usize = 4;
/// Of an event's header: time, type, server id, length, where the next one begins, flags.
const HEADER: usize = 19;

impl MariaDb {
    /// What the binary log tells since `mark`, the stage's own statements left out: its bytes, as text where they are.
    ///
    /// Statements stand in it as they were sent; what the server rewrote stands as rewritten.
    #[must_use]
    pub fn binlog_since(&self, mark: super::Mark) -> String {
        let mut told = Vec::new();
        let mut before = 0;
        for file in self.binlogs() {
            for (at, event) in events(&file) {
                if before + at >= mark.binlog && server_id(event) != Some(STAGE) {
                    told.extend_from_slice(event);
                }
            }
            before += file.len();
        }
        String::from_utf8_lossy(&told).into_owned()
    }

    /// The contents of the binary log's files, oldest first.
    pub(super) fn binlogs(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(self.directory()).into_iter().flatten().flatten();
        let is_log = |path: &PathBuf| {
            let stem = path.file_stem().is_some_and(|stem| stem == configuration::BINLOG);
            stem && path.extension().is_some_and(|number| number.to_string_lossy().parse::<u32>().is_ok())
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_log).collect();
        files.sort();
        files.into_iter().map(|file| std::fs::read(file).unwrap_or_default()).collect()
    }
}

/// The whole events of a file, each with its place.
fn events(file: &[u8]) -> Vec<(usize, &[u8])> {
    let mut found = Vec::new();
    let mut at = MAGIC;
    while let Some(length) = number(file, at + 9).and_then(|length| usize::try_from(length).ok()) {
        let Some(event) = file.get(at..at + length).filter(|event| event.len() >= HEADER) else { break };
        found.push((at, event));
        at += length;
    }
    found
}

fn server_id(event: &[u8]) -> Option<u32> {
    number(event, 5)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
