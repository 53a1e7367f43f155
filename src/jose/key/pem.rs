//! Keys as PEM (RFC 7468), and as what environment variables make of it: with `\n` spelt out instead of line breaks.
//!
//! A service reads the key with a parser of its own, so a new key is written in the form of the one before: the same
//! label, the same line breaks, the same end.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::parts::{Bytes, Key, refused};
use crate::error::{Error, Result};
use crate::secret::Sensitive;

/// How lines are broken; what contains another stands before it.
const BREAKS: [&str; 4] = ["\r\n", "\n", "\\r\\n", "\\n"];

/// How wide RFC 7468 has its lines.
const WIDTH: usize = 64;

/// What a PEM block may hold that is not an unencrypted private key: its label, what it is and what to do.
const OTHERS: [(&str, &str, &str); 8] = [
    ("ENCRYPTED PRIVATE KEY", "an encrypted private key", UNLOCK),
    ("CERTIFICATE", "a certificate", PRIVATE),
    ("CERTIFICATE REQUEST", "a certificate request", PRIVATE),
    ("PUBLIC KEY", "a public key", PRIVATE),
    ("RSA PUBLIC KEY", "a public key", PRIVATE),
    ("DSA PRIVATE KEY", "a DSA key", "use RSA, ECDSA over P-256 or P-384, or Ed25519"),
    ("OPENSSH PRIVATE KEY", "a key in OpenSSH's own format", "rewrite it with ssh-keygen -p -m PKCS8"),
    ("PGP PRIVATE KEY BLOCK", "an OpenPGP key", "use RSA, ECDSA over P-256 or P-384, or Ed25519"),
];
const UNLOCK: &str =
    "store the key without a passphrase, as openssl pkey writes it: Secrets Manager encrypts the secret";
const PRIVATE: &str = "store the private key alone";
const WHOLE: &str = "store one PEM block alone, from -----BEGIN to -----END and whatever ends the last line";

/// How a key was written, to write another one like it. It holds nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemForm {
    label: Label,
    line_break: &'static str,
    end: String,
    /// Whether `EC PARAMETERS` stand before the key, as `openssl ecparam -genkey` writes them.
    parameters: bool,
    /// Whether the public half of an Ed25519 key is inside.
    with_public: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Pkcs8,
    Pkcs1,
    Sec1,
    Spki,
    PublicPkcs1,
}

impl Label {
    const PRIVATE: [Self; 3] = [Self::Pkcs8, Self::Pkcs1, Self::Sec1];
    const PUBLIC: [Self; 2] = [Self::Spki, Self::PublicPkcs1];

    fn name(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Pkcs1 => "RSA PRIVATE KEY",
            Self::Sec1 => "EC PRIVATE KEY",
            Self::Spki => "PUBLIC KEY",
            Self::PublicPkcs1 => "RSA PUBLIC KEY",
        }
    }
}

impl Default for PemForm {
    /// PKCS#8 as openssl writes it.
    fn default() -> Self {
        Self { label: Label::Pkcs8, line_break: "\n", end: "\n".to_owned(), parameters: false, with_public: false }
    }
}

impl PemForm {
    /// What stands behind BEGIN.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.label.name()
    }

    /// The form of a public half that is kept beside a private key of this form: a `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { label: Label::Spki, parameters: false, with_public: false, ..self.clone() }
    }
}

impl Key {
    /// Reads a private key, and how it was written.
    pub fn from_pem(text: &str) -> Result<(Self, PemForm)> {
        let (first, rest) = Block::first(text)?;
        let (parameters, (block, rest)) = match first.label {
            "EC PARAMETERS" => (Some(first.der), Block::first(without_breaks(rest))?),
            _ => (None, (first, rest)),
        };
        let label = block.known(&Label::PRIVATE)?;
        let (key, with_public) = match label {
            Label::Pkcs8 => Self::from_pkcs8(&block.der)?,
            Label::Pkcs1 => (Self::from_pkcs1(&block.der)?, false),
            _ => (Self::from_sec1(&block.der)?, false),
        };
        if let Some(parameters) = &parameters
            && (label != Label::Sec1 || **parameters != *key.to_ec_parameters()?)
        {
            return Err(refused("the EC PARAMETERS do not belong to the key behind them", WHOLE));
        }
        let form = block.form(label, rest, parameters.is_some())?;
        Ok((key, PemForm { with_public, ..form }))
    }

    /// Writes the private key.
    pub fn to_pem(&self, form: &PemForm) -> Result<Sensitive> {
        let der = match form.label {
            Label::Pkcs8 => self.to_pkcs8(form.with_public)?,
            Label::Pkcs1 => self.to_pkcs1()?,
            Label::Sec1 => self.sec1(true)?,
            Label::Spki | Label::PublicPkcs1 => return Err(refused("a private key has no public form", PRIVATE)),
        };
        let mut text = Zeroizing::new(String::with_capacity(2 * der.len() + 256));
        if form.parameters {
            written(&mut text, "EC PARAMETERS", &self.to_ec_parameters()?, form.line_break);
            text.push_str(form.line_break);
        }
        written(&mut text, form.label(), &der, form.line_break);
        text.push_str(&form.end);
        Ok(Sensitive::new(std::mem::take(&mut *text)))
    }

