//! Whoever logs in all the time, as a service does, and notices when nobody gets in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rehearsal::aws::Content;
use rehearsal::postgres::Login;
use serde_json::Value;

use crate::blow::Look;
use crate::stage::{DATABASE, Stage};

/// Sees to it that some stored version logs in; and where two accounts take turns, that AWSCURRENT does.
#[derive(Clone, Default)]
pub struct Witness {
    stage: Arc<OnceLock<Weak<Stage>>>,
    looks: Arc<AtomicUsize>,
    /// Whether any stored version will do, also where AWSCURRENT alone should: Revoke leaves no overlap.
    any: Arc<AtomicBool>,
    /// A panic in a hook or in another thread would not end the test, so that violations are kept until it asks.
    violations: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    /// Names the stage to look at. A handle that keeps it running would keep it for ever: the stage itself holds hooks
    /// that hold the witness.
    pub fn watch(&self, stage: &Arc<Stage>) {
        let _ = self.stage.set(Arc::downgrade(stage));
    }

    /// Is content with any stored version of an account, as while Revoke is at work on it.
    pub fn content_with_any(&self) {
        self.any.store(true, Ordering::Relaxed);
    }

    pub fn assert_content(&self) {
        assert_eq!(self.violations(), Vec::<String>::new());
    }

    /// When nobody got in.
    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    /// How often it looked.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

impl Look for Witness {
    /// Looks whether some labelled version that should log in does, and notes it if none does.
    fn look(&self, when: &str) {
        let Some(stage) = self.stage.get().and_then(Weak::upgrade) else { return };
        self.looks.fetch_add(1, Ordering::Relaxed);
        // While one password is tried, the server may change from another to it. So a round of rejections counts only if
        // the next one, over the same stored values, is one as well.
        let mut rejected = None;
        loop {
            let stored = logins(&stage, self.any.load(Ordering::Relaxed));
            if stored.iter().any(|(account, password)| accepts(&stage, account, password)) {
                return;
            }
            if rejected.as_ref() == Some(&stored) {
                let stages = stage.aws.stages(&stage.arn);
                self.violations.lock().unwrap().push(format!("no stored version logs in, {when}: {stages:?}"));
                return;
            }
            rejected = Some(stored);
        }
    }
}

/// Whether a login is let in. One that is ended while it is made, as Revoke ends those that are open, is made again.
fn accepts(stage: &Stage, account: &str, password: &str) -> bool {
    let login = || stage.server.login(account, password, DATABASE);
    login().or_else(|_| login()).or_else(|_| login()).unwrap() == Login::Accepted
}

/// The names and passwords of the labelled versions, as they are stored at one moment. With two accounts, or two passwords of
/// one, nobody needs any but the one under AWSCURRENT, ever.
fn logins(stage: &Stage, any: bool) -> Vec<(String, String)> {
    let secret = stage.aws.secret(&stage.arn).unwrap();
    let holders = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"].map(|label| secret.holder(label).map(str::to_owned));
    let mut holders: Vec<String> = holders.into_iter().flatten().collect();
    holders.dedup();
    let texts = holders.iter().filter_map(|holder| match &secret.versions[holder].content {
        Some(Content::Text(text)) => serde_json::from_str::<Value>(text).ok(),
        _ => None,
    });
    let values: Vec<Value> = texts.collect();
    let alternate = values.first().is_some_and(|current| current.get("masterarn").is_some());
    let counts = values.iter().take(if alternate || (stage.overlaps() && !any) { 1 } else { values.len() });
    counts.map(|value| (text(value, "username"), text(value, "password"))).collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

/// Takes a breath between looks: each is a process and a login, and would take a whole core from what is watched.
const BREATH: Duration = Duration::from_millis(30);

/// Looks all the time, from a thread of its own.
pub struct Watcher {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    pub fn start(witness: Witness) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                witness.look("while nothing in particular happened");
                std::thread::sleep(BREATH);
            }
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        // A watch that broke off has seen nothing since.
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the watcher is gone");
    }
}
