//! A signing-key document as teams write it: `{"private_key": PEM, "key_id", "valid_from", "valid_until"}`, RSA, EC or Ed25519.
//! Everything else in it stays byte for byte, but a public half that stands beside its private one.

use serde_json::{Value, json};

use super::key::{Algorithm, Key, PemForm, Shape};
use super::members::{Dated, Members, thumbprint};
use super::pattern::Pattern;
use super::renewal::GIVE_UP;
use super::{Fingerprint, KeyPrint, Random, Renewal, foreign, ids};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Sensitive};
use crate::timestamp::Timestamp;

/// The JSON key of the private key, unless `keyroll:field` names another.
const PRIVATE_KEY: &str = "private_key";
/// RFC 7518, section 3.3: 2048 bits or larger.
const LEAST_RSA: usize = 2048;

/// A signing-key document.
pub(super) struct SigningKey {
    document: Document,
    field: String,
    /// None while a placeholder stands there.
    key: Option<(Key, PemForm)>,
    members: Members,
    alg: Option<String>,
}

impl SigningKey {
    pub(super) fn read(text: Sensitive, field: Option<&str>) -> Result<Self> {
        let document = Document::parse(text)?;
        let field = field.unwrap_or(PRIVATE_KEY).to_owned();
        let string = |key: &str| match document.get(key)? {
            Some(Value::String(text)) => Ok(Some(Sensitive::new(text))),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(refused(&format!("the JSON key {key:?} does not hold a string"))),
        };
        let pem = string(&field)?.ok_or_else(|| {
            let keys = document.names();
            refused(&format!("the document has no JSON key {field:?} with a private key in PEM; it has {keys}"))
        })?;
        let key = if Pattern::of(pem.expose()).is_placeholder() { None } else { Some(Key::from_pem(pem.expose())?) };
        foreign::refuse_document(&document)?;
        let members = Members::of(&document, &field, key.as_ref().map(|(key, _)| key))?;
        let text = |value: Option<Sensitive>| value.map(|text| text.expose().to_owned());
        let alg = text(string("alg")?).or(text(string("algorithm")?));
        let document = Self { document, field, key, members, alg };
        document.refuse_other_algorithm()?;
        Ok(document)
    }

    pub(super) fn renewal(&self) -> Renewal {
        let (old, new) = (self.key.as_ref().map(|(key, _)| key.shape()), self.shape());
        let mut warnings = Vec::new();
        if old.is_some_and(|old| old != new) {
            warnings.push(
                "the current RSA key has less than 2048 bits, and RFC 7518, section 3.3, demands as many: the new one has them"
                    .to_owned(),
            );
        }
        let stem = ids::stem(self.members.key_id.as_deref().unwrap_or_default());
        let named = match &self.members.names[..] {
            [] => String::new(),
            names => format!(" with a new {} of the stem {stem:?}", names.join(", ")),
        };
        let moved = if self.members.window.is_some() { ", its validity window moved on by its own length" } else { "" };
        Renewal { what: format!("{new}, made afresh{named}{moved}"), warnings }
    }

    pub(super) fn renewed(&self, now: Timestamp, today: &str, random: Random<'_>) -> Result<Sensitive> {
        let key = Key::make(self.shape(), &mut |bytes: &mut [u8]| random(bytes))?;
        let form = self.key.as_ref().map(|(_, form)| form.clone()).unwrap_or_default();
        let json = |text: &str| Sensitive::new(Value::from(text).to_string());
        let mut new = vec![(self.field.as_str(), json(key.to_pem(&form)?.expose()))];
        let name = self.members.key_id.as_deref().map(|old| self.next_name(old, &key, today, random)).transpose()?;
        for member in &self.members.names {
            new.push((member, json(name.as_deref().unwrap_or_default())));
        }
        for member in &self.members.thumbprints {
            new.push((member, json(&thumbprint(&key))));
        }
        if let Some(Dated { from, until, window }) = &self.members.window {
            let (first, last) = window.moved_on(now.seconds()).json()?;
            new.push((from, Sensitive::new(first.to_string())));
            new.push((until, Sensitive::new(last.to_string())));
        }
        if let Some((member, made)) = &self.members.made {
            new.push((member, Sensitive::new(made.like(now.seconds()).json()?.to_string())));
        }
        for (member, form) in &self.members.publics {
            new.push((member, json(&key.public_pem(form)?)));
        }
        self.document.with_json(&new)
    }

