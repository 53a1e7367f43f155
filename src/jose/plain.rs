//! Bare secrets: an HMAC key for JWTs (`jwt`), any other random value that only services of ours hold (`token`), or several of
//! those, the newest first (`token-list`). As the whole value, or in JSON keys.

use std::collections::BTreeMap;

use super::key::{Algorithm, Key};
use super::kinds::KeyKind;
use super::list::List;
use super::pattern::Pattern;
use super::renewal::GIVE_UP;
use super::{Fingerprint, KeyPrint, Random, Renewal, foreign, structure};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{KeyForm, Sensitive};

/// Fewer bits than this can be guessed.
const GUESSABLE: usize = 128;
/// How many values are drawn to find one that is plainly random.
const DRAWS: usize = 100;
/// How many characters are drawn for that in all, at most.
const MOST_CHARACTERS: usize = 100_000;

/// A bare secret.
pub(super) struct Plain {
    form: KeyForm,
    /// `jwt`, which signs tokens, so that RFC 7518 says how strong it has to be; `token` or `token-list`.
    kind: KeyKind,
}

impl Plain {
    pub(super) fn read(text: Sensitive, field: Option<&str>, kind: KeyKind) -> Result<Self> {
        let form = KeyForm::read(text, field)?;
        if form.is_in_login() {
            return Err(Error::new(
                ErrorKind::RefusedValue,
                "the value is a login to a server (username beside engine or host), and not a bare secret: a random value in it \
                 would lock its services out",
                "take the tags keyroll:kind and keyroll:field off, so that the login rotates; or store the secret apart from it",
            ));
        }
        let plain = Self { form, kind };
        for value in &plain.form.values {
            for entry in plain.entries(value)? {
                foreign::refuse(entry)?;
                structure::refuse(entry)?;
            }
        }
        let lengths: Vec<usize> =
            plain.form.values.iter().map(|value| plain.entries(value).map(|list| list.len())).collect::<Result<_>>()?;
        if lengths.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(Error::new(
                ErrorKind::RefusedValue,
                "the lists in the JSON keys of keyroll:field have different numbers of entries",
                "name one JSON key in keyroll:field, or lists of one length",
            ));
        }
        if let Some(key) = plain.form.copy() {
            return Err(Error::new(
                ErrorKind::RefusedValue,
                format!("the JSON key {key:?} carries the secret, too, and would keep the old one"),
                "take it out, or name it in keyroll:field as well where it holds nothing else; nothing was changed",
            ));
        }
        Ok(plain)
    }

    /// Whether a value has been stored yet.
    pub(super) fn is_placeholder(&self) -> bool {
        self.form.values.iter().any(|value| self.newest(value).is_placeholder())
    }

    pub(super) fn renewal(&self) -> Renewal {
        let mut warnings = Vec::new();
        let mut what: Vec<String> = Vec::new();
        for value in &self.form.values {
            let (old, new) = (self.newest(value), self.pattern(value));
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
        warnings.extend(self.afterwards());
        what.sort_unstable();
        what.dedup();
        Renewal { what: what.join("; "), warnings }
    }

    /// What nobody can do any more once values of before are gone.
    fn afterwards(&self) -> Option<String> {
        let opens = "what was encrypted or hashed with it can then no longer be read or compared";
        match self.kind {
            KeyKind::Token => Some(format!("the current value is gone after the rotation after the next one: {opens}")),
            KeyKind::TokenList => Some(format!("a rotation takes the oldest entry out of the list: {opens}")),
            _ => None,
        }
    }

    /// JSON keys that held the same value hold the same new one.
    pub(super) fn renewed(&self, random: Random<'_>) -> Result<Sensitive> {
        let mut drawn: BTreeMap<&str, Sensitive> = BTreeMap::new();
        for value in &self.form.values {
            if !drawn.contains_key(value.expose()) {
                drawn.insert(value.expose(), self.next(value, &mut *random)?);
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
        if !self.kind.signs() {
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
        // The newest of each value together, then the ones before.
        let lists: Vec<Vec<&str>> =
            self.form.values.iter().map(|value| self.entries(value).unwrap_or_default()).collect();
        let longest = lists.iter().map(Vec::len).max().unwrap_or_default();
        let print = |age: usize| {
            let all: Vec<&str> = lists.iter().filter_map(|list| list.get(age).copied()).collect();
            KeyPrint { digest: Key::of_text(&Sensitive::new(all.join("\0"))).digest(), name: None }
        };
        let accepts: Vec<KeyPrint> = (0..longest).map(print).collect();
        Fingerprint { signs: accepts.first().filter(|_| !self.is_placeholder()).cloned(), accepts }
    }

    /// What a value consists of: of a list its entries, the newest first.
    fn entries<'a>(&self, value: &'a Sensitive) -> Result<Vec<&'a str>> {
        match self.kind {
            KeyKind::TokenList if !Pattern::of(value.expose()).is_placeholder() => {
                Ok(List::read(value.expose())?.entries().to_vec())
            }
            _ => Ok(vec![value.expose()]),
        }
    }

    fn newest(&self, value: &Sensitive) -> Pattern {
        let entries = self.entries(value).unwrap_or_default();
        Pattern::of(entries.first().copied().unwrap_or_default())
    }

    fn pattern(&self, value: &Sensitive) -> Pattern {
        let form = self.newest(value);
        if self.kind.signs() { form.strengthened() } else { form }
    }

    /// The value after this one.
    fn next(&self, value: &Sensitive, random: Random<'_>) -> Result<Sensitive> {
        let drawn = self.drawn(value, random)?;
        match self.kind {
            KeyKind::TokenList if !Pattern::of(value.expose()).is_placeholder() => {
                let list = List::read(value.expose())?;
                Ok(if self.newest(value).is_placeholder() { list.fill(&drawn) } else { list.push(&drawn) })
            }
            _ => Ok(drawn),
        }
    }

    /// A new value of the form of this one that would be read as such again: what looks like a list, say, would be refused.
    fn drawn(&self, value: &Sensitive, random: Random<'_>) -> Result<Sensitive> {
        let pattern = self.pattern(value);
        // A long value hardly ever needs a second draw, and each takes its time.
        for _ in 0..DRAWS.min(1 + MOST_CHARACTERS / value.expose().len().max(1)) {
            let drawn = pattern.draw(&mut *random)?;
            if foreign::refuse(drawn.expose()).and_then(|()| structure::refuse(drawn.expose())).is_ok() {
                return Ok(drawn);
            }
        }
        Err(Error::new(
            ErrorKind::RefusedValue,
            "no value of the form of the current one was found that is no address, list or pair",
            "store a random value without punctuation by hand, and keyroll keeps that form; nothing was changed",
        ))
    }
}
