//! What goes between a client and a PostgreSQL. Only simple queries are followed; the function sends no others.

use std::io;

use super::Pair;
use crate::messages::Message;

/// The number of a first message that asks for TLS.
const TLS: Option<u32> = Some(80_877_103);

/// Follows a connection to its end.
pub(super) fn follow(pair: &Pair) -> io::Result<()> {
    pair.at_once()?;
    let first = Message::first(&mut &pair.client)?;
    say(pair, &first)?;
    if first.number() == TLS {
        pair.both_unread();
    } else {
        pair.both(|| answers(pair), || questions(pair));
    }
    Ok(())
}

/// Passes the client's messages on until it ends or the strike comes.
fn questions(pair: &Pair) -> io::Result<()> {
    loop {
        say(pair, &Message::next(&mut &pair.client)?)?;
    }
}

fn say(pair: &Pair, message: &Message) -> io::Result<()> {
    let text = match message.kind {
        0 => Some(message.user().map_or_else(|| "a handshake".to_owned(), |user| format!("a login of {user}"))),
        b'Q' => Some(String::from_utf8_lossy(&message.body).trim_end_matches('\0').to_owned()),
        // The rest of a login, and the good-bye.
        _ => None,
    };
    if let Some(text) = text {
        pair.heard(&text, redacted(&text))?;
    }
    message.send(&mut &pair.server)
}

/// Passes the server's answers on, each when it is whole, until the server ends or the strike comes.
fn answers(pair: &Pair) -> io::Result<()> {
    let pass = |answer: &mut Vec<Message>| answer.drain(..).try_for_each(|part| part.send(&mut &pair.client));
    let (mut answer, mut logged_in) = (Vec::new(), false);
    loop {
        let Ok(part) = Message::next(&mut &pair.server) else {
            // Last words.
            return pass(&mut answer);
        };
        // In a login the server asks back. 0 says that it has succeeded, 12 that it is about to.
        let asks = part.kind == b'R' && !matches!(part.number(), Some(0 | 12));
        let ends = part.kind == b'Z' || (part.kind == b'E' && !logged_in);
        answer.push(part);
        if ends && pair.strikes() {
            return Ok(());
        }
        logged_in |= ends;
        if asks || ends {
            pass(&mut answer)?;
        }
    }
}

/// A statement without the values in it, any of which may be a secret. Names stay.
fn redacted(statement: &str) -> String {
    let (mut text, mut quote) = (String::new(), None);
    for character in statement.chars() {
        match quote {
            None => quote = Some(character).filter(|it| ['\'', '"'].contains(it)),
            Some(open) if character == open => quote = None,
            Some('\'') => continue,
            Some(_) => {}
        }
        text.push(character);
    }
    text
}

#[test]
fn what_was_said_is_told_without_values() {
    let statement = r#"SELECT 'it''s'; ALTER ROLE "o'neil" PASSWORD 'hidden'; SET a = E'b\\'"#;
    assert_eq!(redacted(statement), r#"SELECT ''''; ALTER ROLE "o'neil" PASSWORD ''; SET a = E''"#);
}
