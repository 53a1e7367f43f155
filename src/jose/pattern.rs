//! What a bare secret looks like, so that its readers take the next one alike: a service may decode base64 or hex
//! before it takes the bytes for a key, look for a prefix, or hold a length against its own rule.
//!
//! A value is a start that stays, random characters, in groups or lines of one width, and a line end. Where the characters
//! fit several alphabets, only those are drawn that all of them share.
//!
//! RFC 7518, section 3.2, demands a key of at least as many bits as the hash for HMAC: 256 for HS256. What counts is the
//! least that any reader could take the value for, so that 32 hexadecimal digits are 128 bits.

mod body;
mod draw;
mod layout;
mod start;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use self::body::{Body, LEAST_BYTES};
use self::layout::Layout;
use crate::error::Result;
use crate::secret::{Sensitive, is_placeholder};

/// How many values are drawn to find one of the same form; of a handful of characters there may be hardly any.
const DRAWS: usize = 1000;
/// The lengths of 32, 48 and 64 bytes in base64url without padding.
const KEY_LENGTHS: [usize; 3] = [43, 64, 86];

/// How values of a secret look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands before the random characters, and stays: `base64:`, `0x`, a word of the owner's.
    start: String,
    /// Whether the whole, start and all, decodes as base64url, too: what looks like a word may be its first characters.
    decodes: bool,
    body: Body,
    /// What stands between groups or lines of the random characters.
    layout: Option<Layout>,
    /// A line end that came with the value, as `echo` writes it: readers may count it in.
    end: String,
}

impl Pattern {
    /// The form of a value.
    pub(super) fn of(value: &str) -> Self {
        let rest = value.trim_end_matches(['\r', '\n']);
        let end = value.get(rest.len()..).unwrap_or_default().to_owned();
        let whole = |body| Self { start: String::new(), decodes: false, body, layout: None, end: end.clone() };
        if is_placeholder(rest) {
            return whole(Body::Placeholder);
        }
        if let Some((start, body)) = start::split(rest) {
            return Self { start: start.to_owned(), decodes: decoded(rest).is_some(), ..whole(body) };
        }
        if let Some((layout, body)) = layout::split(rest) {
            return Self { layout: Some(layout), ..whole(body) };
        }
        whole(Body::of(rest))
    }

    /// The form that a new HMAC key has: the same, or a stronger one where RFC 7518 demands it.
    pub(super) fn strengthened(&self) -> Self {
        // Taken as a whole it is strong enough.
        if self.decodes && self.body.bytes().is_none_or(|bytes| bytes < LEAST_BYTES) && self.is_key_as_a_whole() {
            return self.clone();
        }
        let body = self.body.strengthened();
        let layout = self.layout.clone().filter(|_| body != Body::Placeholder);
        let body = match &layout {
            Some(layout) => layout.filled(body),
            None => body,
        };
        // Base64url never has one character more than a multiple of four.
        let decodes = self.decodes && (self.start.len() + body.length()) % 4 != 1;
        Self { start: self.start.clone(), decodes, body, layout, end: self.end.clone() }
    }

    /// Whether start and characters together are base64url of a key's size, of 32 bytes or more.
    fn is_key_as_a_whole(&self) -> bool {
        let length = self.start.len() + self.body.length();
        KEY_LENGTHS.contains(&length)
    }

    /// Whether no value has been stored yet.
    pub(super) fn is_placeholder(&self) -> bool {
        self.body == Body::Placeholder
    }

    /// Whether its characters are known to encode bytes, or to stand in groups or behind a start: nothing else in it means anything.
    pub(super) fn is_understood(&self) -> bool {
        !matches!(self.body, Body::Text { .. }) || self.layout.is_some() || !self.start.is_empty()
    }

    /// A new value of this form. One that looks like another form, such as text that could be padded base64, would change the
    /// form for ever: it is drawn again, as often as that may help.
    pub(super) fn draw(&self, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<Sensitive> {
        let mut drawn = self.candidate(random)?;
        for _ in 0..DRAWS {
            if self.is_placeholder() || Self::of(drawn.expose()) == *self {
                break;
            }
            drawn = self.candidate(random)?;
        }
        Ok(drawn)
    }

    fn candidate(&self, random: &mut dyn FnMut(&mut [u8]) -> Result<()>) -> Result<Sensitive> {
        let body = Sensitive::new(self.body.draw(random)?);
        let body = match &self.layout {
            Some(layout) => layout.lay_out(body.expose()),
            None => body,
        };
        Ok(Sensitive::new(format!("{}{}{}", self.start, body.expose(), self.end)))
    }

    /// The form in words.
    pub(super) fn text(&self) -> String {
        // A word of the owner's is a piece of the value.
        let before = match &self.start[..] {
            "" => String::new(),
            known @ ("base64:" | "hex:" | "0x" | "0X" | "urn:uuid:") => format!(" behind {known:?}"),
            _ => " behind a prefix that stays".to_owned(),
        };
        let between = self.layout.as_ref().map(|layout| format!(" {layout}")).unwrap_or_default();
        format!("{}{between}{before}", self.body.text())
    }

    /// How many bytes a value encodes, where it is known to encode any, and nothing stands before it.
    pub(super) fn bytes(&self) -> Option<usize> {
        self.body.bytes().filter(|_| self.start.is_empty() && self.layout.is_none())
    }

    /// How many bits of randomness a value of this form has, rounded down.
    pub(super) fn bits(&self) -> usize {
        self.body.bits()
    }
}

/// What a value decodes to as base64url without padding, by a decoder that takes no bits which stand for nothing.
fn decoded(value: &str) -> Option<Zeroizing<Vec<u8>>> {
    Base64UrlUnpadded::decode_vec(value).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests;
