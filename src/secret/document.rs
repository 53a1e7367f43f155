//! A JSON document in which single values are replaced and every other byte stays where it was.
//!
//! Services read these documents with parsers of their own and people compare versions by eye. AWS's templates parse and
//! print again, which may change order, spacing and the spelling of numbers; here only the replaced strings differ.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Sensitive, carried};
use crate::error::{Error, ErrorKind, Result};

/// The limit of a secret's value in Secrets Manager, in bytes.
const MOST_BYTES: usize = 65_536;

/// A JSON object, as text and by its top-level keys.
pub struct Document {
    text: Sensitive,
    fields: Vec<(String, Range<usize>)>,
}

impl Document {
    /// Reads a JSON object. A key that stands in it twice is refused: parsers disagree on which one counts.
    pub fn parse(text: Sensitive) -> Result<Self> {
        let fields = match spans(text.expose()) {
            Ok(fields) => fields,
            // The parser's own message could quote a piece of the value: the error says only where it stopped.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let why = why(text.expose(), line, column);
                return Err(refused(format!("the value is not a JSON object (line {line}, column {column}){why}")));
            }
        };
        let mut keys = BTreeSet::new();
        if let Some((key, _)) = fields.iter().find(|(key, _)| !keys.insert(key)) {
            return Err(refused(format!("the JSON key {key:?} stands in the value twice")));
        }
        Ok(Self { text, fields })
    }

    /// The value of a top-level key. A value can be well-formed and still mean nothing: half a surrogate pair, a number
    /// beyond all bounds.
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        let Some(span) = self.span(key) else { return Ok(None) };
        let value = serde_json::from_str(&self.text.expose()[span]);
        value.map(Some).map_err(|_| refused(format!("the value of the JSON key {key} cannot be read")))
    }

    /// The first member, besides those of these names, that carries this password: see [`carried`]. What cannot be read carries
    /// nothing that somebody else could read.
    pub(crate) fn carrier(&self, password: &Sensitive, besides: &[&str]) -> Option<&str> {
        let carries = |key: &&str| matches!(self.get(key), Ok(Some(value)) if carried::is_in(&value, password));
        self.keys().filter(|key| !besides.contains(key)).find(carries)
    }

    /// The names of the top-level keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(key, _)| key.as_str())
    }

    /// The names of the top-level keys, for a remedy.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<String> = self.keys().take(20).map(|key| format!("{key:?}")).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// The document with the values of some keys replaced by strings. Keys that it does not have are not added.
    pub fn with(&self, replaced: &[(&str, &Sensitive)]) -> Result<Sensitive> {
        let json = |text: &Sensitive| Sensitive::new(Value::from(text.expose()).to_string());
        let json: Vec<(&str, Sensitive)> = replaced.iter().map(|(key, new)| (*key, json(new))).collect();
        self.with_json(&json)
    }

    /// The document with the values of some keys replaced by JSON.
    pub fn with_json(&self, replaced: &[(&str, Sensitive)]) -> Result<Sensitive> {
        let mut spans: Vec<_> = replaced.iter().filter_map(|(key, new)| Some((self.span(key)?, new))).collect();
        spans.sort_by_key(|(span, _)| span.start);
        spans.dedup_by_key(|(span, _)| span.start);
        let old = self.text.expose();
        let mut text = String::with_capacity(old.len() + 64);
        let mut copied = 0;
        for (span, new) in spans {
            text.push_str(&old[copied..span.start]);
            text.push_str(new.expose());
            copied = span.end;
        }
        text.push_str(&old[copied..]);
        if text.len() > MOST_BYTES {
            return Err(refused(format!(
                "with what is new in it the value would be {} bytes long; Secrets Manager takes {MOST_BYTES}",
                text.len()
            )));
        }
        Ok(Sensitive::new(text))
    }

    fn span(&self, key: &str) -> Option<Range<usize>> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, span)| span.clone())
    }
}

/// What people and consoles do to JSON, told without a piece of the value.
fn why(text: &str, line: usize, column: usize) -> &'static str {
    if text.starts_with('\u{feff}') {
        return ": a byte order mark stands before it";
    }
    let before: String = text.lines().take(line).enumerate().fold(String::new(), |mut all, (number, content)| {
        let end = if number + 1 == line { content.chars().take(column.saturating_sub(1)).count() } else { usize::MAX };
        all.extend(content.chars().take(end));
        all
    });
    let at = text.lines().nth(line.saturating_sub(1)).and_then(|content| content.chars().nth(column.saturating_sub(1)));
    let before = Sensitive::new(before);
    match (before.expose().trim_end().chars().last(), at) {
        (Some(','), Some('}' | ']')) => ": a comma stands before the closing brace",
        (_, Some('\'')) => ": it has single quotes, and JSON has double quotes",
        _ => "",
    }
}

