//! Reads a key ring, or the bare secret that was there before it. Copy this file and `private_jwk.rs`; they need
//! jsonwebtoken, base64, serde and `serde_json`.

mod private_jwk;
pub mod verify_only;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation};
use jsonwebtoken::{decode, decode_header, encode, jwk::Jwk};
use serde::{Deserialize as _, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

struct Verifier {
    kid: Option<String>,
    alg: Algorithm,
    key: DecodingKey,
}

pub struct KeyRing {
    verifiers: Vec<Verifier>,
    header: Header,
    signer: EncodingKey,
}

impl KeyRing {
    pub fn load(text: &str) -> Result<Self> {
        let ring = match serde_json::from_str::<Value>(text) {
            Ok(ring) if ring.get("keys").is_some() => ring,
            _ => json!({ "keys": [{ "kty": "oct", "alg": "HS256", "k": BASE64URL.encode(text) }] }),
        };
        let keys = ring["keys"].as_array().ok_or(ErrorKind::InvalidKeyFormat)?;
        let current = keys.iter().find(|key| key["kid"] == ring["current"]).ok_or(ErrorKind::InvalidKeyFormat)?;
        let kid = current["kid"].as_str().map(str::to_owned);
        Ok(Self {
            verifiers: keys.iter().map(verifier).collect::<Result<_>>()?,
            header: Header { kid, ..Header::new(Algorithm::deserialize(&current["alg"])?) },
            signer: private_jwk::encoding_key(current)?,
        })
    }

    pub fn sign(&self, claims: &impl Serialize) -> Result<String> {
        encode(&self.header, claims, &self.signer)
    }

    pub fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T> {
        let kid = decode_header(token)?.kid;
        // Without a name, here or in the token, it can only be of the time of the bare secret.
        let by_name = kid.is_some() && self.header.kid.is_some();
        for Verifier { kid: own, alg, key } in &self.verifiers {
            let fits = if by_name { *own == kid } else { key.family() == AlgorithmFamily::Hmac };
            if !fits {
                continue;
            }
            // The key says by which algorithm, never the token.
            let validation = Validation { validate_nbf: true, ..Validation::new(*alg) };
            match decode(token, key, &validation) {
                Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm) => {}
                answer => return answer.map(|token| token.claims),
            }
        }
        Err(ErrorKind::InvalidSignature.into())
    }
}

fn verifier(jwk: &Value) -> Result<Verifier> {
    let key = DecodingKey::from_jwk(&Jwk::deserialize(jwk)?)?;
    Ok(Verifier { kid: jwk["kid"].as_str().map(str::to_owned), alg: Algorithm::deserialize(&jwk["alg"])?, key })
}
