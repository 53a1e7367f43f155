//! Secrets that no server holds: signing secrets, key rings, signing keys and opaque tokens. The services
//! that hold such a value agree by it, so that nothing has to be set anywhere; what counts is which service knows which key when.
//!
//! Pure: randomness and the time are handed in. Keys are made and checked by libraries: see [`key`].

mod document;
mod fingerprint;
mod foreign;
mod ids;
pub mod key;
mod kinds;
mod list;
mod members;
mod pattern;
mod plain;
mod renewal;
mod ring;
mod structure;
mod window;

use serde_json::json;

pub use self::fingerprint::{Fingerprint, KeyPrint};
pub use self::kinds::KeyKind;
pub use self::renewal::{Random, Renewal};

use self::document::SigningKey;
use self::pattern::Pattern;
use self::plain::Plain;
use self::renewal::GIVE_UP;
use self::ring::{Parsed, Ring};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{KeyForm, Sensitive};
use crate::timestamp::Timestamp;

/// A value of such a secret.
pub struct Keys {
    /// What it is.
    pub kind: KeyKind,
    value: Value,
}

enum Value {
    Plain(Plain),
    Document(Box<SigningKey>),
    Ring(KeyForm, Box<Ring>),
    /// A value that becomes a ring: a placeholder, a ring without keys, or a bare secret.
    Seed(KeyForm, Seed),
}

enum Seed {
    Empty(Option<key::Algorithm>),
    Bare,
}

impl Keys {
    /// Reads a value.
    pub fn read(kind: KeyKind, text: Sensitive, settings: &Settings) -> Result<Self> {
        let field = settings.field.as_deref();
        let value = match kind {
            KeyKind::Jwt | KeyKind::Token | KeyKind::TokenList => Value::Plain(Plain::read(text, field, kind)?),
            KeyKind::SigningKey => Value::Document(Box::new(SigningKey::read(text, field)?)),
            KeyKind::KeyRing => ring_or_seed(KeyForm::read(text, field)?)?,
        };
        Ok(Self { kind, value })
    }

    /// What a rotation makes of this value.
    #[must_use]
    pub fn renewal(&self) -> Renewal {
        match &self.value {
            Value::Plain(plain) => plain.renewal(),
            Value::Document(document) => document.renewal(),
            Value::Ring(_, ring) => ring.renewal(),
            Value::Seed(_, Seed::Empty(alg)) => Renewal {
                what: format!(
                    "a key ring of two fresh {} keys, current and next",
                    alg.unwrap_or(key::Algorithm::Hs256).name()
                ),
                warnings: Vec::new(),
            },
            Value::Seed(form, Seed::Bare) => conversion(form),
        }
    }

    /// What Revoke makes of this value.
    #[must_use]
    pub fn replacement(&self) -> Renewal {
        match &self.value {
            Value::Ring(..) | Value::Seed(..) => Renewal {
                what: "a key ring of two fresh keys, current and next, and none of before".to_owned(),
                warnings: vec![],
            },
            Value::Plain(_) | Value::Document(_) => self.renewal(),
        }
    }

    /// The value after this one.
    pub fn renewed(&self, now: Timestamp, random: Random<'_>) -> Result<Sensitive> {
        let today = today(now);
        match &self.value {
            Value::Plain(plain) => plain.renewed(random),
            Value::Document(document) => document.renewed(now, &today, random),
            Value::Ring(form, ring) => form.write(&[ring.renewed(&today, random)?.text()]),
            Value::Seed(form, Seed::Empty(alg)) => form.write(&[Ring::fresh(*alg, None, &today, random)?.text()]),
            Value::Seed(form, Seed::Bare) => form.write(&[Ring::around(form.single()?, &today, random)?.text()]),
        }
    }

    /// A value in which nothing of this one is left: a leaked ring contains its next key, too.
    pub fn replaced(&self, now: Timestamp, random: Random<'_>) -> Result<Sensitive> {
        let today = today(now);
        match &self.value {
            Value::Ring(form, ring) => form.write(&[Ring::fresh(None, Some(ring), &today, random)?.text()]),
            Value::Seed(form, Seed::Bare) => form.write(&[Ring::fresh(None, None, &today, random)?.text()]),
            _ => self.renewed(now, random),
        }
    }

    /// Refuses a key that is next in the value and cannot sign: better before a value is stored that can never be proven.
    pub fn check_next(&self) -> Result<()> {
        match &self.value {
            Value::Ring(_, ring) => ring.check_next(),
            _ => Ok(()),
        }
    }

