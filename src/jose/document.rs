//! A signing-key document as teams write it: `{"private_key": PEM, "key_id", "valid_from", "valid_until"}`, RSA, EC or Ed25519.
//! Everything else in it stays byte for byte, but a public half that stands beside its private one.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

use super::key::{Key, PemForm, Shape};
use super::pattern::Pattern;
use super::renewal::GIVE_UP;
use super::window::Window;
use super::{Fingerprint, KeyPrint, Random, Renewal, ids};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Sensitive};
use crate::timestamp::Timestamp;

/// The JSON key of the private key, unless `keyroll:field` names another.
const PRIVATE_KEY: &str = "private_key";
const KEY_ID: &str = "key_id";
const FROM: &str = "valid_from";
const UNTIL: &str = "valid_until";
/// Where a team may keep the public half, too.
const PUBLIC_KEY: &str = "public_key";
/// RFC 7518, section 3.3: 2048 bits or larger.
const LEAST_RSA: usize = 2048;

/// A signing-key document.
pub(super) struct SigningKey {
    document: Document,
    field: String,
    /// None while a placeholder stands there.
    key: Option<(Key, PemForm)>,
    key_id: Option<String>,
    window: Option<Window>,
    public: Option<PemForm>,
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
        let window = match (document.get(FROM)?, document.get(UNTIL)?) {
            (Some(from), Some(until)) => Some(Window::read(&from, &until)?),
            (None, None) => None,
            _ => return Err(refused(&format!("the document has only one of {FROM} and {UNTIL}"))),
        };
        let public = match (string(PUBLIC_KEY)?, &key) {
            (Some(public), Some((key, _))) => Some(key.is_public_half(public.expose()).ok_or_else(|| {
                refused(&format!("the public half in {PUBLIC_KEY:?} does not belong to the private key beside it"))
            })?),
            (Some(_), None) => Some(PemForm::default().beside()),
            (None, _) => None,
        };
        let text = |value: Option<Sensitive>| value.map(|text| text.expose().to_owned());
        let alg = text(string("alg")?).or(text(string("algorithm")?));
        let key_id = text(string(KEY_ID)?);
        Ok(Self { document, field, key, key_id, window, public, alg })
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
        let stem = ids::stem(self.key_id.as_deref().unwrap_or_default());
        let named =
            if self.key_id.is_some() { format!(" with a new key_id of the stem {stem:?}") } else { String::new() };
        let moved = if self.window.is_some() { ", its validity window moved on by its own length" } else { "" };
        Renewal { what: format!("{new}, made afresh{named}{moved}"), warnings }
    }

    pub(super) fn renewed(&self, now: Timestamp, today: &str, random: Random<'_>) -> Result<Sensitive> {
        let key = Key::make(self.shape(), &mut |bytes: &mut [u8]| random(bytes))?;
        let form = self.key.as_ref().map(|(_, form)| form.clone()).unwrap_or_default();
        let json = |text: &str| Sensitive::new(Value::from(text).to_string());
        let mut new = vec![(self.field.as_str(), json(key.to_pem(&form)?.expose()))];
        if let Some(key_id) = &self.key_id {
            new.push((KEY_ID, json(&ids::fresh(ids::stem(key_id), today, random)?)));
        }
        if let Some(window) = &self.window {
            let (from, until) = window.moved_on(now.seconds()).json()?;
            new.push((FROM, Sensitive::new(from.to_string())));
            new.push((UNTIL, Sensitive::new(until.to_string())));
        }
        if let Some(form) = &self.public {
            new.push((PUBLIC_KEY, json(&key.public_pem(form)?)));
        }
        self.document.with_json(&new)
    }

    /// Signs with the key, and holds the document against what it must say.
    pub(super) fn prove(&self, now: Timestamp) -> Result<String> {
        let Some((key, _)) = &self.key else { return Err(refused("the pending document has no private key")) };
        let Some(alg) = key.shape().algorithm() else { return Err(refused("the pending key has no public half")) };
        key.check(alg)?;
        if self.window.as_ref().is_some_and(|window| !window.contains(now.seconds())) {
            return Err(Error::new(ErrorKind::RefusedValue, "the pending key is not valid at this time", GIVE_UP));
        }
        let name = self.key_id.as_ref().map(|key_id| format!(" {key_id:?}")).unwrap_or_default();
        Ok(format!("signed a token with the pending key{name} ({}) and verified it by its public half", key.shape()))
    }

    /// The public half, under its name.
    pub(super) fn public(&self) -> Vec<Value> {
        let Some((key, _)) = &self.key else { return Vec::new() };
        let Some(mut jwk) = key.to_public_jwk() else { return Vec::new() };
        // Verifiers choose by the kid. RFC 7638 gives a key without a name one.
        let kid = self.key_id.clone().unwrap_or_else(|| Base64UrlUnpadded::encode_string(&key.digest()));
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
            let name = (self.key_id.clone().unwrap_or_default(), shape.to_string());
            KeyPrint { digest: key.digest(), name: Some(name) }
        });
        Fingerprint { signs: print.clone(), accepts: print.into_iter().collect() }
    }

    /// The size of the current key, or what RFC 7518 demands where that is smaller.
    fn shape(&self) -> Shape {
        match self.key.as_ref().map(|(key, _)| key.shape()) {
            Some(Shape::Rsa(bits)) => Shape::Rsa(bits.max(LEAST_RSA)),
            Some(shape) => shape,
            None => Shape::Rsa(LEAST_RSA),
        }
    }
}

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
