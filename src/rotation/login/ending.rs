//! Ending a password by the administrator: that of the other one of two accounts that take turns, or the one before on an
//! account that accepts two. None of two accounts can change the other, none can end a second password of its own, and the
//! one whose password ends shall have no say in it.

use super::apply::{self, EndPassword};
use super::change::{ATTEMPTS, ENOUGH, in_the_way, pause};
use super::logins::{Account, Promoted};
use super::writer::Writer;
use crate::api::Report;
use crate::context::Context;
use crate::error::Result;
use crate::plan::Plan;
use crate::rotation::overview::look;
use crate::secret::{Labels, Standing};

/// The plan of it: `target` is the account under AWSCURRENT, or the other one of two.
pub(in crate::rotation) fn plan(account: &Account, target: &str, writer: &str) -> Plan<EndPassword> {
    let (target, writer) = (target.to_owned(), writer.to_owned());
    let action = if target == account.name() {
        EndPassword::Others { account: target, writer }
    } else {
        EndPassword::Scramble { account: target, writer }
    };
    Plan::of(Standing::Current, vec![action])
}

/// Lock, look, apply; once more where somebody else's change of the same account was in the way. The labels are read only
/// under the family's lock (fencing): whether they still allow it is for `allowed` to say. A rotation that comes after it
/// waits for the lock and sets a password of its own, which is then the last.
pub(in crate::rotation) async fn end(
    context: &Context<'_>,
    Promoted { account, version }: Promoted<'_>,
    plan: &Plan<EndPassword>,
    writer: &mut Writer,
    allowed: impl Fn(&Labels) -> Result<()>,
) -> Result<Report> {
    for attempt in 0..ATTEMPTS {
        pause(attempt).await;
        context.clock.require(ENOUGH, "change a password", "the old password was not changed")?;
        writer.session.lock(account.current.lock(), context.clock).await?;
        let allows = match look(context).await {
            Ok(seen) => allowed(&seen.labels),
            Err(error) => Err(error),
        };
        if let Err(error) = allows {
            // The session may be wanted again, the lock is not.
            writer.session.release().await?;
            return Err(error);
        }
        let report = context.report(&account.arn, version, plan);
        if let Some(report) = apply::end_password(context, report, plan, &mut writer.session, &account.current).await? {
            return Ok(report);
        }
    }
    Err(in_the_way(account.name()))
}
