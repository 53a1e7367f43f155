//! Certificates for the stage's servers: right ones, and each kind of wrong one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

/// What a server shows to a client that asks for TLS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tls {
    /// A certificate for `localhost` and `127.0.0.1` by the authority that clients are told to trust.
    #[default]
    Trusted,
    /// The same, made out to another host.
    OtherHost,
    /// The right host, by an authority that nobody trusts.
    OtherAuthority,
    /// The right host and authority, and a date in the past.
    Expired,
    /// No TLS at all.
    Off,
}

/// PEM texts: the authority that clients trust, and the server's chain and key.
pub(crate) struct Material {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Material {
    /// Writes `ca.pem`, `server.crt` and `server.key` into a server's directory.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        std::fs::write(directory.join("ca.pem"), &self.authority)?;
        std::fs::write(directory.join("server.crt"), &self.certificate)?;
        write_private(&directory.join("server.key"), &self.key)
    }
}

/// Writes a file that only its owner may read; PostgreSQL insists on that for its key.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Makes new keys and certificates for `tls`.
pub(crate) fn material(tls: Tls) -> Result<Material> {
    let (trusted, authority) = authority("keyroll rehearsal")?;
    let issuer = match tls {
        Tls::OtherAuthority => self::authority("keyroll rehearsal, untrusted")?.0,
        _ => trusted,
    };
    let names = match tls {
        Tls::OtherHost => vec!["elsewhere.invalid".to_owned()],
        _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
    };
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "keyroll rehearsal server");
    parameters.use_authority_key_identifier_extension = true;
    // Fixed dates, so that a machine whose clock is off still has a stage to play on.
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(if tls == Tls::Expired { 2021 } else { 2090 }, 1, 1);
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, &issuer)?.pem();
    Ok(Material { authority, certificate, key: key.serialize_pem() })
}

fn authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String)> {
    let mut parameters = CertificateParams::new(Vec::<String>::new())?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2090, 1, 1);
    let key = KeyPair::generate()?;
    let pem = parameters.self_signed(&key)?.pem();
    Ok((Issuer::new(parameters, key), pem))
}
