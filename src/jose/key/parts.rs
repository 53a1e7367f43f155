//! The parts of a key and whether they fit each other. Whatever is read passes through here, whatever form it had.
//!
//! Nothing outside measures how long this takes: it runs a few times per rotation, over keys of one's own. Even so, only
//! sizes and verdicts decide what is done; values of the arithmetic in between are freed but not wiped.

use crypto_bigint::{BoxedUint, CheckedSub, ConcatenatingMul, NonZero};
use p256::elliptic_curve::sec1::ToSec1Point;
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::Shape;
use crate::error::{Error, ErrorKind, Result};

/// The largest RSA modulus: the most that ring signs with.
pub(super) const MOST_BITS: usize = 4096;

/// Bytes that are wiped when dropped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// A key with its private half. It has no `Debug`, no `Display` and no `Serialize`; its private parts are wiped when it is
/// dropped.
#[derive(Clone)]
pub struct Key(pub(super) Parts);

#[derive(Clone)]
pub(super) enum Parts {
    Hmac(Bytes),
    Rsa(Rsa),
    /// `public` is the uncompressed point of SEC 1: 4, x, y.
    Ec {
        curve: Curve,
        d: Bytes,
        public: Vec<u8>,
    },
    Ed25519 {
        seed: Bytes,
        public: Vec<u8>,
    },
}

/// The curves of ECDSA.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(super) const ALL: [Self; 2] = [Self::P256, Self::P384];

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::P256 => Shape::P256,
            Self::P384 => Shape::P384,
        }
    }

    /// The name that stands in `crv`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// How many bytes a coordinate has, and the private half as well.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// The public half of a private one, as an uncompressed point; nothing if the number is zero or beyond the curve's
    /// order.
    fn public(self, d: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::P256 => {
                let key = p256::SecretKey::from_slice(d).ok()?;
                Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
            }
            Self::P384 => {
                let key = p384::SecretKey::from_slice(d).ok()?;
                Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
            }
        }
    }
}

/// An RSA key of two primes, each part as an unsigned big-endian number without leading zeros.
#[derive(Clone)]
pub(super) struct Rsa {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
    pub(super) d: Bytes,
    pub(super) p: Bytes,
    pub(super) q: Bytes,
    pub(super) dp: Bytes,
    pub(super) dq: Bytes,
    pub(super) qi: Bytes,
}

impl Rsa {
    /// How many bits the modulus has.
    pub(super) fn bits(&self) -> usize {
        bits(&self.n)
    }

    /// Whether the parts belong together: n = p q, and each exponent is the inverse of e where it has to be.
    #[expect(clippy::many_single_char_names, reason = "the names of RFC 8017")]
    fn holds(&self) -> Option<bool> {
        let one = BoxedUint::one();
        let [n, e, d, p, q, dp, dq, qi] =
            [&*self.n, &self.e, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi].map(number);
        let [below_p, below_q] = [p.checked_sub(&one).into_option()?, q.checked_sub(&one).into_option()?];
        let relations = [
            same(&p.concatenating_mul(&q), &n),
            !same(&p, &q),
            odd(&p) && odd(&q) && odd(&e) && bits(&self.e) > 1,
            same(&rest(&d, &below_p)?, &dp),
            same(&rest(&d, &below_q)?, &dq),
            same(&rest(&e.concatenating_mul(&dp), &below_p)?, &one),
            same(&rest(&e.concatenating_mul(&dq), &below_q)?, &one),
            same(&rest(&qi.concatenating_mul(&q), &p)?, &one),
            same(&rest(&qi, &p)?, &qi),
        ];
        Some(relations.into_iter().all(|holds| holds))
    }
}

impl Key {
    /// An HMAC key. Any length is read, so that a key that is too short can be replaced.
    pub(super) fn hmac(secret: Bytes) -> Result<Self> {
        if secret.is_empty() {
            return Err(refused("the HMAC key is empty", "store a key of at least 32 bytes"));
        }
        Ok(Self(Parts::Hmac(secret)))
    }

