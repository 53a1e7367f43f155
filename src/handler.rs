//! One invocation: an event in, a report or an error out. Errors are logged here, once, where they leave.

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use tracing::Instrument as _;

use crate::api::event::{Event, Payload};
use crate::api::{Answer, Doing};
use crate::context::{App, Clock, Scene, answers};
use crate::error::{Error, ErrorKind, Result};
use crate::{operator, rotation};

impl App {
    /// Answers one event.
    pub async fn handle(&self, event: LambdaEvent<Payload>) -> Result<Answer> {
        let invocation = tracing::error_span!("invocation", request = event.context.request_id);
        let clock = Clock::ending_at(event.context.deadline);
        let function = event.context.invoked_function_arn;
        async {
            let answer = Box::pin(self.answer(event.payload, &function, clock)).await;
            match &answer {
                Ok(answer) => answers::answer(answer),
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
                let context = self.context(&event.secret, Doing::Step(event.step), clock, &scene);
                let answer = limited(clock, rotation::step(&context, &event)).await.map(Answer::Report);
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
