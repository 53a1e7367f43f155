//! The function dies, or is cut off, at everything that a rotation of one account says to MariaDB. Nothing there is in a
//! transaction: what was heard counts. Secrets Manager retries; then the account has the passwords that it should have, in
//! that order, and nothing else of it or of any other account has changed. At every look the password under AWSCURRENT let
//! somebody in, or without an administrator that of some stored version.
//!
//! A function that dies before something is said leaves what one leaves that died after the thing before; so only being
//! cut off is tried on both sides.

use std::cell::RefCell;

use rehearsal::driver::STEPS;
use rehearsal::mariadb::{MariaDbOptions, native_hash};
use rehearsal::soak::Way;
use rehearsal::tls::Tls;
use serde_json::json;
use support::maria;
use support::relay::{At, Relay, Strike, When};
use support::stage::{ACCOUNT, Stage};
use support::statements::{Around, Swept, sweep};
use support::theatre::Theatre;

use crate::overlap::{BOTH, rules};

/// Hosts from which the account may come. Whoever comes over loopback matches the last two, and meets the last one.
pub const HOSTS: [&str; 3] = ["10.%", "%", "localhost"];

/// Killed after everything, cut off before it and after it.
pub const BLOWS: [(When, bool); 3] = [(When::After, true), (When::Before, false), (When::After, false)];

