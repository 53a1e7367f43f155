//! The proof that a key works: a signature, in the encodings of JOSE, made and verified by ring.
//!
//! ring did not make the key (see the module above): before it signs it computes for itself that the halves of an ECDSA or
//! Ed25519 key belong together, that the primes of an RSA key give its modulus, and that an RSA signature verifies. What it
//! signs with comes from its own randomness, which changes no key.

use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ED25519, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use ring::{hmac, signature};

use super::Algorithm;
use super::parts::{Curve, Key, Parts, Rsa, defect, refused};
use crate::error::{Error, ErrorKind, Result};

impl Key {
    /// Signs a message. ECDSA gives r and s of fixed length one after the other (RFC 7518, section 3.4).
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>> {
        let shape = self.shape();
        if !algorithm.fits(shape) {
            return Err(Error::new(
                ErrorKind::RefusedSetting,
                format!("{algorithm} does not work with {shape}"),
                format!("use another algorithm, or {}", algorithm.shape_of_fresh()),
            ));
        }
        let random = SystemRandom::new();
        match &self.0 {
            Parts::Hmac(secret) => Ok(hmac::sign(&hmac::Key::new(hash(algorithm), secret), message).as_ref().to_vec()),
            Parts::Rsa(rsa) => rsa_sign(rsa, &random, message),
            Parts::Ec { curve, d, public } => {
                let how = match curve {
                    Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                    Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
                };
                let pair = EcdsaKeyPair::from_private_key_and_public_key(how, d, public, &random)
                    .map_err(|_| defect(format!("ring does not take {shape}")))?;
                Ok(pair.sign(&random, message).map_err(|_| unsigned())?.as_ref().to_vec())
            }
            Parts::Ed25519 { seed, public } => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public)
                    .map_err(|_| defect(format!("ring does not take {shape}")))?;
                Ok(pair.sign(message).as_ref().to_vec())
            }
        }
    }

    /// Whether a signature is one of this key. Of an asymmetric key only the public half is used.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !algorithm.fits(self.shape()) {
            return false;
        }
        let by = |how: &'static dyn VerificationAlgorithm, public: &[u8]| {
            UnparsedPublicKey::new(how, public).verify(message, signature).is_ok()
        };
        match &self.0 {
            Parts::Hmac(secret) => hmac::verify(&hmac::Key::new(hash(algorithm), secret), message, signature).is_ok(),
            Parts::Rsa(Rsa { n, e, .. }) => signature::RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Parts::Ec { curve: Curve::P256, public, .. } => by(&ECDSA_P256_SHA256_FIXED, public),
            Parts::Ec { curve: Curve::P384, public, .. } => by(&ECDSA_P384_SHA384_FIXED, public),
            Parts::Ed25519 { public, .. } => by(&ED25519, public),
        }
    }
}

fn rsa_sign(rsa: &Rsa, random: &SystemRandom, message: &[u8]) -> Result<Vec<u8>> {
    let Rsa { n, e, d, p, q, dp, dq, qi } = rsa;
    let public_key = PublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
    let pair = RsaKeyPair::from_components(&KeyPairComponents { public_key, d, p, q, dP: dp, dQ: dq, qInv: qi })
        .map_err(|_| {
            refused(
                "the RSA key is of a kind that ring does not sign with: its primes differ in length, its length is not a \
                 multiple of 512 bits, or its public exponent is less than 65537",
                "use a key as openssl genrsa makes it",
            )
        })?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, random, message, &mut signature).map_err(|_| unsigned())?;
    Ok(signature)
}

/// The hash of an HMAC algorithm. The others never come here: they do not fit an HMAC key.
fn hash(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    }
}

fn unsigned() -> Error {
    defect("ring could not sign: the operating system gave no randomness, or the parts of the key do not fit")
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::super::tests::{error_of, fresh, jwk_text, rsa, short_rsa};
    use super::*;

    const MESSAGE: &[u8] = b"a.b";

    fn key_for(algorithm: Algorithm) -> Key {
        match algorithm {
            Algorithm::Rs256 => Key::parse_jwk(&jwk_text(rsa())).unwrap_or_else(|e| panic!("{e}")),
            _ => fresh(algorithm.shape_of_fresh()),
        }
    }

    #[test]
    fn every_algorithm_signs_and_verifies_in_the_length_of_jose() {
        for (algorithm, length) in Algorithm::ALL.into_iter().zip([32, 48, 64, 256, 64, 96, 64]) {
            let key = key_for(algorithm);
            let signature = key.sign(algorithm, MESSAGE).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(signature.len(), length, "{algorithm}");
            assert!(key.verify(algorithm, MESSAGE, &signature), "{algorithm}");
            assert!(!key.verify(algorithm, b"a.c", &signature), "{algorithm}");
            assert!(!key.verify(algorithm, MESSAGE, signature.get(1..).unwrap()), "{algorithm}");
            assert!(!key.verify(algorithm, MESSAGE, &[]), "{algorithm}");
        }
    }

    #[test]
    fn a_signature_of_one_key_is_refused_by_another() {
        for algorithm in Algorithm::ALL {
            let other = fresh(algorithm.shape_of_fresh());
            let signature = key_for(algorithm).sign(algorithm, MESSAGE).unwrap_or_else(|error| panic!("{error}"));
            assert!(!other.verify(algorithm, MESSAGE, &signature), "{algorithm}");
        }
    }

    #[test]
    fn an_algorithm_of_another_key_neither_signs_nor_verifies() {
        for algorithm in Algorithm::ALL {
            for other in Algorithm::ALL {
                let key = key_for(other);
                if !algorithm.fits(key.shape()) {
                    assert_eq!(error_of(key.sign(algorithm, MESSAGE)).kind(), ErrorKind::RefusedSetting);
                    assert!(!key.verify(algorithm, MESSAGE, &[0; 64]), "{algorithm} {other}");
                }
            }
        }
        assert_eq!(key_for(Algorithm::Hs512).shape(), Shape::Hmac(64));
    }

    #[test]
    fn a_short_rsa_key_is_read_but_does_not_sign() {
        let key = Key::parse_jwk(&jwk_text(&short_rsa())).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(key.shape(), Shape::Rsa(1024));
        let error = error_of(key.sign(Algorithm::Rs256, MESSAGE)).to_string();
        assert!(error.contains("1024 bits") && error.contains("2048 bits"), "{error}");
    }

    #[test]
    fn an_rsa_key_signs_whichever_of_its_primes_is_the_larger() {
        let Parts::Rsa(rsa) = &rsa().0 else { panic!("an RSA key") };
        let swapped = Rsa {
            n: rsa.n.clone(),
            e: rsa.e.clone(),
            d: rsa.d.clone(),
            p: rsa.q.clone(),
            q: rsa.p.clone(),
            dp: rsa.dq.clone(),
            dq: rsa.dp.clone(),
            qi: inverse(&rsa.p, &rsa.q),
        };
        let key = Key::rsa(swapped).unwrap_or_else(|error| panic!("{error}"));
        let signature = key.sign(Algorithm::Rs256, MESSAGE).unwrap_or_else(|error| panic!("{error}"));
        assert!(super::super::tests::rsa().verify(Algorithm::Rs256, MESSAGE, &signature));
    }

    fn inverse(one: &[u8], modulus: &[u8]) -> super::super::parts::Bytes {
        use super::super::parts::{bytes, number, rest};
        let modulus = number(modulus);
        let inverse = rest(&number(one), &modulus).unwrap().invert_odd_mod(&modulus.to_odd().unwrap()).unwrap();
        bytes(&inverse)
    }
}
