//! Servers and endpoints that cannot be reached or must not be trusted: an answer within 20 s, nothing changed, and no
//! password sent in clear. Not being reached is never taken for a rejected password.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::STEPS;
use rehearsal::lambda::Outcome;
use rehearsal::postgres::{Logins, PostgresOptions};
use rehearsal::tls::Tls;
use serde_json::{Value, json};
use support::dry_run::finds;
use support::relay::{At, Relay, Strike, When};
use support::stage::{ACCOUNT, Stage};

const LIMIT: Duration = Duration::from_secs(20);

/// A port of loopback whose clients meet this.
fn port(meet: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(meet));
    port
}

/// Puts these keys into AWSCURRENT and a pending version, calls every step that logs in, and expects this of each, and of a
/// dry run.
async fn refused(stage: &Stage, keys: &Value, expected: &str, words: &str) {
    let good = stage.value("AWSCURRENT");
    stage.edit_current(keys);
    let token = stage.created().await;
    let (before, mark) = (stage.state(), stage.postgres().mark());
    finds(stage, expected, &[words]).await;
    stage.aws.clear();
    for step in &STEPS[1..] {
        let begun = Instant::now();
        let message = stage.error(step, &token, expected).await;
        assert!(begun.elapsed() < LIMIT, "{step} took {:?}: {message}", begun.elapsed());
        assert!(message.contains(words), "{step}, expected {words:?}: {message}");
    }
    assert_eq!(stage.state(), before);
    assert_eq!(stage.calls("UpdateSecretVersionStage") + stage.calls("UpdateService"), 0);
    let log = stage.postgres().log_since(mark);
    assert!(!log.contains("ALTER ROLE"), "{log}");
    assert_eq!(stage.postgres().logins_since(mark), Logins::default(), "a password was sent");
    stage.aws.remove_label(&stage.arn, "AWSPENDING").unwrap();
    stage.edit_current(&good);
}

