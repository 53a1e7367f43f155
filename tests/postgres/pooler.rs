//! Something between the function and the server that sends logins elsewhere.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::stage::{ACCOUNT, Stage};

#[tokio::test]
async fn a_session_on_another_database_than_the_secret_names_proves_nothing() {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = Stage::with(&options, ACCOUNT, &json!({"ssl": false})).await;
    stage.postgres().sql("CREATE DATABASE mapped").unwrap();
    let good = stage.value("AWSCURRENT");
    stage.edit_current(&json!({"port": pooler(stage.postgres().port())}));
    let token = stage.created().await;
    stage.answer("setSecret", &token).await;
    for step in ["testSecret", "finishSecret"] {
        let before = stage.state();
        let message = stage.error(step, &token, "RefusedAccount").await;
        assert!(message.contains("maps logins"), "{message}");
        assert_eq!(stage.state(), before);
    }
    assert_eq!(stage.value("AWSCURRENT")["password"], good["password"]);
}

/// A pooler that sends logins for "orders" to "mapped".
fn pooler(server: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let mut startup = [0; 1024];
            let read = client.read(&mut startup).unwrap();
            let at = startup[..read].windows(9).position(|bytes| bytes == b"database\0").unwrap() + 9;
            startup[at..at + 6].copy_from_slice(b"mapped");
            server.write_all(&startup[..read]).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            std::thread::spawn(move || std::io::copy(&mut client, &mut server));
        }
    });
    port
}
