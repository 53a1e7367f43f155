//! Lambda as the function meets it: its Runtime API, a clean environment, one process kept warm and replaced when dead.

mod outcome;
mod process;
mod runtime;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::aws::{ACCOUNT, FUNCTION_KEY, REGION};
use crate::mutex::lock;
pub use outcome::Outcome;
pub use process::KillHandle;
use process::Process;
use runtime::Reported;

/// The name of the function.
pub const NAME: &str = "keyroll";

/// The executable that a test drives: `KEYROLL_BOOTSTRAP`, or else `with_the_test`, which is
/// `CARGO_BIN_EXE_bootstrap` there: cargo builds it together with the test, so that it is never an older one.
#[must_use]
pub fn under_test(with_the_test: &str) -> PathBuf {
    std::env::var_os("KEYROLL_BOOTSTRAP").map_or_else(|| PathBuf::from(with_the_test), PathBuf::from)
}

/// How long a process may take until it asks for its first event, as on Lambda.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// A function: an executable, its environment, and the process that is warm. Clones are handles to the same one, which
/// runs one invocation at a time.
#[derive(Clone)]
pub struct Function {
    inner: Arc<Inner>,
}

struct Inner {
    binary: PathBuf,
    arn: String,
    outputs: TempDir,
    env: Mutex<BTreeMap<String, String>>,
    facts: Mutex<Facts>,
    kill: KillHandle,
    /// Held throughout an invocation: a Lambda environment runs one at a time.
    warm: tokio::sync::Mutex<Option<Process>>,
}

#[derive(Default)]
struct Facts {
    cold_starts: usize,
    invocations: u64,
    init_time: Option<Duration>,
    peak_rss_kib: Option<u64>,
    /// The output of each process, oldest first. Files, not pipes: what was written before an answer is there.
    outputs: Vec<PathBuf>,
}

impl Function {
    /// A function of this executable. Its environment is Lambda's own variables, the stage's key and Region, and `env`
    /// on top: at the least `AWS_ENDPOINT_URL`. The process starts with the first invocation.
    pub fn start<K, V>(binary: impl AsRef<Path>, env: impl IntoIterator<Item = (K, V)>) -> Result<Self>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let binary = binary.as_ref().to_owned();
        ensure!(binary.is_file(), "no executable at {}", binary.display());
        let standard = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("AWS_LAMBDA_FUNCTION_NAME", NAME),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", FUNCTION_KEY),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-the-stage"),
        ];
        let mut all: BTreeMap<String, String> =
            standard.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        all.extend(env.into_iter().map(|(key, value)| (key.into(), value.into())));
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}");
        let inner = Inner {
            binary,
            arn,
            outputs: tempfile::tempdir().context("a directory for the function's output")?,
            env: Mutex::new(all),
            facts: Mutex::default(),
            kill: KillHandle::default(),
            warm: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Invokes the function with an event. `deadline` is the function's timeout: it is told, and killed when over.
    pub async fn invoke(&self, event: &Value, deadline: Duration) -> Result<Outcome> {
        self.invoke_raw(event.to_string().into_bytes(), deadline).await
    }

    /// Invokes the function with any bytes.
    pub async fn invoke_raw(&self, event: impl Into<Bytes>, deadline: Duration) -> Result<Outcome> {
        let mut warm = self.inner.warm.lock().await;
        if warm.as_ref().is_none_or(|process| process.exit_status().is_some()) {
            *warm = None;
            match self.cold_start().await? {
                Ok(process) => *warm = Some(process),
                Err(outcome) => return Ok(outcome),
            }
        }
        let process = warm.as_mut().context("a process")?;
        let number = {
            let mut facts = lock(&self.inner.facts);
            facts.invocations += 1;
            facts.invocations
        };
        process.send(number, event.into(), deadline, &self.inner.arn)?;
        let outcome = process.outcome(deadline).await;
        self.note_memory(process);
        if matches!(outcome, Outcome::TimedOut | Outcome::Exited { .. }) {
            self.inner.kill.kill();
            *warm = None;
        }
        Ok(outcome)
    }

    /// Ends the process, if it runs, so that the next invocation starts a new one.
    pub async fn cold(&self) {
        let mut warm = self.inner.warm.lock().await;
        self.inner.kill.kill();
        *warm = None;
    }

    /// Sends SIGKILL to the process and returns when it is dead; an invocation under way ends as `Exited`.
    pub fn kill(&self) {
        self.inner.kill.kill();
    }

    /// What kills the process that runs at that moment, for a hook of a fault.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.inner.kill.clone()
    }

    /// Sets a variable for the processes that start from now on.
    pub fn set_env(&self, key: &str, value: &str) {
        lock(&self.inner.env).insert(key.to_owned(), value.to_owned());
    }

    /// Takes a variable away from the processes that start from now on.
    pub fn remove_env(&self, key: &str) {
        lock(&self.inner.env).remove(key);
    }

    /// The ARN under which it is invoked.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.inner.arn
    }

    /// Everything all processes ever wrote to standard output and standard error.
    #[must_use]
    pub fn output(&self) -> String {
        let files = lock(&self.inner.facts).outputs.clone();
        files.iter().map(|file| process::read_lossy(file)).collect()
    }

    /// How many processes were started.
    #[must_use]
    pub fn cold_starts(&self) -> usize {
        lock(&self.inner.facts).cold_starts
    }

    /// From the start of the latest process until it asked for its first event.
    #[must_use]
    pub fn init_time(&self) -> Option<Duration> {
        lock(&self.inner.facts).init_time
    }

    /// The most memory that any process had in use at once, as seen at the end of each invocation.
    #[must_use]
    pub fn peak_rss_kib(&self) -> Option<u64> {
        lock(&self.inner.facts).peak_rss_kib
    }

    async fn cold_start(&self) -> Result<Result<Process, Outcome>> {
        let output = {
            let mut facts = lock(&self.inner.facts);
            facts.cold_starts += 1;
            let file = self.inner.outputs.path().join(format!("{}.log", facts.cold_starts));
            facts.outputs.push(file.clone());
            file
        };
        let env = lock(&self.inner.env).clone();
        let started = Instant::now();
        let mut process = Process::spawn(&self.inner.binary, &env, &output, &self.inner.kill).await?;
        match process.reported(INIT_LIMIT).await {
            Ok(Reported::Ready) => {
                lock(&self.inner.facts).init_time = Some(started.elapsed());
                Ok(Ok(process))
            }
            Ok(other) => {
                self.inner.kill.kill();
                Ok(Err(other.into_outcome()))
            }
            Err(outcome) => {
                self.inner.kill.kill();
                Ok(Err(outcome))
            }
        }
    }

    fn note_memory(&self, process: &Process) {
        let seen = process.peak_rss_kib();
        let mut facts = lock(&self.inner.facts);
        facts.peak_rss_kib = facts.peak_rss_kib.max(seen);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A hook that still holds the handle must not keep the process alive.
        self.kill.kill();
    }
}

#[cfg(test)]
mod tests;
