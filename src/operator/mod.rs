//! What an operator, or the schedule, may ask for outside of a rotation.

mod current;
mod dry_run;
mod function;
mod reconcile;
mod redeploy;
mod schedule;
mod status;

use crate::api::event::Operator;
use crate::api::{Answer, Doing};
use crate::context::{App, Clock, Scene};
use crate::error::{Error, ErrorKind, Result};
use crate::rotation;

/// Does what an operator asks for. `function` is the ARN under which this function was invoked.
pub(crate) async fn answer(app: &App, operator: &Operator, function: &str, clock: Clock) -> Result<Answer> {
    let (doing, scene) = (Doing::Action(operator.action()), Scene::new(clock));
    let context = |secret| app.context(secret, doing, clock, &scene);
    match operator {
        Operator::Status(secret) => status::status(&context(secret), function).await.map(Answer::Status),
        Operator::DryRun(secret, prove) => {
            Box::pin(dry_run::dry_run(&context(secret), *prove, function)).await.map(Answer::DryRun)
        }
        Operator::Redeploy(secret) => redeploy::redeploy(&context(secret)).await.map(Answer::Report),
        Operator::Reconcile(Some(secret)) => reconcile::one(&context(secret)).await.map(Answer::Report),
        Operator::Reconcile(None) => reconcile::all(app, function, clock, &scene).await.map(Answer::Reconciled),
        Operator::Retire(secret) => rotation::retire(&context(secret)).await.map(Answer::Report),
        Operator::Revoke(secret) => Box::pin(rotation::revoke(&context(secret))).await.map(Answer::Report),
        Operator::NotBuilt(action) => Err(Error::new(
            ErrorKind::RefusedNotBuilt,
            format!("this version of keyroll cannot do this yet: the action {}", action.name()),
            "rotate through Secrets Manager (rotate-secret), or use the actions Status, DryRun, Redeploy, Reconcile, \
             Retire and Revoke",
        )),
    }
}
