//! What an operator, or the schedule, may ask for outside of a rotation.

mod answer;
mod dry_run;
mod reconcile;
mod redeploy;
mod schedule;
mod status;

use crate::api::Doing;
use crate::api::event::Operator;
use crate::context::{App, Clock, Overview, Run, Scene};
use crate::dependents::utc;
use crate::error::{Error, ErrorKind, Result};
use crate::jose::KeyKind;
use crate::rotation;
use crate::secret::{AWSCURRENT, AWSPENDING, VersionId};

pub(crate) use answer::Answer;

/// Does what an operator asks for. `function` is the ARN under which this function was invoked.
pub(crate) async fn answer(app: &App, operator: &Operator, function: &str, clock: Clock) -> Result<Answer> {
    let (doing, scene) = (Doing::Action(operator.name()), Scene::new(clock));
    let run = |secret| app.run(secret, doing, clock, &scene);
    match operator {
        Operator::Status(secret) => status::run(&run(secret), function).await.map(Answer::Status),
        Operator::DryRun(secret, prove) => {
            Box::pin(dry_run::run(&run(secret), *prove, function)).await.map(Answer::DryRun)
        }
        Operator::Redeploy(secret) => redeploy::run(&run(secret)).await.map(Answer::Report),
        Operator::Reconcile(Some(secret)) => reconcile::one(&run(secret)).await.map(Answer::Report),
        Operator::Reconcile(None) => reconcile::all(app, function, clock, &scene).await.map(Answer::Reconciled),
        Operator::Retire(secret) => rotation::retire(&run(secret)).await.map(Answer::Report),
        Operator::Revoke(secret) => Box::pin(rotation::revoke(&run(secret))).await.map(Answer::Report),
        Operator::NotBuilt(name) => Err(Error::new(
            ErrorKind::RefusedNotBuilt,
            format!("this version of keyroll cannot do this yet: the action {name}"),
            "rotate through Secrets Manager (rotate-secret), or use the actions Status, DryRun, Redeploy, Reconcile, \
             Retire and Revoke",
        )),
    }
}

/// The secret as a whole, with its current version.
async fn look(run: &Run<'_>) -> Result<(Overview, VersionId)> {
    let seen = Overview::from(run.describe().await?);
    let current = seen.labels.holder(AWSCURRENT).ok_or_else(|| {
        Error::new(
            ErrorKind::RefusedValue,
            "the secret has no AWSCURRENT version, so that there is nothing to roll",
            "store a first value with put-secret-value",
        )
    })?;
    Ok((seen, current))
}

/// Whether two ARNs name the same function, be it with or without a version or alias behind its name.
fn same_function(one: &str, other: &str) -> bool {
    is_function(one) && unqualified(one) == unqualified(other)
}

fn is_function(arn: &str) -> bool {
    unqualified(arn).len() == FUNCTION_PARTS
}

/// The parts of `arn:partition:lambda:region:account:function:NAME`.
const FUNCTION_PARTS: usize = 7;

fn unqualified(arn: &str) -> Vec<&str> {
    arn.split(':').take(FUNCTION_PARTS).collect()
}

/// What to tell of an AWSPENDING that is not on the current version: a rotation is under way, or one has died. Secrets
/// Manager begins no other until it is cleared or finished.
fn unfinished(overview: &Overview) -> Option<String> {
    let pending = overview.labels.holder(AWSPENDING).filter(|version| !overview.labels.has(version, AWSCURRENT))?;
    let (arn, version) = (&overview.arn, pending.as_str());
    // Of a broken Revoke the second half is left, and a rotation would put what has leaked under AWSPREVIOUS.
    let (revoke, works) = match KeyKind::of(&overview.settings) {
        Some(_) => {
            (" If it was a Revoke, invoke the action Revoke again, and do not rotate.", "is what services are to have")
        }
        None => ("", "still logs in"),
    };
    let since = overview.last_changed.map(|at| format!(" (the secret last changed at {})", utc(at)));
    Some(format!(
        "{arn}: AWSPENDING is on version {version}, which is not current: unless a rotation is running{}, one has broken off.{revoke} \
         To finish it: aws secretsmanager rotate-secret --secret-id {arn}. To give it up, and only where AWSCURRENT \
         {works}: aws secretsmanager update-secret-version-stage --secret-id {arn} --version-stage AWSPENDING \
         --remove-from-version-id {version}",
        since.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_the_same_under_each_of_its_names() {
        let arn = "arn:aws:lambda:eu-west-1:000000000000:function:keyroll";
        assert!(same_function(arn, arn));
        assert!(same_function(&format!("{arn}:live"), &format!("{arn}:3")));
        for other in [
            "arn:aws:lambda:eu-west-1:000000000000:function:keyroll-staging",
            "arn:aws:lambda:eu-west-2:000000000000:function:keyroll",
            "arn:aws:lambda:eu-west-1:000000000001:function:keyroll",
            "keyroll",
            "",
        ] {
            assert!(!same_function(arn, other), "{other}");
        }
        assert!(!same_function("", ""));
    }
}
