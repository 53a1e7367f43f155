//! A private PostgreSQL with real passwords, TLS, and a log of everything it was told.

mod configuration;
mod log;
mod psql;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::guard::{self, Guard, Server};
use crate::tls::{self, Tls};

pub use self::configuration::PostgresOptions;
pub use self::log::{Logins, Mark};
pub use self::psql::{Held, Login, identifier, literal};

/// A running server. Dropping it stops the server and removes all it wrote.
///
/// Its superuser is `postgres`, who gets in through a private Unix socket only. Everyone else needs a password and
/// comes over TCP, by TLS or not, as on RDS with its default settings.
#[derive(Debug)]
pub struct Postgres {
    guard: Guard,
    bin: PathBuf,
    port: u16,
    tls: Tls,
}

impl Postgres {
    /// Starts an ordinary server.
    pub fn start() -> Result<Self> {
        Self::start_with(&PostgresOptions::default())
    }

    /// Starts a server that differs by `options`.
    pub fn start_with(options: &PostgresOptions) -> Result<Self> {
        Self::launch(options, None)
    }

    /// Starts a hot standby that streams from `primary`: it has the same roles and accepts reads only.
    pub fn start_standby_of(primary: &Self) -> Result<Self> {
        Self::launch(&PostgresOptions { tls: primary.tls, ..PostgresOptions::default() }, Some(primary))
    }

    fn launch(options: &PostgresOptions, primary: Option<&Self>) -> Result<Self> {
        let bin = binaries()?;
        for _ in 0..5 {
            let server = Self::launch_once(&bin, options, primary)?;
            match server.guard.wait_until(|| server.log().contains("ready to accept")) {
                Ok(()) => return Ok(server),
                // Somebody else took the port between the look and the start.
                Err(_) if server.log().contains("could not bind") => {}
                Err(error) => return Err(error.context(format!("PostgreSQL did not start:\n{}", server.log()))),
            }
        }
        bail!("PostgreSQL found no free port in five tries")
    }

    fn launch_once(bin: &Path, options: &PostgresOptions, primary: Option<&Self>) -> Result<Self> {
        let port = guard::free_port()?;
        let directory = guard::private_directory("keyroll-pg-")?;
        tls::material(options.tls)?.write(&directory)?;
        let connection = primary.map(|it| format!("host={} port={} user=postgres", it.directory().display(), it.port));
        configuration::write(&directory, port, options, connection.as_deref())?;

        let mut command: Vec<OsString> = vec!["sh".into(), "-c".into(), include_str!("postgres/launch.sh").into()];
        command.extend(["keyroll-postgres".into(), bin.into(), directory.clone().into(), initdb_cache(bin)?.into()]);
        command.extend(primary.map_or_else(
            || [OsString::new(), OsString::new()],
            |primary| [primary.directory().into(), primary.port.to_string().into()],
        ));
        let server = Server {
            command,
            environment: Vec::new(),
            log: directory.join("server.log"),
            // Immediate shutdown: nothing in this server is worth a checkpoint.
            stop_signal: "QUIT",
        };
        Ok(Self { guard: Guard::spawn(directory, &server)?, bin: bin.to_owned(), port, tls: options.tls })
    }

    /// The loopback port it listens on; clients that check the certificate call the host `localhost`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that its clients are to trust, in PEM.
    #[must_use]
    pub fn ca_pem_path(&self) -> PathBuf {
        self.directory().join("ca.pem")
    }

    /// The postmaster's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.guard.pid()
    }

    fn directory(&self) -> &Path {
        self.guard.directory()
    }
}

/// The newest installed server's binaries.
fn binaries() -> Result<PathBuf> {
    let newest = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        entry.path().join("bin/postgres").exists().then(|| (version, entry.path().join("bin")))
    });
    let newest = newest.max().map(|(_, bin)| bin);
    newest.context("no PostgreSQL server is installed under /usr/lib/postgresql: run scripts/prepare demo")
}

/// Where the result of initdb is kept between runs: one for every version, since nothing else goes into it.
fn initdb_cache(bin: &Path) -> Result<PathBuf> {
    let version = Command::new(bin.join("postgres")).arg("--version").output()?;
    let version = String::from_utf8_lossy(&version.stdout).trim().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    // Root must not trust what others could have put there, so it is beside the sources and not in /tmp.
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/initdb").join(version))
}

#[cfg(test)]
mod tests;
