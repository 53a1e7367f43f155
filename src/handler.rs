//! One invocation: an event in, a report or an error out. Errors are logged here, once, where they leave.

use lambda_runtime::LambdaEvent;

use crate::aws::Clients;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Payload, Rotation};
use crate::report::Report;
use crate::rotation::{self, Memory, Run};

/// What lives as long as the process.
pub struct App {
    config: Config,
    clients: Clients,
    memory: Memory,
}

impl App {
    /// An app of these settings and clients.
    #[must_use]
    pub fn new(config: Config, clients: Clients) -> Self {
        Self { config, clients, memory: Memory::default() }
    }

    /// Answers one event.
    pub async fn handle(&self, event: LambdaEvent<Payload>) -> Result<Report> {
        let clock = Clock::ending_at(event.context.deadline);
        let answer = self.answer(event.payload, clock).await;
        let request = event.context.request_id;
        match &answer {
            Ok(report) => tracing::info!(
                request,
                secret = report.secret_arn,
                version = report.version_id,
                step = report.step,
                standing = ?report.standing,
                done = report.done.join("; "),
                services = report.services.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
                warnings = report.warnings.join("; "),
                "done"
            ),
            Err(error) => tracing::error!(request, error_type = error.kind().name(), "{error}"),
        }
        answer
    }

    async fn answer(&self, event: Payload, clock: Clock) -> Result<Report> {
        match Event::read(event)? {
            Event::Rotation(rotation) => self.rotate(&rotation, clock).await,
            Event::Operator(action) => Err(not_built(&format!("the action {action}"))),
            Event::Change(source) => Err(not_built(&format!("an event of {source}"))),
        }
    }

    async fn rotate(&self, event: &Rotation, clock: Clock) -> Result<Report> {
        let run = Run { config: &self.config, clients: &self.clients, memory: &self.memory, event, clock };
        // Ended by us with a message, rather than by Lambda without one. Every write may be cut off and repeated.
        let answer = tokio::time::timeout(clock.left().saturating_sub(ANSWERING), Box::pin(rotation::step(&run))).await;
        answer.unwrap_or_else(|_| Err(out_of_time())).map_err(|error| {
            error.at(format!("{} of {}, version {}", event.step.name(), event.secret.as_str(), event.version.as_str()))
        })
    }
}

/// What it takes to send an answer.
const ANSWERING: std::time::Duration = std::time::Duration::from_millis(250);

fn not_built(what: &str) -> Error {
    Error::new(
        ErrorKind::RefusedNotBuilt,
        format!("this version of keyroll cannot do this yet: {what}"),
        "rotate through Secrets Manager (rotate-secret)",
    )
}

fn out_of_time() -> Error {
    Error::new(
        ErrorKind::FailedDeadline,
        "the function's timeout came before the step was done",
        "set the function's timeout to 60 seconds or more and run the step again: repeating it is safe",
    )
}
