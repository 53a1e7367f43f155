//! Keys as DER: PKCS#1 (RFC 8017), SEC 1 (RFC 5915), PKCS#8 (RFC 5208 and 5958), the public forms of RFC 5280.

use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use pkcs8::der::{Decode, Encode, Tag};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::parts::{Bytes, Curve, Key, Parts, Rsa, defect, refused};
use crate::error::{Error, Result};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// What is known and not worked with, so that an error can name it.
const UNREAD: [(ObjectIdentifier, &str); 7] = [
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), "secp256k1"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), "RSASSA-PSS"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "X25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.111"), "X448"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "Ed448"),
];

impl Key {
    /// Reads PKCS#8, and whether the public half of an Ed25519 key is in it (version 2).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<(Self, bool)> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| malformed("PKCS#8"))?;
        let inner = info.private_key.as_bytes();
        let key = match info.algorithm.oid {
            RSA => Self::from_pkcs1(inner)?,
            EC => {
                // Explicit parameters, which RFC 5480 forbids, name no curve either.
                let curve = info.algorithm.parameters_oid().map_err(|_| curveless())?;
                Self::from_sec1_of(inner, Some(curve))?
            }
            ED25519 => {
                let seed = <&OctetStringRef>::from_der(inner).map_err(|_| malformed("PKCS#8"))?;
                let stored = info.public_key.map(|bits| bits.raw_bytes());
                Self::ed25519(Zeroizing::new(seed.as_bytes().to_vec()), stored)?
            }
            other => return Err(unread(other)),
        };
        Ok((key, info.public_key.is_some()))
    }

    /// Reads PKCS#1.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self> {
        let key = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(|_| malformed("PKCS#1"))?;
        if key.other_prime_infos.is_some() {
            return Err(refused("the RSA key has more than two primes", "store a key of two primes"));
        }
        let part = |number: UintRef<'_>| Zeroizing::new(number.as_bytes().to_vec());
        Self::rsa(Rsa {
            n: key.modulus.as_bytes().to_vec(),
            e: key.public_exponent.as_bytes().to_vec(),
            d: part(key.private_exponent),
            p: part(key.prime1),
            q: part(key.prime2),
            dp: part(key.exponent1),
            dq: part(key.exponent2),
            qi: part(key.coefficient),
        })
    }

    /// Reads SEC 1.
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self> {
        Self::from_sec1_of(der, None)
    }

    /// Within PKCS#8 the curve stands outside; if it stands inside as well, both must agree.
    fn from_sec1_of(der: &[u8], outside: Option<ObjectIdentifier>) -> Result<Self> {
        let key = EcPrivateKey::from_der(der).map_err(|_| malformed("SEC 1"))?;
        let inside = key.parameters.and_then(EcParameters::named_curve);
        if let (Some(outside), Some(inside)) = (outside, inside)
            && outside != inside
        {
            return Err(refused("the EC key names two different curves", "store the key as it was made"));
        }
        let oid = outside.or(inside).ok_or_else(curveless)?;
        let curve = Curve::ALL.into_iter().find(|curve| oid_of(*curve) == oid).ok_or_else(|| unread(oid))?;
        Self::ec(curve, Zeroizing::new(key.private_key.to_vec()), key.public_key)
    }

    /// Writes PKCS#8; `with_public` puts the public half of an Ed25519 key into it (version 2), which some libraries ask
    /// for and others refuse.
    pub(super) fn to_pkcs8(&self, with_public: bool) -> Result<Bytes> {
        let (oid, inner) = match &self.0 {
            Parts::Hmac(_) => return Err(formless("PKCS#8")),
            Parts::Rsa(_) => (RSA, self.to_pkcs1()?),
            Parts::Ec { .. } => (EC, self.sec1(false)?),
            Parts::Ed25519 { seed, .. } => {
                (ED25519, written(&AnyRef::new(Tag::OctetString, seed).map_err(unwritten)?)?)
            }
        };
        let inner = OctetStringRef::new(&inner).map_err(unwritten)?;
        let named = self.curve_oid();
        let mut info =
            PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid, parameters: parameters(oid, named.as_ref()) }, inner);
        if let (Parts::Ed25519 { public, .. }, true) = (&self.0, with_public) {
            info.public_key = Some(BitStringRef::from_bytes(public).map_err(unwritten)?);
        }
        written(&info)
    }

    /// Writes PKCS#1.
    pub(super) fn to_pkcs1(&self) -> Result<Bytes> {
        let Parts::Rsa(rsa) = &self.0 else { return Err(formless("PKCS#1")) };
        let part = |part| UintRef::new(part).map_err(unwritten);
        written(&pkcs1::RsaPrivateKeyRef {
            modulus: part(&rsa.n)?,
            public_exponent: part(&rsa.e)?,
            private_exponent: part(&rsa.d)?,
            prime1: part(&rsa.p)?,
            prime2: part(&rsa.q)?,
            exponent1: part(&rsa.dp)?,
            exponent2: part(&rsa.dq)?,
            coefficient: part(&rsa.qi)?,
            other_prime_infos: None,
        })
    }

    /// Writes SEC 1, with the name of the curve where nothing around it tells.
    pub(super) fn sec1(&self, with_curve: bool) -> Result<Bytes> {
        let Parts::Ec { curve, d, public } = &self.0 else { return Err(formless("SEC 1")) };
        let parameters = with_curve.then(|| EcParameters::NamedCurve(oid_of(*curve)));
        written(&EcPrivateKey { private_key: d, parameters, public_key: Some(public) })
    }

    /// Writes the public half as a `SubjectPublicKeyInfo`.
    pub(super) fn to_spki(&self) -> Result<Bytes> {
        let (oid, inner) = match &self.0 {
            Parts::Hmac(_) => return Err(formless("PUBLIC KEY")),
            Parts::Rsa(_) => (RSA, self.to_public_pkcs1()?),
            Parts::Ec { public, .. } => (EC, Zeroizing::new(public.clone())),
            Parts::Ed25519 { public, .. } => (ED25519, Zeroizing::new(public.clone())),
        };
        let named = self.curve_oid();
        let algorithm = AlgorithmIdentifierRef { oid, parameters: parameters(oid, named.as_ref()) };
        let subject_public_key = BitStringRef::from_bytes(&inner).map_err(unwritten)?;
        written(&SubjectPublicKeyInfoRef { algorithm, subject_public_key })
    }

    /// Writes the public half as PKCS#1 does.
    pub(super) fn to_public_pkcs1(&self) -> Result<Bytes> {
        let Parts::Rsa(rsa) = &self.0 else { return Err(formless("PKCS#1")) };
        let part = |part| UintRef::new(part).map_err(unwritten);
        written(&pkcs1::RsaPublicKeyRef { modulus: part(&rsa.n)?, public_exponent: part(&rsa.e)? })
    }

    /// Writes the name of the curve alone, as it stands in `EC PARAMETERS`.
    pub(super) fn to_ec_parameters(&self) -> Result<Bytes> {
        written(&self.curve_oid().ok_or_else(|| formless("EC PARAMETERS"))?)
    }

    fn curve_oid(&self) -> Option<ObjectIdentifier> {
        match &self.0 {
            Parts::Ec { curve, .. } => Some(oid_of(*curve)),
            _ => None,
        }
    }
}

