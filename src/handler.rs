//! One invocation: an event in, a report or an error out. Errors are logged here, once, where they leave.

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde::Serialize;
use tracing::Instrument as _;

use crate::aws::Clients;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Payload, SecretId};
use crate::memory::Memory;
use crate::operator::{self, DryRun, Reconciled, Status};
use crate::report::{Doing, Report};
use crate::rollout::Scene;
use crate::rotation;
use crate::run::Run;

/// What lives as long as the process.
pub struct App {
    pub(crate) config: Config,
    pub(crate) clients: Clients,
    pub(crate) memory: Memory,
}

/// What an event is answered with.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a step, or to an action on one secret.
    Report(Report),
    /// To `Status`.
    Status(Status),
    /// To `DryRun`.
    DryRun(DryRun),
    /// To `Reconcile` for all secrets.
    Reconciled(Reconciled),
}

impl App {
    /// An app of these settings and clients.
    #[must_use]
    pub fn new(config: Config, clients: Clients) -> Self {
        Self { config, clients, memory: Memory::default() }
    }

    /// Answers one event.
    pub async fn handle(&self, event: LambdaEvent<Payload>) -> Result<Answer> {
        let invocation = tracing::error_span!("invocation", request = event.context.request_id);
        let clock = Clock::ending_at(event.context.deadline);
        let function = event.context.invoked_function_arn;
        async {
            let answer = Box::pin(self.answer(event.payload, &function, clock)).await;
            match &answer {
                Ok(answer) => answer.log(),
                Err(error) => tracing::error!(error_type = error.kind().name(), "{error}"),
            }
            answer
        }
        .instrument(invocation)
        .await
    }

    async fn answer(&self, event: Payload, function: &str, clock: Clock) -> Result<Answer> {
        match Event::read(event)? {
            Event::Rotation(event) => {
                let scene = Scene::new(clock);
                let run = self.run(&event.secret, Doing::Step(event.step.name()), clock, &scene);
                let answer = limited(clock, rotation::step(&run, &event)).await.map(Answer::Report);
                let (step, secret, version) = (event.step.name(), event.secret.as_str(), event.version.as_str());
                answer.map_err(|error| error.at(format!("{step} of {secret}, version {version}")))
            }
            Event::Operator(action) => {
                let answer = limited(clock, operator::answer(self, &action, function, clock)).await;
                let secret = action.secret().map(|secret| format!(" of {}", secret.as_str())).unwrap_or_default();
                answer.map_err(|error| error.at(format!("{}{secret}", action.name())))
            }
            Event::Change(source) => Err(Error::new(
                ErrorKind::RefusedNotBuilt,
                format!("this version of keyroll cannot do this yet: an event of {source}"),
                "rotate through Secrets Manager (rotate-secret); the schedule's Reconcile finishes what is left",
            )),
        }
    }

    /// What work on one secret needs.
    pub(crate) fn run<'a>(&'a self, secret: &'a SecretId, doing: Doing, clock: Clock, scene: &'a Scene) -> Run<'a> {
        Run { config: &self.config, clients: &self.clients, memory: &self.memory, clock, secret, doing, scene }
    }
}

impl Answer {
    fn log(&self) {
        match self {
            Self::Report(report) => report.log(),
            Self::Status(status) => {
                tracing::info!(secret = status.secret_arn, step = "Status", left = status.left.join("; "), "done");
            }
            Self::DryRun(told) => told.log(),
            // Each secret has told its own.
            Self::Reconciled(all) => tracing::info!(
                step = "Reconcile",
                secrets = all.secrets.len(),
                warnings = all.warnings.join("; "),
                "done"
            ),
        }
    }
}

/// What it takes to send an answer.
const ANSWERING: Duration = Duration::from_millis(250);

/// Work that is ended by us with a message, rather than by Lambda without one. Every write may be cut off and repeated.
async fn limited<T>(clock: Clock, work: impl Future<Output = Result<T>>) -> Result<T> {
    let limit = clock.left().saturating_sub(ANSWERING);
    tokio::time::timeout(limit, Box::pin(work)).await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::FailedDeadline,
            "the function's timeout came before this was done",
            "set a longer timeout of the function and run it again: repeating it is safe",
        ))
    })
}
