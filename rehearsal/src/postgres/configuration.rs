//! What a server is asked to be, and its configuration files.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::tls::Tls;

/// How a server differs from the ordinary one.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// What it shows to a client that asks for TLS.
    pub tls: Tls,
    /// Keep passwords as MD5 hashes, as servers that were set up long ago do.
    pub md5: bool,
    /// More settings, as in `postgresql.conf`; values are quoted for it.
    pub settings: Vec<(String, String)>,
    /// Lines of `pg_hba.conf` that come before the ordinary ones.
    pub hba: Vec<String>,
}

/// Writes `postgresql.conf` and `pg_hba.conf` into `directory`. A standby gets the connection to its primary written there, too.
pub(super) fn write(directory: &Path, port: u16, options: &PostgresOptions, primary: Option<&str>) -> Result<()> {
    std::fs::write(directory.join("postgresql.conf"), settings(directory, port, options, primary)?)?;
    std::fs::write(directory.join("pg_hba.conf"), host_rules(options))?;
    Ok(())
}

fn settings(directory: &Path, port: u16, options: &PostgresOptions, primary: Option<&str>) -> Result<String> {
    let port = port.to_string();
    let at = |name: &str| directory.join(name).display().to_string();
    let (hba, certificate, key, sockets) = (at("pg_hba.conf"), at("server.crt"), at("server.key"), at(""));
    let mut settings = vec![
        ("listen_addresses", "127.0.0.1"),
        ("port", &port),
        ("unix_socket_directories", &sockets),
        ("hba_file", &hba),
        ("password_encryption", if options.md5 { "md5" } else { "scram-sha-256" }),
        ("ssl", if options.tls == Tls::Off { "off" } else { "on" }),
        ("ssl_cert_file", &certificate),
        ("ssl_key_file", &key),
        // Tests read the log for what must not be in it, and count logins by it.
        ("log_statement", "all"),
        ("log_connections", "on"),
        ("log_line_prefix", "%m [%p] "),
        ("lc_messages", "C"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        // The data lives for one test: speed before durability, and little memory, since several servers run at once.
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("shared_buffers", "16MB"),
        ("max_connections", "50"),
    ];
    settings.extend(primary.map(|connection| ("primary_conninfo", connection)));
    settings.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));

    let mut text = String::new();
    for (name, value) in settings {
        writeln!(text, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''"))?;
    }
    Ok(text)
}

fn host_rules(options: &PostgresOptions) -> String {
    let mut lines = options.hba.clone();
    // The socket is in a directory that only its owner may enter.
    lines.extend(["local all postgres trust", "local replication postgres trust"].map(str::to_owned));
    lines.push("host all postgres 127.0.0.1/32 reject".to_owned());
    // `md5` takes SCRAM where the stored password is SCRAM; `scram-sha-256` would turn MD5 roles away.
    let method = if options.md5 { "md5" } else { "scram-sha-256" };
    lines.push(format!("host all all 127.0.0.1/32 {method}"));
    lines.join("\n") + "\n"
}
