//! The function dies, or is cut off, at everything that a rotation of two accounts of MariaDB says: in either direction,
//! with a partner that has fallen out of step in every way, and while the partner is made. Nothing is in a transaction, so
//! that every part of the way is one where it may stay. Secrets Manager retries; then the two are alike, one password has
//! changed and the other one still works, nothing else has changed, and at every look the password under AWSCURRENT let
//! somebody in.

use std::cell::RefCell;
use std::time::Duration;

use rehearsal::mariadb::native_hash;
use rehearsal::soak::Way;
use support::maria::{self, PARTNER};
use support::pair;
use support::relay::{Relay, When};
use support::stage::{ACCOUNT, DATABASE, Stage};
use support::statements::{Around, Swept, sweep};
use support::theatre::Theatre;

use crate::alternating::shown;
use crate::statements::{BLOWS, assert_said, kept, way};

/// The hosts of both. Everybody here meets the first.
const HOSTS: [&str; 2] = ["%", "10.%"];
/// In the order in which passwords are set.
const OURS_LAST: [&str; 2] = ["10.%", "%"];

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, BLOWS[0], What::Changes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_before_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, BLOWS[1], What::Changes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_a_rotation_to_the_partner_ends_finished() {
    from(ACCOUNT, BLOWS[2], What::Everything).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, BLOWS[0], What::Changes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_a_rotation_back_to_the_base_ends_finished() {
    from(PARTNER, BLOWS[2], What::Changes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_statement_the_first_alternating_rotation_ends_finished() {
    first(BLOWS[0], What::Everything).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_after_any_statement_the_first_alternating_rotation_ends_finished() {
    first(BLOWS[2], What::Changes).await;
}

async fn from(current: &'static str, blow: (When, bool), what: What) {
    let (theatre, relay) = open().await;
    let out_of_step = OutOfStep { current, what, kept: Kept::default() };
    let Swept { said, struck } = sweep(&theatre, &relay, blow, &out_of_step).await;
    let pending = if current == ACCOUNT { PARTNER } else { ACCOUNT };
    let mut words = begin(current);
    // Rights of the account that was not let in: AWSPREVIOUS shows that both are ours.
    let both = [look(ACCOUNT, true), look(PARTNER, true), vec![ROLES.to_owned()]].concat();
    words.extend(both.clone());
    words.extend(login(pending));
    words.extend([both, look(pending, false)].concat());
    words.extend(in_step());
    words.extend(set(pending));
    assert_said(&said[current], &words.iter().map(String::as_str).collect::<Vec<_>>());
    theatre.close(&format!("{struck} rotations from {current} struck, each at another statement"));
}

async fn first(blow: (When, bool), what: What) {
    let (theatre, relay) = open().await;
    let around = WithoutPartner { what, kept: Kept::default() };
    let Swept { said, struck } = sweep(&theatre, &relay, blow, &around).await;
    let mut words = begin(ACCOUNT);
    let both = [look(ACCOUNT, true), vec![HOSTS_OF.to_owned(), ROLES.to_owned()]].concat();
    words.extend([both.clone(), both, vec![HOSTS_OF.to_owned()]].concat());
    words.extend(made());
    words.extend(set(PARTNER));
    assert_said(&said[ACCOUNT], &words.iter().map(String::as_str).collect::<Vec<_>>());
    theatre.close(&format!("{struck} first rotations struck, each at another statement"));
}

const HOSTS_OF: &str = "SELECT Host FROM mysql.user";
/// What the base's role gives.
const ROLES: &str = "SHOW GRANTS FOR `readers`";

/// What setSecret says up to its first look at the two.
fn begin(current: &str) -> Vec<String> {
    let lock = ["SELECT VERSION()", "SHOW GRANTS", "SELECT GET_LOCK"].map(str::to_owned);
    [login(current), login(maria::ADMIN), lock.to_vec()].concat()
}

fn login(account: &str) -> Vec<String> {
    let looks = ["SET NAMES utf8mb4, SESSION sql_mode", "SELECT USER()"].map(str::to_owned);
    [vec![format!("a login of {account}")], looks.to_vec()].concat()
}

/// A look at an account: at all of it, or before its password is set at what it logs in by.
fn look(account: &str, all: bool) -> Vec<String> {
    let of = |host: &str| {
        let shown = [format!("SHOW CREATE USER `{account}`@`{host}`"), format!("SHOW GRANTS FOR `{account}`@`{host}`")];
        shown.into_iter().take(1 + usize::from(all))
    };
    let hosts = if all { HOSTS } else { OURS_LAST };
    [HOSTS_OF.to_owned()].into_iter().chain(hosts.into_iter().flat_map(of)).collect()
}

/// What brings a partner in step: all that is missing first, and then what is too much.
fn in_step() -> Vec<String> {
    let (any, other) = (format!("`{PARTNER}`@`%`"), format!("`{PARTNER}`@`10.%`"));
    vec![
        format!("ALTER USER {any} WITH MAX_QUERIES_PER_HOUR 0"),
        format!("GRANT TRIGGER ON `{DATABASE}`.* TO {any}"),
        format!("GRANT UPDATE ON `{DATABASE}`.`t` TO {any} WITH GRANT OPTION"),
        format!("GRANT `readers` TO {any}"),
        format!("SET DEFAULT ROLE `readers` FOR {any}"),
        format!("ALTER USER {other} REQUIRE NONE"),
        format!("REVOKE INSERT ON `more`.* FROM {any}"),
        format!("REVOKE GRANT OPTION ON `more`.* FROM {any}"),
        format!("REVOKE DELETE ON `{DATABASE}`.`t` FROM {any}"),
        format!("REVOKE `writers` FROM {any}"),
    ]
}

/// What makes one.
fn made() -> Vec<String> {
    let (any, other) = (format!("`{PARTNER}`@`%`"), format!("`{PARTNER}`@`10.%`"));
    vec![
        format!("CREATE USER {any} IDENTIFIED VIA unix_socket"),
        "GRANT ALTER, ALTER ROUTINE, CREATE, CREATE ROUTINE".to_owned(),
        format!("GRANT SELECT (`a`), UPDATE ON `{DATABASE}`.`t` TO {any} WITH GRANT OPTION"),
        format!("GRANT `readers` TO {any}"),
        format!("SET DEFAULT ROLE `readers` FOR {any}"),
        format!("CREATE USER {other} IDENTIFIED VIA unix_socket"),
        format!("GRANT SELECT ON `{DATABASE}`.* TO {other}"),
    ]
}

/// The password at every host, and the proofs of it.
fn set(pending: &str) -> Vec<String> {
    let change = |host: &str| format!("ALTER USER `{pending}`@`{host}` IDENTIFIED VIA mysql_native_password USING ''");
    let mut words = [look(pending, false), OURS_LAST.map(change).to_vec()].concat();
    words.push("DO RELEASE_ALL_LOCKS()".to_owned());
    let proof = [login(pending), vec!["SHOW CREATE USER".to_owned()]].concat();
    [words, proof.clone(), proof].concat()
}

/// A stage whose function comes to the server by a relay, and a base that differs from an account that has just been made in
/// every way that is brought in step.
async fn open() -> (Theatre, Relay) {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_masterarn(&stage);
    let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
    let statements = [
        format!("CREATE USER {ACCOUNT}@'10.%' IDENTIFIED VIA mysql_native_password USING '{hash}'"),
        format!("GRANT SELECT ON {DATABASE}.* TO {ACCOUNT}@'10.%'"),
        format!("ALTER USER {ACCOUNT}@'%' WITH MAX_USER_CONNECTIONS 40"),
        "CREATE ROLE readers; CREATE ROLE writers".to_owned(),
        format!("GRANT readers TO {0}@'%' WITH ADMIN OPTION; GRANT writers TO {0}@'%' WITH ADMIN OPTION", maria::ADMIN),
        format!("GRANT readers TO {ACCOUNT}@'%'"),
        format!("SET DEFAULT ROLE readers FOR {ACCOUNT}@'%'"),
        format!("CREATE DATABASE more; CREATE TABLE {DATABASE}.t (a INT, b INT)"),
        format!("GRANT SELECT (a), UPDATE ON {DATABASE}.t TO {ACCOUNT}@'%' WITH GRANT OPTION"),
    ];
    stage.mariadb().sql(&statements.join("; ")).unwrap();
    (Theatre::open(stage).await.watched(), relay)
}

/// What is struck at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Everything,
    /// Logins, locks and changes.
    Changes,
}

impl What {
    /// What only looks leaves the same behind as the look before.
    fn strikes(self, said: &str) -> bool {
        self == Self::Everything
            || !["SELECT Host", "SHOW ", "SET NAMES", "SELECT USER"].iter().any(|look| said.starts_with(look))
    }

    /// Looks are struck at in one sweep only, changes in so many.
    fn way(said: &str, when: When, kills: bool, sweeps: usize) -> Way {
        if Self::Changes.strikes(said) { way(when, kills, sweeps) } else { Way::ONLY }
    }
}

/// Before each rotation the two are as different as they can become, and it is the same one's turn.
struct OutOfStep {
    /// The account under AWSCURRENT.
    current: &'static str,
    what: What,
    kept: Kept,
}

impl Around for OutOfStep {
    fn before(&self, theatre: &Theatre) {
        let stage = &theatre.stage;
        if pair::account(stage, "AWSCURRENT") != self.current {
            pair::turn_back(stage);
        }
        let statements = [
            format!("REVOKE UPDATE, GRANT OPTION ON {DATABASE}.t FROM {PARTNER}@'%'"),
            format!("REVOKE TRIGGER ON {DATABASE}.* FROM {PARTNER}@'%'"),
            format!(
                "GRANT DELETE ON {DATABASE}.t TO {PARTNER}@'%'; GRANT INSERT ON more.* TO {PARTNER}@'%' WITH GRANT OPTION"
            ),
            format!("SET DEFAULT ROLE NONE FOR {PARTNER}@'%'; REVOKE readers FROM {PARTNER}@'%'"),
            format!("GRANT writers TO {PARTNER}@'%'"),
            format!("ALTER USER {PARTNER}@'%' WITH MAX_USER_CONNECTIONS 20"),
            format!("ALTER USER {PARTNER}@'10.%' REQUIRE SSL"),
        ];
        stage.mariadb().sql(&statements.join("; ")).unwrap();
        self.kept.note(stage);
    }

    fn after(&self, theatre: &Theatre) {
        self.kept.assert_alike(&theatre.stage);
    }

    fn strikes(&self, said: &str) -> bool {
        self.what.strikes(said)
    }

    fn way(&self, said: &str, when: When, kills: bool) -> Way {
        // Back to the base nobody is cut off before it.
        What::way(said, when, kills, if self.current == ACCOUNT { 3 } else { 2 })
    }
}

/// Before each rotation all is undone that the first one has done.
struct WithoutPartner {
    what: What,
    kept: Kept,
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
        stage.mariadb().sql(&HOSTS.map(|host| format!("DROP USER {PARTNER}@'{host}'")).join("; ")).unwrap();
        self.kept.note(stage);
    }

    fn after(&self, theatre: &Theatre) {
        self.kept.assert_alike(&theatre.stage);
    }

    fn strikes(&self, said: &str) -> bool {
        self.what.strikes(said)
    }

    fn way(&self, said: &str, when: When, kills: bool) -> Way {
        What::way(said, when, kills, 2)
    }
}

/// What was there before: the passwords of the two, and all of everybody else.
#[derive(Default)]
struct Kept(RefCell<([Vec<String>; 2], String)>);

impl Kept {
    fn note(&self, stage: &Stage) {
        *self.0.borrow_mut() = (passwords(stage), kept(stage, PARTNER));
    }

    /// Asserts that the two are alike, that the account under AWSCURRENT got another password at every host, and that
    /// nothing else has changed.
    fn assert_alike(&self, stage: &Stage) {
        for host in HOSTS {
            assert_eq!(shown(stage, PARTNER, host), shown(stage, ACCOUNT, host));
        }
        let (before, after) = (self.0.borrow(), passwords(stage));
        for (number, account) in [ACCOUNT, PARTNER].into_iter().enumerate() {
            let current = account == pair::account(stage, "AWSCURRENT");
            assert_eq!(before.0[number] != after[number], current, "whether {account} got another password");
            assert_eq!(after[number].len(), 2);
            assert_eq!(after[number][0], after[number][1], "{account} has not one password everywhere");
        }
        assert_eq!(kept(stage, PARTNER), before.1);
    }
}

/// By what each of the two logs in, at each of its hosts.
fn passwords(stage: &Stage) -> [Vec<String>; 2] {
    [ACCOUNT, PARTNER].map(|account| {
        let rules = "JSON_VALUE(Priv, '$.authentication_string'), JSON_EXTRACT(Priv, '$.auth_or')";
        let query = format!("SELECT {rules} FROM mysql.global_priv WHERE User = '{account}' ORDER BY Host");
        stage.mariadb().sql(&query).unwrap().lines().map(str::to_owned).collect()
    })
}