const LOGIN: &str = "a login of orders_app";
const SETTINGS: &str = "SET NAMES utf8mb4, SESSION sql_mode";
const ADMIN: &str = "a login of orders_admin";
const FACTS: &str = "SELECT VERSION()";
const ROWS: [&str; 2] = ["SELECT Host FROM mysql.user", "SHOW CREATE USER `orders_app`@`%`"];
const LOCK: &str = "SELECT GET_LOCK";
const RELEASE: &str = "DO RELEASE_ALL_LOCKS()";
const IDENTITY: &str = "SELECT USER()";
const ONE: &str = "ALTER USER `orders_app`@`%` IDENTIFIED VIA mysql_native_password USING '' OR mysql_native_password";

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_a_rotation_of_two_passwords_ends_finished() {
    overlap(BLOWS[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_statement_a_rotation_of_two_passwords_ends_finished() {
    overlap(BLOWS[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_a_rotation_of_two_passwords_ends_finished() {
    overlap(BLOWS[2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_statement_the_rotation_that_brings_a_second_password_ends_finished() {
    for blow in [BLOWS[0], BLOWS[2]] {
        first(blow).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_statement_a_rotation_of_an_account_by_itself_ends_finished() {
    for blow in [BLOWS[0], BLOWS[2]] {
        alone(blow).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_the_change_of_any_host_the_rows_of_an_account_end_alike() {
    for blow in BLOWS {
        hosts(blow).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_between_two_hosts_where_the_old_password_cannot_stay_the_rows_end_alike() {
    let plugins = vec!["password_reuse_check".to_owned()];
    let options = MariaDbOptions { tls: Tls::Off, plugins, ..MariaDbOptions::default() };
    let stage = maria::with(&options, ACCOUNT, &json!({"ssl": false})).await;
    // The validator wants to see passwords, and with them all logs do.
    stage.expect_leaks();
    stage.aws.set_tag(&stage.arn, "keyroll:plaintext-statements", "true").unwrap();
    let relay = Relay::to_mariadb(stage.mariadb().port());
    stage.edit_current(&json!({"port": relay.port()}));
    maria::appoint_by_tag(&stage);
    let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
    let create = format!("CREATE USER {ACCOUNT}@'10.%' IDENTIFIED VIA mysql_native_password USING '{hash}'");
    let strict = |on| format!("SET GLOBAL strict_password_validation = {on}");
    stage.mariadb().sql(&format!("{}; {create}; {}", strict(0), strict(1))).unwrap();
    for (when, kills) in BLOWS {
        let token = stage.created().await;
        let kill = stage.function.kill_handle();
        let hook = Box::new(move || {
            if kills {
                kill.kill();
            }
        });
        let at = At::Text(if matches!(when, When::After) { "@`10.%` IDENTIFIED" } else { "@`%` IDENTIFIED" });
        relay.arm(Strike { at, when, hook });
        assert!(!stage.step("setSecret", &token).await.is_answer());
        assert!(!relay.is_armed());
        for step in STEPS {
            stage.answer(step, &token).await;
        }
        assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
        assert_eq!([rules(&stage, "%"), rules(&stage, "10.%")], [ALONE; 2]);
    }
}

async fn overlap(blow: (When, bool)) {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    let theatre = Theatre::open(stage).await.watched();
    let Swept { said, struck } = sweep(&theatre, &relay, blow, &Kept::of(&["%"], BOTH, 3)).await;
    // What the last rotation left beside is found by a second look, once AWSPREVIOUS has been read.
    assert_said(&said[ACCOUNT], &as_administrator(2));
    theatre.close(&format!("{struck} rotations struck, each at another statement"));
}

async fn first(blow: (When, bool)) {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    let theatre = Theatre::open(stage).await.watched();
    let around = OnePassword(Kept::of(&["%"], BOTH, 2));
    let Swept { said, struck } = sweep(&theatre, &relay, blow, &around).await;
    assert_said(&said[ACCOUNT], &as_administrator(1));
    theatre.close(&format!("{struck} first rotations struck, each at another statement"));
}

async fn alone(blow: (When, bool)) {
    let (stage, relay) = maria::by_relay().await;
    let theatre = Theatre::open(stage).await.watched();
    let Swept { said, struck } = sweep(&theatre, &relay, blow, &Kept::of(&["%"], ALONE, 2)).await;
    let own = "SHOW CREATE USER";
    let expected = [LOGIN, SETTINGS, IDENTITY, own, FACTS, LOCK, "SET PASSWORD = ''", RELEASE];
    let proof = [LOGIN, SETTINGS, IDENTITY, own];
    assert_said(&said[ACCOUNT], &[&expected[..], &proof, &proof].concat());
    theatre.close(&format!("{struck} rotations struck, each at another statement"));
}

/// Only what is said for each host is struck at: of the rest, one host tells.
async fn hosts(blow: (When, bool)) {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
    for host in HOSTS.into_iter().filter(|host| *host != "%") {
        let create = format!("CREATE USER {ACCOUNT}@'{host}' IDENTIFIED VIA mysql_native_password USING '{hash}'");
        let grant = format!("GRANT SELECT ON orders.* TO {ACCOUNT}@'{host}'");
        stage.mariadb().sql(&format!("{create} WITH MAX_USER_CONNECTIONS 30; {grant}")).unwrap();
    }
    let theatre = Theatre::open(stage).await.watched();
    let Swept { said, struck } = sweep(&theatre, &relay, blow, &EachHost(Kept::of(&HOSTS, BOTH, 3))).await;
    let changes: Vec<&String> = said[ACCOUNT].iter().filter(|said| is_a_change(said)).collect();
    let expected = HOSTS.map(|host| format!("ALTER USER `{ACCOUNT}`@`{host}` IDENTIFIED VIA"));
    assert!(
        changes.len() == 3 && changes.iter().zip(&expected).all(|(said, word)| said.contains(word)),
        "{changes:#?}"
    );
    theatre.close(&format!("{struck} rotations struck, each at another host's row"));
}

/// What a rotation by an administrator says, who looks so often at what the account accepts before it is changed.
fn as_administrator(looks: usize) -> Vec<&'static str> {
    let mut words = vec![LOGIN, SETTINGS, IDENTITY, ADMIN, SETTINGS, IDENTITY, FACTS, "SHOW GRANTS"];
    // Once for its right, and once when the statement is made.
    words.extend(ROWS);
    words.push(LOCK);
    words.extend(ROWS.repeat(looks + 1));
    words.extend([ONE, RELEASE]);
    let proof = [LOGIN, SETTINGS, IDENTITY, "SHOW CREATE USER"];
    words.extend(proof);
    // testSecret sees to AWSCURRENT as well.
    words.extend([LOGIN, SETTINGS, IDENTITY]);
    words.extend(proof);
    words
}

/// Asserts that the sweep had all in it that a rotation can say, in its order.
pub fn assert_said(said: &[String], words: &[&str]) {
    let as_expected = said.len() == words.len() && said.iter().zip(words).all(|(said, word)| said.contains(word));
    assert!(as_expected, "expected {words:#?}, heard {said:#?}");
}

fn is_a_change(said: &str) -> bool {
    said.starts_with("ALTER USER")
}

/// The only rule of an account that changes its own password.
const ALONE: &str = "BY PASSWORD 'AWSCURRENT'";

/// All that the server holds of accounts, but by what they log in. That of one of them may be left out.
pub fn kept(stage: &Stage, but: &str) -> String {
    let users = "SELECT User, Host, JSON_REMOVE(Priv, '$.plugin', '$.authentication_string', '$.auth_or', \
                 '$.password_last_changed') FROM mysql.global_priv";
    let others =
        ["db", "tables_priv", "columns_priv", "roles_mapping"].map(|table| format!("SELECT * FROM mysql.{table}"));
    let all: Vec<String> = [&[users.to_owned()], &others[..]].concat();
    let of = |query: &String| {
        let rows = stage.mariadb().sql(query).unwrap();
        let mut rows: Vec<&str> = rows.lines().filter(|row| but.is_empty() || !row.contains(but)).collect();
        rows.sort_unstable();
        rows.join("\n")
    };
    all.iter().map(of).collect::<Vec<_>>().join("\n\n")
}

/// Nothing changes but the rules of the account at these hosts, which are these in the end.
struct Kept {
    hosts: &'static [&'static str],
    rules: &'static str,
    /// How many of [`BLOWS`] strike here: all, or the two after everything.
    blows: usize,
    before: RefCell<String>,
}

impl Kept {
    fn of(hosts: &'static [&'static str], rules: &'static str, blows: usize) -> Self {
        Self { hosts, rules, blows, before: RefCell::default() }
    }
}

impl Around for Kept {
    fn before(&self, theatre: &Theatre) {
        *self.before.borrow_mut() = kept(&theatre.stage, "");
    }

    fn after(&self, theatre: &Theatre) {
        assert_eq!(kept(&theatre.stage, ""), *self.before.borrow());
        for host in self.hosts {
            let shown = rules(&theatre.stage, host);
            assert_eq!(shown.split(" WITH ").next(), Some(self.rules), "{host}");
        }
    }

    fn way(&self, _said: &str, when: When, kills: bool) -> Way {
        way(when, kills, self.blows)
    }
}

/// Before each rotation the account has one password, as before the first one.
struct OnePassword(Kept);

impl Around for OnePassword {
    fn before(&self, theatre: &Theatre) {
        let stage = &theatre.stage;
        let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
        let only = format!("ALTER USER {ACCOUNT}@'%' IDENTIFIED VIA mysql_native_password USING '{hash}'");
        stage.mariadb().sql(&only).unwrap();
        self.0.before(theatre);
    }

    fn after(&self, theatre: &Theatre) {
        self.0.after(theatre);
    }

    fn way(&self, said: &str, when: When, kills: bool) -> Way {
        self.0.way(said, when, kills)
    }
}

/// Which of all blows this is, or of the two after everything.
pub fn way(when: When, kills: bool, of: usize) -> Way {
    let number = match (when, kills) {
        (When::After, true) => 0,
        (When::After, false) => 1,
        (When::Before, _) => 2,
    };
    Way { number, of }
}

/// Only the changes are struck at.
struct EachHost(Kept);

impl Around for EachHost {
    fn before(&self, theatre: &Theatre) {
        self.0.before(theatre);
    }

    fn after(&self, theatre: &Theatre) {
        self.0.after(theatre);
    }

    fn strikes(&self, said: &str) -> bool {
        is_a_change(said)
    }

    fn way(&self, said: &str, when: When, kills: bool) -> Way {
        self.0.way(said, when, kills)
    }
}