fn oid_of(curve: Curve) -> ObjectIdentifier {
    match curve {
        Curve::P256 => P256,
        Curve::P384 => P384,
    }
}

/// RSA has NULL as its parameters (RFC 3279), EC the curve (RFC 5480), Ed25519 none (RFC 8410).
fn parameters(oid: ObjectIdentifier, curve: Option<&ObjectIdentifier>) -> Option<AnyRef<'_>> {
    if oid == RSA { Some(AnyRef::NULL) } else { curve.map(AnyRef::from) }
}

fn written(value: &impl Encode) -> Result<Bytes> {
    value.to_der().map(Zeroizing::new).map_err(unwritten)
}

/// The error of the encoder is not told: it knows only lengths and tags.
fn unwritten(_: pkcs8::der::Error) -> Error {
    defect("a key could not be written as DER")
}

fn formless(form: &str) -> Error {
    refused(format!("the key is not of the kind that the form {form} is for"), "keep the key as it is")
}

fn curveless() -> Error {
    refused("the EC key does not name its curve", "store the key as openssl pkey writes it, which names the curve")
}

fn malformed(form: &str) -> Error {
    refused(format!("what stands in the PEM block is not {form}"), "store the key as the program that made it wrote it")
}

fn unread(oid: ObjectIdentifier) -> Error {
    let name = UNREAD.iter().find(|(known, _)| *known == oid).map_or("an algorithm", |(_, name)| name);
    refused(
        format!("the key is for {name}, which keyroll does not work with"),
        "use RSA, ECDSA over P-256 or P-384, or Ed25519",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::super::tests::{each, error_of, rsa};
    use super::*;

    fn is_read(key: &Key, copy: Result<Key>) {
        assert!(key.same(&copy.unwrap_or_else(|error| panic!("{error}"))));
    }

    #[test]
    fn every_key_is_read_as_it_was_written() {
        each(|key| {
            if let Shape::Hmac(_) = key.shape() {
                for form in [key.to_pkcs8(true), key.to_pkcs1(), key.sec1(true), key.to_spki(), key.to_ec_parameters()]
                {
                    error_of(form);
                }
                return;
            }
            for with_public in [false, true] {
                let (copy, found) =
                    Key::from_pkcs8(&key.to_pkcs8(with_public).unwrap()).unwrap_or_else(|e| panic!("{e}"));
                assert!(key.same(&copy));
                assert_eq!(found, with_public && key.shape() == Shape::Ed25519);
            }
            if let Ok(der) = key.sec1(true) {
                is_read(key, Key::from_sec1(&der));
                error_of(Key::from_sec1(&key.sec1(false).unwrap()));
            }
        });
        is_read(rsa(), Key::from_pkcs1(&rsa().to_pkcs1().unwrap()));
    }

    #[test]
    fn ring_reads_what_is_written() {
        each(|key| {
            use ring::signature as s;
            let random = ring::rand::SystemRandom::new();
            let der = key.to_pkcs8(true).unwrap_or_default();
            assert!(match key.shape() {
                Shape::Hmac(_) => true,
                Shape::Rsa(_) => s::RsaKeyPair::from_pkcs8(&der).is_ok(),
                Shape::P256 => s::EcdsaKeyPair::from_pkcs8(&s::ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).is_ok(),
                Shape::P384 => s::EcdsaKeyPair::from_pkcs8(&s::ECDSA_P384_SHA384_FIXED_SIGNING, &der, &random).is_ok(),
                Shape::Ed25519 => s::Ed25519KeyPair::from_pkcs8(&der).is_ok(),
            });
        });
    }

    #[test]
    fn a_form_with_a_byte_too_many_or_too_few_is_refused() {
        each(|key| {
            let Ok(der) = key.to_pkcs8(false) else { return };
            for broken in [der.get(1..).unwrap(), &der[..der.len() - 1], &[&der[..], &[0]].concat()] {
                assert!(error_of(Key::from_pkcs8(broken)).to_string().contains("not PKCS#8"));
            }
        });
    }

    #[test]
    fn other_algorithms_are_refused_by_name() {
        for (oid, name) in UNREAD {
            let info = PrivateKeyInfoRef::new(
                AlgorithmIdentifierRef { oid, parameters: None },
                OctetStringRef::new(&[4, 0]).unwrap(),
            );
            assert!(error_of(Key::from_pkcs8(&info.to_der().unwrap())).to_string().contains(name));
        }
        let p521 = AnyRef::from(&UNREAD[0].0);
        let key = EcPrivateKey { private_key: &[1; 66], parameters: None, public_key: None }.to_der().unwrap();
        let info = PrivateKeyInfoRef::new(
            AlgorithmIdentifierRef { oid: EC, parameters: Some(p521) },
            OctetStringRef::new(&key).unwrap(),
        );
        assert!(error_of(Key::from_pkcs8(&info.to_der().unwrap())).to_string().contains("P-521"));
    }
}
