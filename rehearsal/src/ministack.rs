//! ministack, the local AWS: it runs the built function without a container and enforces its role's policy.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::guard::{self, Guard, Server};
use crate::signed::{Caller, REGION};

/// The account that everything on the stage is in.
pub const ACCOUNT: &str = "000000000000";

/// A running ministack. Dropping it stops it, and every function that it started, and removes all it wrote.
#[derive(Debug)]
pub struct Ministack {
    guard: Guard,
    port: u16,
}

impl Ministack {
    /// Starts one with permissions enforced.
    pub fn start() -> Result<Self> {
        for _ in 0..5 {
            let ministack = Self::launch_once()?;
            match ministack.guard.wait_until(|| is_healthy(ministack.port)) {
                Ok(()) => return Ok(ministack),
                // Somebody else took the port between the look and the start.
                Err(_) if ministack.log().contains("already in use") => {}
                Err(error) => return Err(error.context(format!("ministack did not start:\n{}", ministack.log()))),
            }
        }
        bail!("ministack found no free port in five tries")
    }

    fn launch_once() -> Result<Self> {
        let program = tool("ministack")?;
        let port = guard::free_port()?;
        let directory = guard::private_directory("keyroll-aws-")?;
        let text = |path: &Path| path.as_os_str().to_owned();
        let server = Server {
            command: vec![program.into()],
            environment: vec![
                ("AUTH".into(), "true".into()),
                ("BIND_HOST".into(), "127.0.0.1".into()),
                ("GATEWAY_PORT".into(), port.to_string().into()),
                ("MINISTACK_ACCOUNT_ID".into(), ACCOUNT.into()),
                ("MINISTACK_REGION".into(), REGION.into()),
                // Listeners on ports of their own that nobody here wants.
                ("SFTP_ENABLED".into(), "0".into()),
                ("IOT_MTLS_ENABLED".into(), "0".into()),
                ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
                ("PYTHONUNBUFFERED".into(), "1".into()),
                ("HOME".into(), text(&directory)),
                ("TMPDIR".into(), text(&directory)),
                ("S3_DATA_DIR".into(), text(&directory.join("s3"))),
                ("STATE_DIR".into(), text(&directory.join("state"))),
            ],
            log: directory.join("server.log"),
            stop_signal: "TERM",
        };
        Ok(Self { guard: Guard::spawn(directory, &server)?, port })
    }

    /// The loopback port it answers at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address as an AWS endpoint.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its administrator.
    #[must_use]
    pub fn administrator(&self) -> Caller {
        Caller::administrator(self.port)
    }

    /// What it printed so far, the functions' own output with it.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.guard.directory().join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A program of the private Python environment, such as `aws`.
pub fn tool(name: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/venv/bin").join(name);
    path.canonicalize().with_context(|| format!("{name} is not installed: run scripts/prepare demo"))
}

fn is_healthy(port: u16) -> bool {
    let probe = || -> Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    probe().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn its_administrator_may_do_everything_and_a_stranger_nothing() {
        let ministack = Ministack::start().unwrap();
        let admin = ministack.administrator();
        let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let role = [("RoleName", "r"), ("AssumeRolePolicyDocument", policy)];
        let answer = admin.iam("CreateRole", &role).await.unwrap();
        assert!(answer.contains(&format!("arn:aws:iam::{ACCOUNT}:role/r")), "{answer}");
        admin.ecs("CreateCluster", &json!({"clusterName": "c"})).await.unwrap();
        let secret =
            json!({"Name": "a/b", "SecretString": "{}", "ClientRequestToken": "01234567890123456789012345678901"});
        let created = admin.secrets("CreateSecret", &secret).await.unwrap();
        assert!(created["ARN"].as_str().unwrap().contains(":000000000000:secret:a/b-"));
        let functions = admin.lambda(hyper::Method::GET, "functions", &Value::Null).await.unwrap().json().unwrap();
        assert_eq!(functions["Functions"], json!([]));

        let error = admin.secrets("GetSecretValue", &json!({"SecretId": "none"})).await.unwrap_err().to_string();
        assert!(error.contains("ResourceNotFoundException"), "{error}");
        let stranger = Caller::new(ministack.port(), "stranger", "stranger");
        assert!(stranger.ecs("ListClusters", &json!({})).await.is_err());
        let (port, endpoint) = (ministack.port(), ministack.endpoint());
        assert!(endpoint.ends_with(&port.to_string()));
        drop(ministack);
        assert!(!is_healthy(port));
    }
}
