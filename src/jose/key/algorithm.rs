//! Which algorithms of RFC 7518 and RFC 8037 are spoken, and which keys they take.

use std::fmt;

/// A signature algorithm, by its `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// `EdDSA`, here always with Ed25519.
    EdDsa,
}

/// What sort of key something is: all that may be told about a key without telling the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A secret of this many bytes.
    Hmac(usize),
    /// RSA with a modulus of this many bits.
    Rsa(usize),
    /// ECDSA over P-256.
    P256,
    /// ECDSA over P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 7] =
        [Self::Hs256, Self::Hs384, Self::Hs512, Self::Rs256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The name that stands in `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a name, which is case-sensitive (RFC 7515, section 4.1.1).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The key to make for this algorithm: the least that the RFC allows, which is also what every library takes.
    #[must_use]
    pub fn shape_of_fresh(self) -> Shape {
        match self {
            Self::Hs256 => Shape::Hmac(32),
            Self::Hs384 => Shape::Hmac(48),
            Self::Hs512 => Shape::Hmac(64),
            Self::Rs256 => Shape::Rsa(2048),
            Self::Es256 => Shape::P256,
            Self::Es384 => Shape::P384,
            Self::EdDsa => Shape::Ed25519,
        }
    }

    /// Whether such a key has a public half.
    #[must_use]
    pub fn is_asymmetric(self) -> bool {
        !matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// Whether a key is of the type of this algorithm, be it long enough or not.
    #[must_use]
    pub fn names(self, shape: Shape) -> bool {
        match (self.shape_of_fresh(), shape) {
            (Shape::Hmac(_), Shape::Hmac(_)) | (Shape::Rsa(_), Shape::Rsa(_)) => true,
            (wanted, given) => wanted == given,
        }
    }

    /// Whether a key can be used with this algorithm. An HMAC key must be at least as long as the hash (RFC 7518, section
    /// 3.2), an RSA key at least 2048 bits (section 3.3).
    #[must_use]
    pub fn fits(self, shape: Shape) -> bool {
        match (self.shape_of_fresh(), shape) {
            (Shape::Hmac(least), Shape::Hmac(bytes)) => bytes >= least,
            (Shape::Rsa(least), Shape::Rsa(bits)) => bits >= least,
            (wanted, given) => wanted == given,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Shape {
    /// The algorithm that such a key is used with if nothing else is said. An HMAC key says nothing by its length.
    #[must_use]
    pub fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::Hmac(_) => None,
            Self::Rsa(_) => Some(Algorithm::Rs256),
            Self::P256 => Some(Algorithm::Es256),
            Self::P384 => Some(Algorithm::Es384),
            Self::Ed25519 => Some(Algorithm::EdDsa),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac(bytes) => write!(f, "an HMAC key of {bytes} bytes"),
            Self::Rsa(bits) => write!(f, "an RSA key of {bits} bits"),
            Self::P256 => f.write_str("a P-256 key"),
            Self::P384 => f.write_str("a P-384 key"),
            Self::Ed25519 => f.write_str("an Ed25519 key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name_and_takes_the_key_made_for_it() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
            assert!(algorithm.fits(algorithm.shape_of_fresh()));
            if let Some(default) = algorithm.shape_of_fresh().algorithm() {
                assert_eq!(default, algorithm);
            }
        }
        for unknown in ["none", "hs256", "RS512", "ES512", "PS256", "ES256K", ""] {
            assert_eq!(Algorithm::parse(unknown), None);
        }
    }

    #[test]
    fn an_algorithm_refuses_short_keys_and_those_of_another_family() {
        for (algorithm, shape, fits) in [
            (Algorithm::Hs256, Shape::Hmac(31), false),
            (Algorithm::Hs256, Shape::Hmac(64), true),
            (Algorithm::Hs512, Shape::Hmac(63), false),
            (Algorithm::Rs256, Shape::Rsa(2047), false),
            (Algorithm::Rs256, Shape::Rsa(3072), true),
            (Algorithm::Rs256, Shape::Hmac(256), false),
            (Algorithm::Hs256, Shape::Rsa(2048), false),
            (Algorithm::Es256, Shape::P384, false),
            (Algorithm::EdDsa, Shape::P256, false),
        ] {
            assert_eq!(algorithm.fits(shape), fits, "{algorithm} with {shape}");
        }
    }
}
