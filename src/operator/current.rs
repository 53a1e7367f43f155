//! A first look at a secret: its current version, and a rotation that has broken off.

use crate::context::{Context, Overview};
use crate::error::{Error, ErrorKind, Result};
use crate::rotation::Target;
use crate::secret::{AWSCURRENT, AWSPENDING, VersionId, give_up};

/// The secret as a whole, with its current version.
pub(super) async fn current(context: &Context<'_>) -> Result<(Overview, VersionId)> {
    let seen = Overview::from(context.describe().await?);
    let current = seen.labels.holder(AWSCURRENT).ok_or_else(|| {
        Error::new(
            ErrorKind::RefusedValue,
            "the secret has no AWSCURRENT version, so that there is nothing to roll",
            "store a first value with put-secret-value",
        )
    })?;
    Ok((seen, current))
}

/// What to tell of an AWSPENDING that is not on the current version: a rotation is under way, or one has died. Secrets
/// Manager begins no other until it is cleared or finished.
pub(super) fn unfinished(overview: &Overview) -> Option<String> {
    let pending = overview.labels.holder(AWSPENDING).filter(|version| !overview.labels.has(version, AWSCURRENT))?;
    let (arn, version) = (&overview.arn, pending.as_str());
    // A Revoke that broke off has its second half left, and a rotation would put what has leaked under AWSPREVIOUS.
    let (revoke, works) = match Target::of(&overview.settings) {
        Target::Keys(_) => {
            (" If it was a Revoke, invoke the action Revoke again, and do not rotate.", "is what services are to have")
        }
        Target::Login => ("", "still logs in"),
    };
    let since = overview.last_changed.map(|at| format!(" (the secret last changed at {at})"));
    Some(format!(
        "{arn}: AWSPENDING is on version {version}, which is not current: unless a rotation is running{}, one has broken off.{revoke} \
         To finish it: aws secretsmanager rotate-secret --secret-id {arn}. To give it up, and only where AWSCURRENT \
         {works}: {}",
        since.unwrap_or_default(),
        give_up(arn, &pending)
    ))
}
