//! `DryRun`: would a rotation of this secret succeed, and what would it do? Every look and every plan is that of the real
//! steps, up to the first write; then it is printed.

use super::current::unfinished;
use super::schedule::{configured, warning};
use crate::api::{ActionName, ConfiguredRotation, DryRun, Forecast, Reason};
use crate::aws::secrets::Described;
use crate::context::{Context, Overview};
use crate::error::{Error, Family, Result};
use crate::rotation::{self, Findings};
use crate::secret::{AWSCURRENT, SecretId, Standing};

/// What AWS answers only to the call itself.
const NOT_CHECKED: [&str; 3] = [
    "whether Secrets Manager may invoke the function (its resource policy)",
    "whether the function's role may write: secretsmanager:PutSecretValue, secretsmanager:UpdateSecretVersionStage, \
     ecs:UpdateService, and kms:GenerateDataKey where the secret has a key of yours",
    "whether new tasks of the services start",
];

/// What nobody checks of the places that `keyroll:copies` names.
const NOT_CHECKED_OF_COPIES: &str = "whether the buckets that keyroll:copies names are there, and whether the function's role may \
     write to them: s3:PutObject";

/// Dry-runs a rotation. `prove` also rehearses what the database can take back.
pub(super) async fn dry_run(context: &Context<'_>, prove: bool, function: &str) -> Result<DryRun> {
    let mut described = match context.describe().await {
        // That nothing may be read is an answer too; that nothing was reached is none.
        Err(error) if error.kind().family() == Family::Refused => return Ok(blind(context.secret, error)),
        described => described?,
    };
    let rotation = configured(&mut described, function);
    let refused = [rotation::refuse_managed(&described).err(), rotation::refuse_not_enabled(&described).err()];
    let secret = Overview::from(described);
    let mut found = rotation::examine(context, &secret, prove).await;
    found.lacking.splice(0..0, refused.into_iter().flatten());
    found.warnings.extend(unfinished(&secret));
    found.warnings.extend(warning(&rotation));
    // The schedule's Reconcile needs it, and no rotation does.
    if let Err(error) = context.clients.secrets.may_list().await {
        found.warnings.push(format!(
            "Reconcile could not find this secret by itself: {}; {}",
            error.cause(),
            error.remedy()
        ));
    }
    Ok(answer(secret, found, rotation))
}

/// The answer where the secret itself may not be looked at.
fn blind(secret: &SecretId, error: Error) -> DryRun {
    let arn = secret.as_str().to_owned();
    let secret = Overview { arn, ..Overview::from(Described::default()) };
    answer(secret, Findings { lacking: vec![error], ..Findings::default() }, ConfiguredRotation::default())
}

fn answer(secret: Overview, found: Findings, rotation: ConfiguredRotation) -> DryRun {
    let current = secret.labels.holder(AWSCURRENT);
    let of_copies = (!secret.settings.copies.is_empty()).then_some(NOT_CHECKED_OF_COPIES);
    DryRun {
        version_id: current.as_ref().map(|version| version.as_str().to_owned()),
        action: ActionName::DryRun,
        standing: if current.is_some() { Standing::Current } else { Standing::Unstaged },
        verdict: if found.lacking.is_empty() { Forecast::WouldSucceed } else { Forecast::WouldFail },
        reasons: found.lacking.iter().map(reason).collect(),
        steps: found.steps,
        proven: found.proven,
        checked: found.checked,
        not_checked: NOT_CHECKED.into_iter().chain(of_copies).map(str::to_owned).collect(),
        rotation,
        done: Vec::new(),
        services: found.services,
        warnings: found.warnings,
        secret_arn: secret.arn,
    }
}

fn reason(error: &Error) -> Reason {
    let remedy = error.remedy().into_owned();
    Reason { error_type: error.kind(), cause: error.placed_cause(), remedy }
}
