//! The function dies, or is cut off, at everything that a rotation of two accounts that take turns says to the server: in
//! either direction, with a partner that has fallen out of step in every way, and while the partner is made. Secrets Manager
//! retries; then the two are in step, one password has changed and the other one still works, and at every moment some
//! stored version logged in.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rehearsal::postgres::PostgresOptions;
use rehearsal::tls::Tls;
use serde_json::json;
use support::estate;
use support::pair::{self, PARTNER};
use support::relay::{Relay, When};
use support::stage::{ACCOUNT, DATABASE, Stage};
use support::statements::{Around, Swept, sweep};
use support::theatre::Theatre;

/// What setSecret says about the second account when it has to be made or has fallen out of step.
const MEMBERSHIP: &str = "GRANT \"orders_app\" TO \"orders_app_clone\"";
const ATTRIBUTES: &str = "ALTER ROLE \"orders_app_clone\" CONNECTION LIMIT 40";
const GROUP: &str = "GRANT \"readers\" TO \"orders_app_clone\"";
/// What the server puts together itself, so that no value is in it.
const SETTING: &str = "EXECUTE '' || pg_catalog.quote_literal(wanted)";
const SETTING_IN_DATABASE: &str = SETTING;
const NO_SETTING: &str = "ALTER ROLE \"orders_app_clone\" RESET \"statement_timeout\"";
const ACTS: &str = "ALTER ROLE \"orders_app_clone\" SET role = ";

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, When::Before, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_statement_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, When::Before, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, When::After, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, When::After, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, When::Before, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_statement_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, When::Before, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, When::After, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, When::After, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_statement_the_first_alternating_rotation_ends_finished() {
    first(When::Before, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_the_first_alternating_rotation_ends_finished() {
    first(When::After, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_statement_the_first_alternating_rotation_ends_finished() {
    first(When::Before, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_the_first_alternating_rotation_ends_finished() {
    first(When::After, false).await;
}

async fn from(current: &'static str, when: When, kills: bool) {
    let (theatre, relay) = open().await;
    let out_of_step = OutOfStep { current, rotations: Cell::default(), verifiers: Verifiers::default() };
    let Swept { said, struck } = sweep(&theatre, &relay, (when, kills), &out_of_step).await;
    let in_step = [ATTRIBUTES, GROUP, NO_SETTING, SETTING, SETTING_IN_DATABASE];
    let made_a_member = [&[MEMBERSHIP], &in_step[..], &[ACTS]].concat();
    let (pending, changes) = if current == ACCOUNT { (PARTNER, &made_a_member[..]) } else { (ACCOUNT, &in_step[..]) };
    assert_said(&said[current], current, pending, changes);
    theatre.close(&format!("{struck} rotations from {current} struck, each at another statement"));
}

async fn first(when: When, kills: bool) {
    let (theatre, relay) = open().await;
    let Swept { said, struck } = sweep(&theatre, &relay, (when, kills), &WithoutPartner::default()).await;
    let changes = ["CREATE ROLE", MEMBERSHIP, ATTRIBUTES, GROUP, SETTING, SETTING_IN_DATABASE, ACTS];
    assert_said(&said[ACCOUNT], ACCOUNT, PARTNER, &changes);
    theatre.close(&format!("{struck} first rotations struck, each at another statement"));
}

/// A stage whose function comes to the server by a relay, and a base that differs from a role that has just been made in
/// every way that is brought in step.
async fn open() -> (Theatre, Relay) {
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::default() };
    let stage = estate::with(&options, &json!({"ssl": false})).await;
    let relay = Relay::start(stage.postgres().port());
    stage.edit_current(&json!({"port": relay.port()}));
    pair::appoint(&stage, ACCOUNT);
    let different = [
        format!("ALTER ROLE {ACCOUNT} CONNECTION LIMIT 40"),
        format!("CREATE ROLE readers ROLE {ACCOUNT}"),
        format!("ALTER ROLE {ACCOUNT} SET work_mem = '5MB'"),
        format!("ALTER ROLE {ACCOUNT} IN DATABASE {DATABASE} SET lock_timeout = '9s'"),
    ];
    stage.postgres().sql(&different.join("; ")).unwrap();
    (Theatre::open(stage).await.watched(), relay)
}

/// Asserts that the sweep had all in it that a rotation can say, in its order.
fn assert_said(said: &[String], current: &str, pending: &str, changes: &[&str]) {
    let set = format!("ALTER ROLE \"{pending}\" PASSWORD");
    let asks = (current == PARTNER).then_some("SELECT EXISTS");
    let [current, pending] = [current, pending].map(|account| format!("a login of {account}"));
    let admin = format!("a login of {}", pair::ADMIN);
    let mut words = vec![current.as_str(), admin.as_str(), "pg_is_in_recovery", "BEGIN"];
    // Whether the two are a pair, which a partner's name alone does not tell.
    words.extend(asks);
    words.push("jsonb_build_object");
    words.extend(changes);
    words.extend([&set, "COMMIT", &pending, "session_user", &pending, "session_user"]);
    let as_expected = said.len() == words.len() && said.iter().zip(&words).all(|(said, word)| said.contains(word));
    assert!(as_expected, "expected {words:#?}, heard {said:#?}");
}

/// Before each rotation the two are as different as they can become, and it is the same one's turn.
struct OutOfStep {
    /// The account under AWSCURRENT.
    current: &'static str,
    rotations: Cell<usize>,
    verifiers: Verifiers,
}

impl Around for OutOfStep {
    fn before(&self, theatre: &Theatre) {
        let stage = &theatre.stage;
        if pair::account(stage, "AWSCURRENT") != self.current {
            pair::turn_back(stage);
        }
        let number = self.rotations.get();
        self.rotations.set(number + 1);
        let mut statements = vec![
            format!("ALTER ROLE {ACCOUNT} SET work_mem = '{}MB'", 6 + number),
            format!("ALTER ROLE {ACCOUNT} IN DATABASE {DATABASE} SET lock_timeout = '{}s'", 10 + number),
            format!("ALTER ROLE {PARTNER} CONNECTION LIMIT 20"),
            format!("ALTER ROLE {PARTNER} SET statement_timeout = '7s'"),
            format!("REVOKE readers FROM {PARTNER}"),
        ];
        // Without the membership, or something else that shows it meant, the two would be no pair; and whom it acts as is
        // left alone while it is in use.
        if self.current == ACCOUNT {
            statements.push(format!("ALTER ROLE {PARTNER} RESET role; REVOKE {ACCOUNT} FROM {PARTNER}"));
        }
        stage.postgres().sql(&statements.join("; ")).unwrap();
        self.verifiers.note(stage);
    }

    fn after(&self, theatre: &Theatre) {
        self.verifiers.assert_one_changed(&theatre.stage);
        pair::assert_alike(&theatre.stage);
    }
}

/// Before each rotation all is undone that the first one has done.
#[derive(Default)]
struct WithoutPartner {
    verifiers: Verifiers,
}

impl Around for WithoutPartner {
    fn before(&self, theatre: &Theatre) {
        let stage = &theatre.stage;
        stage.secret_text(stage.value("AWSCURRENT")["password"].as_str().unwrap());
        if pair::account(stage, "AWSCURRENT") == ACCOUNT {
            return;
        }
        let second = pair::turn_back(stage);
        stage.aws.with_secret(&stage.arn, |secret| drop(secret.versions.remove(&second))).unwrap();
        // Who is just about to log in as the partner may do so.
        let looks = theatre.witness.looks();
        while theatre.witness.looks() < looks + 2 {
            std::thread::sleep(Duration::from_millis(5));
        }
        stage.postgres().sql(&format!("DROP ROLE {PARTNER}")).unwrap();
        self.verifiers.note(stage);
    }

    fn after(&self, theatre: &Theatre) {
        self.verifiers.assert_one_changed(&theatre.stage);
        pair::assert_alike(&theatre.stage);
    }
}

/// What the server keeps of the two passwords.
#[derive(Default)]
struct Verifiers(RefCell<[String; 2]>);

impl Verifiers {
    fn note(&self, stage: &Stage) {
        *self.0.borrow_mut() = verifiers(stage);
    }

    /// Asserts that the account under AWSCURRENT got another password, and the other one did not.
    fn assert_one_changed(&self, stage: &Stage) {
        let (before, after) = (self.0.borrow(), verifiers(stage));
        let changed = [0, 1].map(|number| before[number] != after[number]);
        let expected = [ACCOUNT, PARTNER].map(|account| account == pair::account(stage, "AWSCURRENT"));
        assert_eq!(changed, expected);
    }
}

fn verifiers(stage: &Stage) -> [String; 2] {
    let of = |role| format!("(SELECT rolpassword FROM pg_authid WHERE rolname = '{role}')");
    let row = stage.postgres().sql(&format!("SELECT {}, {}", of(ACCOUNT), of(PARTNER))).unwrap();
    let (base, partner) = row.split_once('|').unwrap();
    [base.to_owned(), partner.to_owned()]
}