    /// The name of the next key: its thumbprint, where the current one is named so.
    fn next_name(&self, old: &str, key: &Key, today: &str, random: Random<'_>) -> Result<String> {
        match &self.key {
            Some((current, _)) if thumbprint(current) == old => Ok(thumbprint(key)),
            _ => ids::fresh(ids::stem(old), today, random),
        }
    }

    /// Refuses an algorithm that the key cannot sign with.
    fn refuse_other_algorithm(&self) -> Result<()> {
        let is_registered = |alg: &str| ALGORITHMS.iter().any(|known| known.eq_ignore_ascii_case(alg));
        let other = self.alg.as_deref().filter(|alg| {
            is_registered(alg) && registered(self.shape()).iter().all(|own| !own.eq_ignore_ascii_case(alg))
        });
        match other {
            None => Ok(()),
            Some(alg) => Err(refused(&format!("the algorithm {alg:?} is none of a key of the kind {}", self.shape()))),
        }
    }

    /// Signs with the key, and holds the document against what it must say.
    pub(super) fn prove(&self, now: Timestamp) -> Result<String> {
        let Some((key, _)) = &self.key else { return Err(refused("the pending document has no private key")) };
        let Some(alg) = key.shape().algorithm() else { return Err(refused("the pending key has no public half")) };
        key.check(alg)?;
        if self.members.window.as_ref().is_some_and(|dated| !dated.window.contains(now.seconds())) {
            return Err(Error::new(ErrorKind::RefusedValue, "the pending key is not valid at this time", GIVE_UP));
        }
        let name = self.members.key_id.as_ref().map(|key_id| format!(" {key_id:?}")).unwrap_or_default();
        Ok(format!("signed a token with the pending key{name} ({}) and verified it by its public half", key.shape()))
    }

    /// The public half, under its name.
    pub(super) fn public(&self) -> Vec<Value> {
        let Some((key, _)) = &self.key else { return Vec::new() };
        let Some(mut jwk) = key.to_public_jwk() else { return Vec::new() };
        // Verifiers choose by the kid. RFC 7638 gives a key without a name one.
        let kid = self.members.key_id.clone().unwrap_or_else(|| thumbprint(key));
        jwk.insert("kid".to_owned(), json!(kid));
        jwk.insert("use".to_owned(), json!("sig"));
        // A library that does not know the name refuses the key, or the whole set.
        if let Some(alg) = self.alg.as_deref().filter(|alg| registered(key.shape()).contains(alg)) {
            jwk.insert("alg".to_owned(), json!(alg));
        }
        vec![Value::Object(jwk)]
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let print = self.key.as_ref().map(|(key, _)| {
            let shape = match key.shape() {
                Shape::Rsa(bits) => Shape::Rsa(bits.max(LEAST_RSA)),
                shape => shape,
            };
            let name = (self.members.key_id.clone().unwrap_or_default(), shape.to_string());
            KeyPrint { digest: key.digest(), name: Some(name) }
        });
        Fingerprint { signs: print.clone(), accepts: print.into_iter().collect() }
    }

    /// The size of the current key, or what RFC 7518 demands where that is smaller.
    fn shape(&self) -> Shape {
        match self.key.as_ref().map(|(key, _)| key.shape()) {
            Some(Shape::Rsa(bits)) => Shape::Rsa(bits.max(LEAST_RSA)),
            Some(shape) => shape,
            None => {
                let named = self.alg.as_deref().and_then(Algorithm::parse).filter(|alg| alg.is_asymmetric());
                named.map_or(Shape::Rsa(LEAST_RSA), Algorithm::shape_of_fresh)
            }
        }
    }
}

/// Every algorithm of JWS (RFC 7518, section 3.1, RFC 8037, RFC 8812, RFC 9864), of this key's kind or another.
const ALGORITHMS: [&str; 15] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
    "ES256K", "EdDSA", "Ed25519",
];

/// The names of RFC 7518, section 3.1, RFC 8037 and RFC 9864 for what such a key signs.
fn registered(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Rsa(_) => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
        Shape::P256 => &["ES256"],
        Shape::P384 => &["ES384"],
        Shape::Ed25519 => &["EdDSA", "Ed25519"],
        Shape::Hmac(_) => &[],
    }
}

fn refused(cause: &str) -> Error {
    Error::new(
        ErrorKind::RefusedValue,
        cause,
        "store {\"private_key\": PEM, \"key_id\": name}, with valid_from and valid_until where your services read them; \
         keyroll:field names another JSON key for the PEM",
    )
}