/// The byte ranges of the top-level values. `RawValue` borrows from the text, so a value's place is the difference of
/// two addresses.
fn spans(text: &str) -> serde_json::Result<Vec<(String, Range<usize>)>> {
    struct Fields(usize);
    impl<'de> Visitor<'de> for Fields {
        type Value = Vec<(String, Range<usize>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                let start = value.get().as_ptr() as usize - self.0;
                fields.push((key, start..start + value.get().len()));
            }
            Ok(fields)
        }
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let fields = parser.deserialize_map(Fields(text.as_ptr() as usize))?;
    parser.end()?;
    Ok(fields)
}

fn refused(cause: String) -> Error {
    Error::new(
        ErrorKind::RefusedValue,
        cause,
        "correct the JSON where it is meant to be a login to a database: an object of at most 65,536 bytes with engine, host, \
         username and password. Leave anything else as it is: a bare secret of your own needs the tag keyroll:kind (jwt, \
         jwt-keyring, signing-key or token), a connection URL is not rotated yet, and a key that another service issued is \
         renewed there",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Sensitive::new(text.to_owned())).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn only_the_replaced_string_differs() {
        let text = "{ \"z\" : 1.50e3,\n\t\"password\":\"a\\u0041\\\"b\" , \"n\": {\"password\" : \"inner\"}, \"username\":\"é\" }\n";
        let new = Sensitive::new("n\"e\\w".to_owned());
        assert_eq!(
            document(text).with(&[("password", &new)]).unwrap_or_else(|e| panic!("{e}")).expose(),
            text.replace("\"a\\u0041\\\"b\"", "\"n\\\"e\\\\w\"")
        );
    }

    #[test]
    fn several_values_are_replaced_whatever_their_order() {
        let (user, password) = (Sensitive::new("u2".to_owned()), Sensitive::new("p2".to_owned()));
        let replaced = document(r#"{"username":"u1","x":0,"password":"p1"}"#)
            .with(&[("password", &password), ("username", &user), ("absent", &user)])
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(replaced.expose(), r#"{"username":"u2","x":0,"password":"p2"}"#);
    }

    #[test]
    fn what_is_no_json_object_is_refused_without_quoting_it() {
        for text in [
            "",
            "hunter2hunter2",
            "\"hunter2\"",
            "[1]",
            "{\"password\":\"hunter2\"",
            "{\"a\":1}x",
            "postgres://u:hunter2@h/d",
        ] {
            let Err(error) = Document::parse(Sensitive::new(text.to_owned())) else { panic!("accepted {text}") };
            assert_eq!(error.kind(), ErrorKind::RefusedValue);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let Err(error) = Document::parse(Sensitive::new(r#"{"a":1,"\u0061":2}"#.to_owned())) else {
            panic!("accepted")
        };
        assert!(error.to_string().contains("twice"), "{error}");
    }

    #[test]
    fn what_is_well_formed_and_means_nothing_is_not_taken_for_absent() {
        for text in [r#"{"a":1e999}"#, r#"{"a":"\ud800"}"#] {
            assert!(document(text).get("a").is_err(), "{text}");
            assert!(matches!(document(text).get("b"), Ok(None)));
        }
    }

    #[test]
    fn a_document_at_the_limit_may_not_grow_over_it() {
        let filler = "x".repeat(MOST_BYTES - r#"{"password":"","f":""}"#.len() - 8);
        let full = document(&format!(r#"{{"password":"12345678","f":"{filler}"}}"#));
        assert!(full.with(&[("password", &Sensitive::new("abcdefgh".to_owned()))]).is_ok());
        assert!(full.with(&[("password", &Sensitive::new("abcdefghi".to_owned()))]).is_err());
    }

    #[test]
    fn what_people_do_to_json_is_named_without_a_piece_of_it() {
        for (text, word) in [
            ("\u{feff}{\"password\":\"hunter2\"}", "byte order mark"),
            ("{\"password\":\"hunter2\",}", "a comma stands before"),
            ("{\n  \"password\": \"hunter2\",\n}\n", "a comma stands before"),
            ("{'password': 'hunter2'}", "single quotes"),
            ("{\"password\": 'hunter2'}", "single quotes"),
        ] {
            let Err(error) = Document::parse(Sensitive::new(text.to_owned())) else { panic!("{text}") };
            assert!(error.cause().contains(word) && !error.to_string().contains("hunter"), "{error}");
        }
    }
}
