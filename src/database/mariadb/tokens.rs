//! What MariaDB prints about accounts, cut into tokens.
//!
//! The server escapes texts in one way, whatever `sql_mode` says: a quote is doubled, and a backslash stands before itself,
//! before `0`, `n` and `r`. So under `NO_BACKSLASH_ESCAPES` what it prints is not what it would understand. Names have
//! only their quote doubled; it is `"` under `ANSI_QUOTES`.

use std::iter::Peekable;
use std::str::Chars;

use crate::secret::Sensitive;

/// One token.
#[derive(Clone)]
pub(super) enum Token {
    /// A keyword, an unquoted name or a number.
    Word(String),
    /// A quoted name.
    Name(String),
    /// A quoted text, which may be the hash of a password.
    Text(Sensitive),
    /// Anything else that the server prints outside of quotes.
    Mark(char),
}

/// The tokens of a line, read from the front.
pub(super) struct Tokens {
    tokens: Vec<Token>,
    next: usize,
}

impl Tokens {
    /// Cuts a line; nothing where it ends within quotes or has what the server never prints.
    pub(super) fn of(line: &str) -> Option<Self> {
        let (mut tokens, mut rest) = (Vec::new(), line.chars().peekable());
        while let Some(&first) = rest.peek() {
            tokens.push(match first {
                ' ' => {
                    rest.next();
                    continue;
                }
                '`' | '"' => Token::Name(name(&mut rest)?),
                '\'' => Token::Text(text(&mut rest)?),
                '-' | '0'..='9' => {
                    Token::Word(run(&mut rest, |letter| letter == '-' || letter == '.' || is_of_word(letter)))
                }
                letter if is_of_word(letter) => Token::Word(run(&mut rest, is_of_word)),
                mark @ ('*' | '.' | ',' | '(' | ')' | '@') => {
                    rest.next();
                    Token::Mark(mark)
                }
                _ => return None,
            });
        }
        Some(Self { tokens, next: 0 })
    }

    /// The next token, left in place.
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    /// Whether all is read.
    pub(super) fn at_end(&self) -> bool {
        self.peek().is_none()
    }

    /// Reads these keywords, parted by spaces, if all of them are next.
    pub(super) fn takes(&mut self, words: &str) -> bool {
        let mut at = self.next;
        for word in words.split(' ') {
            match self.tokens.get(at) {
                Some(Token::Word(next)) if next == word => at += 1,
                _ => return false,
            }
        }
        self.next = at;
        true
    }

    /// Reads this mark if it is next.
    pub(super) fn takes_mark(&mut self, mark: char) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Mark(next)) if *next == mark);
        self.next += usize::from(is_next);
        is_next
    }

    /// Reads a name, which the server quotes unless `sql_quote_show_create` is off.
    pub(super) fn name(&mut self) -> Option<String> {
        match self.peek() {
            Some(Token::Name(name) | Token::Word(name)) => {
                let name = name.clone();
                self.next += 1;
                Some(name)
            }
            _ => None,
        }
    }

    /// Reads a keyword or a number.
    pub(super) fn word(&mut self) -> Option<String> {
        if matches!(self.peek(), Some(Token::Word(_))) { self.name() } else { None }
    }

    /// Reads a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.word()?.parse().ok()
    }

    /// Reads a text.
    pub(super) fn text(&mut self) -> Option<Sensitive> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.next += 1;
                Some(text)
            }
            _ => None,
        }
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

fn run(rest: &mut Peekable<Chars<'_>>, belongs: impl Fn(char) -> bool) -> String {
    let mut word = String::new();
    while let Some(letter) = rest.next_if(|letter| belongs(*letter)) {
        word.push(letter);
    }
    word
}

fn name(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let (quote, mut name) = (rest.next()?, String::new());
    loop {
        let letter = rest.next()?;
        if letter == quote && rest.next_if_eq(&quote).is_none() {
            return Some(name);
        }
        name.push(letter);
    }
}

fn text(rest: &mut Peekable<Chars<'_>>) -> Option<Sensitive> {
    rest.next();
    let mut text = String::new();
    loop {
        text.push(match rest.next()? {
            '\'' if rest.next_if_eq(&'\'').is_none() => return Some(Sensitive::new(text)),
            '\\' => match rest.next()? {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                other => other,
            },
            other => other,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens in a form that shows which is what.
    fn cut(line: &str) -> Option<Vec<String>> {
        let shown = |token: &Token| match token {
            Token::Word(word) => format!("word {word}"),
            Token::Name(name) => format!("name {name}"),
            Token::Text(text) => format!("text {}", text.expose()),
            Token::Mark(mark) => format!("mark {mark}"),
        };
        Some(Tokens::of(line)?.tokens.iter().map(shown).collect())
    }

    #[test]
    fn names_and_texts_are_read_as_the_server_escapes_them() {
        for (line, expected) in [
            ("`a``'\"\\ TO b`@`10.%`", vec!["name a`'\"\\ TO b", "mark @", "name 10.%"]),
            ("\"a`'\"\"\\ TO b\"@\"10.%\"", vec!["name a`'\"\\ TO b", "mark @", "name 10.%"]),
            (r#"ISSUER '/C=a''b\\c"d'"#, vec!["word ISSUER", "text /C=a'b\\c\"d"]),
            (r"'a\nb\rc\0d\\n'", vec!["text a\nb\rc\0d\\n"]),
            ("''", vec!["text "]),
            ("-1 1.500000 *.*", vec!["word -1", "word 1.500000", "mark *", "mark .", "mark *"]),
            ("UPDATE (`a`, `c``d`)", vec!["word UPDATE", "mark (", "name a", "mark ,", "name c`d", "mark )"]),
        ] {
            assert_eq!(cut(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_the_server_never_prints_is_no_line_of_its() {
        for line in ["`a", "'a", "'a''", r"'a\'", "a; b", "a\nb", "a = b"] {
            assert!(cut(line).is_none(), "{line}");
        }
    }
}
