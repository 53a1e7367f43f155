//! One key of a ring: a private JWK (RFC 7517, section 4) with its name and its algorithm.

use serde_json::{Map, Value, json};
use zeroize::Zeroize as _;

use crate::error::{Error, ErrorKind, Result};
use crate::jose::key::{Algorithm, Key};
use crate::jose::{KeyPrint, Random, ids};

/// A key by its name.
#[derive(Clone)]
pub(super) struct RingKey {
    pub(super) kid: String,
    pub(super) alg: Algorithm,
    pub(super) key: Key,
    /// Members of the key that are nothing to us.
    pub(super) rest: Map<String, Value>,
}

/// Members of a JWK that say what the key is; of the others a copy is kept.
const OURS: [&str; 13] = ["kty", "k", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi"];

impl RingKey {
    /// A fresh key, as large as the one that it comes after, where that is for the same algorithm.
    pub(super) fn make(alg: Algorithm, like: Option<&Self>, today: &str, random: Random<'_>) -> Result<Self> {
        let shape = like.filter(|like| like.alg == alg).map(|like| like.key.shape());
        let shape = shape.filter(|shape| alg.fits(*shape)).unwrap_or(alg.shape_of_fresh());
        let key = Key::make(shape, &mut |bytes: &mut [u8]| random(bytes))?;
        Ok(Self { kid: ids::fresh("", today, random)?, alg, key, rest: Map::new() })
    }

    pub(super) fn read(text: &str) -> Result<Self> {
        let Ok(Value::Object(mut jwk)) = serde_json::from_str(text) else {
            return Err(refused("a key of the ring is no JSON object"));
        };
        for member in OURS {
            jwk.remove(member).iter_mut().for_each(wipe);
        }
        let kid = match jwk.remove("kid") {
            Some(Value::String(kid)) if !kid.is_empty() => kid,
            _ => return Err(refused("a key of the ring has no kid")),
        };
        let named = format!("the ring's key {kid:?}");
        let alg = algorithm(&jwk.remove("alg").unwrap_or_default(), &named)?;
        if jwk.remove("use").is_some_and(|it| it != "sig") {
            return Err(refused(&format!("{named} is not for signatures: its \"use\" is not \"sig\"")));
        }
        let key = Key::parse_jwk(text).map_err(|error| error.at(&named))?;
        if !alg.names(key.shape()) {
            return Err(refused(&format!("{named} is no key for {}", alg.name())));
        }
        Ok(Self { kid, alg, key, rest: jwk })
    }

    /// The private JWK.
    pub(super) fn write(&self, text: &mut String) {
        for part in ["{\"kid\":", &json!(self.kid).to_string(), ",\"alg\":\"", self.alg.name(), "\",\"use\":\"sig\""] {
            text.push_str(part);
        }
        for (member, value) in self.key.to_jwk() {
            // Base64url or a name: nothing to escape.
            for part in [",\"", member, "\":\"", value.expose(), "\""] {
                text.push_str(part);
            }
        }
        for (member, value) in &self.rest {
            for part in [",", &json!(member).to_string(), ":", &value.to_string()] {
                text.push_str(part);
            }
        }
        text.push('}');
    }

    /// Signs, and verifies. A bare secret that became a key as it stood may be shorter than RFC 7518 allows: it goes with the
    /// rotations to come, and a token that it has signed is not refused for that.
    pub(super) fn check(&self) -> Result<()> {
        if self.alg.fits(self.key.shape()) || self.alg.is_asymmetric() { self.key.check(self.alg) } else { Ok(()) }
    }

    pub(super) fn print(&self) -> KeyPrint {
        KeyPrint { digest: self.key.digest(), name: Some((self.kid.clone(), self.alg.name().to_owned())) }
    }

    pub(super) fn public_jwk(&self) -> Option<Value> {
        let mut jwk = self.key.to_public_jwk()?;
        jwk.insert("kid".to_owned(), json!(self.kid));
        jwk.insert("alg".to_owned(), json!(self.alg.name()));
        jwk.insert("use".to_owned(), json!("sig"));
        Some(Value::Object(jwk))
    }
}

/// Wipes what a parsed value says.
pub(super) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

pub(super) fn algorithm(value: &Value, whose: &str) -> Result<Algorithm> {
    value.as_str().and_then(Algorithm::parse).ok_or_else(|| {
        refused(&format!(
            "{whose} names no algorithm (\"alg\") that keyroll makes keys for: {}",
            Algorithm::ALL.map(Algorithm::name).join(", ")
        ))
    })
}

pub(super) fn refused(cause: &str) -> Error {
    Error::new(
        ErrorKind::RefusedValue,
        cause,
        "correct the ring by hand (docs/signing-keys.md shows one); only a secret that no service reads yet may get {\"keys\": []}, \
         from which keyroll makes a new ring",
    )
}
