//! Keys as JSON Web Keys: RFC 7517, the members of RFC 7518 and RFC 8037, the thumbprint of RFC 7638.
//!
//! `kid`, `alg`, `use` and the like say how a key is used; they belong to the owner of the key and are neither read nor
//! written here.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::parts::{Bytes, Curve, Key, Parts, Rsa, refused};
use crate::error::Result;
use crate::secret::Sensitive;

/// What `kty` and `crv` may say that is known and not worked with, so that an error can name it.
const UNREAD: [&str; 5] = ["P-521", "secp256k1", "Ed448", "X25519", "X448"];

const REMEDY: &str = "store the JWK as the program that made it wrote it";

impl Key {
    /// Reads a private JWK. A member that stands in it twice is refused: parsers disagree on which one counts.
    pub fn parse_jwk(text: &str) -> Result<Self> {
        let mut members = members(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            refused(format!("the JWK is not a JSON object (line {line}, column {column})"), REMEDY)
        })?;
        let mut map = Map::new();
        let mut twice = None;
        for (name, value) in members.drain(..) {
            if map.contains_key(&name) {
                twice = Some(name.clone());
            }
            map.insert(name, value);
        }
        let key = match twice {
            Some(name) => Err(refused(format!("the member {name:?} stands in the JWK twice"), REMEDY)),
            None => Self::from_jwk(&map),
        };
        for value in map.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
        key
    }

    /// Reads a private JWK that was parsed before. The parser has seen to members that stand in it twice.
    pub fn from_jwk(members: &Map<String, Value>) -> Result<Self> {
        match text(members, "kty")? {
            "oct" => Self::hmac(read(members, "k")?),
            "RSA" => rsa(members),
            "EC" => {
                let curve = curve(members)?;
                let mut stored = vec![4];
                stored.extend_from_slice(&coordinate(members, "x", curve)?);
                stored.extend_from_slice(&coordinate(members, "y", curve)?);
                Self::ec(curve, private(members, "d")?, Some(&stored))
            }
            "OKP" if text(members, "crv")? == "Ed25519" => {
                let stored = read(members, "x")?;
                Self::ed25519(private(members, "d")?, Some(&stored))
            }
            "OKP" => Err(unread(members, "crv", "Ed25519")),
            _ => Err(unread(members, "kty", "oct, RSA, EC and OKP")),
        }
    }

    /// The members of the private JWK, in the order of the RFCs. Not a JSON map, which has a `Debug` and is not wiped.
    #[must_use]
    pub fn to_jwk(&self) -> Vec<(&'static str, Sensitive)> {
        let mut members = self.public_members();
        match &self.0 {
            Parts::Hmac(_) => {}
            Parts::Rsa(rsa) => {
                let Rsa { d, p, q, dp, dq, qi, .. } = rsa;
                let private = [("d", d), ("p", p), ("q", q), ("dp", dp), ("dq", dq), ("qi", qi)];
                members.extend(private.map(|(name, part)| (name, encoded(part))));
            }
            Parts::Ec { d, .. } => members.push(("d", encoded(d))),
            Parts::Ed25519 { seed, .. } => members.push(("d", encoded(seed))),
        }
        members
    }

    /// The public JWK; an HMAC key has none. It is made of the public parts by name, so that a new private part cannot
    /// slip in.
    #[must_use]
    pub fn to_public_jwk(&self) -> Option<Map<String, Value>> {
        if let Parts::Hmac(_) = self.0 {
            return None;
        }
        Some(self.public_members().iter().map(|(name, text)| ((*name).to_owned(), text.expose().into())).collect())
    }

    /// The members that the thumbprint covers, in its order. They are public, except of an HMAC key.
    pub(super) fn public_members(&self) -> Vec<(&'static str, Sensitive)> {
        let said = |text: &str| Sensitive::new(text.to_owned());
        match &self.0 {
            Parts::Hmac(secret) => vec![("k", encoded(secret)), ("kty", said("oct"))],
            Parts::Rsa(rsa) => vec![("e", encoded(&rsa.e)), ("kty", said("RSA")), ("n", encoded(&rsa.n))],
            Parts::Ec { curve, public, .. } => {
                let point = public.get(1..).unwrap_or_default();
                let (x, y) = point.split_at_checked(curve.bytes()).unwrap_or_default();
                vec![("crv", said(curve.name())), ("kty", said("EC")), ("x", encoded(x)), ("y", encoded(y))]
            }
            Parts::Ed25519 { public, .. } => {
                vec![("crv", said("Ed25519")), ("kty", said("OKP")), ("x", encoded(public))]
            }
        }
    }
}

