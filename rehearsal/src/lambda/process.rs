//! One process of the function, from its start to its death.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, sleep_until};

use super::outcome::Outcome;
use super::runtime::{Invocation, Reported, RuntimeApi};
use crate::aws::random;
use crate::mutex::lock;

/// How often a silent process is looked at. Its death has no better sign that works from a hook, too.
const GLANCE: Duration = Duration::from_millis(3);

/// Kills the function's process of the moment; cheap to clone and callable from anywhere.
#[derive(Clone, Default)]
pub struct KillHandle(Arc<Mutex<Option<Child>>>);

impl KillHandle {
    /// Sends SIGKILL and returns when the process is dead: from then on it makes no call and reads no answer.
    pub fn kill(&self) {
        let mut child = lock(&self.0);
        let Some(child) = child.as_mut() else { return };
        // An error means that it is dead already.
        let _ = child.start_kill();
        while matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// The same as a hook of a fault.
    pub fn hook(&self) -> impl Fn() + Send + Sync + use<> + 'static {
        let handle = self.clone();
        move || handle.kill()
    }

    fn exit_status(&self) -> Option<ExitStatus> {
        lock(&self.0).as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    fn id(&self) -> Option<u32> {
        lock(&self.0).as_ref().and_then(Child::id)
    }
}

pub(super) struct Process {
    api: RuntimeApi,
    child: KillHandle,
    output: PathBuf,
    current: String,
}

impl Process {
    pub(super) async fn spawn(
        binary: &Path,
        env: &BTreeMap<String, String>,
        output: &Path,
        handle: &KillHandle,
    ) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let log = OpenOptions::new().create(true).append(true).open(output).context("the function's output")?;
        let mut command = Command::new(binary);
        command.env_clear().envs(env).env("AWS_LAMBDA_RUNTIME_API", &api.address);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let mut spawned = command.spawn();
        // Just written, the file may still be open for writing in a process that another thread is about to start.
        for _ in 0..100 {
            if spawned.as_ref().err().map(Error::kind) != Some(ErrorKind::ExecutableFileBusy) {
                break;
            }
            sleep(GLANCE).await;
            spawned = command.spawn();
        }
        let child = spawned.with_context(|| format!("starting {}", binary.display()))?;
        *lock(&handle.0) = Some(child);
        Ok(Self { api, child: handle.clone(), output: output.to_owned(), current: String::new() })
    }

    pub(super) fn send(&mut self, number: u64, event: Bytes, timeout: Duration, arn: &str) -> Result<()> {
        // A request id that can be read in logs: the number of the invocation in front.
        let id = format!("{number:08x}{}", &random::uuid()[8..]);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let invocation = Invocation { id: id.clone(), event, deadline: now + timeout, arn: arn.to_owned() };
        self.current = id;
        self.api.events.send(invocation).ok().context("the runtime API is gone")
    }

    /// Waits for the end of the invocation that was sent last.
    pub(super) async fn outcome(&mut self, limit: Duration) -> Outcome {
        let end = Instant::now() + limit;
        loop {
            match self.reported(end.saturating_duration_since(Instant::now())).await {
                // A second answer to an earlier invocation is nobody's business any more.
                Ok(report) if report.id() != Some(&self.current) => {}
                Ok(report) => return report.into_outcome(),
                Err(outcome) => return outcome,
            }
        }
    }

    /// Waits for what the process says next; the outcome if it says nothing more.
    pub(super) async fn reported(&mut self, limit: Duration) -> Result<Reported, Outcome> {
        let end = Instant::now() + limit;
        loop {
            // What was said before dying counts, so it is looked at first.
            tokio::select! {
                biased;
                Some(report) = self.api.reports.recv() => return Ok(report),
                () = sleep_until(end) => return Err(Outcome::TimedOut),
                () = sleep(GLANCE) => {}
            }
            if let Some(status) = self.child.exit_status() {
                // Its last words may still be on their way through the server.
                return match tokio::time::timeout(GLANCE, self.api.reports.recv()).await {
                    Ok(Some(report)) => Ok(report),
                    _ => Err(Outcome::Exited { status, output: read_lossy(&self.output) }),
                };
            }
        }
    }

    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        self.child.exit_status()
    }

    pub(super) fn peak_rss_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }
}

pub(super) fn read_lossy(file: &Path) -> String {
    std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
