//! `Redeploy`: every dependent now, whatever runs in it. For a value that was changed by hand, or for tasks that hold on
//! to the old one.

use super::current::current;
use crate::api::Report;
use crate::config::Dependents;
use crate::context::Context;
use crate::dependents::Since;
use crate::error::Result;
use crate::rollout::{self, Rollout};
use crate::secret::ROLLOUT;

/// Safe to repeat: each time replaces the tasks once more.
pub(super) async fn redeploy(context: &Context<'_>) -> Result<Report> {
    let (seen, current) = current(context).await?;
    seen.settings.refuse_on_hold(context.clock.now())?;
    if let Dependents::Unreadable(error) = seen.settings.dependents {
        return Err(error);
    }
    // Whatever an open mark says is left is done by this, too.
    let marked = seen.labels.has(&current, ROLLOUT);
    let rollout = Rollout { arn: &seen.arn, version: &current, settings: &seen.settings, marked };
    rollout::roll(context, &rollout, Since::Wanted).await
}
