//! Which members of a document belong to its key, under every common spelling: its names, its public halves, its thumbprint and
//! its dates. Each is renewed with the key. What belongs to the key and cannot be renewed is refused by name.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

use super::key::{Key, PemForm};
use super::window::{Moment, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Document, Sensitive, is_placeholder};

/// Members that name a key, without case, hyphens and underscores.
const NAMES: [&str; 4] = ["keyid", "kid", "privatekeyid", "signingkeyid"];
/// Members that hold its public half, whatever stands there.
const PUBLICS: [&str; 4] = ["publickey", "publickeypem", "pubkey", "publicpem"];
/// Words in names of members that hold times.
const TIMES: [&str; 10] = ["date", "time", "exp", "valid", "until", "since", "renew", "rotat", "created", "issued"];
/// Members from when on a key is valid.
const FROM: [&str; 5] = ["validfrom", "notbefore", "nbf", "validafter", "activefrom"];
/// Members until when it is.
const UNTIL: [&str; 10] = [
    "validuntil",
    "validto",
    "notafter",
    "exp",
    "expiresat",
    "expires",
    "expiry",
    "expirydate",
    "expiration",
    "expirationdate",
];
/// Members when it was made.
const MADE: [&str; 6] = ["createdat", "created", "createddate", "issuedat", "iat", "generatedat"];
/// Members that open an encrypted key.
const PASSPHRASES: [&str; 5] =
    ["passphrase", "privatekeypassphrase", "keypassphrase", "keypassword", "privatekeypassword"];
/// Numbers of seconds since 1970 that are dates: of the years 2001 to 2100.
const DATES: std::ops::Range<i64> = 978_307_200..4_102_444_800;

/// The members of a document that belong to its key.
#[derive(Default)]
pub(super) struct Members {
    /// Those that name it, and the name.
    pub(super) names: Vec<String>,
    pub(super) key_id: Option<String>,
    /// Those that hold its thumbprint (RFC 7638) in base64url.
    pub(super) thumbprints: Vec<String>,
    /// Those that hold its public half, and how that is written.
    pub(super) publics: Vec<(String, PemForm)>,
    /// From when until when it is valid.
    pub(super) window: Option<Dated>,
    /// When it was made, and how that is written.
    pub(super) made: Option<Made>,
}

/// A window and the members that it stands in.
pub(super) struct Dated {
    pub(super) from: String,
    pub(super) until: String,
    pub(super) window: Window,
}

impl Members {
    /// The members that belong to the key in `field`; none of them is the key where a placeholder stands there.
    pub(super) fn of(document: &Document, field: &str, key: Option<&Key>) -> Result<Self> {
        let thumbprint = key.map(thumbprint);
        let mut members = Self::default();
        let mut names: Vec<String> = Vec::new();
        let (mut from, mut until, mut made) = (None, None, None);
        for member in document.keys().filter(|member| *member != field) {
            let Some(value) = document.get(member)?.filter(|value| !value.is_null()) else { continue };
            let plain = member.replace(['-', '_'], "").to_ascii_lowercase();
            let text = value.as_str();
            let date = |slot: &mut Option<Date>| {
                let date = Date { member: member.to_owned(), value: value.clone() };
                match slot.replace(date) {
                    None => Ok(()),
                    Some(Date { member: other, .. }) => {
                        Err(refused(&format!("{other:?} and {member:?} are two dates of one meaning")))
                    }
                }
            };
            if NAMES.contains(&&plain[..]) {
                let name = text.ok_or_else(|| refused(&format!("the JSON key {member:?} does not hold a string")))?;
                members.names.push(member.to_owned());
                names.push(name.to_owned());
            } else if FROM.contains(&&plain[..]) {
                date(&mut from)?;
            } else if UNTIL.contains(&&plain[..]) {
                date(&mut until)?;
            } else if MADE.contains(&&plain[..]) {
                date(&mut made)?;
            } else if let Some(text) = text {
                members.take(member, &plain, &Sensitive::new(text.to_owned()), key, thumbprint.as_deref())?;
            } else if is_time(&plain, &value) {
                return Err(not_understood(member, "is a date"));
            } else if value.to_string().contains("\"kty\"") || plain.contains("x5c") {
                return Err(not_understood(member, "holds the key in another form"));
            }
        }
        names.dedup();
        if names.len() > 1 {
            return Err(refused(&format!("the JSON keys {} name the key differently", members.names.join(", "))));
        }
        members.key_id = names.pop();
        // Another member that names a key, such as active_kid, and holds this name gets the new one. An issuer may have the name, too.
        if let Some(key_id) = members.key_id.clone() {
            let holds = |member: &&str| matches!(document.get(member), Ok(Some(Value::String(text))) if text == key_id);
            let known = [members.names.clone(), members.thumbprints.clone()].concat();
            let names_key = |member: &&str| {
                let plain = member.replace(['-', '_'], "").to_ascii_lowercase();
                plain.contains("kid") || plain.contains("keyid")
            };
            let others = document.keys().filter(|member| *member != field && known.iter().all(|name| name != member));
            members.names.extend(others.filter(names_key).filter(holds).map(str::to_owned));
        }
        (members.window, members.made) = dates(from, until, made)?;
        Ok(members)
    }

