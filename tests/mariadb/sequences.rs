//! Rotations of MariaDB that are given up, come twice or late: what one of them has left on an account is known for its own,
//! and what has ended does not come back. Then steps and actions in any order, as with PostgreSQL.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rehearsal::aws::random::uuid;
use rehearsal::aws::{Fault, Rule};
use rehearsal::driver::{Driver, STEPS};
use rehearsal::lambda::{Function, Outcome};
use rehearsal::mariadb::native_hash;
use support::blow::Look as _;
use support::estate;
use support::maria::{self, PARTNER};
use support::relay::{At, Strike, When};
use support::rig::{TIMEOUT, bootstrap};
use support::sequences::play;
use support::stage::{ACCOUNT, Stage};
use support::witness::{Watcher, Witness};

use crate::alternating::shown;
use crate::overlap::{BOTH, rules};
use crate::statements::{HOSTS, kept};

const ONE: &str = "BY PASSWORD 'AWSCURRENT'";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_any_order_an_account_with_two_passwords_keeps_the_promises() {
    play(estate::on(maria::overlapping().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_whatever_order_two_accounts_of_mariadb_keep_the_promises() {
    play(estate::on(maria::alternating().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_any_order_an_account_of_mariadb_alone_keeps_the_promises() {
    play(estate::on(maria::stage().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_three_rotations_that_were_given_up_left_beside_is_known_and_replaced() {
    let stage = Watched::over(maria::overlapping().await);
    for round in 0..3 {
        stage.rotate().await;
        let (before, mut given_up) = (kept(&stage, ""), Vec::new());
        for number in 0..3 {
            // Whichever process comes next: the second round is that of one that has seen nothing.
            if round > 0 {
                stage.function.cold().await;
            }
            given_up.push(give_up(&stage, &STEPS[..2 + (round + number) % 2]).await);
            let still = stage.value("AWSPENDING")["password"].as_str().unwrap().to_owned();
            assert!(stage.logs_in("AWSCURRENT") && stage.accepts(ACCOUNT, &still));
        }
        if round == 1 {
            // One that stored a value and no more leaves nothing.
            give_up(&stage, &STEPS[..1]).await;
        }
        stage.assert_finished(&another_one(&stage).await);
        assert_eq!((rules(&stage, "%").as_str(), kept(&stage, "")), (BOTH, before));
        assert!(given_up.iter().all(|password| !stage.accepts(ACCOUNT, password)));
    }
    stage.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_given_up_may_be_revoked_and_nothing_of_it_is_left() {
    let stage = Watched::over(maria::overlapping().await);
    stage.rotate().await;
    let given_up = [give_up(&stage, &STEPS[..2]).await, give_up(&stage, &STEPS[..3]).await];
    // Revoke leaves no overlap: for a moment it is AWSPENDING that logs in.
    stage.witness.content_with_any();
    let report = stage.action("Revoke").await;
    stage.assert_revoked(report["versionId"].as_str().unwrap());
    assert_eq!(rules(&stage, "%"), ONE);
    assert!(given_up.iter().all(|password| !stage.accepts(ACCOUNT, password)));
    // And all goes on as usual.
    stage.rotated().await;
    stage.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rotations_of_two_accounts_of_mariadb_that_were_given_up_leave_them_alike() {
    let stage = Watched::over(maria::alternating().await);
    // From the first one, which makes the partner, in both directions.
    for _ in 0..3 {
        let mut given_up = Vec::new();
        for steps in [2, 3, 1, 2] {
            given_up.push((stage.value("AWSCURRENT")["username"].clone(), give_up(&stage, &STEPS[..steps]).await));
        }
        stage.assert_finished(&another_one(&stage).await);
        assert_eq!(shown(&stage, PARTNER, "%"), shown(&stage, ACCOUNT, "%"));
        for (current, password) in given_up {
            let other = if current == ACCOUNT { PARTNER } else { ACCOUNT };
            assert!(!stage.accepts(other, &password), "{other}");
        }
    }
    stage.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_given_up_between_two_hosts_leaves_rows_that_the_next_unites() {
    let (stage, relay) = maria::by_relay().await;
    maria::appoint_by_tag(&stage);
    let hash = native_hash(stage.value("AWSCURRENT")["password"].as_str().unwrap());
    for host in HOSTS.into_iter().filter(|host| *host != "%") {
        let create = format!("CREATE USER {ACCOUNT}@'{host}' IDENTIFIED VIA mysql_native_password USING '{hash}'");
        stage.mariadb().sql(&format!("{create}; GRANT SELECT ON orders.* TO {ACCOUNT}@'{host}'")).unwrap();
    }
    let stage = Watched::over(stage);
    stage.rotate().await;
    for kills in [true, false] {
        for host in HOSTS {
            let token = stage.created().await;
            let kill = stage.function.kill_handle();
            let hook = Box::new(move || {
                if kills {
                    kill.kill();
                }
            });
            // What the relay hears of a host has its name in it, unlike what it tells.
            let at = match host {
                "%" => At::Text("ALTER USER `orders_app`@`%`"),
                "10.%" => At::Text("ALTER USER `orders_app`@`10.%`"),
                _ => At::Text("ALTER USER `orders_app`@`localhost`"),
            };
            relay.arm(Strike { at, when: When::After, hook });
            assert!(!stage.step("setSecret", &token).await.is_answer());
            assert!(!relay.is_armed() && stage.logs_in("AWSCURRENT"));
        }
        estate::assert_finished(&stage, &another_one(&stage).await);
        assert_eq!(HOSTS.map(|host| rules(&stage, host)), [BOTH; 3]);
    }
    stage.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_twice_at_once_sets_two_passwords_once() {
    let stage = Watched::over(maria::overlapping().await);
    let before = kept(&stage, "");
    for _ in 0..4 {
        twice(&stage).await;
        assert_eq!((rules(&stage, "%").as_str(), kept(&stage, "")), (BOTH, before.clone()));
    }
    stage.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_twice_at_once_keeps_two_accounts_of_mariadb_alike() {
    let stage = Watched::over(maria::alternating().await);
    // The first makes the partner.
    for _ in 0..4 {
        twice(&stage).await;
        assert_eq!(shown(&stage, PARTNER, "%"), shown(&stage, ACCOUNT, "%"));
    }
    stage.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_secret_that_waited_for_the_lock_of_mariadb_finds_its_version_gone() {
    for stage in [maria::overlapping().await, maria::alternating().await] {
        let stage = Watched::over(stage);
        let old = stage.created().await;
        let before = stage.state().1;
        let lock = format!("SELECT GET_LOCK(CONCAT('keyroll:', UPPER(SHA1('{ACCOUNT}'))), 1), SLEEP(1.5)");
        std::thread::scope(|scope| {
            scope.spawn(|| stage.mariadb().sql(&lock));
            std::thread::sleep(Duration::from_millis(300));
            // The label goes to the next rotation while this one waits.
            scope.spawn(|| {
                let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'";
                (0..200).find(|_| stage.mariadb().sql(waiting).unwrap() != "0").expect("nobody waits for the lock");
                stage.aws.stage_pending(&stage.arn, &uuid()).unwrap();
            });
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(stage.error("setSecret", &old, "RefusedVersion"))
            });
        });
        assert_eq!(stage.state().1, before, "the delayed step changed the password");
        stage.assert_content();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_set_secret_that_is_late_by_a_whole_rotation_changes_nothing() {
    for stage in [maria::overlapping().await, maria::alternating().await] {
        let stage = Watched::over(stage);
        stage.rotate().await;
        let token = stage.created().await;
        let late = Late::begin(&stage, &token).await;
        let newer = another_one(&stage).await;
        let before = stage.state();
        let Outcome::Error { error_type, .. } = late.end(&stage).await else { panic!("it was answered") };
        assert_eq!((error_type.as_str(), stage.state()), ("RefusedVersion", before));
        stage.assert_finished(&newer);
        stage.assert_content();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_set_secret_that_is_late_does_not_bring_back_what_retire_has_ended() {
    for stage in [maria::overlapping().await, maria::alternating().await] {
        let stage = Watched::over(stage);
        stage.rotate().await;
        let token = stage.created().await;
        let late = Late::begin(&stage, &token).await;
        stage.goes_on(&token).await;
        stage.action("Retire").await;
        assert!(!stage.logs_in("AWSPREVIOUS"));
        let before = stage.state();
        let Outcome::Answer(report) = late.end(&stage).await else { panic!("no answer") };
        assert_eq!((report["standing"].as_str(), report["done"].to_string().as_str()), (Some("Current"), "[]"));
        assert_eq!(stage.state(), before);
        assert!(stage.logs_in("AWSCURRENT") && !stage.logs_in("AWSPREVIOUS"));
        stage.assert_content();
    }
}

/// Begins a rotation, takes these steps and leaves it; gives the password that it stored.
async fn give_up(stage: &Stage, steps: &[&str]) -> String {
    let token = stage.stage();
    for step in steps {
        stage.answer(step, &token).await;
    }
    stage.value("AWSPENDING")["password"].as_str().unwrap().to_owned()
}

/// A rotation with a new version, whatever is unfinished: Secrets Manager begins one once somebody has cancelled that. Gives
/// the version.
async fn another_one(stage: &Stage) -> String {
    let token = stage.stage();
    for step in STEPS {
        stage.answer(step, &token).await;
    }
    token
}

/// A rotation of which every step comes twice at the same time, to two processes.
async fn twice(stage: &Stage) {
    let other = another(stage);
    let token = stage.stage();
    for step in STEPS {
        let event = Driver::event(step, &stage.arn, &token, &uuid());
        let (here, there) = tokio::join!(stage.send(&event), other.invoke(&event, TIMEOUT));
        let there = there.unwrap();
        stage.heard(&format!("{there:?}"));
        // Of two that store a value or move the label, one may have to be called again.
        assert!(here.is_answer() || there.is_answer(), "{step}: {here:#?} {there:#?}");
        if step == "setSecret" {
            assert!(here.is_answer() && there.is_answer(), "{here:#?} {there:#?}");
        }
    }
    stage.answer("finishSecret", &token).await;
    stage.assert_finished(&token);
}

/// Another environment of the same function.
fn another(stage: &Stage) -> Function {
    let ca = stage.server.ca_pem_path().display().to_string();
    let settings =
        [("AWS_ENDPOINT_URL", stage.aws.url()), ("KEYROLL_CA_BUNDLE", ca), ("KEYROLL_MIN_AGE", "0".to_owned())];
    Function::start(bootstrap(), settings).unwrap()
}

/// A setSecret that has logged in by AWSCURRENT, and then hangs where it looks for the administrator: before it takes the
/// lock.
struct Late {
    answer: tokio::task::JoinHandle<Outcome>,
    go_on: mpsc::Sender<()>,
}

impl Late {
    async fn begin(stage: &Stage, token: &str) -> Self {
        let (go_on, wait) = mpsc::channel::<()>();
        let (there, wait) = (Arc::new(AtomicBool::new(false)), Mutex::new(wait));
        let hangs = Arc::clone(&there);
        let hook = move || {
            hangs.store(true, Ordering::SeqCst);
            let _ = tokio::task::block_in_place(|| wait.lock().unwrap().recv_timeout(TIMEOUT));
        };
        stage.aws.fault(Rule::on("GetSecretValue", Fault::before(hook)).about("orders/admin").nth(1));
        let event = Driver::event("setSecret", &stage.arn, token, &uuid());
        let other = another(stage);
        let answer = tokio::spawn(async move { other.invoke(&event, TIMEOUT).await.unwrap() });
        while !there.load(Ordering::SeqCst) {
            assert!(!answer.is_finished(), "it never asked for the administrator");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { answer, go_on }
    }

    async fn end(self, stage: &Stage) -> Outcome {
        self.go_on.send(()).unwrap();
        let outcome = self.answer.await.unwrap();
        stage.heard(&format!("{outcome:?}"));
        stage.aws.clear_faults();
        outcome
    }
}

/// A stage and somebody who logs in all the time.
struct Watched {
    _watcher: Watcher,
    witness: Witness,
    stage: Arc<Stage>,
}

impl Watched {
    fn over(stage: Stage) -> Self {
        let (stage, witness) = (Arc::new(stage), Witness::default());
        witness.watch(&stage);
        Self { _watcher: Watcher::start(witness.clone()), witness, stage }
    }

    fn assert_content(&self) {
        self.witness.look("in the end");
        self.witness.assert_content();
    }
}

impl std::ops::Deref for Watched {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}
