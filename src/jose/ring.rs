//! A key ring: a JWK Set (RFC 7517, section 5) in which `current` signs, `next` is known before anybody signs with it, and
//! `previous` goes on verifying. The three members hold the `kid` of a key; whatever else stands in the ring stays.
//!
//! A rotation makes *next* the signing key, keeps *current* as *previous*, and publishes a fresh *next*. So a task that holds
//! the ring of before verifies what a task with the new ring signs, and the other way round: no order of deployments refuses a
//! token.

mod key;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use self::key::{RingKey, algorithm, refused, wipe};
use super::key::{Algorithm, Key};
use super::renewal::GIVE_UP;
use super::{Fingerprint, Random, Renewal, ids};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Sensitive};

/// A ring with at least the key that signs.
pub(super) struct Ring {
    /// What fresh keys are made for, where the ring says so.
    alg: Option<Algorithm>,
    current: RingKey,
    next: Option<RingKey>,
    previous: Option<RingKey>,
    /// Members of the ring that are nothing to us.
    rest: Map<String, Value>,
}

/// What is read from a value that is to be a ring.
pub(super) enum Parsed {
    /// A ring.
    Ring(Box<Ring>),
    /// A ring without keys, and what they are to be made for.
    Empty(Option<Algorithm>),
}

/// The keys as they are written: only so a member shows that stands in a key twice.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// Reads a ring.
pub(super) fn parse(text: &Sensitive) -> Result<Parsed> {
    // A member that stands in it twice is refused: parsers disagree on which one counts.
    Document::parse(text.clone()).map_err(|error| refused(&error.cause()))?;
    let Ok(Value::Object(mut rest)) = serde_json::from_str(text.expose()) else {
        return Err(refused("the value is no JSON object"));
    };
    let alg = match rest.remove("alg") {
        None => None,
        Some(alg) => Some(algorithm(&alg, "the ring")?),
    };
    rest.remove("keys").iter_mut().for_each(wipe);
    let Ok(Keys { keys }) = serde_json::from_str(text.expose()) else {
        return Err(refused("the ring has no array \"keys\""));
    };
    let mut keys = keys.into_iter().map(|jwk| RingKey::read(jwk.get())).collect::<Result<Vec<_>>>()?;
    let mut kids = BTreeSet::new();
    if let Some(twice) = keys.iter().find(|key| !kids.insert(key.kid.as_str())) {
        return Err(refused(&format!("the ring has two keys {:?}", twice.kid)));
    }
    let mut named = |member: &str| -> Result<Option<RingKey>> {
        let kid = match rest.remove(member) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(kid)) => kid,
            Some(_) => return Err(refused(&format!("the ring's member {member:?} holds no kid"))),
        };
        match keys.iter().position(|key| key.kid == kid) {
            Some(index) => Ok(Some(keys.remove(index))),
            None => {
                Err(refused(&format!("the ring has no key {kid:?}, which its member {member:?} names, or names twice")))
            }
        }
    };
    let [current, next, previous] = [named("current")?, named("next")?, named("previous")?];
    match (current, &next, &previous, &keys[..]) {
        (Some(current), _, _, []) => Ok(Parsed::Ring(Box::new(Ring { alg, current, next, previous, rest }))),
        (None, None, None, []) => Ok(Parsed::Empty(alg)),
        (None, ..) => Err(refused("the ring does not say which of its keys signs: it has no member \"current\"")),
        (Some(_), _, _, [other, ..]) => Err(refused(&format!(
            "the ring's key {:?} is neither \"current\" nor \"next\" nor \"previous\"",
            other.kid
        ))),
    }
}

impl Ring {
    /// A ring of fresh keys.
    pub(super) fn fresh(alg: Option<Algorithm>, like: Option<&Self>, today: &str, random: Random<'_>) -> Result<Self> {
        let made = alg.or(like.and_then(|ring| ring.alg));
        let wanted = made.or(like.map(Self::fresh_algorithm)).unwrap_or(Algorithm::Hs256);
        let like_key = like.map(Self::model);
        Ok(Self {
            alg: made,
            current: RingKey::make(wanted, like_key, today, random)?,
            next: Some(RingKey::make(wanted, like_key, today, random)?),
            previous: None,
            rest: like.map(|ring| ring.rest.clone()).unwrap_or_default(),
        })
    }

    /// The ring that a bare HMAC secret becomes: the secret goes on signing, under a name.
    pub(super) fn around(secret: &Sensitive, today: &str, random: Random<'_>) -> Result<Self> {
        let current = RingKey {
            kid: ids::fresh("", today, random)?,
            alg: Algorithm::Hs256,
            key: Key::of_text(secret),
            rest: Map::new(),
        };
        let next = RingKey::make(Algorithm::Hs256, None, today, random)?;
        Ok(Self { alg: None, current, next: Some(next), previous: None, rest: Map::new() })
    }

