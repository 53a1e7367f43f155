//! One key that signs: HMAC, RSA, ECDSA or Ed25519.
//!
//! Two implementations share the work, so that neither vouches for itself. `make` and `parts` make keys and read what was
//! stored, with the arithmetic of the `RustCrypto` project: prime numbers of `crypto-primes`, the curves of `p256` and
//! `p384`. `check` signs and verifies with ring, which computes the relations between the parts of a key once more. Ed25519
//! is the exception: its private half is any 32 bytes, and both the public half and the signature come from ring.
//!
//! | at 128 MB, a fourteenth of a core | to make: median | the longest |
//! |---|---|---|
//! | RSA, 2048 bits | 0.7 s | 3.6 s of 60 |
//! | RSA, 3072 bits | 2.0 s | 4.7 s of 8 |
//! | RSA, 4096 bits | 16 s | 22 s of 6 |
//! | P-256, P-384, Ed25519, HMAC | a few ms | |
//!
//! Reading a key, writing it, signing and verifying took less than 0.1 s there, whatever the key.

mod algorithm;
mod check;
mod der;
mod jwk;
mod make;
mod parts;
mod pem;

use zeroize::Zeroizing;

use crate::error::Result;
use crate::secret::Sensitive;

pub use algorithm::{Algorithm, Shape};
pub use jwk::thumbprint;
pub use pem::PemForm;

pub use parts::Key;

use parts::{Parts, defect};

impl Key {
    /// What sort of key this is.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match &self.0 {
            Parts::Hmac(secret) => Shape::Hmac(secret.len()),
            Parts::Rsa(rsa) => Shape::Rsa(rsa.bits()),
            Parts::Ec { curve, .. } => curve.shape(),
            Parts::Ed25519 { .. } => Shape::Ed25519,
        }
    }

    /// The HMAC key that a service makes of a text when it takes the bytes as they are.
    #[must_use]
    pub fn of_text(text: &Sensitive) -> Self {
        Self(Parts::Hmac(Zeroizing::new(text.expose().as_bytes().to_vec())))
    }

    /// Signs with the private half, and verifies with the public one.
    pub fn check(&self, algorithm: Algorithm) -> Result<()> {
        let message = b"keyroll proves that this key signs";
        if self.verify(algorithm, message, &self.sign(algorithm, message)?) {
            return Ok(());
        }
        Err(defect(format!("a signature of {} does not verify", self.shape())))
    }

    /// The JWK thumbprint of RFC 7638. Of an asymmetric key it covers the public half only, so that a private and a public
    /// copy agree. Of an HMAC key it covers the secret itself: compare it, but do not show it (RFC 7638, section 7).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        jwk::digest(&self.public_members())
    }

    /// Whether both are the same key. A private half is only ever held beside the public half that it fits, so the
    /// thumbprint decides.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use rand::TryRng;

    use super::*;
    use crate::error::{Error, Result};

    /// Randomness of the operating system.
    pub(super) fn system(bytes: &mut [u8]) -> Result<()> {
        rand::rngs::SysRng.try_fill_bytes(bytes).map_err(|_| defect("no randomness"))
    }

    pub(super) fn fresh(shape: Shape) -> Key {
        Key::make(shape, &mut system).unwrap_or_else(|error| panic!("{error}"))
    }

    /// One RSA key for all tests of a process.
    pub(super) fn rsa() -> &'static Key {
        static RSA: OnceLock<Key> = OnceLock::new();
        RSA.get_or_init(|| fresh(Shape::Rsa(2048)))
    }

    /// A key that is read but no longer used.
    pub(super) fn short_rsa() -> Key {
        make::rsa(1024, &mut system).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Does something with a key of every shape.
    pub(super) fn each(mut act: impl FnMut(&Key)) {
        act(rsa());
        for shape in [Shape::Hmac(32), Shape::Hmac(64), Shape::P256, Shape::P384, Shape::Ed25519] {
            act(&fresh(shape));
        }
    }

    /// The error of something that must not succeed; `Key` has no `Debug`, so `unwrap_err` cannot be used.
    pub(super) fn error_of<T>(result: Result<T>) -> Error {
        result.err().unwrap_or_else(|| panic!("this should have been refused"))
    }

    /// A private JWK as text.
    pub(super) fn jwk_text(key: &Key) -> String {
        let members: Vec<String> =
            key.to_jwk().iter().map(|(name, value)| format!("{name:?}:{:?}", value.expose())).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn a_key_is_the_same_as_its_copy_and_as_no_other() {
        each(|key| {
            let copy = Key::parse_jwk(&jwk_text(key)).unwrap_or_else(|error| panic!("{error}"));
            assert!(key.same(&copy));
            assert_eq!(key.shape(), copy.shape());
            if let Some(public) = key.to_public_jwk() {
                assert_eq!(thumbprint(&public).unwrap(), key.digest());
            }
        });
        for shape in [Shape::Hmac(32), Shape::P256, Shape::P384, Shape::Ed25519] {
            assert!(!fresh(shape).same(&fresh(shape)));
        }
    }
}
