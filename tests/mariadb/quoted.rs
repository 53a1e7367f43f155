//! A syntax error of MariaDB quotes the statement, and so the password in it. It stays with the server's answer.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};

use rehearsal::mariadb::MariaDbOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::maria;
use support::packets::{ERROR, Packet};
use support::stage::{ACCOUNT, Stage};

/// A client's simple query begins with this.
const QUERY: u8 = 3;
/// `ER_PARSE_ERROR`.
const PARSE_ERROR: u16 = 1064;

/// Stands before a server, and answers statements that set a password as a server would that cannot read them.
fn quoting(server: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
            std::thread::spawn(move || {
                std::thread::scope(|scope| {
                    scope.spawn(|| io::copy(&mut &server, &mut &client));
                    let _ = questions(&client, &server);
                    let _ = server.shutdown(Shutdown::Both);
                });
            });
        }
    });
    port
}

fn questions(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    loop {
        let packet = Packet::next(&mut &*client)?;
        let text = String::from_utf8_lossy(&packet.body).into_owned();
        let is_one = ["ALTER USER", "SET PASSWORD"].iter().any(|words| text.contains(words));
        if packet.kind() != Some(QUERY) || !is_one {
            packet.send(&mut &*server)?;
            continue;
        }
        let quoted =
            format!("#42000You have an error in your SQL syntax; check the manual near '{}' at line 1", &text[1..]);
        let body = [&[ERROR], &PARSE_ERROR.to_le_bytes()[..], quoted.as_bytes()].concat();
        Packet { number: 1, body }.send(&mut &*client)?;
    }
}

/// A stage whose function comes to the server that way, and whose secret may have its password shown.
async fn stage(plugins: &[&str], administrator: bool) -> Stage {
    let plugins = plugins.iter().map(|name| (*name).to_owned()).collect();
    let options = MariaDbOptions { tls: Tls::Off, plugins, ..MariaDbOptions::default() };
    let stage = maria::with(&options, ACCOUNT, &json!({"ssl": false})).await;
    stage.edit_current(&json!({"port": quoting(stage.server.port())}));
    if administrator {
        maria::appoint_by_tag(&stage);
    }
    stage.aws.set_tag(&stage.arn, "keyroll:plaintext-statements", "true").unwrap();
    stage
}

#[tokio::test]
async fn what_the_server_quotes_of_a_statement_goes_no_further() {
    for (plugins, administrator) in
        [(&[][..], true), (&[][..], false), (&["simple_password_check"], true), (&["simple_password_check"], false)]
    {
        let stage = stage(plugins, administrator).await;
        let token = stage.created().await;
        let before = stage.state();
        let message = stage.error("setSecret", &token, "FailedDatabase").await;
        assert!(message.contains("error 1064"), "{message}");
        for quoted in ["syntax", "near", "IDENTIFIED", "PASSWORD("] {
            assert!(!message.contains(quoted), "{message}");
        }
        assert_eq!(stage.state(), before);
        // Nothing of it is anywhere else: neither hash nor password.
        assert_eq!(stage.leaks(), [""; 0]);
    }
}
