//! Bare secrets: an HMAC key for JWTs (`jwt`), or any other random value that only services of ours hold (`token`). As the
//! whole value, or in JSON keys.

use std::collections::BTreeMap;

use super::key::{Algorithm, Key};
use super::pattern::Pattern;
use super::renewal::GIVE_UP;
use super::{Fingerprint, KeyPrint, Random, Renewal, foreign};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{KeyForm, Sensitive};

/// Fewer bits than this can be guessed.
const GUESSABLE: usize = 128;

/// A bare secret.
pub(super) struct Plain {
    form: KeyForm,
    /// Whether it signs tokens, so that RFC 7518 says how strong it has to be.
    signs: bool,
}

impl Plain {
    pub(super) fn read(text: Sensitive, field: Option<&str>, signs: bool) -> Result<Self> {
        let form = KeyForm::read(text, field)?;
        for value in &form.values {
            foreign::refuse(value.expose())?;
        }
        Ok(Self { form, signs })
    }

    /// Whether a value has been stored yet.
    pub(super) fn is_placeholder(&self) -> bool {
        self.form.values.iter().any(|value| Pattern::of(value.expose()).is_placeholder())
    }

    pub(super) fn renewal(&self) -> Renewal {
        let mut warnings = Vec::new();
        let mut what: Vec<String> = Vec::new();
        for value in &self.form.values {
            let (old, new) = (Pattern::of(value.expose()), self.pattern(value));
            if old.is_placeholder() {
                what.push(format!("{} in place of a placeholder", new.text()));
                continue;
            }
            if old == new {
                what.push(format!("{}, as before", new.text()));
            } else {
                what.push(new.text());
                warnings.push(format!(
                    "the current value can be taken for less than 256 bits, and RFC 7518, section 3.2, demands as many for \
                     HS256: the new one is made stronger ({} instead of {})",
                    new.text(),
                    old.text()
                ));
            }
            if new.bits() < GUESSABLE {
                warnings.push(format!(
                    "a value of this form ({}) has {} bits of randomness, which can be guessed: store a longer one by hand, and \
                     keyroll keeps that form",
                    new.text(),
                    new.bits()
                ));
            }
        }
        what.sort_unstable();
        what.dedup();
        Renewal { what: what.join("; "), warnings }
    }

    /// JSON keys that held the same value hold the same new one.
    pub(super) fn renewed(&self, random: Random<'_>) -> Result<Sensitive> {
        let mut drawn: BTreeMap<&str, Sensitive> = BTreeMap::new();
        for value in &self.form.values {
            if !drawn.contains_key(value.expose()) {
                drawn.insert(value.expose(), self.pattern(value).draw(&mut *random)?);
            }
        }
        let new: Vec<Sensitive> =
            self.form.values.iter().filter_map(|value| drawn.get(value.expose())).cloned().collect();
        self.form.write(&new)
    }

    /// Signs with the secret, and holds it against what it must be.
    pub(super) fn prove(&self) -> Result<String> {
        if self.is_placeholder() {
            return Err(Error::new(ErrorKind::RefusedValue, "the pending value is a placeholder", GIVE_UP));
        }
        if !self.signs {
            return Ok("the pending value is no placeholder, and not the current one".to_owned());
        }
        for value in &self.form.values {
            let alg = Algorithm::Hs256;
            let key = Key::of_text(value);
            if !alg.fits(key.shape()) {
                return Err(Error::new(
                    ErrorKind::RefusedValue,
                    format!(
                        "the pending secret is {}, and RFC 7518, section 3.2, demands 256 bits for {alg}",
                        key.shape()
                    ),
                    GIVE_UP,
                ));
            }
            key.check(alg)?;
        }
        Ok("signed a token with the pending secret (HS256) and verified it".to_owned())
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let all: Vec<&str> = self.form.values.iter().map(Sensitive::expose).collect();
        let digest = Key::of_text(&Sensitive::new(all.join("\0"))).digest();
        let print = KeyPrint { digest, name: None };
        Fingerprint { signs: (!self.is_placeholder()).then(|| print.clone()), accepts: vec![print] }
    }

    fn pattern(&self, value: &Sensitive) -> Pattern {
        let form = Pattern::of(value.expose());
        if self.signs { form.strengthened() } else { form }
    }
}