#[tokio::test]
async fn servers_that_cannot_be_reached_change_nothing_and_the_process_lives_on() {
    let stage = Stage::start().await;
    // There is an AWSPREVIOUS that a careless healing could fall back to.
    stage.rotate().await;
    let closed = port(drop);
    let refusing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let web = port(|mut client| drop(client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
    for (keys, words) in [
        (json!({"host": "no-such-host.invalid"}), "cannot be reached"),
        (json!({"port": refusing}), "connection refused"),
        (json!({"port": closed}), "PostgreSQL at localhost:"),
        (json!({"port": web}), "PostgreSQL at localhost:"),
    ] {
        refused(&stage, &keys, "FailedDatabase", words).await;
    }
    stage.rotated().await;
    assert_eq!(stage.function.cold_starts(), 1);
}

#[tokio::test]
async fn servers_that_stay_silent_are_given_up_on_in_time() {
    // One never takes the connection off the kernel's hands, the other takes it and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ports = [silent.local_addr().unwrap().port(), port(std::mem::forget)];
    let (first, second) = tokio::join!(Stage::start(), Stage::start());
    let keys = ports.map(|port| json!({"port": port}));
    let words = "did not answer within";
    tokio::join!(
        refused(&first, &keys[0], "FailedDatabase", words),
        refused(&second, &keys[1], "FailedDatabase", words)
    );
}

#[tokio::test]
async fn certificates_that_cannot_be_verified_are_refused_and_no_password_is_sent() {
    for (tls, words) in [
        (Tls::OtherHost, "certificate"),
        (Tls::OtherAuthority, "certificate"),
        (Tls::Expired, "certificate"),
        (Tls::Off, "offers no TLS"),
    ] {
        let options = PostgresOptions { tls, ..PostgresOptions::default() };
        let stage = Stage::with(&options, ACCOUNT, &json!({})).await;
        for ssl in [json!({}), json!({"ssl": true}), json!({"ssl": "yes"}), json!({"ssl": null})] {
            refused(&stage, &ssl, "RefusedTls", words).await;
        }
        assert_eq!(stage.function.cold_starts(), 1);
    }
}

#[tokio::test]
async fn a_host_that_the_certificate_does_not_name_is_refused() {
    let everywhere = ("listen_addresses".to_owned(), "127.0.0.1, 127.0.0.2".to_owned());
    let options = PostgresOptions { settings: vec![everywhere], ..PostgresOptions::default() };
    let stage = Stage::with(&options, ACCOUNT, &json!({})).await;
    refused(&stage, &json!({"host": "127.0.0.2"}), "RefusedTls", "certificate").await;
}

#[tokio::test]
async fn a_host_that_no_certificate_can_name_is_not_taken_for_a_server_without_tls() {
    let stage = Stage::start().await;
    stage.edit_current(&json!({"host": "127.1"}));
    let token = stage.stage();
    let mut outcome = stage.step("createSecret", &token).await;
    if outcome.is_answer() {
        outcome = stage.step("setSecret", &token).await;
    }
    let Outcome::Error { error_type, message } = outcome else { panic!("{outcome:?}") };
    assert!(["RefusedValue", "RefusedTls"].contains(&error_type.as_str()), "{error_type}: {message}");
    // The server does offer TLS; to advise `ssl: false` would be to advise sending the password in clear.
    assert!(!message.contains("offers no TLS") && !message.contains("false"), "{message}");
}

#[tokio::test]
async fn a_server_that_demands_tls_refuses_a_login_in_clear_before_its_password_is_sent() {
    let hba = vec!["hostnossl all all 127.0.0.1/32 reject".to_owned()];
    let options = PostgresOptions { hba, ..PostgresOptions::default() };
    let stage = Stage::with(&options, ACCOUNT, &json!({})).await;
    refused(&stage, &json!({"ssl": false}), "RefusedAccount", "demand TLS").await;
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_is_not_healed_from_the_previous_version() {
    let stage = Stage::start().await;
    let relay = Relay::start(stage.postgres().port());
    stage.edit_current(&json!({"port": relay.port()}));
    stage.rotate().await;
    // Both versions open the server behind the relay, and only AWSPREVIOUS works: a restore from backup.
    stage.edit_current(&json!({"port": relay.port()}));
    let previous = stage.value("AWSPREVIOUS")["password"].as_str().unwrap().to_owned();
    stage.postgres().sql(&format!("ALTER ROLE {ACCOUNT} PASSWORD '{previous}'")).unwrap();
    let token = stage.created().await;
    let (before, mark) = (stage.state(), stage.postgres().mark());
    relay.arm(Strike { at: At::Text(""), when: When::Before, hook: Box::new(|| ()) });
    stage.error("setSecret", &token, "FailedDatabase").await;
    assert!(!relay.is_armed());
    assert_eq!(stage.state(), before);
    assert_eq!(stage.postgres().logins_since(mark), Logins::default(), "another version was tried");
    // Once it is back, the rejected AWSCURRENT and AWSPENDING allow what the silence did not.
    stage.finishes(&token).await;
}

#[tokio::test]
async fn an_aws_endpoint_that_hangs_is_an_error_within_20_seconds_at_any_step() {
    let (create, put) = (hangs("createSecret", None), hangs("createSecret", Some("PutSecretValue")));
    let (set, locked) = (hangs("setSecret", None), hangs("setSecret", Some("GetSecretValue")));
    let (test, finish) = (hangs("testSecret", None), hangs("finishSecret", None));
    tokio::join!(create, put, set, locked, test, finish);
}

#[tokio::test]
async fn an_aws_endpoint_that_hangs_at_the_move_is_an_error_within_20_seconds() {
    hangs("finishSecret", Some("UpdateSecretVersionStage")).await;
}

/// A step during which the endpoint falls silent, at once or with an operation about the new version, and stays so. Then
/// it is back, and the rotation goes on.
async fn hangs(step: &str, from: Option<&str>) {
    let stage = Stage::start().await;
    let token = stage.stage();
    let done = STEPS.iter().position(|name| *name == step).unwrap();
    for earlier in &STEPS[..done] {
        stage.answer(earlier, &token).await;
    }
    let before = stage.state();
    if let Some(operation) = from {
        let aws = stage.aws.downgrade();
        let silence = Fault::before(move || {
            aws.upgrade().unwrap().fault(Rule::any(Fault::Hang));
        });
        stage.aws.fault(Rule::on(operation, silence).about(&token).nth(1));
        stage.aws.fault(Rule::on(operation, Fault::Hang).about(&token));
    } else {
        stage.aws.fault(Rule::any(Fault::Hang));
    }
    let begun = Instant::now();
    let message = stage.error(step, &token, "FailedAws").await;
    let took = begun.elapsed();
    assert_eq!(stage.state(), before);
    assert!(message.contains("got no answer (timed out)"), "{message}");
    stage.aws.clear_faults();
    for step in &STEPS[done..] {
        stage.answer(step, &token).await;
    }
    stage.assert_finished(&token);
    assert_eq!(stage.function.cold_starts(), 1);
    assert!(took < LIMIT, "{step}, hanging from {from:?} on, took {took:?}: {message}");
}

#[tokio::test]
async fn a_server_that_falls_silent_at_the_change_of_the_password_is_given_up_on_in_time() {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = Stage::with(&options, ACCOUNT, &json!({"ssl": false})).await;
    let relay = Relay::start(stage.postgres().port());
    stage.edit_current(&json!({"port": relay.port()}));
    let token = stage.created().await;
    let hook = Box::new(|| std::thread::sleep(LIMIT + LIMIT));
    relay.arm(Strike { at: At::Text("ALTER ROLE"), when: When::Before, hook });
    let (before, begun) = (stage.state(), Instant::now());
    stage.error("setSecret", &token, "FailedDatabase").await;
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    assert_eq!(stage.state(), before);
}
