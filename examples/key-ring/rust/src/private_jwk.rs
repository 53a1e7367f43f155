//! What jsonwebtoken has not: its key to sign with, from a private JWK. It takes DER only, with either of its features
//! `rust_crypto` and `aws_lc_rs`.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use jsonwebtoken::EncodingKey;
use jsonwebtoken::errors::{ErrorKind, Result};
use serde_json::Value;

/// PKCS#8 (RFC 8410, section 7) of an Ed25519 key up to its 32 bytes.
const ED25519: &[u8] = b"\x30\x2e\x02\x01\0\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// PKCS#8 of a P-256 key (RFC 5915, section 3) up to its 32 bytes, and from there up to its point.
const P256: &[u8] =
    b"\x30\x81\x87\x02\x01\0\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\
    \x04\x6d\x30\x6b\x02\x01\x01\x04\x20";
const POINT: &[u8] = b"\xa1\x44\x03\x42\0\x04";

pub(crate) fn encoding_key(jwk: &Value) -> Result<EncodingKey> {
    let bytes = |member: &str| BASE64URL.decode(jwk[member].as_str().unwrap_or_default());
    match jwk["kty"].as_str() {
        Some("oct") => Ok(EncodingKey::from_secret(&bytes("k")?)),
        Some("OKP") => Ok(EncodingKey::from_ed_der(&[ED25519, &bytes("d")?].concat())),
        Some("EC") => Ok(EncodingKey::from_ec_der(&[P256, &bytes("d")?, POINT, &bytes("x")?, &bytes("y")?].concat())),
        // PKCS#1 (RFC 8017, appendix A.1.2): the version and eight numbers.
        Some("RSA") => {
            let mut numbers = vec![2, 1, 0];
            for member in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
                let mut number = bytes(member)?;
                // Unsigned in a JWK, signed here.
                if number.first().is_some_and(|byte| *byte > 127) {
                    number.insert(0, 0);
                }
                numbers.extend(der(2, &number)?);
            }
            Ok(EncodingKey::from_rsa_der(&der(0x30, &numbers)?))
        }
        _ => Err(ErrorKind::InvalidKeyFormat.into()),
    }
}

/// One element of DER; from 128 bytes on its length says first how many bytes it takes.
fn der(tag: u8, content: &[u8]) -> Result<Vec<u8>> {
    let [high, low] = u16::try_from(content.len()).map_err(|_| ErrorKind::InvalidKeyFormat)?.to_be_bytes();
    let length: &[u8] = match (high, low) {
        (0, ..128) => &[low],
        (0, _) => &[0x81, low],
        _ => &[0x82, high, low],
    };
    Ok([&[tag], length, content].concat())
}
