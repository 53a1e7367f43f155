//! A private MariaDB with real passwords, TLS, and logs of everything it was told.

mod binlog;
mod client;
mod configuration;
mod installed;
mod log;
mod native;
mod quoting;
mod replica;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::aws::random;
use crate::guard::{self, Guard, Server};
use crate::tls::{self, Tls};

pub use self::configuration::MariaDbOptions;
pub use self::log::Mark;
pub use self::native::{native_answer, native_hash};
pub use self::quoting::{identifier, literal};
pub use crate::postgres::{Held, Login, Logins};

/// A running server. Dropping it stops the server and removes all it wrote.
///
/// Its superuser is `root`, who gets in through a private Unix socket only: nobody but this value knows the password.
/// Everyone else comes over TCP, by TLS or not, as on RDS with its default settings.
#[derive(Debug)]
pub struct MariaDb {
    guard: Guard,
    port: u16,
    tls: Tls,
    root_password: String,
}

impl MariaDb {
    /// Starts an ordinary server.
    pub fn start() -> Result<Self> {
        Self::start_with(&MariaDbOptions::default())
    }

    /// Starts a server that differs by `options`.
    pub fn start_with(options: &MariaDbOptions) -> Result<Self> {
        let (program, libraries) = (installed::server_program()?, installed::libraries(&options.plugins)?);
        for _ in 0..5 {
            let server = Self::launch_once(&program, &libraries, options)?;
            match server.guard.wait_until(|| server.error_log().contains("ready for connections")) {
                Ok(()) => return Ok(server),
                // Somebody else took the port between the look and the start.
                Err(_) if server.error_log().contains("Address already in use") => {}
                Err(error) => return Err(error.context(format!("MariaDB did not start:\n{}", server.error_log()))),
            }
        }
        bail!("MariaDB found no free port in five tries")
    }

    fn launch_once(program: &Path, libraries: &[PathBuf], options: &MariaDbOptions) -> Result<Self> {
        let port = guard::free_port()?;
        let directory = guard::private_directory("keyroll-my-")?;
        let root_password = random::uuid();
        tls::material(options.tls)?.write(&directory)?;
        configuration::write(&directory, port, &root_password, options)?;

        let mut command: Vec<OsString> = vec!["sh".into(), "-c".into(), include_str!("mariadb/launch.sh").into()];
        command.extend(["keyroll-mariadb".into(), program.into(), directory.clone().into()]);
        command.push(installed::data_cache(program)?.into());
        command.extend(libraries.iter().map(Into::into));
        let server = Server {
            command,
            environment: Vec::new(),
            log: directory.join("server.log"),
            // With the settings that it has, an orderly shutdown is as quick as any.
            stop_signal: "TERM",
        };
        Ok(Self { guard: Guard::spawn(directory, &server)?, port, tls: options.tls, root_password })
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

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.guard.pid()
    }

    fn directory(&self) -> &Path {
        self.guard.directory()
    }
}

#[cfg(test)]
mod tests;
