//! Making keys. All randomness is handed in.
//!
//! RSA follows FIPS 186-5, appendix A.1.3: primes of half the length with their two top bits set, far apart, p - 1 and
//! q - 1 without the factor e, d over their least common multiple. From a random start the next prime is taken, which
//! favours primes after a large gap a little; with 2^1022 starts that helps nobody.

use std::num::NonZeroU32;

use crypto_bigint::{BoxedUint, CheckedSub, ConcatenatingMul, Lcm, Resize};
use crypto_primes::hazmat::{MillerRabin, SmallFactorsSieve, minimum_mr_iterations};
use zeroize::Zeroizing;

use super::Shape;
use super::parts::{Bytes, Curve, Key, Rsa, bytes, defect, number, rest};
use crate::error::{Error, ErrorKind, Result};

/// The public exponent that everybody uses.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// How often something is drawn again that does not fit. Each draw fails with less than 2^-32, so running out means that
/// the randomness is broken.
const DRAWS: usize = 8;

impl Key {
    /// Makes a key of random bytes.
    pub fn make(shape: Shape, random: &mut impl FnMut(&mut [u8]) -> Result<()>) -> Result<Self> {
        match shape {
            Shape::Hmac(bytes @ 32..=1024) => Self::hmac(drawn(bytes, random)?),
            Shape::Rsa(bits @ (2048 | 3072 | 4096)) => rsa(bits, random),
            Shape::P256 => ec(Curve::P256, random),
            Shape::P384 => ec(Curve::P384, random),
            Shape::Ed25519 => Self::ed25519(drawn(32, random)?, None),
            Shape::Hmac(_) | Shape::Rsa(_) => Err(Error::new(
                ErrorKind::RefusedSetting,
                format!("keyroll does not make {shape}"),
                "ask for an HMAC key of 32 to 1024 bytes, or an RSA key of 2048, 3072 or 4096 bits",
            )),
        }
    }
}

fn drawn(length: usize, random: &mut impl FnMut(&mut [u8]) -> Result<()>) -> Result<Bytes> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    random(&mut bytes)?;
    Ok(bytes)
}

/// A number below the curve's order: one that is not is thrown away whole, so that every key is equally likely.
fn ec(curve: Curve, random: &mut impl FnMut(&mut [u8]) -> Result<()>) -> Result<Key> {
    for _ in 0..DRAWS {
        if let Ok(key) = Key::ec(curve, drawn(curve.bytes(), random)?, None) {
            return Ok(key);
        }
    }
    Err(defect("the operating system's randomness gave no key for the curve"))
}

pub(super) fn rsa(bits: usize, random: &mut impl FnMut(&mut [u8]) -> Result<()>) -> Result<Key> {
    for _ in 0..DRAWS {
        let [p, q] = [prime(bits / 2, random)?, prime(bits / 2, random)?];
        let (p, q) = if p > q { (p, q) } else { (q, p) };
        if p.wrapping_sub(&q).bits() as usize <= bits / 2 - 100 {
            continue;
        }
        if let Some(rsa) = parts(&p, &q)
            && rsa.d.len() * 8 > bits / 2
        {
            return Key::rsa(rsa);
        }
    }
    Err(defect("the operating system's randomness gave no two primes that are far enough apart"))
}

/// The key of two primes.
fn parts(p: &BoxedUint, q: &BoxedUint) -> Option<Rsa> {
    let one = BoxedUint::one();
    let [below_p, below_q] = [p.checked_sub(&one).into_option()?, q.checked_sub(&one).into_option()?];
    let order = below_p.lcm(&below_q);
    let d = number(&EXPONENT).resize(order.bits_precision()).invert_mod(&order.to_nz().into_option()?).into_option()?;
    let qi = q.invert_odd_mod(&p.to_odd().into_option()?).into_option()?;
    Some(Rsa {
        n: bytes(&p.concatenating_mul(q)).to_vec(),
        e: EXPONENT.to_vec(),
        dp: bytes(&rest(&d, &below_p)?),
        dq: bytes(&rest(&d, &below_q)?),
        d: bytes(&d),
        p: bytes(p),
        q: bytes(q),
        qi: bytes(&qi),
    })
}

