//! The way to a database server: a TCP connection without Nagle's algorithm, and what can be wrong with it.
//!
//! sqlx 0.9.0 lost the line that sets `TCP_NODELAY` (a regression: issue 4335 of sqlx, mended by pull request 4336, in no
//! release yet), and has no option for it. Its TLS handshake and its login write twice in a row, and the second write then
//! waits for the server's delayed acknowledgement: measured, 2 x 43 ms for every login to PostgreSQL 15, nine tenths of a
//! whole rotation. So the connection is made here and handed to sqlx as a Unix socket, the one other way in that sqlx has.
//! Bytes are passed on as they are; sqlx still verifies TLS and the host name. `Wire` goes at the first release of sqlx that
//! has the fix; `failed` and `silent` stay.

use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use sqlx::Error as Driver;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind};

/// Lambda's one writable place.
const PLACE: &str = "/tmp";

/// An open connection, and the socket that leads to it. Dropping it cuts the connection.
pub(super) struct Wire {
    directory: PathBuf,
    relay: JoinHandle<()>,
}

impl Wire {
    /// Connects to a server. `name` is what the client expects the socket to be called.
    ///
    /// An error is the server's or the network's. Where this machine gives no socket (a full disk, a read-only one) there
    /// is no wire: sqlx then connects by itself, and takes those milliseconds more.
    pub(super) async fn open(host: &str, port: u16, name: &str) -> io::Result<Option<Self>> {
        let server = TcpStream::connect((host, port)).await?;
        let place = || {
            server.set_nodelay(true)?;
            let directory = private_directory()?;
            let listener = UnixListener::bind(directory.join(name))?;
            io::Result::Ok((directory, listener))
        };
        let Ok((directory, listener)) = place() else { return Ok(None) };
        Ok(Some(Self { relay: tokio::spawn(relay(listener, server, directory.clone())), directory }))
    }

    /// The directory with the socket in it.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits until what the client sent before it closed has reached the server, but not long.
    pub(super) async fn drain(mut self) {
        // Whether the good-bye arrived changes nothing: the server notices a closed connection by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.relay).await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.relay.abort();
        remove(&self.directory);
    }
}

async fn relay(listener: UnixListener, mut server: TcpStream, directory: PathBuf) {
    if let Ok((mut client, _)) = listener.accept().await {
        // Nobody else is to come in, and a process that is killed from here on leaves nothing behind.
        remove(&directory);
        // However the connection ends, both sides see it closed; sqlx tells what that means.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// The error of a login that did not get as far as the server's verdict; none where it did.
pub(super) fn failed(place: &str, error: &Driver) -> Option<Error> {
    let (kind, cause, remedy) = match error {
        Driver::Tls(reason) if !reason.to_string().contains("does not support TLS") => (
            ErrorKind::RefusedTls,
            "cannot be reached by TLS: it could not be set up".to_owned(),
            "check the certificates in KEYROLL_CA_BUNDLE and the host name in the secret",
        ),
        Driver::Tls(_) => (
            ErrorKind::RefusedTls,
            "offers no TLS".to_owned(),
            "turn TLS on at the server, or set \"ssl\": false in the secret to mean an unencrypted connection",
        ),
        Driver::Io(io) if io.kind() == io::ErrorKind::InvalidData => (
            ErrorKind::RefusedTls,
            format!("shows a certificate that cannot be verified ({})", certificate(io)),
            "set the secret's host to the name in the certificate; for a private CA set KEYROLL_CA_BUNDLE",
        ),
        Driver::Io(io) => (
            ErrorKind::FailedDatabase,
            format!("cannot be reached ({})", reach(io)),
            "check host and port, DNS, security groups, routes and that the server is up; then run the step again",
        ),
        _ => return None,
    };
    Some(Error::new(kind, format!("{place} {cause}"), remedy))
}

/// What is wrong with a certificate, in the words of the verifier, which name certificates and hosts only.
fn certificate(io: &io::Error) -> String {
    io.get_ref().map_or_else(|| io.kind().to_string(), ToString::to_string)
}

fn reach(io: &io::Error) -> String {
    match io.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => "it closed the connection".to_owned(),
        _ => io.to_string(),
    }
}

/// The error of a statement whose answer did not come in time.
pub(super) fn silent() -> Driver {
    Driver::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer"))
}

/// A directory that stays behind does no harm.
fn remove(directory: &Path) {
    let _ = std::fs::remove_dir_all(directory);
}

/// A new directory that nobody else can look into.
fn private_directory() -> io::Result<PathBuf> {
    let mut random = [0; 8];
    SysRng.try_fill_bytes(&mut random).map_err(io::Error::other)?;
    let mut name = "keyroll-".to_owned();
    for byte in random {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    let directory = Path::new(PLACE).join(name);
    DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UnixStream};

    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_and_the_socket_is_gone_once_it_is_used() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = server.local_addr().unwrap().port();
        let wire = Wire::open("127.0.0.1", port, "s").await.unwrap().unwrap();
        let directory = wire.directory().to_owned();
        let mut client = UnixStream::connect(directory.join("s")).await.unwrap();
        let (mut accepted, _) = server.accept().await.unwrap();
        client.write_all(b"hello").await.unwrap();
        accepted.write_all(b"world").await.unwrap();
        let (mut there, mut back) = ([0; 5], [0; 5]);
        accepted.read_exact(&mut there).await.unwrap();
        client.read_exact(&mut back).await.unwrap();
        assert_eq!((&there, &back), (b"hello", b"world"));
        assert!(!directory.exists());

        client.write_all(b"bye").await.unwrap();
        drop(client);
        let (drained, rest) = tokio::join!(wire.drain(), async {
            let mut rest = Vec::new();
            accepted.read_to_end(&mut rest).await.unwrap();
            drop(accepted);
            rest
        });
        assert_eq!((drained, rest), ((), b"bye".to_vec()));
    }

    #[tokio::test]
    async fn a_refused_connection_is_the_callers_to_tell() {
        let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
        let Err(error) = Wire::open("127.0.0.1", closed, "s").await else { panic!("connected") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
