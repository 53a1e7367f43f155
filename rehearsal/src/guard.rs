//! A server in a directory of its own that never outlives the process that started it.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// What to run, and how to end it.
pub(crate) struct Server {
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Its whole environment, apart from `PATH`, `LC_ALL` and `TZ`.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where its standard output and error go.
    pub(crate) log: PathBuf,
    /// The signal that makes it stop, as `kill -s` names it.
    pub(crate) stop_signal: &'static str,
}

/// Holds a running server; dropping it stops the server and removes its directory.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
    pid: u32,
    directory: PathBuf,
}

/// Makes a private directory for a server. It is short, since a socket's path may have 107 bytes only.
pub(crate) fn private_directory(prefix: &str) -> Result<PathBuf> {
    let parent = std::env::temp_dir();
    let parent = if parent.as_os_str().len() > 60 { Path::new("/tmp") } else { parent.as_path() };
    Ok(tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?.keep())
}

/// A loopback port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Guard {
    /// Starts `server`; `directory` is removed when it has stopped.
    pub(crate) fn spawn(directory: PathBuf, server: &Server) -> Result<Self> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(include_str!("guard/guard.sh")).arg("keyroll-guard").arg(server.stop_signal);
        command.arg(&directory).arg(&server.log).args(&server.command);
        command.env_clear().env("PATH", search_path()).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.envs(server.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C reaches every process of the terminal's group. The guard must not be among them: it acts when
        // its starter is gone, whatever ended it.
        command.process_group(0);
        let mut shell = command.spawn().context("sh cannot be started")?;
        let mut first_line = String::new();
        let stdout = shell.stdout.take().context("the guard's standard output was piped")?;
        BufReader::new(stdout).read_line(&mut first_line)?;
        let pid = first_line.trim().parse().context("the guard did not tell the server's process id")?;
        Ok(Self { shell, pid, directory })
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The server's private directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the server still runs.
    pub(crate) fn is_running(&self) -> bool {
        // After the name in parentheses comes the state; Z is a process that has ended and was not yet waited for.
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
    }

    /// Waits until `ready` says so, the server ends, or 30 seconds have passed.
    pub(crate) fn wait_until(&self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready() {
            if !self.is_running() {
                bail!("the server ended while it started");
            }
            if start.elapsed() > Duration::from_secs(30) {
                bail!("the server was not ready after 30 seconds");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing can be done about a guard that cannot be waited for.
        let _ = self.shell.wait();
    }
}

/// The caller's search path, and where Debian keeps the tools of an administrator.
pub(crate) fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(directory: &Path, script: &str) -> Server {
        Server {
            command: ["sh", "-c", script].map(OsString::from).to_vec(),
            environment: Vec::new(),
            log: directory.join("log"),
            stop_signal: "TERM",
        }
    }

    #[test]
    fn dropping_stops_the_server_and_all_it_started_and_removes_the_directory() {
        let directory = private_directory("keyroll-guard-").unwrap();
        let server = sleeper(&directory, "sleep 600 & echo $! > child; wait");
        let guard = Guard::spawn(directory.clone(), &server).unwrap();
        guard.wait_until(|| std::fs::read_to_string(directory.join("child")).is_ok_and(|pid| !pid.is_empty())).unwrap();
        let child = std::fs::read_to_string(directory.join("child")).unwrap();
        assert!(guard.is_running());
        drop(guard);
        assert!(!directory.exists());
        // A process that was killed, and is not ours to wait for, may be seen for another moment.
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        let begun = Instant::now();
        while !(stat().is_empty() || stat().contains(") Z")) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", stat());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_server_that_ends_early_is_noticed() {
        let directory = private_directory("keyroll-guard-").unwrap();
        let guard = Guard::spawn(directory.clone(), &sleeper(&directory, "exit 3")).unwrap();
        let error = guard.wait_until(|| false).unwrap_err();
        assert!(error.to_string().contains("ended while it started"), "{error}");
    }

    #[test]
    fn the_servers_environment_is_only_what_it_is_given() {
        let directory = private_directory("keyroll-guard-").unwrap();
        let mut server = sleeper(&directory, "env > seen.new; mv seen.new seen; sleep 600");
        server.environment.push(("GIVEN".into(), "yes".into()));
        let guard = Guard::spawn(directory.clone(), &server).unwrap();
        guard.wait_until(|| directory.join("seen").exists()).unwrap();
        let seen = std::fs::read_to_string(guard.directory().join("seen")).unwrap();
        assert!(seen.contains("GIVEN=yes") && !seen.contains("CARGO"), "{seen}");
    }
}
