//! Who logs in while a secret rotates: one that reads the secret before every login, one that keeps what it read for a
//! while, and tasks of ECS that keep what they began with until a deployment replaces them.
//!
//! All of them log in for real and all the time. What a kind of rotation owes them is for the test to say: see
//! [`seen::Seen`].

pub mod door;
pub mod seen;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use rehearsal::aws::{Content, Fault, Rule, Service};
use rehearsal::driver::{self, Driver, RotationOutcome};
use seen::{Attempt, Client, Seen, Turn};
use serde_json::Value;

use crate::rig::{SERVICES, TIMEOUT};
use crate::stage::Stage;

/// How long the caching reader keeps a value.
const KEPT: Duration = Duration::from_millis(300);
/// What a reader waits between two logins.
const PAUSE: Duration = Duration::from_millis(3);
/// What a task waits: there are several.
const TASKS_PAUSE: Duration = Duration::from_millis(40);
/// How long the tasks of a service go on after the deployment that replaces them has begun.
const RESTARTS: [Duration; 3] = [Duration::from_millis(500), Duration::from_millis(900), Duration::from_millis(1400)];
/// When a restart has failed.
const LIMIT: Duration = Duration::from_secs(30);

/// The clients of a stage, until they are stopped.
pub struct Clients {
    stage: Arc<Stage>,
    driver: Driver,
    shared: Arc<Shared>,
    running: Vec<JoinHandle<()>>,
    turns: Vec<Turn>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    attempts: Mutex<Vec<Attempt>>,
    /// The version that each client has; what it replaces is no longer tried.
    held: Mutex<BTreeMap<usize, String>>,
    /// When setSecret was called and answered, and when AWSCURRENT moved, since the last rotation began.
    set: Mutex<Option<(Duration, Duration)>>,
    moved: Mutex<Option<Duration>>,
}

impl Clients {
    /// Rotates so many times with clients on the stage, calls this after each rotation, once nobody has an old value any
    /// more, and gives what the clients met.
    pub async fn through(stage: &Arc<Stage>, rotations: usize, mut after: impl FnMut(&RotationOutcome)) -> Seen {
        let mut clients = Self::start(stage).await;
        for _ in 0..rotations {
            after(&clients.rotate().await);
        }
        clients.stop()
    }

    /// Starts them, and lets each log in a few times.
    async fn start(stage: &Arc<Stage>) -> Self {
        let shared = Arc::new(Shared::default());
        let noted = Arc::clone(&shared);
        let noted = Fault::after(move || *noted.moved.lock().unwrap() = Some(now()));
        stage.aws.fault(Rule::on("UpdateSecretVersionStage", noted).about("AWSCURRENT"));
        let driver = Driver::new(&stage.aws, noting(stage, &shared));
        let hand = |number, client| Hand { number, client, stage: Arc::clone(stage), shared: Arc::clone(&shared) };
        let (fresh, caching) = (hand(0, Client::Fresh), hand(1, Client::Caching));
        let mut running =
            vec![thread::spawn(move || fresh.keep(Duration::ZERO)), thread::spawn(move || caching.keep(KEPT))];
        for (service, restart) in SERVICES.iter().flat_map(|service| RESTARTS.map(|restart| (service, restart))) {
            let task = hand(running.len(), Client::Task);
            running.push(thread::spawn(move || task.serve(service, restart)));
        }
        let clients = Self { stage: Arc::clone(stage), driver, shared, running, turns: Vec::new() };
        tokio::time::sleep(KEPT).await;
        clients
    }

