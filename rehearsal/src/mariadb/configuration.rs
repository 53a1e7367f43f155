//! What a server is asked to be, and its configuration files.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::quoting::literal;
use crate::tls::{self, Tls};

/// How a server differs from the ordinary one.
#[derive(Clone, Debug, Default)]
pub struct MariaDbOptions {
    /// What it shows to a client that asks for TLS.
    pub tls: Tls,
    /// Look no client's name up: accounts are matched by address alone, and nobody comes from `localhost`.
    pub skip_name_resolve: bool,
    /// More settings, as in `my.cnf`; values are quoted for it.
    pub settings: Vec<(String, String)>,
    /// Plugins to load, as their libraries are called: `simple_password_check`, `password_reuse_check`.
    pub plugins: Vec<String>,
}

/// The binary log's files are called this, with a number.
pub(super) const BINLOG: &str = "binlog";

/// Writes `my.cnf` and `init.sql` into `directory`.
pub(super) fn write(directory: &Path, port: u16, root_password: &str, options: &MariaDbOptions) -> Result<()> {
    std::fs::create_dir(directory.join("tmp"))?;
    std::fs::write(directory.join("my.cnf"), settings(directory, port, options)?)?;
    tls::write_private(&directory.join("init.sql"), &init(root_password))
}

fn settings(directory: &Path, port: u16, options: &MariaDbOptions) -> Result<String> {
    let port = port.to_string();
    let at = |name: &str| directory.join(name).display().to_string();
    let (data, socket, plugins, init) = (at("data"), at("socket"), at("plugin"), at("init.sql"));
    let temporary = at("tmp");
    let (certificate, key) = (at("server.crt"), at("server.key"));
    let (binlog, general, slow) = (at(BINLOG), at("general.log"), at("slow.log"));
    let mut settings = vec![
        ("bind_address", "127.0.0.1"),
        ("port", &port),
        ("socket", &socket),
        ("datadir", &data),
        // A server that starts removes temporary tables (`#sql*`) from its directory for them, whosever they are: sharing one
        // crashes those that are just using theirs.
        ("tmpdir", &temporary),
        ("plugin_dir", &plugins),
        ("init_file", &init),
        ("skip_name_resolve", if options.skip_name_resolve { "1" } else { "0" }),
        // Tests read the logs for what must not be in them, and count logins by the general one.
        ("log_warnings", "2"),
        ("general_log", "1"),
        ("general_log_file", &general),
        ("slow_query_log", "1"),
        ("slow_query_log_file", &slow),
        ("long_query_time", "0"),
        ("server_id", "1"),
        ("log_bin", &binlog),
        // The data lives for one test: speed before durability, and little memory, since several servers run at once.
        ("loose_debug_no_sync", "1"),
        ("loose_innodb_flush_method", "nosync"),
        ("innodb_doublewrite", "0"),
        ("innodb_flush_log_at_trx_commit", "0"),
        ("innodb_fast_shutdown", "3"),
        ("innodb_use_native_aio", "0"),
        ("innodb_buffer_pool_size", "8M"),
        ("innodb_buffer_pool_dump_at_shutdown", "0"),
        ("innodb_log_file_size", "4M"),
        ("innodb_log_buffer_size", "2M"),
        ("innodb_temp_data_file_path", "ibtmp1:1M:autoextend"),
        ("key_buffer_size", "1M"),
        ("aria_pagecache_buffer_size", "2M"),
        ("table_open_cache", "200"),
        ("max_connections", "50"),
    ];
    if options.tls == Tls::Off {
        settings.push(("skip_ssl", "1"));
    } else {
        settings.extend([("ssl_cert", certificate.as_str()), ("ssl_key", key.as_str())]);
    }
    settings.extend(options.plugins.iter().map(|name| ("plugin_load_add", name.as_str())));
    settings.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));

    let mut text = "[mariadbd]\n".to_owned();
    for (name, value) in settings {
        writeln!(text, "{name} = \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))?;
    }
    Ok(text)
}

/// What the server runs before it takes connections. It goes around `ALTER USER`, where plugins might refuse the
/// password, and leaves no root that could come over TCP by a name or address.
fn init(root_password: &str) -> String {
    let hash = format!("CONCAT('*', UPPER(SHA1(UNHEX(SHA1({})))))", literal(root_password));
    format!(
        "SET SESSION sql_log_bin = 0;\n\
         DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';\n\
         UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'mysql_native_password', \
         '$.authentication_string', {hash}) WHERE User = 'root';\n\
         FLUSH PRIVILEGES;\n"
    )
}
