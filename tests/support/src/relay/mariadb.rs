//! What goes between a client and a MariaDB: simple queries, and statements that are prepared first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Pair;
use crate::packets::{DEPRECATE_EOF, EOF, ERROR, Fields, Greeting, Introduction, OK, Packet, TLS};

/// What a client's packet begins with.
const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;

/// Follows a connection to its end. The server speaks first.
pub(super) fn follow(pair: &Pair) -> io::Result<()> {
    pair.at_once()?;
    let first = Packet::next(&mut &pair.server)?;
    first.send(&mut &pair.client)?;
    // Without a greeting it was an error, and the last word.
    let Some(greeting) = Greeting::read(&first) else { return Ok(()) };
    let answer = Packet::next(&mut &pair.client)?;
    let introduction = Introduction::read(&answer).ok_or(io::ErrorKind::InvalidData)?;
    let text = introduction.user.map_or_else(|| "a handshake".to_owned(), |user| format!("a login of {user}"));
    let common = greeting.capabilities & introduction.capabilities;
    // Whoever wants TLS has not said who it is.
    let by_tls = common & TLS != 0;
    pair.heard(&text, text.clone())?;
    answer.send(&mut &pair.server)?;
    if by_tls {
        pair.both_unread();
    } else {
        let talk =
            Talk { pair, short_ends: common & DEPRECATE_EOF == 0, logged_in: false.into(), prepares: false.into() };
        pair.both(|| talk.answers(), || talk.questions());
    }
    Ok(())
}

/// A conversation.
struct Talk<'a> {
    pair: &'a Pair,
    /// Whether a packet ends the columns, too.
    short_ends: bool,
    logged_in: AtomicBool,
    /// Whether what is to be answered has a statement prepared.
    prepares: AtomicBool,
}

impl Talk<'_> {
    /// Passes the client's packets on until it ends or the strike comes.
    fn questions(&self) -> io::Result<()> {
        loop {
            let packet = Packet::next(&mut &self.pair.client)?;
            // Before, it is the rest of a login.
            if self.logged_in.load(Ordering::SeqCst) {
                self.hear(&packet)?;
            }
            packet.send(&mut &self.pair.server)?;
        }
    }

    fn hear(&self, packet: &Packet) -> io::Result<()> {
        let kind = packet.kind();
        self.prepares.store(kind == Some(PREPARE), Ordering::SeqCst);
        let text = match kind {
            Some(QUERY | PREPARE) => String::from_utf8_lossy(&packet.body[1..]).into_owned(),
            Some(EXECUTE) => "what was prepared".to_owned(),
            // The good-bye, among others.
            _ => return Ok(()),
        };
        self.pair.heard(&text, redacted(&text))
    }

    /// Passes the server's answers on, each when it is whole, until the server ends or the strike comes.
    fn answers(&self) -> io::Result<()> {
        loop {
            let mut answer = Vec::new();
            let whole = self.answer(&mut answer);
            if matches!(whole, Ok(true)) && self.pair.strikes() {
                return Ok(());
            }
            // Last words, too.
            answer.iter().try_for_each(|part| part.send(&mut &self.pair.client))?;
            whole?;
        }
    }

    /// Reads a whole answer; gives whether it is the end of something that was said. In a login the server may ask back.
    fn answer(&self, parts: &mut Vec<Packet>) -> io::Result<bool> {
        let first = self.read(parts)?;
        let kind = first.kind();
        if !self.logged_in.load(Ordering::SeqCst) {
            let done = kind == Some(OK);
            self.logged_in.store(done, Ordering::SeqCst);
            return Ok(done || kind == Some(ERROR));
        }
        if self.prepares.load(Ordering::SeqCst) && kind == Some(OK) {
            // After that byte and the statement's number.
            let mut body = Fields(first.body.get(5..).unwrap_or_default());
            let [columns, markers] = [body.number::<2>(), body.number::<2>()].map(Option::unwrap_or_default);
            self.columns(markers.into(), parts)?;
            self.columns(columns.into(), parts)?;
            return Ok(true);
        }
        let mut more = self.result(parts)?;
        while more {
            self.read(parts)?;
            more = self.result(parts)?;
        }
        Ok(true)
    }

    /// Reads the rest of a result, whose first packet is there; gives whether another follows.
    fn result(&self, parts: &mut Vec<Packet>) -> io::Result<bool> {
        let first = parts.last().ok_or(io::ErrorKind::InvalidData)?;
        if !matches!(first.kind(), Some(OK | ERROR | EOF)) {
            let mut head = Fields(&first.body);
            let columns = head.count().ok_or(io::ErrorKind::InvalidData)?;
            // A client that keeps columns is told whether they follow.
            if head.byte() != Some(0) {
                self.columns(columns, parts)?;
            }
            while !self.read(parts)?.is_end() {}
        }
        Ok(parts.last().is_some_and(Packet::has_more))
    }

    fn columns(&self, count: u64, parts: &mut Vec<Packet>) -> io::Result<()> {
        let end = u64::from(self.short_ends && count > 0);
        (0..count + end).try_for_each(|_| self.read(parts).map(drop))
    }

    fn read<'p>(&self, parts: &'p mut Vec<Packet>) -> io::Result<&'p Packet> {
        parts.push(Packet::next(&mut &self.pair.server)?);
        Ok(&parts[parts.len() - 1])
    }
}

/// A statement without the values in it, any of which may be a secret. Names in backticks stay.
fn redacted(statement: &str) -> String {
    let (mut text, mut quote) = (String::new(), None);
    let mut characters = statement.chars();
    while let Some(character) = characters.next() {
        match quote {
            None => quote = Some(character).filter(|it| ['\'', '"', '`'].contains(it)),
            Some(open) if character == open => quote = None,
            Some('`') => {}
            Some(_) => {
                // Where a backslash means nothing this hides more than it must.
                if character == '\\' {
                    characters.next();
                }
                continue;
            }
        }
        text.push(character);
    }
    text
}

#[test]
fn what_was_said_is_told_without_values() {
    let statement = r#"SELECT 'it''s', 'a \' b', "c \" d"; ALTER USER `o'neil"`@'%' IDENTIFIED VIA x USING '*0F'"#;
    assert_eq!(redacted(statement), r#"SELECT '''', '', ""; ALTER USER `o'neil"`@'' IDENTIFIED VIA x USING ''"#);
}
