//! What `DescribeSecret` tells a step: labels, tags, and whether the secret may be rotated at all.

use crate::api::event::Rotation;
use crate::arn::Arn;
use crate::aws::secrets::Described;
use crate::config::Settings;
use crate::context::{Context, Overview};
use crate::error::{Error, ErrorKind, Result};

/// Looks at the secret as a whole, and refuses one that may not be rotated.
pub(super) async fn overview(context: &Context<'_>, event: &Rotation) -> Result<Overview> {
    let seen = look(context).await?;
    context.memory.keep_settings(&event.secret, &event.version, &seen.settings, context.clock.now());
    Ok(seen)
}

/// Looks at the secret where no rotation is at it, so that there is nothing to remember for its later steps.
pub(super) async fn look(context: &Context<'_>) -> Result<Overview> {
    let described = context.describe().await?;
    refuse_managed(&described)?;
    refuse_not_enabled(&described)?;
    Ok(Overview::from(described))
}

/// The secret's settings, from memory where an earlier step of this rotation read them.
pub(super) async fn settings(context: &Context<'_>, event: &Rotation) -> Result<Settings> {
    match context.memory.settings(&event.secret, &event.version, context.clock.now()) {
        Some(settings) => Ok(settings),
        None => Ok(overview(context, event).await?.settings),
    }
}

/// Rotation that was never configured is none that was switched off: a first call may come before Secrets Manager shows it.
pub(crate) fn refuse_not_enabled(described: &Described) -> Result<()> {
    if described.rotation_enabled == Some(false) {
        return Err(Error::new(
            ErrorKind::RefusedNotEnabled,
            "rotation is not enabled for this secret",
            "turn it on with rotate-secret and a schedule; that also starts a rotation",
        ));
    }
    Ok(())
}

/// Secrets that a service manages, above all `rds!…`, are rotated by that service.
pub(crate) fn refuse_managed(described: &Described) -> Result<()> {
    let name = Arn::parse(&described.arn).and_then(|arn| arn.resource_of("secretsmanager", "secret"));
    let by_name = name.is_some_and(|name| name.starts_with("rds!"));
    match described.owner.as_deref().or(by_name.then_some("rds")) {
        None => Ok(()),
        Some(owner) => Err(Error::new(
            ErrorKind::RefusedManaged,
            format!("the secret is managed by {owner}, which rotates it itself"),
            "leave its rotation to that service",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_secrets_are_known_by_owner_and_by_name() {
        let described = |arn: &str, owner: Option<&str>| Described {
            arn: arn.to_owned(),
            owner: owner.map(str::to_owned),
            ..Described::default()
        };
        let arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:";
        assert!(refuse_managed(&described(&format!("{arn}orders-AbCdEf"), None)).is_ok());
        assert!(refuse_managed(&described(&format!("{arn}orders-AbCdEf"), Some("rds"))).is_err());
        assert!(refuse_managed(&described(&format!("{arn}rds!db-0-AbCdEf"), None)).is_err());
        assert!(refuse_managed(&described(&format!("{arn}team/rds!db-0-AbCdEf"), None)).is_ok());
    }
}
