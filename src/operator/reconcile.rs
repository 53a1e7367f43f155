//! `Reconcile`: finishes rollouts that broke off, for one secret or for all that this function rotates. Secrets Manager may
//! never call again once AWSCURRENT has moved, so that this runs on a schedule.
//!
//! Only an open mark gives it something to do: nothing else of a secret is touched or cleaned up.

use std::collections::BTreeSet;

use super::current::{current, unfinished};
use super::function::{is_function, same_function};
use crate::api::{ActionName, Doing, Reconciled, Report};
use crate::config::Dependents;
use crate::context::{App, Clock, Context, Overview, Scene, answers};
use crate::dependents::Since;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Proof;
use crate::rollout::{self, Rollout};
use crate::secret::{AWSCURRENT, ROLLOUT, SecretId, Standing};

/// How many secrets an error names.
const TOLD: usize = 20;

/// One secret.
///
/// Safe to repeat: what is rolled is younger than the move, and once the mark is gone there is nothing to do.
pub(super) async fn one(context: &Context<'_>) -> Result<Report> {
    let (seen, current) = current(context).await?;
    let rollout = Rollout {
        arn: &seen.arn,
        version: &current,
        settings: &seen.settings,
        marked: seen.labels.has(&current, ROLLOUT),
    };
    let mut report = if rollout.marked {
        rollout::roll(context, &rollout, Since::Changed(seen.last_changed)).await?
    } else {
        context.report(&seen.arn, &current, &Proof::nothing(Standing::Current))
    };
    report.warnings.extend(unfinished(&seen));
    Ok(report)
}

/// All secrets that this function rotates. One that fails stops no other.
pub(super) async fn all(app: &App, function: &str, clock: Clock, scene: &Scene) -> Result<Reconciled> {
    if !is_function(function) {
        return Err(Error::new(
            ErrorKind::FailedDefect,
            "Lambda did not tell the function's ARN, so that nobody knows which secrets are its own",
            "name the secret to reconcile in SecretId",
        ));
    }
    let listed = app.clients.secrets.list().await?;
    let ours: Vec<Overview> = listed
        .into_iter()
        .filter(|secret| secret.function.as_deref().is_some_and(|arn| same_function(arn, function)))
        .map(Overview::from)
        .collect();
    let open: Vec<&Overview> = ours.iter().filter(|secret| is_open(secret)).collect();
    let (mut secrets, mut errors) = (Vec::new(), Vec::new());
    let doing = Doing::Action(ActionName::Reconcile);
    let open: Vec<(&Overview, SecretId)> =
        open.into_iter().filter_map(|secret| Some((secret, SecretId::parse(&secret.arn)?))).collect();
    // The estate is searched once, and before the time is shared out.
    if let Some((_, id)) = open.iter().find(|(secret, _)| secret.settings.dependents == Dependents::Discovered) {
        rollout::search(&app.context(id, doing, clock, scene)).await;
    }
    for (number, (secret, id)) in open.iter().enumerate() {
        // The list may be a little old: each is looked at anew before anything is done.
        let context = app.context(id, doing, clock.part(open.len() - number), scene);
        match Box::pin(one(&context)).await {
            Ok(report) => secrets.push(report),
            Err(error) => errors.push(error.at(&secret.arn)),
        }
    }
    for report in &secrets {
        answers::report(report);
    }
    match failure(errors) {
        Some(error) => Err(error),
        None => Ok(summary(&ours, secrets)),
    }
}

/// One error for all secrets that failed, as far as a line of the log can tell them.
fn failure(mut errors: Vec<Error>) -> Option<Error> {
    let more = errors.len().saturating_sub(TOLD);
    errors.truncate(TOLD);
    let error = Error::join(errors)?;
    match more {
        0 => Some(error),
        more => Some(error.map_cause(|cause| format!("{cause}; and {more} more secrets"))),
    }
}

fn is_open(secret: &Overview) -> bool {
    secret.labels.holder(ROLLOUT).is_some_and(|version| secret.labels.has(&version, AWSCURRENT))
}

fn summary(ours: &[Overview], secrets: Vec<Report>) -> Reconciled {
    let done =
        secrets.iter().flat_map(|report| report.done.iter().map(|line| format!("{}: {line}", report.secret_arn)));
    // A secret with something left has told its own already.
    let quiet = ours.iter().filter(|secret| secrets.iter().all(|report| report.secret_arn != secret.arn));
    let mut warnings: Vec<String> = secrets.iter().flat_map(|report| report.warnings.clone()).collect();
    warnings.extend(quiet.filter_map(unfinished));
    // What the search has to say it says to every secret.
    let mut told = BTreeSet::new();
    warnings.retain(|warning| told.insert(warning.clone()));
    Reconciled {
        action: ActionName::Reconcile,
        looked_at: ours.len(),
        done: done.collect(),
        services: secrets.iter().flat_map(|report| report.services.clone()).collect(),
        warnings,
        secrets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_over_many_secrets_stays_readable() {
        let errors = |number: usize| {
            (0..number)
                .map(|n| Error::new(ErrorKind::FailedRollout, "cause", "remedy").at(format!("secret {n}")))
                .collect()
        };
        assert_eq!(failure(errors(0)), None);
        assert!(failure(errors(20)).unwrap().cause().ends_with("secret 19: cause"));
        assert!(failure(errors(23)).unwrap().cause().ends_with("secret 19: cause; and 3 more secrets"));
    }
}
