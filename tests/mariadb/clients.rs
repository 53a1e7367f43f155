//! Who is turned away while an account of MariaDB rotates: nobody where it can have two passwords, and whoever still holds
//! the old one where it cannot. The same clients as in `overlaps` and `lock_outs` of PostgreSQL.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::RotationOutcome;
use rehearsal::mariadb::MariaDbOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::clients::seen::{CLIENTS, Client, When};
use support::clients::{Clients, now};
use support::maria;
use support::stage::ACCOUNT;
use support::told::told;

use crate::drivers::{DRIVERS, log_in};
use crate::overlap::{BOTH, rules};

#[tokio::test(flavor = "multi_thread")]
async fn two_passwords_turn_nobody_away() {
    let stage = Arc::new(maria::overlapping().await);
    let after = |rotation: &RotationOutcome| {
        stage.assert_finished(&rotation.token);
        assert_eq!(rules(&stage, "%"), BOTH);
    };
    let seen = Clients::through(&stage, 3, after).await;
    seen.tell();
    assert!(seen.failures().is_empty(), "{:#?}", seen.failures());
    for client in CLIENTS {
        assert!(seen.logins(client) > 30, "{client:?} was hardly there");
    }
    for turn in &seen.turns {
        let old = |client: Client| {
            let of = seen.attempts.iter().filter(|it| it.client == client && it.version == turn.replaced);
            of.filter(|it| turn.when(it) == When::AfterTheMove).count()
        };
        assert!(old(Client::Task) > 0, "nobody used the old value after the move");
        assert!(seen.attempts.iter().any(|it| turn.when(it) == When::DuringSetSecret), "nobody was watched");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_alone_turns_away_the_old_password_and_nobody_else() {
    let stage = Arc::new(maria::stage().await);
    let seen = Clients::through(&stage, 3, |rotation| stage.assert_finished(&rotation.token)).await;
    seen.tell();
    for failed in seen.failures() {
        assert_eq!(failed.refused.as_deref(), Some("1045"), "{failed:?}");
        let turn = seen.turns.iter().find(|turn| turn.replaced == failed.version);
        let turn = turn.unwrap_or_else(|| panic!("the last value fails: {failed:?}"));
        assert!(failed.answered >= turn.set.0 && failed.read <= turn.moved, "{failed:?}");
    }
    for turn in &seen.turns {
        let late = seen.attempts.iter().filter(|it| it.version == turn.replaced && it.begun > turn.set.1);
        assert!(late.clone().all(|it| it.refused.is_some()) && late.count() > 0, "{turn:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_alone_is_locked_out_between_the_change_and_the_move() {
    let stage = maria::stage().await;
    stage.rotate().await;
    let moved = Arc::new(Mutex::new(Duration::ZERO));
    let noted = Arc::clone(&moved);
    let noted = Fault::after(move || *noted.lock().unwrap() = now());
    stage.aws.fault(Rule::on("UpdateSecretVersionStage", noted).about("AWSCURRENT"));
    let mut windows = Vec::new();
    for _ in 0..9 {
        // Set by the first failed login of a client that does nothing else.
        let (value, over) = (stage.value("AWSCURRENT"), Arc::new(Mutex::new(None)));
        let seen = Arc::clone(&over);
        let watcher = std::thread::spawn(move || {
            while support::clients::door::log_in(&value).is_ok() {}
            *seen.lock().unwrap() = Some(now());
        });
        stage.rotate().await;
        watcher.join().unwrap();
        let turned_away = over.lock().unwrap().unwrap();
        windows.push(moved.lock().unwrap().saturating_sub(turned_away));
    }
    windows.sort_unstable();
    let [least, .., most] = &windows[..] else { panic!("{windows:?}") };
    told(&format!("locked out for {least:.1?} to {most:.1?}, median {:.1?}", windows[windows.len() / 2]));
}

#[tokio::test]
async fn real_drivers_log_in_with_either_password_during_the_overlap() {
    for tls in [Tls::Trusted, Tls::Off] {
        let keys = if tls == Tls::Off { json!({"ssl": false}) } else { json!({}) };
        let stage = maria::with(&MariaDbOptions { tls, ..MariaDbOptions::default() }, ACCOUNT, &keys).await;
        maria::appoint_by_tag(&stage);
        stage.rotate().await;
        let token = stage.stage();
        for step in ["createSecret", "setSecret"] {
            stage.answer(step, &token).await;
        }
        let authority = stage.server.ca_pem_path();
        let mut ways = vec![None];
        if tls == Tls::Trusted {
            ways.push(Some(authority.as_path()));
        }
        for (driver, ca) in DRIVERS.into_iter().flat_map(|driver| ways.iter().map(move |ca| (driver, *ca))) {
            let with = |label: &str| log_in(driver, &stage.value(label), ca);
            let answers = ["AWSPENDING", "AWSCURRENT", "AWSPREVIOUS"].map(with);
            assert_eq!(answers, [Ok(()), Ok(()), Err("1045".to_owned())], "{driver:?}, {tls:?}, {ca:?}");
        }
        for step in ["testSecret", "finishSecret"] {
            stage.answer(step, &token).await;
        }
        for (driver, ca) in DRIVERS.into_iter().flat_map(|driver| ways.iter().map(move |ca| (driver, *ca))) {
            let with = |label: &str| log_in(driver, &stage.value(label), ca);
            assert_eq!(["AWSCURRENT", "AWSPREVIOUS"].map(with), [Ok(()), Ok(())], "{driver:?}, {tls:?}, {ca:?}");
        }
    }
}