    /// The ring after this one.
    pub(super) fn renewed(&self, today: &str, random: Random<'_>) -> Result<Self> {
        let fresh = RingKey::make(self.fresh_algorithm(), Some(self.model()), today, random)?;
        let (current, previous) = match &self.next {
            Some(next) => (next.clone(), Some(self.current.clone())),
            None => (self.current.clone(), self.previous.clone()),
        };
        Ok(Self { alg: self.alg, current, next: Some(fresh), previous, rest: self.rest.clone() })
    }

    /// What [`Ring::renewed`] does, in words.
    pub(super) fn renewal(&self) -> Renewal {
        let (alg, current) = (self.fresh_algorithm().name(), &self.current.kid);
        match (&self.next, &self.previous) {
            (Some(next), previous) => Renewal {
                what: format!(
                    "the next key {:?} signs, the current key {current:?} goes on verifying as previous, a fresh {alg} key is \
                     published as next{}",
                    next.kid,
                    previous.as_ref().map(|previous| format!(", and {:?} goes", previous.kid)).unwrap_or_default()
                ),
                warnings: Vec::new(),
            },
            (None, _) => Renewal {
                what: format!("the current key {current:?} goes on signing, and a fresh {alg} key is published as next"),
                warnings: vec![
                    "the ring had no next key, so that no task knows another one to sign with: this rotation publishes one, and \
                     the next rotation makes it sign"
                        .to_owned(),
                ],
            },
        }
    }

    /// Whether the next rotation makes another key sign, which every task must know by then.
    pub(super) fn promotes(&self) -> bool {
        self.next.is_some()
    }

    /// Refuses a key that is to sign next and cannot.
    pub(super) fn check_next(&self) -> Result<()> {
        let (signer, remedy) = match &self.next {
            Some(next) => (
                next,
                "take it out of the ring (its member \"next\" and its JWK): the next rotation publishes a fresh one",
            ),
            None => (&self.current, "store {\"keys\": []} for a new ring: tokens of this key are then refused"),
        };
        signer.check().map_err(|error| {
            let cause = format!("the ring's key {:?}, which is to sign, cannot: {}", signer.kid, error.cause());
            Error::new(ErrorKind::RefusedValue, cause, remedy)
        })
    }

    /// The key that the next rotation takes out of the ring.
    pub(super) fn ends(&self) -> Option<&str> {
        self.next.as_ref()?;
        self.previous.as_ref().map(|key| key.kid.as_str())
    }

    /// Whether any of its keys has a public half, or the next one will.
    pub(super) fn publishes(&self) -> bool {
        self.fresh_algorithm().is_asymmetric() || self.keys().any(|key| key.alg.is_asymmetric())
    }

    /// The ring as a value. Written piece by piece, so that no second copy of a key is left behind.
    pub(super) fn text(&self) -> Sensitive {
        let mut text = Zeroizing::new(String::with_capacity(16_384));
        let named =
            [("current", Some(&self.current)), ("next", self.next.as_ref()), ("previous", self.previous.as_ref())];
        let named = named.into_iter().filter_map(|(member, key)| Some((member, json!(key?.kid))));
        let alg = self.alg.map(|alg| ("alg", json!(alg.name())));
        let rest = self.rest.iter().map(|(member, value)| (member.as_str(), value.clone()));
        text.push('{');
        for (member, value) in alg.into_iter().chain(named).chain(rest) {
            for part in [json!(member).to_string().as_str(), ":", value.to_string().as_str(), ","] {
                text.push_str(part);
            }
        }
        text.push_str("\"keys\":[");
        for (number, key) in self.keys().enumerate() {
            text.push_str(if number > 0 { "," } else { "" });
            key.write(&mut text);
        }
        text.push_str("]}");
        Sensitive::new(std::mem::take(&mut *text))
    }

    /// The public halves, none of a symmetric key.
    pub(super) fn public(&self) -> Vec<Value> {
        self.keys().filter_map(RingKey::public_jwk).collect()
    }

    /// Signs with the keys that sign now and next, and verifies with what others hold of them. What only verifies has signed
    /// before.
    pub(super) fn prove(&self) -> Result<String> {
        for key in std::iter::once(&self.current).chain(&self.next) {
            key.check()?;
        }
        if self.next.is_none() {
            return Err(Error::new(ErrorKind::RefusedValue, "the pending ring has no next key", GIVE_UP));
        }
        let (current, names) = (&self.current, self.keys().map(|key| key.kid.as_str()).collect::<Vec<_>>().join(", "));
        Ok(format!(
            "signed a token with {:?} ({}) and verified it; the ring holds {names}",
            current.kid,
            current.alg.name()
        ))
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint { signs: Some(self.current.print()), accepts: self.keys().map(RingKey::print).collect() }
    }

    fn keys(&self) -> impl Iterator<Item = &RingKey> {
        std::iter::once(&self.current).chain(&self.next).chain(&self.previous)
    }

    /// The newest key: fresh ones are made like it.
    fn model(&self) -> &RingKey {
        self.next.as_ref().unwrap_or(&self.current)
    }

    fn fresh_algorithm(&self) -> Algorithm {
        self.alg.unwrap_or(self.model().alg)
    }
}

#[cfg(test)]
mod tests;
