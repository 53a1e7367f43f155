//! A login with a stored value, made in this process and by as little code as it takes: psql costs a process, and sqlx in a
//! debug build ten times the hashing. What is left is the server's own work.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use serde_json::Value;

use crate::messages::Message;

/// A login that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Version 3.0 of the protocol.
const PROTOCOL: [u8; 4] = [0, 3, 0, 0];

/// Logs in over TCP with a value's own name and password, and says why where that failed: the server's SQLSTATE, or
/// whatever else was in the way.
///
/// Without TLS, whatever the value says: what the server makes of a password is the same.
pub(super) fn log_in(value: &Value) -> Result<(), String> {
    let answer = match value["engine"].as_str() {
        Some("postgres") => postgres(value),
        other => panic!("nobody here knows how to log in to {other:?}"),
    };
    answer.unwrap_or_else(|error| Err(error.to_string()))
}

fn postgres(value: &Value) -> io::Result<Result<(), String>> {
    let text = |key: &str| value[key].as_str().unwrap();
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, value["port"].as_u64().unwrap().try_into().unwrap()))?;
    server.set_nodelay(true)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let start = ["user", text("username"), "database", text("dbname"), "", ""].join("\0");
    Message::new(0, [&PROTOCOL, start.as_bytes()].concat()).send(&mut server)?;
    let mut scram = ScramSha256::new(text("password").as_bytes(), ChannelBinding::unsupported());
    loop {
        let message = Message::next(&mut server)?;
        match (message.kind, message.number()) {
            (b'R', Some(10)) => {
                let length = u32::try_from(scram.message().len()).unwrap().to_be_bytes();
                let name = [SCRAM_SHA_256.as_bytes(), b"\0"].concat();
                Message::new(b'p', [&name, &length[..], scram.message()].concat()).send(&mut server)?;
            }
            (b'R', Some(11)) => {
                scram.update(&message.body[4..])?;
                Message::new(b'p', scram.message()).send(&mut server)?;
            }
            (b'R', Some(12)) => scram.finish(&message.body[4..])?,
            (b'R', Some(0)) => {}
            (b'R', other) => return Ok(Err(format!("the server asks for {other:?}"))),
            (b'E', _) => return Ok(Err(message.sqlstate().unwrap_or_default())),
            (b'Z', _) => return Message::new(b'X', []).send(&mut server).map(Ok),
            _ => {}
        }
    }
}