    /// An RSA key, if its parts belong together.
    pub(super) fn rsa(rsa: Rsa) -> Result<Self> {
        let size = rsa.bits();
        if !(1024..=MOST_BITS).contains(&size) {
            return Err(refused(
                format!("the RSA key has {size} bits; keyroll works with 1024 to {MOST_BITS}"),
                "store a key of 2048, 3072 or 4096 bits",
            ));
        }
        let parts = [&*rsa.n, &rsa.e, &rsa.d, &rsa.p, &rsa.q, &rsa.dp, &rsa.dq, &rsa.qi];
        let in_order = bits(&rsa.e) <= 33 && parts.iter().all(|part| bits(part) <= size && part.first() != Some(&0));
        if !in_order || rsa.holds() != Some(true) {
            return Err(refused(
                "the parts of the RSA key do not belong together",
                "store the key as the program that made it wrote it; openssl pkey -check tells whether it is whole",
            ));
        }
        Ok(Self(Parts::Rsa(rsa)))
    }

    /// An ECDSA key. `stored` is the public half that was kept beside the private one, as an uncompressed point.
    pub(super) fn ec(curve: Curve, d: Bytes, stored: Option<&[u8]>) -> Result<Self> {
        let name = curve.name();
        let remedy = "store the key as the program that made it wrote it";
        if d.len() != curve.bytes() {
            let cause = format!("the private half of a {name} key has {} bytes, not {}", d.len(), curve.bytes());
            return Err(refused(cause, remedy));
        }
        let Some(public) = curve.public(&d) else {
            return Err(refused(format!("the private half of the {name} key is out of range"), remedy));
        };
        if stored.is_some_and(|stored| stored != public) {
            return Err(refused(format!("the public half of the {name} key does not fit its private half"), remedy));
        }
        Ok(Self(Parts::Ec { curve, d, public }))
    }

    /// An Ed25519 key. `stored` is the public half that was kept beside the private one.
    pub(super) fn ed25519(seed: Bytes, stored: Option<&[u8]>) -> Result<Self> {
        let remedy = "store the key as the program that made it wrote it";
        let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&seed) else {
            let cause = format!("the private half of an Ed25519 key has {} bytes, not 32", seed.len());
            return Err(refused(cause, remedy));
        };
        let public = pair.public_key().as_ref().to_vec();
        if stored.is_some_and(|stored| stored != public) {
            return Err(refused("the public half of the Ed25519 key does not fit its private half", remedy));
        }
        Ok(Self(Parts::Ed25519 { seed, public }))
    }
}

/// The number of bytes in big-endian order.
pub(super) fn number(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

/// The bytes of a number, without leading zeros.
pub(super) fn bytes(number: &BoxedUint) -> Bytes {
    Zeroizing::new(number.to_be_bytes_trimmed_vartime().into_vec())
}

/// How many bits a number has that is given as bytes without leading zeros.
fn bits(bytes: &[u8]) -> usize {
    let Some(first) = bytes.first() else { return 0 };
    bytes.len() * 8 - first.leading_zeros() as usize
}

/// What is left of a number modulo another.
pub(super) fn rest(number: &BoxedUint, modulus: &BoxedUint) -> Option<BoxedUint> {
    let modulus: NonZero<BoxedUint> = modulus.to_nz().into_option()?;
    Some(number.rem(&modulus))
}

fn same(one: &BoxedUint, other: &BoxedUint) -> bool {
    bytes(one) == bytes(other)
}

fn odd(number: &BoxedUint) -> bool {
    number.bit_vartime(0)
}

/// A stored key that cannot be read. `cause` names parts of a key, never what is in them.
pub(super) fn refused(cause: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedValue, cause, remedy)
}

/// What cannot happen with a key that [`Key::make`] or a reader has let through.
pub(super) fn defect(cause: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::FailedDefect,
        cause,
        "run the step again; if it fails again, report it with the version of keyroll and the kind of the key",
    )
}
