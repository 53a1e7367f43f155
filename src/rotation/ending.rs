//! Ending the password of the other one of two accounts that take turns, by the administrator. None of the two can change
//! the other, and the one whose password ends shall have no say in it.

use super::logins::{Account, Writer};
use super::look;
use super::set::{ATTEMPTS, ENOUGH, in_the_way, pause};
use crate::apply;
use crate::error::Result;
use crate::event::VersionId;
use crate::plan::{Action, Plan};
use crate::report::Report;
use crate::run::Run;
use crate::stages::{Labels, Standing};

/// The plan of it.
pub(super) fn plan(target: &str, writer: &str) -> Plan {
    Plan::of(Standing::Current, vec![Action::Scramble { account: target.to_owned(), writer: writer.to_owned() }])
}

/// Lock, look, apply; once more where somebody else's change of the same account was in the way. The labels are read only
/// under the family's lock (fencing): whether they still allow it is for `allowed` to say. A rotation that comes after it
/// waits for the lock and sets a password of its own, which is then the last.
pub(super) async fn scramble(
    run: &Run<'_>,
    (account, version): (&Account, &VersionId),
    plan: &Plan,
    writer: &mut Writer,
    allowed: impl Fn(&Labels) -> Result<()>,
) -> Result<Report> {
    for attempt in 0..ATTEMPTS {
        pause(attempt).await;
        run.clock.require(ENOUGH, "change a password", "the old password was not changed")?;
        writer.session.lock(account.current.lock(), run.clock).await?;
        let allows = match look(run).await {
            Ok(seen) => allowed(&seen.labels),
            Err(error) => Err(error),
        };
        if let Err(error) = allows {
            // The session may be wanted again, the lock is not.
            writer.session.release().await?;
            return Err(error);
        }
        let report = run.report(&account.arn, version, plan);
        if let Some(report) = apply::scramble(run, report, plan, &mut writer.session).await? {
            return Ok(report);
        }
    }
    Err(in_the_way(account.name()))
}
