//! Tasks that issue and verify tokens with what they were given when they started: a bare secret, with the one before it or
//! without, or a key ring. No more of JOSE than the demo needs: the readers in `examples/` use libraries.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use ring::{hmac, signature};
use serde_json::{Value, json};

/// A task, by what it was given.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) generation: usize,
    current: String,
    previous: Option<String>,
}

/// A token, and which generation of tasks has issued it.
pub(crate) struct Token {
    pub(crate) generation: usize,
    text: String,
}

impl Task {
    pub(crate) fn start(generation: usize, current: String, previous: Option<String>) -> Self {
        Self { generation, current, previous }
    }

    pub(crate) fn issue(&self, subject: usize) -> Result<Token> {
        let ring = ring_of(&self.current);
        let kid = ring.as_ref().map(|ring| ring["current"].clone());
        let header = match &kid {
            Some(kid) => json!({ "alg": "ES256", "kid": kid }),
            None => json!({ "alg": "HS256" }),
        };
        let encoded = |value: Value| BASE64.encode(value.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(json!({ "sub": subject.to_string() })));
        let made = match &ring {
            Some(ring) => sign(key(ring, &ring["current"]).context("the ring has its current key")?, &signed)?,
            None => hmac::sign(&hmac_key(&self.current), signed.as_bytes()).as_ref().to_vec(),
        };
        Ok(Token { generation: self.generation, text: format!("{signed}.{}", BASE64.encode(made)) })
    }

    pub(crate) fn accepts(&self, token: &Token) -> Result<bool> {
        let (signed, made) = token.text.rsplit_once('.').context("a token has a signature")?;
        let header = signed.split('.').next().unwrap_or_default();
        let (header, made): (Value, Vec<u8>) = (serde_json::from_slice(&BASE64.decode(header)?)?, BASE64.decode(made)?);
        Ok(match ring_of(&self.current) {
            Some(ring) => key(&ring, &header["kid"]).is_some_and(|key| verifies(key, signed, &made)),
            None => [Some(&self.current), self.previous.as_ref()]
                .into_iter()
                .flatten()
                .any(|secret| hmac::verify(&hmac_key(secret), signed.as_bytes(), &made).is_ok()),
        })
    }
}

fn ring_of(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|ring: &Value| ring["keys"].is_array())
}

fn key<'a>(ring: &'a Value, kid: &Value) -> Option<&'a Value> {
    ring["keys"].as_array()?.iter().find(|key| key["kid"] == *kid)
}

fn hmac_key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

fn part(key: &Value, member: &str) -> Vec<u8> {
    BASE64.decode(key[member].as_str().unwrap_or_default()).unwrap_or_default()
}

fn point(key: &Value) -> Vec<u8> {
    [vec![4], part(key, "x"), part(key, "y")].concat()
}

fn sign(key: &Value, message: &str) -> Result<Vec<u8>> {
    ensure!(key["alg"] == "ES256", "the demo signs with ES256");
    let random = SystemRandom::new();
    let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(how, &part(key, "d"), &point(key), &random);
    let pair = pair.ok().context("the key's halves fit")?;
    let made: signature::Signature = pair.sign(&random, message.as_bytes()).ok().context("the key signs")?;
    Ok(made.as_ref().to_vec())
}

fn verifies(key: &Value, message: &str, made: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(key)).verify(message.as_bytes(), made).is_ok()
}