    /// Writes the public half.
    pub fn public_pem(&self, form: &PemForm) -> Result<String> {
        let mut text = String::new();
        written(&mut text, form.label(), &self.public_der(form.label)?, form.line_break);
        text.push_str(&form.end);
        Ok(text)
    }

    /// Whether a text is the public half of this key, and how it is written. DER has one form for each key, so the bytes
    /// are compared; a point in compressed form is not recognised.
    #[must_use]
    pub fn is_public_half(&self, pem: &str) -> Option<PemForm> {
        let (block, rest) = Block::first(pem).ok()?;
        let label = block.known(&Label::PUBLIC).ok()?;
        let form = block.form(label, rest, false).ok()?;
        (*self.public_der(label).ok()? == *block.der).then_some(form)
    }

    fn public_der(&self, label: Label) -> Result<Bytes> {
        match label {
            Label::Spki => self.to_spki(),
            Label::PublicPkcs1 => self.to_public_pkcs1(),
            Label::Pkcs8 | Label::Pkcs1 | Label::Sec1 => Err(refused("a public key has no private form", PRIVATE)),
        }
    }
}

/// One block, taken apart.
struct Block<'a> {
    label: &'a str,
    line_break: &'static str,
    der: Bytes,
}

impl<'a> Block<'a> {
    /// The block that a text begins with, and what stands behind it.
    fn first(text: &'a str) -> Result<(Self, &'a str)> {
        let begun = text.strip_prefix("-----BEGIN ").and_then(|text| text.split_once("-----"));
        let Some((label, text)) = begun else {
            return Err(refused("the value does not begin with -----BEGIN and a label", WHOLE));
        };
        let Some(line_break) = BREAKS.into_iter().find(|line_break| text.starts_with(line_break)) else {
            return Err(refused(
                "there is no line break behind the line with -----BEGIN",
                "store the key with its line breaks, or with \\n in their place",
            ));
        };
        let Some((body, rest)) = text.split_once(&format!("{line_break}-----END {label}-----")) else {
            return Err(refused("there is no line with -----END and the label of -----BEGIN", WHOLE));
        };
        // RFC 1421: Proc-Type: 4,ENCRYPTED. No base64 has a comma.
        if body.contains(",ENCRYPTED") {
            return Err(refused("the PEM block holds an encrypted private key", UNLOCK));
        }
        let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
        body.split(line_break).for_each(|line| base64.push_str(line));
        let der = Base64::decode_vec(&base64).map_err(|_| {
            refused("what stands between BEGIN and END is not base64 in lines that are all broken alike", WHOLE)
        })?;
        Ok((Self { label, line_break, der: Zeroizing::new(der) }, rest))
    }

    /// The label, if it is among those.
    fn known(&self, labels: &[Label]) -> Result<Label> {
        labels.iter().copied().find(|label| label.name() == self.label).ok_or_else(|| other(self.label))
    }

    /// How the block was written, if nothing but line breaks stands behind it.
    fn form(&self, label: Label, rest: &str, parameters: bool) -> Result<PemForm> {
        if !without_breaks(rest).is_empty() {
            return Err(refused("something stands behind the PEM block", WHOLE));
        }
        Ok(PemForm { label, line_break: self.line_break, end: rest.to_owned(), parameters, with_public: false })
    }
}

fn without_breaks(mut text: &str) -> &str {
    while let Some(rest) = BREAKS.into_iter().find_map(|line_break| text.strip_prefix(line_break)) {
        text = rest;
    }
    text
}

/// A label that is not known is not told: it may be anything.
fn other(label: &str) -> Error {
    let known = OTHERS.iter().find(|(known, ..)| *known == label);
    let (what, remedy) =
        known.map_or(("something that keyroll does not know", PRIVATE), |(_, what, remedy)| (what, remedy));
    refused(format!("the PEM block holds {what}"), remedy)
}

/// Writes a block up to the dashes of its last line. Base64 of private bytes is wiped; `text` must have room enough, so
/// that it does not leave a copy behind when it grows.
fn written(text: &mut String, label: &str, der: &[u8], line_break: &str) {
    let base64 = Zeroizing::new(Base64::encode_string(der));
    for piece in ["-----BEGIN ", label, "-----", line_break] {
        text.push_str(piece);
    }
    let mut left = base64.as_str();
    while !left.is_empty() {
        let (line, rest) = left.split_at_checked(WIDTH).unwrap_or((left, ""));
        text.push_str(line);
        text.push_str(line_break);
        left = rest;
    }
    for piece in ["-----END ", label, "-----"] {
        text.push_str(piece);
    }
}

#[cfg(test)]
mod tests;
