//! For a service that only verifies: the public JWK Set. jsonwebtoken fetches nothing and keeps nothing: fetch the text
//! with the client you have, every few minutes, and once more when [`verify`] says `None`, but not more often than twice a
//! minute.

use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde::de::DeserializeOwned;

/// The token's claims; `None` where the set has no key of its kid.
pub fn verify<T: DeserializeOwned>(set: &JwkSet, token: &str) -> Result<Option<T>> {
    let kid = decode_header(token)?.kid.ok_or(ErrorKind::InvalidToken)?;
    let Some(jwk) = set.find(&kid) else { return Ok(None) };
    // The key says by which algorithm, never the token.
    let alg = jwk.common.key_algorithm.ok_or(ErrorKind::MissingAlgorithm)?.try_into()?;
    let validation = Validation { validate_nbf: true, ..Validation::new(alg) };
    Ok(Some(decode(token, &DecodingKey::from_jwk(jwk)?, &validation)?.claims))
}
