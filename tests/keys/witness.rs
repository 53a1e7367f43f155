//! Whoever looks at a secret at every moment at which something happens to it: would tasks that start now and tasks that
//! started before accept each other's tokens, and does whoever only verifies know the key that signs?

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rehearsal::aws::{Content, Secret, WeakAws};
use rehearsal::readers::{Language, Reader};
use serde_json::{Value, json};
use support::blow::Look;

use crate::stage::Stage;
use crate::verifiers::{BUCKET, KEY};

/// Looks, and keeps what it does not like: a panic in a hook would not end the test.
#[derive(Clone)]
pub struct Witness(Arc<Inner>);

struct Inner {
    aws: WeakAws,
    arn: String,
    reader: Reader,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    looks: usize,
    violations: Vec<String>,
    values: BTreeMap<String, Content>,
    current: Option<String>,
    revoking: bool,
}

impl Witness {
    pub fn of(stage: &Stage) -> Self {
        let (aws, arn, reader) = (stage.aws.downgrade(), stage.arn.clone(), Reader::start(Language::Python));
        Self(Arc::new(Inner { aws, arn, reader, kept: Mutex::default() }))
    }

    /// From now on old tokens are to be refused.
    pub fn revoking(&self) {
        self.0.kept.lock().unwrap().revoking = true;
    }

    pub fn assert_content(&self) {
        assert_eq!(self.0.kept.lock().unwrap().violations, Vec::<String>::new());
    }

    pub fn looks(&self) -> usize {
        self.0.kept.lock().unwrap().looks
    }

    fn wrong(&self, kept: &mut Kept, secret: &Secret, set: Option<&str>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (version, seen) in &secret.versions {
            if let Some(content) = &seen.content {
                let first = kept.values.entry(version.clone()).or_insert_with(|| content.clone());
                if first != content {
                    wrong.push(format!("the value of version {version} has changed"));
                }
            }
        }
        let [current, previous] = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| secret.holder(label).map(str::to_owned));
        // Tasks of before take AWSPREVIOUS beside, or hold it.
        if kept.current.is_some() && kept.current != current && previous != kept.current && !kept.revoking {
            wrong.push("AWSPREVIOUS is not what was current before".to_owned());
        }
        kept.current.clone_from(&current);
        let text = |version: &Option<String>| match &secret.versions.get(version.as_ref()?)?.content {
            Some(Content::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let Some(current) = text(&current) else {
            wrong.push("AWSCURRENT holds no value".to_owned());
            return wrong;
        };
        let ring = parsed(&current);
        if ring["current"].is_string() {
            let previous = text(&previous).filter(|text| !kept.revoking && parsed(text)["current"].is_string());
            let previous = previous.unwrap_or_else(|| current.clone());
            for (signer, verifier) in [(&current, &current), (&current, &previous), (&previous, &current)] {
                let token = self.0.reader.sign(signer, &json!({ "exp": 4_102_444_800_u64 }));
                if let Err(why) = self.0.reader.verify(verifier, &token) {
                    wrong.push(format!("a token is refused: {why}"));
                }
            }
        }
        let signs = if ring["keys"].is_array() { &ring["current"] } else { &ring["key_id"] };
        // Revoke takes it out before it makes another one sign.
        let counts = !signs.is_null() && !kept.revoking;
        if set.filter(|_| counts).is_some_and(|set| !kids(set).contains(signs)) {
            wrong.push("the key that signs is not published".to_owned());
        }
        wrong
    }
}

impl Look for Witness {
    fn look(&self, when: &str) {
        let Some(aws) = self.0.aws.upgrade() else { return };
        let secret = aws.secret(&self.0.arn).unwrap();
        let set = aws.object(BUCKET, KEY).map(|object| object.body);
        let mut kept = self.0.kept.lock().unwrap();
        kept.looks += 1;
        let wrong = self.wrong(&mut kept, &secret, set.as_deref());
        kept.violations.extend(wrong.into_iter().map(|what| format!("{what}, {when}")));
    }
}

/// A value that is JSON, or nothing.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// The names of the keys in a JWK Set.
pub fn kids(set: &str) -> Vec<Value> {
    let set: Value = serde_json::from_str(set).unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}
