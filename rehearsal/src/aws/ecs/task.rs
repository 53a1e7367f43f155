//! Tasks as things: each holds what it read as it started, until it has stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::random;
use super::super::wire::date;

/// How far a task is in its life (ECS developer guide, "Task lifecycle").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It is being started: it reads its secrets now.
    Pending,
    /// Its containers run.
    Running,
    /// It is taken from its load balancer, and still runs.
    Deactivating,
    /// It was told to stop, and still runs.
    Stopping,
    /// It has ended.
    Stopped,
}

/// A task, of a service or by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The last part of its ARN.
    pub id: String,
    /// The cluster's name.
    pub cluster: String,
    /// `service:NAME`, or `family:NAME` of one that no service started.
    pub group: String,
    /// The deployment's id, or what somebody else who started it is called.
    pub started_by: String,
    /// The revision's ARN.
    pub task_definition: String,
    /// How far it is.
    pub phase: Phase,
    /// When it was created, since 1970: it read its secrets after that.
    pub created: Duration,
    /// When it came to run, since 1970.
    pub started: Option<Duration>,
    /// When it was told to leave, since 1970.
    pub stopping: Option<Duration>,
    /// When it had ended, since 1970.
    pub stopped: Option<Duration>,
    /// `stopCode` and `stoppedReason`.
    pub why: Option<(&'static str, String)>,
    /// Until when it is protected from being stopped, since 1970.
    pub protected: Option<Duration>,
    /// What it read by each `valueFrom`; none as long as it has not read.
    pub values: Option<BTreeMap<String, String>>,
}

impl Task {
    /// A task that has just been created.
    pub(super) fn new(cluster: &str, group: String, started_by: &str, task_definition: &str, now: Duration) -> Self {
        let hex: Vec<char> = ('0'..='9').chain('a'..='f').collect();
        Self {
            id: random::text(&hex, 32),
            cluster: cluster.to_owned(),
            group,
            started_by: started_by.to_owned(),
            task_definition: task_definition.to_owned(),
            phase: Phase::Pending,
            created: now,
            started: None,
            stopping: None,
            stopped: None,
            why: None,
            protected: None,
            values: None,
        }
    }

    /// Whether it has not ended: what it holds may still be used.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase < Phase::Stopped
    }

    /// Whether it is to stay.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.phase <= Phase::Running
    }

    /// It runs from now on.
    pub fn run(&mut self, now: Duration) {
        if self.phase == Phase::Pending {
            self.phase = Phase::Running;
            self.started = Some(now);
        }
    }

    /// It is to leave: taken from its load balancer first.
    pub fn drain(&mut self, now: Duration) {
        if self.is_wanted() {
            self.phase = Phase::Deactivating;
            self.stopping = Some(now);
            self.why = Some(("ServiceSchedulerInitiated", "Scaling activity initiated by deployment".to_owned()));
        }
    }

    /// It has ended.
    pub fn stop(&mut self, now: Duration) {
        if self.is_live() {
            self.phase = Phase::Stopped;
            self.stopping = self.stopping.or(Some(now));
            self.stopped = Some(now);
            self.why.get_or_insert(("UserInitiated", "Task stopped by user".to_owned()));
        }
    }

    /// It could not be started, for this reason.
    pub fn fail(&mut self, reason: &str, now: Duration) {
        self.why = Some(("TaskFailedToStart", reason.to_owned()));
        self.stop(now);
    }

    /// As `DescribeTasks` shows it.
    pub(super) fn show(&self, arn_of: impl Fn(&str, &str) -> String) -> Value {
        let last = match self.phase {
            Phase::Pending => "PENDING",
            Phase::Running => "RUNNING",
            Phase::Deactivating => "DEACTIVATING",
            Phase::Stopping => "STOPPING",
            Phase::Stopped => "STOPPED",
        };
        let mut shown = json!({
            "taskArn": self.arn(&arn_of), "clusterArn": arn_of("cluster", &self.cluster), "lastStatus": last,
            "desiredStatus": self.desired_status(), "taskDefinitionArn": self.task_definition, "group": self.group,
            "startedBy": self.started_by, "createdAt": date(self.created), "launchType": "FARGATE", "version": 1,
        });
        let dates = [("startedAt", self.started), ("stoppingAt", self.stopping), ("stoppedAt", self.stopped)];
        for (name, at) in dates.into_iter().filter_map(|(name, at)| Some((name, at?))) {
            shown[name] = date(at);
        }
        if let Some((code, reason)) = &self.why {
            shown["stopCode"] = json!(code);
            shown["stoppedReason"] = json!(reason);
        }
        shown
    }

    pub(super) fn arn(&self, arn_of: impl Fn(&str, &str) -> String) -> String {
        arn_of("task", &format!("{}/{}", self.cluster, self.id))
    }

    /// What ECS wants of it. `ListTasks` lists by this, so that by default it hides tasks that are being stopped.
    pub(super) fn desired_status(&self) -> &'static str {
        if self.is_wanted() { "RUNNING" } else { "STOPPED" }
    }
}