    /// Signs with what will sign, verifies, and holds the value against what it must be.
    pub fn prove(&self, now: Timestamp) -> Result<String> {
        match &self.value {
            Value::Plain(plain) => plain.prove(),
            Value::Document(document) => document.prove(now),
            Value::Ring(_, ring) => ring.prove(),
            Value::Seed(..) => Err(Error::new(ErrorKind::RefusedValue, "the pending value is no key ring", GIVE_UP)),
        }
    }

    /// Which keys it signs with and accepts.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match &self.value {
            Value::Plain(plain) => plain.fingerprint(),
            Value::Document(document) => document.fingerprint(),
            Value::Ring(_, ring) => ring.fingerprint(),
            Value::Seed(_, Seed::Empty(_)) => Fingerprint { signs: None, accepts: Vec::new() },
            Value::Seed(form, Seed::Bare) => {
                let print = |value| KeyPrint { digest: key::Key::of_text(value).digest(), name: None };
                let prints: Vec<KeyPrint> = form.values.iter().map(print).collect();
                Fingerprint { signs: prints.first().cloned(), accepts: prints }
            }
        }
    }

    /// Whether a rotation makes another key of this value sign, which every task must know by then.
    #[must_use]
    pub fn promotes(&self) -> bool {
        matches!(&self.value, Value::Ring(_, ring) if ring.promotes())
    }

    /// The key that a rotation takes out of this value.
    #[must_use]
    pub fn ends(&self) -> Option<&str> {
        match &self.value {
            Value::Ring(_, ring) => ring.ends(),
            _ => None,
        }
    }

    /// Whether a rotation makes a key ring of this bare secret.
    #[must_use]
    pub fn converts(&self) -> bool {
        matches!(self.value, Value::Seed(_, Seed::Bare))
    }

    /// Whether its keys have public halves.
    #[must_use]
    pub fn publishes(&self) -> bool {
        match &self.value {
            Value::Document(_) => true,
            Value::Ring(_, ring) => ring.publishes(),
            Value::Seed(_, Seed::Empty(alg)) => alg.is_some_and(key::Algorithm::is_asymmetric),
            Value::Plain(_) | Value::Seed(_, Seed::Bare) => false,
        }
    }

    /// The public JWK Set of the keys of several values, each once: what has no public half is not in it.
    #[must_use]
    pub fn public(of: &[&Self]) -> String {
        let mut keys: Vec<serde_json::Value> = Vec::new();
        for key in of.iter().flat_map(|keys| keys.halves()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        json!({ "keys": keys }).to_string()
    }

    fn halves(&self) -> Vec<serde_json::Value> {
        match &self.value {
            Value::Document(document) => document.public(),
            Value::Ring(_, ring) => ring.public(),
            Value::Plain(_) | Value::Seed(..) => Vec::new(),
        }
    }

    /// Refuses a pending value that was not made from this one: somebody replaced AWSCURRENT meanwhile, and tasks would refuse
    /// each other's tokens.
    pub fn refuse_unrelated(&self, before: &Fingerprint) -> Result<()> {
        self.fingerprint().refuse_unrelated(before, self.kind)
    }
}

fn conversion(form: &KeyForm) -> Renewal {
    let mut warnings = vec![
        "the secret becomes a key ring: every service must read both forms by now, and verify a token without a kid with the \
         ring's HMAC keys. The key is made of the characters of the secret as they stand, for HS256"
            .to_owned(),
    ];
    let is_weak = |value: &Sensitive| {
        let form = Pattern::of(value.expose());
        form.strengthened() != form
    };
    if form.values.iter().any(is_weak) {
        warnings.push(
            "the secret can be taken for less than 256 bits, and RFC 7518, section 3.2, demands as many for HS256: it goes on \
             signing until the next rotation, so that no token is refused"
                .to_owned(),
        );
    }
    Renewal {
        what:
            "a key ring in which the bare secret goes on signing as current, and a fresh HS256 key is published as next"
                .to_owned(),
        warnings,
    }
}

fn ring_or_seed(form: KeyForm) -> Result<Value> {
    let text = form.single()?;
    if Pattern::of(text.expose()).is_placeholder() {
        return Ok(Value::Seed(form, Seed::Empty(None)));
    }
    if text.expose().trim_start().starts_with('{') {
        return Ok(match ring::parse(text)? {
            Parsed::Ring(ring) => Value::Ring(form, ring),
            Parsed::Empty(alg) => Value::Seed(form, Seed::Empty(alg)),
        });
    }
    foreign::refuse(text.expose())?;
    Ok(Value::Seed(form, Seed::Bare))
}

/// The day, as it stands in names of keys.
fn today(now: Timestamp) -> String {
    let date = now.text().unwrap_or_default();
    date.get(..10).unwrap_or_default().replace('-', "")
}

#[cfg(test)]
mod tests;
