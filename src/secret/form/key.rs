//! Forms of a key or a token: the whole value, or the JSON keys that `keyroll:field` names.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Sensitive, is_placeholder};

/// Where in a value the keys or tokens stand.
pub struct KeyForm {
    document: Option<Document>,
    /// The JSON keys, none for the whole value.
    fields: Vec<String>,
    /// What stands there, in the order of the keys.
    pub values: Vec<Sensitive>,
}

impl KeyForm {
    /// Reads a value; `field` is `keyroll:field`.
    pub fn read(text: Sensitive, field: Option<&str>) -> Result<Self> {
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

    /// Another member that carries one of the parts, too.
    #[must_use]
    pub fn copy(&self) -> Option<&str> {
        let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let document = self.document.as_ref()?;
        // A placeholder stands for each of the secrets that are not stored yet.
        let mut stored = self.values.iter().filter(|value| !is_placeholder(value.expose()));
        stored.find_map(|value| document.carrier(value, &fields))
    }

    /// Whether the JSON around the parts is a login to a server: it names a user, and an engine or a host.
    #[must_use]
    pub fn is_in_login(&self) -> bool {
        let has = |name: &str| self.document.as_ref().is_some_and(|document| matches!(document.get(name), Ok(Some(_))));
        has("username") && (has("engine") || has("host"))
    }

    /// The one part that rotates; refused where there are several.
    pub fn single(&self) -> Result<&Sensitive> {
        match &self.values[..] {
            [one] => Ok(one),
            _ => Err(refused(
                "the tag keyroll:field names several JSON keys, and this kind of secret stands in one",
                "name one JSON key in keyroll:field",
            )),
        }
    }

    /// The value with other parts, in the order of [`KeyForm::values`].
    pub fn write(&self, new: &[Sensitive]) -> Result<Sensitive> {
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
            format!("correct keyroll:field: there are {}", document.names()),
        )),
    }
}

fn refused(cause: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedSetting, cause, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, field: Option<&str>) -> Result<KeyForm> {
        KeyForm::read(Sensitive::new(text.to_owned()), field)
    }

    fn new(parts: &[&str]) -> Vec<Sensitive> {
        parts.iter().map(|part| Sensitive::new((*part).to_owned())).collect()
    }

    #[test]
    fn named_keys_are_replaced_and_the_rest_stays_byte_for_byte() {
        let text = "{ \"b\": \"two\",\n\t\"n\" : 1.50, \"a\":\"one\" }\n";
        let form = read(text, Some("b a  b")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(form.values.iter().map(Sensitive::expose).collect::<Vec<_>>(), ["one", "two"]);
        let changed = form.write(&new(&["1st", "2\"d"])).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(changed.expose(), "{ \"b\": \"2\\\"d\",\n\t\"n\" : 1.50, \"a\":\"1st\" }\n");
    }

    #[test]
    fn without_keys_the_value_is_replaced_as_a_whole() {
        let form = read("bare", None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(form.write(&new(&["new"])).unwrap_or_else(|error| panic!("{error}")).expose(), "new");
        assert!(form.write(&new(&["a", "b"])).is_err());
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
        let Ok(form) = read(r#"{"a":"x","b":"y"}"#, Some("a b")) else { panic!("refused") };
        assert!(form.single().is_err());
    }
}
