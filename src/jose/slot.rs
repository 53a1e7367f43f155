//! Where in a secret's value keyroll's part of it stands: the whole of it, or the JSON keys that `keyroll:field` names. The rest
//! stays byte for byte.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Sensitive};

/// A value, with the part of it that rotates.
pub(super) struct Slot {
    document: Option<Document>,
    /// The JSON keys, none for the whole value.
    fields: Vec<String>,
    /// What stands there, in the order of the keys.
    pub(super) values: Vec<Sensitive>,
}

impl Slot {
    /// Reads a value; `field` is `keyroll:field`.
    pub(super) fn read(text: Sensitive, field: Option<&str>) -> Result<Self> {
        let Some(field) = field else {
            return Ok(Self { document: None, fields: Vec::new(), values: vec![text] });
        };
        let document = Document::parse(text)?;
        let mut fields: Vec<String> = field.split_whitespace().map(str::to_owned).collect();
        fields.sort_unstable();
        fields.dedup();
        if fields.is_empty() {
            return Err(refused("the tag keyroll:field is empty", "name the JSON key in it that holds the secret"));
        }
        let values = fields.iter().map(|field| string(&document, field)).collect::<Result<_>>()?;
        Ok(Self { document: Some(document), fields, values })
    }

    /// The one part that rotates; refused where there are several.
    pub(super) fn single(&self) -> Result<&Sensitive> {
        match &self.values[..] {
            [one] => Ok(one),
            _ => Err(refused(
                "the tag keyroll:field names several JSON keys, and this kind of secret stands in one",
                "name one JSON key in keyroll:field",
            )),
        }
    }

    /// The value with other parts, in the order of [`Slot::values`].
    pub(super) fn with(&self, new: &[Sensitive]) -> Result<Sensitive> {
        match (&self.document, new) {
            (Some(document), new) => {
                let replaced: Vec<(&str, &Sensitive)> = self.fields.iter().map(String::as_str).zip(new).collect();
                document.with(&replaced)
            }
            (None, [whole]) => Ok(whole.clone()),
            (None, _) => Err(Error::new(
                ErrorKind::FailedDefect,
                "keyroll made several values for a secret that is one",
                "report this defect; nothing was stored",
            )),
        }
    }
}

fn string(document: &Document, field: &str) -> Result<Sensitive> {
    match document.get(field)? {
        Some(Value::String(text)) => Ok(Sensitive::new(text)),
        Some(_) => Err(refused(
            format!("the JSON key {field:?}, which keyroll:field names, does not hold a string"),
            "correct keyroll:field, or store a string there",
        )),
        None => Err(refused(
            format!("the value has no JSON key {field:?}, which keyroll:field names"),
            format!("correct keyroll:field: there are {}", keys(document)),
        )),
    }
}

/// The names of a document's keys, for a remedy.
pub(super) fn keys(document: &Document) -> String {
    let keys: Vec<String> = document.keys().take(20).map(|key| format!("{key:?}")).collect();
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

fn refused(cause: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedSetting, cause, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, field: Option<&str>) -> Result<Slot> {
        Slot::read(Sensitive::new(text.to_owned()), field)
    }

    fn new(parts: &[&str]) -> Vec<Sensitive> {
        parts.iter().map(|part| Sensitive::new((*part).to_owned())).collect()
    }

    #[test]
    fn named_keys_are_replaced_and_the_rest_stays_byte_for_byte() {
        let text = "{ \"b\": \"two\",\n\t\"n\" : 1.50, \"a\":\"one\" }\n";
        let slot = read(text, Some("b a  b")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(slot.values.iter().map(Sensitive::expose).collect::<Vec<_>>(), ["one", "two"]);
        let changed = slot.with(&new(&["1st", "2\"d"])).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(changed.expose(), "{ \"b\": \"2\\\"d\",\n\t\"n\" : 1.50, \"a\":\"1st\" }\n");
    }

    #[test]
    fn without_keys_the_value_is_replaced_as_a_whole() {
        let slot = read("bare", None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(slot.with(&new(&["new"])).unwrap_or_else(|error| panic!("{error}")).expose(), "new");
        assert!(slot.with(&new(&["a", "b"])).is_err());
    }

    #[test]
    fn what_is_not_there_is_refused_by_its_key() {
        for (text, field, word) in [
            (r#"{"a":"hunter2","b":1}"#, "c", "\"a\", \"b\""),
            (r#"{"a":"hunter2","b":1}"#, "b", "does not hold a string"),
            (r#"{"a":"hunter2"}"#, " ", "is empty"),
            ("hunter2", "a", "not a JSON object"),
        ] {
            let Err(error) = read(text, Some(field)) else { panic!("accepted {text} {field}") };
            assert!(error.to_string().contains(word) && !error.to_string().contains("hunter2"), "{error}");
        }
        let Ok(slot) = read(r#"{"a":"x","b":"y"}"#, Some("a b")) else { panic!("refused") };
        assert!(slot.single().is_err());
    }
}