    /// Rotates, as Secrets Manager does, and waits until every task has been replaced and nobody has an old value.
    async fn rotate(&mut self) -> RotationOutcome {
        let replaced = self.stage.aws.holder(&self.stage.arn, "AWSCURRENT").unwrap();
        *self.shared.moved.lock().unwrap() = None;
        let rotation = self.driver.rotate(&self.stage.arn).await.unwrap();
        self.stage.heard(&format!("{:?}", rotation.timeline));
        self.stage.secret_text(&rotation.rotation_token);
        assert!(rotation.succeeded() && rotation.failures().is_empty(), "{rotation:#?}");
        let set = self.shared.set.lock().unwrap().unwrap();
        let moved = self.shared.moved.lock().unwrap().unwrap();
        let all = || self.shared.held.lock().unwrap().values().all(|version| *version == rotation.token);
        assert!(driver::eventually(LIMIT, all).await, "somebody keeps the old value");
        for service in SERVICES {
            self.stage.aws.with_service("prod", service, Service::settle).unwrap();
        }
        tokio::time::sleep(KEPT).await;
        self.turns.push(Turn { replaced, version: rotation.token.clone(), set, moved });
        rotation
    }

    /// Stops them.
    fn stop(mut self) -> Seen {
        self.shared.over.store(true, Ordering::Relaxed);
        for client in self.running.drain(..) {
            client.join().unwrap();
        }
        let attempts = std::mem::take(&mut *self.shared.attempts.lock().unwrap());
        Seen { turns: std::mem::take(&mut self.turns), attempts }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

/// Calls the function, and notes when setSecret was called and answered.
fn noting(stage: &Stage, shared: &Arc<Shared>) -> driver::Invoker {
    let (function, shared) = (stage.function.clone(), Arc::clone(shared));
    driver::invoker(move |event: Value| {
        let (function, shared) = (function.clone(), Arc::clone(&shared));
        async move {
            let begun = now();
            let outcome = function.invoke(&event, TIMEOUT).await;
            if event["Step"] == "setSecret" {
                *shared.set.lock().unwrap() = Some((begun, now()));
            }
            outcome
        }
    })
}

/// A value under AWSCURRENT, and when it was read.
struct Read {
    at: Duration,
    version: String,
    value: Value,
}

/// What one client works with.
struct Hand {
    number: usize,
    client: Client,
    stage: Arc<Stage>,
    shared: Arc<Shared>,
}

impl Hand {
    /// A reader: logs in with a value until that is too old, and reads it again.
    fn keep(&self, long: Duration) {
        let mut read = self.read();
        while !self.is_over() {
            if now().saturating_sub(read.at) >= long {
                read = self.read();
            }
            self.log_in(&read);
            thread::sleep(PAUSE);
        }
    }

    /// A place for one task of a service: the task, and after it the one that replaces it.
    fn serve(&self, service: &str, restart: Duration) {
        let primary = || self.stage.aws.service("prod", service).unwrap().primary().unwrap().id.clone();
        // A task belongs to the deployment that began it.
        let (mut deployment, mut read) = (primary(), self.read());
        let mut ends: Option<Duration> = None;
        while !self.is_over() {
            if ends.is_none() && primary() != deployment {
                ends = Some(now() + restart);
            }
            if ends.take_if(|end| now() >= *end).is_some() {
                (deployment, read) = (primary(), self.read());
            }
            self.log_in(&read);
            thread::sleep(TASKS_PAUSE);
        }
    }

    /// Reads AWSCURRENT.
    fn read(&self) -> Read {
        let at = now();
        let secret = self.stage.aws.secret(&self.stage.arn).unwrap();
        let version = secret.holder("AWSCURRENT").unwrap().to_owned();
        self.shared.held.lock().unwrap().insert(self.number, version.clone());
        let Some(Content::Text(text)) = &secret.versions[&version].content else { panic!("AWSCURRENT holds no text") };
        Read { at, value: serde_json::from_str(text).unwrap(), version }
    }

    /// Logs in with it.
    fn log_in(&self, read: &Read) {
        let begun = now();
        let refused = door::log_in(&read.value).err();
        let (client, version, answered) = (self.client, read.version.clone(), now());
        let attempt = Attempt { client, version, read: read.at, begun, answered, refused };
        self.shared.attempts.lock().unwrap().push(attempt);
    }

    fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }
}

/// The time, since 1970.
pub fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}