/// The first prime after a random number whose two top bits are set, so that the product of two has all its bits.
fn prime(bits: usize, random: &mut impl FnMut(&mut [u8]) -> Result<()>) -> Result<BoxedUint> {
    let unlike = || defect("the search for a prime number cannot begin");
    let mut start = drawn(bits / 8, random)?;
    if let Some(first) = start.first_mut() {
        *first |= 0b1100_0000;
    }
    let length = u32::try_from(bits).ok().and_then(NonZeroU32::new).ok_or_else(unlike)?;
    // Composite numbers that chance makes pass all rounds are rarer than 2^-128 (FIPS 186-5, appendix C.1).
    let rounds = minimum_mr_iterations(length.get(), 128).ok_or_else(unlike)?;
    let exponent = number(&EXPONENT);
    for candidate in SmallFactorsSieve::new(number(&start), length, false).map_err(|_| unlike())? {
        if rest(&candidate, &exponent).is_none_or(|rest| rest.is_one().into()) {
            continue;
        }
        let Some(odd) = candidate.to_odd().into_option() else { continue };
        let test = MillerRabin::new(odd);
        if test.test_base_two().is_probably_prime() && passes(&test, bits, rounds, random)? {
            return Ok(candidate);
        }
    }
    Err(defect("there is no prime number where the randomness of the operating system led"))
}

/// Miller and Rabin's test with random bases, which are at least 2 and shorter than the candidate.
fn passes(
    test: &MillerRabin<BoxedUint>,
    bits: usize,
    rounds: usize,
    random: &mut impl FnMut(&mut [u8]) -> Result<()>,
) -> Result<bool> {
    for _ in 0..rounds {
        let mut base = drawn(bits / 8, random)?;
        if let [first, .., last] = base.as_mut_slice() {
            *first &= 0b0111_1111;
            *last |= 0b10;
        }
        if !test.test(&number(&base)).is_probably_prime() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error_of, fresh, rsa, system};
    use super::*;

    #[test]
    fn a_key_has_the_shape_that_was_asked_for() {
        for shape in [Shape::Hmac(32), Shape::Hmac(48), Shape::P256, Shape::P384, Shape::Ed25519, Shape::Rsa(3072)] {
            assert_eq!(fresh(shape).shape(), shape);
        }
        assert_eq!(rsa().shape(), Shape::Rsa(2048));
    }

    #[test]
    fn other_sizes_are_refused() {
        for shape in [Shape::Rsa(1024), Shape::Rsa(2049), Shape::Rsa(8192), Shape::Hmac(16), Shape::Hmac(0)] {
            assert_eq!(error_of(Key::make(shape, &mut system)).kind(), ErrorKind::RefusedSetting);
        }
    }

    #[test]
    fn failing_randomness_fails_the_key_whenever_it_fails() {
        for shape in [Shape::Hmac(32), Shape::P256, Shape::P384, Shape::Ed25519, Shape::Rsa(2048)] {
            // An RSA key draws a start and several bases for each of its primes.
            for good in 0..if shape == Shape::Rsa(2048) { 5 } else { 1 } {
                let mut left = good;
                let mut random = |bytes: &mut [u8]| {
                    if left == 0 {
                        return Err(Error::new(ErrorKind::FailedAws, "no randomness", "try again"));
                    }
                    left -= 1;
                    system(bytes)
                };
                assert_eq!(error_of(Key::make(shape, &mut random)).kind(), ErrorKind::FailedAws);
            }
        }
    }

    #[test]
    fn randomness_that_repeats_itself_ends_in_an_error() {
        let mut zeros = |bytes: &mut [u8]| {
            bytes.fill(0);
            Ok(())
        };
        for shape in [Shape::P256, Shape::P384, Shape::Rsa(2048)] {
            assert_eq!(error_of(Key::make(shape, &mut zeros)).kind(), ErrorKind::FailedDefect);
        }
    }
}