    fn take(
        &mut self,
        member: &str,
        plain: &str,
        text: &Sensitive,
        key: Option<&Key>,
        thumbprint: Option<&str>,
    ) -> Result<()> {
        let begins = |what: &str| text.expose().trim_start().starts_with(what);
        let is_public = begins("-----BEGIN PUBLIC KEY") || begins("-----BEGIN RSA PUBLIC KEY");
        if is_public || PUBLICS.contains(&plain) {
            let form = match key {
                Some(key) => key.is_public_half(text.expose()),
                None => is_placeholder(text.expose()).then(|| PemForm::default().beside()),
            };
            match form {
                Some(form) => self.publics.push((member.to_owned(), form)),
                None if key.is_some() && (PUBLICS.contains(&plain) || is_half_with_blanks(key, text)) => {
                    let cause = format!("the public half in {member:?} does not belong to the private key beside it");
                    return Err(refused(&cause));
                }
                // Somebody else's.
                None => {}
            }
        } else if Some(text.expose()) == thumbprint {
            self.thumbprints.push(member.to_owned());
        } else if is_other_form(key, text) {
            return Err(not_understood(member, "holds the key in another form"));
        } else if text.expose().contains("BEGIN CERTIFICATE")
            && !["cabundle", "cacert", "trust", "root"].iter().any(|word| plain.contains(word))
        {
            return Err(not_understood(member, "holds a certificate of the key, which only its authority can renew"));
        } else if ["fingerprint", "thumbprint", "x5t"].iter().any(|word| plain.contains(word)) {
            return Err(not_understood(member, "holds a fingerprint of the key that is not its RFC 7638 thumbprint"));
        } else if PASSPHRASES.contains(&plain) && !text.expose().is_empty() {
            return Err(not_understood(member, "holds a passphrase, and keyroll writes keys without one"));
        } else if Moment::read(member, &Value::from(text.expose())).is_ok_and(|date| date.is_text())
            || is_time(plain, &Value::from(text.expose()))
        {
            return Err(not_understood(member, "is a date"));
        }
        Ok(())
    }
}

/// Whether a member of such a name holds a time, in seconds or milliseconds since 1970.
fn is_time(plain: &str, value: &Value) -> bool {
    let named = plain.ends_with("at") || plain.ends_with("on") || TIMES.iter().any(|word| plain.contains(word));
    let number = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return false,
    };
    let whole = number.split_once('.').map_or(&number[..], |(whole, _)| whole);
    let is_date = |number: i64| DATES.contains(&number) || DATES.contains(&(number / 1000));
    named && whole.parse().is_ok_and(is_date)
}

/// Whether a text is the key's public half with blanks around it.
fn is_half_with_blanks(key: Option<&Key>, text: &Sensitive) -> bool {
    key.is_some_and(|key| key.is_public_half(text.expose().trim()).is_some())
}

/// Whether a text is the private key once more, or DER in base64, which may be anything of it.
fn is_other_form(key: Option<&Key>, text: &Sensitive) -> bool {
    let of_pem =
        |text: &str| Key::from_pem(text.trim()).is_ok_and(|(other, _)| key.is_some_and(|key| key.same(&other)));
    let decoded = Base64::decode_vec(text.expose().trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let der = text.expose().trim_start().starts_with("MI") && text.expose().len() > 64;
    of_pem(text.expose()) || decoded.is_some_and(|pem| of_pem(&pem)) || der
}

/// The RFC 7638 thumbprint of a key, in base64url.
pub(super) fn thumbprint(key: &Key) -> String {
    Base64UrlUnpadded::encode_string(&key.digest())
}

/// A member with a date.
struct Date {
    member: String,
    value: Value,
}

type Made = (String, Moment);

/// The window and the date of making, from what stands there.
fn dates(from: Option<Date>, until: Option<Date>, made: Option<Date>) -> Result<(Option<Dated>, Option<Made>)> {
    let window = |from: Date, until: Date| -> Result<_> {
        let window = Window::read(&from.member, &from.value, &until.member, &until.value)?;
        Ok(Some(Dated { from: from.member, until: until.member, window }))
    };
    let made_alone = |made: Option<Date>| -> Result<_> {
        made.map(|date| Ok((Moment::read(&date.member, &date.value)?, date.member)))
            .transpose()
            .map(|read| read.map(|(moment, member)| (member, moment)))
    };
    match (from, until, made) {
        (Some(from), Some(until), made) => Ok((window(from, until)?, made_alone(made)?)),
        (None, Some(until), Some(made)) => Ok((window(made, until)?, None)),
        (None, None, made) => Ok((None, made_alone(made)?)),
        (Some(one), None, _) | (None, Some(one), None) => {
            Err(refused(&format!("the document has only one of the two ends of the key's validity, {:?}", one.member)))
        }
    }
}

fn not_understood(member: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::RefusedValue,
        format!("the JSON key {member:?} {why}: with a new key beside it, it would be wrong"),
        "take it out of the document, or renew the key by hand; the names, public halves, thumbprints and dates that keyroll knows \
         stand in docs/signing-keys.md",
    )
}

fn refused(cause: &str) -> Error {
    Error::new(
        ErrorKind::RefusedValue,
        cause,
        "correct the document: one name for the key, its own public half, and both ends of its validity, or neither",
    )
}

#[cfg(test)]
mod tests;
