//! Crashes of `Revoke` and `Retire` of MariaDB: the function dies, is cut off or refused, at every call to AWS and at
//! everything that it says to the server, and is asked again. In the end the one password works and the other ones do not,
//! nothing else has changed, and at every look the password under AWSCURRENT let somebody in.

use std::sync::Arc;

use rehearsal::aws::{Fault, Rule};
use rehearsal::mariadb::MariaDbOptions;
use rehearsal::postgres::Held;
use rehearsal::soak::{self, Way};
use rehearsal::tls::Tls;
use serde_json::json;
use support::blow::Look as _;
use support::maria::{self, PARTNER};
use support::relay::{At, Relay, Strike, When};
use support::revokes::{self, logins};
use support::stage::{ACCOUNT, Stage};
use support::told::{Shown, told};
use support::witness::{Watcher, Witness};

use crate::alternating::shown;
use crate::overlap::{BOTH, rules};
use crate::statements::{BLOWS, kept, way};

/// The rules of an account with one password.
const ONE: &str = "BY PASSWORD 'AWSCURRENT'";

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_with_two_passwords_the_next_revoke_leaves_one() {
    let assert = |stage: &Stage| assert_eq!(rules(stage, "%"), ONE);
    revokes::sweep(maria::overlapping().await, &[ACCOUNT], &[true], assert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_with_two_accounts_the_next_revoke_ends_everything_old() {
    revokes::sweep(maria::alternating().await, &[ACCOUNT, PARTNER], &[true], assert_alike).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_of_an_account_alone_the_next_revoke_ends_everything_old() {
    let assert = |stage: &Stage| assert_eq!(rules(stage, "%"), ONE);
    revokes::sweep(maria::stage().await, &[ACCOUNT], &[true], assert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_statement_with_two_passwords_the_next_revoke_leaves_one() {
    let said = statements(&Play::open("Revoke", Who::TwoPasswords).await).await;
    assert_in_order(&said, &["GET_LOCK", "IDENTIFIED VIA mysql_native_password USING ''", "KILL "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_statement_with_two_accounts_the_next_revoke_ends_everything_old() {
    let said = statements(&Play::open("Revoke", Who::TwoAccounts).await).await;
    assert_in_order(&said, &["ALTER USER", "GET_LOCK", "ALTER USER", "KILL ", "GET_LOCK", "ALTER USER", "PROCESSLIST"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_statement_with_two_passwords_the_next_retire_leaves_one() {
    let said = statements(&Play::open("Retire", Who::TwoPasswords).await).await;
    assert_in_order(&said, &["GET_LOCK", "ALTER USER `orders_app`@`%` IDENTIFIED VIA mysql_native_password USING ''"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_statement_with_two_accounts_of_mariadb_the_next_retire_leaves_one() {
    let said = statements(&Play::open("Retire", Who::TwoAccounts).await).await;
    assert_in_order(&said, &["PROCESSLIST", "GET_LOCK", "ALTER USER"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_with_two_passwords_the_next_retire_leaves_one() {
    calls(&Play::open("Retire", Who::TwoPasswords).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn struck_at_any_call_with_two_accounts_of_mariadb_the_next_retire_leaves_one() {
    calls(&Play::open("Retire", Who::TwoAccounts).await).await;
}

/// Strikes at one thing after the other that an undisturbed action says, and gives what that was. What only looks leaves the
/// same behind as the look before, and is left out.
async fn statements(play: &Play) -> Vec<String> {
    let said = play.undisturbed().await;
    let looks = ["SELECT Host", "SHOW ", "SET NAMES", "SELECT VERSION", "SELECT USER", "SELECT CONNECTION_ID"];
    let numbers = (0..said.len()).filter(|nth| !looks.iter().any(|look| said[*nth].starts_with(look)));
    let (mut struck, mut runs) = (Vec::new(), 0);
    for nth in numbers {
        for (when, kills) in [BLOWS[0], BLOWS[2]] {
            if !way(when, kills, 2).strikes(struck.len()) {
                continue;
            }
            play.statement(nth, when, kills).await;
            runs += 1;
        }
        struck.push(said[nth].clone());
    }
    play.close(runs, 2).await;
    struck
}

/// Strikes one call after the other until there are no more.
async fn calls(play: &Play) {
    let mut runs = 0;
    for kind in 0..3 {
        for nth in (1..).filter(|nth| Way { number: kind, of: 3 }.strikes(*nth)) {
            let kill = play.stage.function.kill_handle();
            let fault = match kind {
                0 => Fault::after(move || kill.kill()),
                1 => Fault::LoseAnswer,
                _ => Fault::error("AccessDeniedException", 400, "not authorized"),
            };
            if !play.call(u64::try_from(nth).unwrap(), fault).await {
                assert!(nth > 6, "only {} calls", nth - 1);
                break;
            }
            runs += 1;
        }
    }
    play.close(runs, 3).await;
}

/// Asserts that all of this was said, one after the other.
fn assert_in_order(said: &[String], words: &[&str]) {
    let mut rest = said.iter();
    let missing = words.iter().find(|word| !rest.any(|said| said.contains(**word)));
    assert_eq!(missing, None, "{said:#?}");
}

fn assert_alike(stage: &Stage) {
    assert_eq!(shown(stage, PARTNER, "%"), shown(stage, ACCOUNT, "%"));
    assert!(!format!("{}{}", rules(stage, "%"), rules_of(stage, PARTNER)).contains(" OR "));
}

fn rules_of(stage: &Stage, account: &str) -> String {
    stage.mariadb().sql(&format!("SHOW CREATE USER {account}@'%'")).unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    TwoPasswords,
    TwoAccounts,
}

/// An action on a stage with a relay and a watcher.
struct Play {
    _watcher: Watcher,
    stage: Arc<Stage>,
    relay: Relay,
    witness: Witness,
    action: &'static str,
    who: Who,
}

impl Play {
    async fn open(action: &'static str, who: Who) -> Self {
        let options = MariaDbOptions { tls: Tls::Off, ..MariaDbOptions::default() };
        let stage = maria::with(&options, ACCOUNT, &json!({"ssl": false})).await;
        let relay = Relay::to_mariadb(stage.mariadb().port());
        stage.edit_current(&json!({"port": relay.port()}));
        match who {
            Who::TwoPasswords => maria::appoint_by_tag(&stage),
            Who::TwoAccounts => maria::appoint_by_masterarn(&stage),
        };
        let stage = Arc::new(stage);
        let witness = Witness::default();
        witness.watch(&stage);
        if action == "Revoke" {
            witness.content_with_any();
        }
        stage.rotate().await;
        let watcher = Watcher::start(witness.clone());
        Self { _watcher: watcher, stage, relay, witness, action, who }
    }

    /// What an action by a new process says.
    async fn undisturbed(&self) -> Vec<String> {
        let (before, old, sessions) = self.begin().await;
        self.relay.clear();
        assert!(self.act().await);
        let said = self.relay.said();
        self.end(&before, old, sessions).await;
        said
    }

    /// One action by a new process that is struck at something it says, and then another.
    async fn statement(&self, nth: usize, when: When, kills: bool) {
        let (before, old, sessions) = self.begin().await;
        let (kill, witness) = (self.stage.function.kill_handle(), self.witness.clone());
        let hook = Box::new(move || {
            if kills {
                kill.kill();
            }
            witness.look("at the blow");
        });
        self.relay.arm(Strike { at: At::Number(nth), when, hook });
        let answered = self.act().await;
        let said = self.relay.said();
        let _shown = Shown(format!("{} struck at {nth}, {when:?}, kills: {kills}: {said:#?}", self.action));
        assert!(!self.relay.is_armed(), "so much was never said");
        assert!(!(kills && answered));
        self.end(&before, old, sessions).await;
    }

    /// The same with a call to AWS; tells whether so many are made.
    async fn call(&self, nth: u64, fault: Fault) -> bool {
        let (before, old, sessions) = self.begin().await;
        let _shown = Shown(format!("{} struck at call {nth}, {fault:?}", self.action));
        self.stage.aws.fault(Rule::any(fault).nth(nth));
        self.act().await;
        let struck = self.stage.aws.fired();
        self.stage.aws.clear_faults();
        let _shown = Shown(format!("{struck:?}"));
        self.end(&before, old, sessions).await;
        !struck.is_empty()
    }

    /// A rotation has left its previous password behind: gives what is not to change, the logins that are to end, and
    /// sessions that were opened before.
    async fn begin(&self) -> (String, Vec<(String, String)>, [Held; 2]) {
        self.stage.rotate().await;
        if self.who == Who::TwoPasswords {
            assert_eq!(rules(&self.stage, "%"), BOTH);
        }
        let old = logins(&self.stage).into_iter();
        let current = self.stage.value("AWSCURRENT")["password"].clone();
        let old = old.filter(|(_, password)| self.action == "Revoke" || current != password.as_str()).collect();
        self.stage.function.cold().await;
        (kept(&self.stage, ""), old, ["AWSCURRENT", "AWSPREVIOUS"].map(|label| self.stage.hold(label)))
    }

    async fn act(&self) -> bool {
        self.stage.send(&json!({"Action": self.action, "SecretId": self.stage.arn})).await.is_answer()
    }

    async fn end(&self, before: &str, mut old: Vec<(String, String)>, mut sessions: [Held; 2]) {
        let stage = &self.stage;
        if self.action == "Revoke" {
            old.extend(logins(stage));
        }
        let report = stage.action(self.action).await;
        self.witness.look("afterwards");
        self.witness.assert_content();
        assert!(!old.is_empty());
        for (account, password) in &old {
            assert!(!stage.accepts(account, password), "an old password of {account} still works: {report:#}");
        }
        assert!(stage.logs_in("AWSCURRENT"));
        let version = report["versionId"].as_str().unwrap();
        assert_eq!(stage.aws.holder(&stage.arn, "AWSCURRENT").as_deref(), Some(version));
        let go_on = sessions.iter_mut().map(Held::is_open);
        assert!(go_on.into_iter().all(|open| open == (self.action == "Retire")), "{report:#}");
        if self.action == "Revoke" {
            stage.assert_revoked(version);
        }
        match self.who {
            Who::TwoPasswords => assert_eq!(rules(stage, "%"), ONE),
            Who::TwoAccounts => assert_alike(stage),
        }
        assert_eq!(kept(stage, ""), before);
    }

    /// The next rotation goes on from there.
    async fn close(&self, runs: usize, ways: usize) {
        assert!(soak::as_whole(runs, ways) > 10, "only {runs}");
        let rotation = self.stage.rotate().await;
        self.stage.assert_finished(&rotation.token);
        self.witness.assert_content();
        told(&format!("{runs} times {}, {} looks whether somebody gets in", self.action, self.witness.looks()));
    }
}