/// The thumbprint of a JWK that may be public or private, to find the copy of a key among others: see [`Key::digest`].
pub fn thumbprint(members: &Map<String, Value>) -> Result<[u8; 32]> {
    let names: &[&'static str] = match text(members, "kty")? {
        "oct" => &["k", "kty"],
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        _ => return Err(unread(members, "kty", "oct, RSA, EC and OKP")),
    };
    let mut covered = Vec::new();
    for &name in names {
        // `kty` was matched above. A curve is base64url by chance; what is not would need escaping in the hashed JSON.
        let value = text(members, name)?;
        if value.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_') {
            covered.push((name, Sensitive::new(value.to_owned())));
        } else {
            return Err(refused(format!("the member {name} of the JWK is not base64url without padding"), REMEDY));
        }
    }
    Ok(digest(&covered))
}

/// SHA-256 over the members as JSON without any space. No value needs escaping: each is base64url or a name.
pub(super) fn digest(members: &[(&'static str, Sensitive)]) -> [u8; 32] {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    for (number, (name, value)) in members.iter().enumerate() {
        for piece in [if number == 0 { "{\"" } else { ",\"" }, name, "\":\"", value.expose(), "\""] {
            text.push_str(piece);
        }
    }
    text.push('}');
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    digest
}

fn rsa(members: &Map<String, Value>) -> Result<Key> {
    if members.contains_key("oth") {
        return Err(refused("the RSA key has more than two primes", "store a key of two primes"));
    }
    is_private(members, "d")?;
    if ["p", "q", "dp", "dq", "qi"].iter().any(|name| !members.contains_key(*name)) {
        return Err(refused(
            "the RSA key lacks some of the members p, q, dp, dq and qi",
            "store it with all of them, as RFC 7518, section 6.3.2 recommends; most programs write them if asked for",
        ));
    }
    let part = |name| {
        let part = read(members, name)?;
        // Some programs leave a sign octet in front of the number: RFC 7518, section 6.3.1.1 forbids it.
        if matches!(part.as_slice(), [] | [0, ..]) {
            return Err(refused(
                format!("the member {name} of the JWK is empty or has a zero in front"),
                "store each number in as few octets as it takes (RFC 7518, section 6.3.1.1)",
            ));
        }
        Ok(part)
    };
    Key::rsa(Rsa {
        n: part("n")?.to_vec(),
        e: part("e")?.to_vec(),
        d: part("d")?,
        p: part("p")?,
        q: part("q")?,
        dp: part("dp")?,
        dq: part("dq")?,
        qi: part("qi")?,
    })
}

fn curve(members: &Map<String, Value>) -> Result<Curve> {
    let name = text(members, "crv")?;
    let curve = Curve::ALL.into_iter().find(|curve| curve.name() == name);
    curve.ok_or_else(|| unread(members, "crv", "P-256 and P-384"))
}

/// A coordinate, in full length (RFC 7518, section 6.2.1.2).
fn coordinate(members: &Map<String, Value>, name: &str, curve: Curve) -> Result<Bytes> {
    let coordinate = read(members, name)?;
    if coordinate.len() == curve.bytes() {
        return Ok(coordinate);
    }
    let (length, wanted) = (coordinate.len(), curve.bytes());
    Err(refused(format!("the member {name} of the JWK has {length} bytes, not {wanted}"), REMEDY))
}

/// A member that only a private JWK has.
fn private(members: &Map<String, Value>, name: &str) -> Result<Bytes> {
    is_private(members, name)?;
    read(members, name)
}

fn is_private(members: &Map<String, Value>, name: &str) -> Result<()> {
    if members.contains_key(name) {
        return Ok(());
    }
    Err(refused(format!("the JWK is a public one: it has no member {name}"), "store the private JWK"))
}

/// A member in base64url without padding. Spare bits must be zero, so that each key has one text only.
fn read(members: &Map<String, Value>, name: &str) -> Result<Bytes> {
    let value = text(members, name)?;
    let bytes = Base64UrlUnpadded::decode_vec(value)
        .map_err(|_| refused(format!("the member {name} of the JWK is not base64url without padding"), REMEDY))?;
    Ok(Zeroizing::new(bytes))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(refused(format!("the member {name} of the JWK is not a string"), REMEDY)),
        None => Err(refused(format!("the JWK has no member {name}"), REMEDY)),
    }
}

fn unread(members: &Map<String, Value>, name: &str, known: &str) -> crate::error::Error {
    let given = members.get(name).and_then(Value::as_str);
    let given = UNREAD.into_iter().find(|known| Some(*known) == given).unwrap_or("something else");
    refused(
        format!("keyroll works with {known} in the member {name} of a JWK, and there stands {given}"),
        "use another key",
    )
}

fn encoded(bytes: &[u8]) -> Sensitive {
    Sensitive::new(Base64UrlUnpadded::encode_string(bytes))
}

fn members(text: &str) -> serde_json::Result<Vec<(String, Value)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Value)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let members = parser.deserialize_map(Members)?;
    parser.end()?;
    Ok(members)
}

#[cfg(test)]
mod tests;
