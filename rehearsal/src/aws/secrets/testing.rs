//! A model to test with, and short ways to call it.

use serde_json::{Value, json};

use super::Secrets;

pub(super) const T1: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const T2: &str = "22222222-2222-2222-2222-222222222222";
pub(super) const T3: &str = "33333333-3333-3333-3333-333333333333";

/// A model with the secret `app/db`, whose first version is [`T1`] with the value `one`.
pub(super) fn model() -> Secrets {
    let mut model = Secrets::new("us-east-1", "123456789012");
    let request = json!({ "Name": "app/db", "SecretString": "one", "ClientRequestToken": T1 });
    model.answer("CreateSecret", &request, None).unwrap();
    model
}

impl Secrets {
    /// A call on `app/db` that must succeed.
    pub(super) fn ok(&mut self, operation: &str, fields: Value) -> Value {
        self.answer(operation, &with_id(fields), None).unwrap()
    }

    /// The code and the message of a call on `app/db` that must fail and must not change anything.
    pub(super) fn refused(&mut self, operation: &str, fields: Value) -> (String, String) {
        let before = self.clone();
        let error = self.answer(operation, &with_id(fields), None).unwrap_err();
        assert_eq!(*self, before, "a refused call changed something");
        (error.code, error.message)
    }

    pub(super) fn labels(&self, version: &str) -> Vec<String> {
        self.get("app/db").unwrap().versions[version].stages.iter().cloned().collect()
    }
}

pub(super) fn with_id(mut fields: Value) -> Value {
    let object = fields.as_object_mut().unwrap();
    object.entry("SecretId").or_insert_with(|| "app/db".into());
    fields
}
