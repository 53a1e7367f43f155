//! Groups and lines of random characters: `JBSW Y3DP EHPK 3PXP`, or base64 as `openssl` breaks it after 64 characters.

use std::fmt;

use super::body::Body;
use crate::secret::Sensitive;

/// Groups of letters and digits have at most as many of them.
const WIDEST_GROUP: usize = 8;
/// Fewer letters and digits in groups are a date, a number, a name.
const LEAST_CHARACTERS: usize = 16;
/// `user:password` may have two parts of one length.
const LEAST_GROUPS: usize = 3;
/// Where `openssl` and `base64` break lines.
const BROKEN_AT: [usize; 2] = [64, 76];
/// Fewer bytes between colons may be something else, such as a time.
const LEAST_BYTES: usize = 8;

/// What stands between parts of one width, of which the last may be shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    width: usize,
    separator: String,
}

/// The layout of a value and its characters, if it has one.
pub(super) fn split(value: &str) -> Option<(Layout, Body)> {
    for separator in ["\r\n", "\n", ":", " ", "-", ".", "_"] {
        let parts: Vec<&str> = value.split(separator).collect();
        let (last, others) = parts.split_last()?;
        let Some(width) = others.first().map(|part| part.len()) else { continue };
        let is_even = others.iter().all(|part| part.len() == width) && (1..=width).contains(&last.len());
        let joined = Sensitive::new(parts.concat());
        let fits = match separator {
            // Lines that are all of one width may as well be a list, unless a tool breaks its lines there.
            "\r\n" | "\n" => {
                let broken = last.len() < width || BROKEN_AT.contains(&width);
                broken && width >= LEAST_CHARACTERS && Body::named(joined.expose()).is_some()
            }
            ":" => {
                let has = |class: fn(&u8) -> bool| joined.expose().as_bytes().iter().any(class);
                let one_case = !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase));
                let hex = joined.expose().bytes().all(|c| c.is_ascii_hexdigit());
                hex && one_case && width == 2 && last.len() == 2 && parts.len() >= LEAST_BYTES
            }
            _ => {
                let plain = joined.expose().bytes().all(|c| c.is_ascii_alphanumeric());
                let grouped = parts.len() >= LEAST_GROUPS && (2..=WIDEST_GROUP).contains(&width);
                plain && grouped && last.len() == width && joined.expose().len() >= LEAST_CHARACTERS
            }
        };
        if is_even && fits {
            let by_name = if matches!(separator, "\r\n" | "\n" | ":") { Body::named(joined.expose()) } else { None };
            let body = by_name.unwrap_or_else(|| Body::of(joined.expose()));
            return Some((Layout { width, separator: separator.to_owned() }, body));
        }
    }
    None
}

impl Layout {
    /// A body that fills its groups. Of lines the last may be shorter.
    pub(super) fn filled(&self, body: Body) -> Body {
        let mut body = body;
        while !self.separator.ends_with('\n') && !body.length().is_multiple_of(self.width) {
            body = body.longer();
        }
        body
    }

    /// These characters, in this layout.
    pub(super) fn lay_out(&self, characters: &str) -> Sensitive {
        let mut text = String::with_capacity(characters.len() * 2);
        for (number, character) in characters.chars().enumerate() {
            if number > 0 && number.is_multiple_of(self.width) {
                text.push_str(&self.separator);
            }
            text.push(character);
        }
        Sensitive::new(text)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.separator.ends_with('\n') { "lines" } else { "groups" };
        write!(f, "in {what} of {}", self.width)
    }
}
