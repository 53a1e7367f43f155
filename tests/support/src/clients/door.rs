//! A login with a stored value, made in this process and by as little code as it takes: a client program costs a process,
//! and sqlx in a debug build ten times the hashing. What is left is the server's own work.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use rehearsal::mariadb::native_answer;
use serde_json::Value;

use crate::messages::Message;
use crate::packets::{self, Fields, Greeting, Packet};

/// A login that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Version 3.0 of the protocol.
const PROTOCOL: [u8; 4] = [0, 3, 0, 0];

/// The only way in that every driver of MariaDB knows.
const NATIVE: &[u8] = b"mysql_native_password";
/// Of UTF-8, by number.
const COLLATION: u8 = 45;
/// A client's good-bye.
const QUIT: u8 = 1;

/// Logs in over TCP with a value's own name and password, and says why where that failed: PostgreSQL's SQLSTATE or MariaDB's
/// number, or whatever else was in the way.
///
/// Without TLS, whatever the value says: what the server makes of a password is the same.
pub fn log_in(value: &Value) -> Result<(), String> {
    let answer = match value["engine"].as_str() {
        Some("postgres") => postgres(value),
        Some("mariadb") => mariadb(value),
        other => panic!("nobody here knows how to log in to {other:?}"),
    };
    answer.unwrap_or_else(|error| Err(error.to_string()))
}

fn connect(value: &Value) -> io::Result<TcpStream> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, value["port"].as_u64().unwrap().try_into().unwrap()))?;
    server.set_nodelay(true)?;
    server.set_read_timeout(Some(PATIENCE))?;
    Ok(server)
}

fn postgres(value: &Value) -> io::Result<Result<(), String>> {
    let text = |key: &str| value[key].as_str().unwrap();
    let mut server = connect(value)?;
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

fn mariadb(value: &Value) -> io::Result<Result<(), String>> {
    let text = |key: &str| value[key].as_str().unwrap();
    let mut server = connect(value)?;
    let greeting = Packet::next(&mut server)?;
    if let Some(number) = greeting.error() {
        return Ok(Err(number.to_string()));
    }
    let greeting = Greeting::read(&greeting).ok_or(io::ErrorKind::InvalidData)?;
    let answer = native_answer(text("password"), &greeting.drawn);
    introduction(text("username"), &answer, value["dbname"].as_str()).send(&mut server)?;
    // Where an account has two passwords the server first asks by the rule for the one, and then by that for the other.
    // Some drivers give up when they are asked once more.
    let mut switched = false;
    loop {
        let packet = Packet::next(&mut server)?;
        let mut body = Fields(&packet.body);
        match body.byte() {
            Some(packets::OK) => return Packet { number: 0, body: vec![QUIT] }.send(&mut server).map(Ok),
            Some(packets::ERROR) => return Ok(Err(packet.error().unwrap_or_default().to_string())),
            Some(packets::EOF) if !switched => {
                switched = true;
                let plugin = body.text().unwrap_or_default();
                if plugin != NATIVE {
                    return Ok(Err(format!("the server asks for {}", String::from_utf8_lossy(plugin))));
                }
                let drawn = body.text().unwrap_or_default();
                let body = native_answer(text("password"), drawn);
                Packet { number: packet.number.wrapping_add(1), body }.send(&mut server)?;
            }
            other => return Ok(Err(format!("the server asks for {other:?}"))),
        }
    }
}

/// Who logs in, and to which database.
fn introduction(user: &str, answer: &[u8], database: Option<&str>) -> Packet {
    let mut capabilities = packets::PROTOCOL_41 | packets::SECURE_CONNECTION | packets::PLUGIN_AUTH;
    if database.is_some() {
        capabilities |= packets::CONNECT_WITH_DB;
    }
    let mut body = capabilities.to_le_bytes().to_vec();
    body.extend(u32::MAX.to_le_bytes());
    body.push(COLLATION);
    body.extend([0; 23]);
    body.extend([user.as_bytes(), b"\0"].concat());
    body.push(answer.len().try_into().unwrap());
    body.extend(answer);
    body.extend(database.map(|name| [name.as_bytes(), b"\0"].concat()).unwrap_or_default());
    body.extend([NATIVE, b"\0"].concat());
    Packet { number: 1, body }
}
