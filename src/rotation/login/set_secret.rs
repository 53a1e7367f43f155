//! setSecret: make the database accept the pending password. With alternating users it is the password of the account whose turn it
//! is; the partner is brought in step with its base before, whichever turn it is, in one transaction where the server has one for accounts.
//!
//! The current credential is tried first, so that a rotation that goes well has no failed login. AWSPENDING is read only
//! under the account's lock (fencing): a call that was delayed finds its version current once its rotation has ended, and
//! without the label once the next one has begun, and changes nothing.

use super::apply::{self, SetLogin};
use super::beside::{self, Strangers};
use super::change::{ATTEMPTS, ENOUGH, in_the_way, pause};
use super::logins::{Account, Entry, are_a_pair, as_pending, let_in};
use super::writer::{Writer, administrator, writer};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::config::Settings;
use crate::context::Context;
use crate::copies;
use crate::database::{Alignment, Beside, Credential, Wanted};
use crate::error::Result;
use crate::plan::{Plan, Proof};
use crate::rotation::versions::{GIVE_UP, credential, pending_version};
use crate::secret::{AWSCURRENT, Standing};

/// setSecret of a login, and what to do with a password that no version holds.
pub(in crate::rotation) async fn set_secret(
    context: &Context<'_>,
    event: &Rotation,
    settings: Settings,
    strangers: Strangers,
) -> Result<Report> {
    let current = context.current().await?;
    let arn = current.arn.clone();
    if current.id == event.version {
        return Ok(context.report(&arn, &event.version, &Proof::nothing(Standing::Current)));
    }
    let current = credential(context, current, &settings)?;
    current.rotatable(&settings)?;
    let account = Account { arn, settings, current };
    let (session, older) = match let_in(context, Some(event), &account).await? {
        Entry::Current(session) => (session, None),
        Entry::Previous(session, credential) => (session, Some(credential)),
        Entry::AlreadySet => return rest(context, event, &account).await,
    };
    // From here on there is something to write. A retry that finds its work done is not stopped by these.
    account.settings.refuse_on_hold(context.clock.now())?;
    account.settings.sound()?;
    copies::planned(&account.settings).refuse()?;
    let entered = older.as_ref().unwrap_or(&account.current);
    let mut writer = writer(context, &account, session).await?;
    let report = write(context, event, &account, entered, &mut writer, strangers).await;
    writer.session.close().await;
    report
}

/// The pending password works already. Where an account has several rows, an attempt that broke off may have left some of them
/// behind: they are finished by the administrator who began. What stands in the way of that must not keep the rotation from
/// its end, as the server rejects AWSCURRENT by now.
async fn rest(context: &Context<'_>, event: &Rotation, account: &Account) -> Result<Report> {
    let line = format!("the pending password of {:?} works already", account.name());
    let plan = Proof::nothing(Standing::Pending).proving(line);
    let report = context.report(&account.arn, &event.version, &plan);
    if !account.current.kind.holds_two() || account.current.administrator(&account.settings).is_err() {
        return Ok(report);
    }
    let finished = match administrator(context, account, account.name()).await {
        Ok(mut writer) => {
            let finished = write_rest(context, event, account, &mut writer, &plan).await;
            writer.session.close().await;
            finished
        }
        Err(error) => Err(error),
    };
    Ok(finished.unwrap_or_else(|error| {
        let warning =
            format!("whether it works from every host was not seen to: {}; {}", error.cause(), error.remedy());
        Report { warnings: vec![warning], ..report }
    }))
}

async fn write_rest(
    context: &Context<'_>,
    event: &Rotation,
    account: &Account,
    writer: &mut Writer,
    proven: &Proof,
) -> Result<Report> {
    context.clock.require(ENOUGH, "change a password", "nothing was changed")?;
    writer.session.lock(account.current.lock(), context.clock).await?;
    let pending = pending_version(context, event).await?;
    let done = context.report(&account.arn, &event.version, proven);
    if pending.has(AWSCURRENT) {
        return Ok(done);
    }
    let pending = as_pending(context, pending, account, GIVE_UP)?;
    if writer.session.spread(&pending).await?.without.is_empty() {
        return Ok(done);
    }
    // What is somebody else's is as little ours now as it was at the first attempt.
    let known = [&pending, &account.current];
    let target = pending.account();
    let session = &mut writer.session;
    let beside =
        beside::passwords_beside(context, account, session, target, &known, Wanted::New, Strangers::Refuse).await?;
    let plan = plan(target, &writer.name, Alignment::default(), beside).warning(writer.warnings.clone());
    let report = context.report(&account.arn, &event.version, &plan).after(done);
    let set = apply::set(context, report, &plan, &mut writer.session, &pending, &[]).await?;
    set.ok_or_else(|| in_the_way(account.name()))
}

/// Lock, look, plan, apply; once more where somebody else's change of the same account was in the way.
async fn write(
    context: &Context<'_>,
    event: &Rotation,
    account: &Account,
    entered: &Credential,
    writer: &mut Writer,
    strangers: Strangers,
) -> Result<Report> {
    let mut target = account.name().to_owned();
    for attempt in 0..ATTEMPTS {
        pause(attempt).await;
        context.clock.require(ENOUGH, "change a password", "nothing was changed")?;
        writer.session.lock(account.current.lock(), context.clock).await?;
        let version = pending_version(context, event).await?;
        // A duplicate of this call was quicker, and so was the rest of the rotation: what ended since must not come back.
        if version.has(AWSCURRENT) {
            writer.session.release().await?;
            return Ok(context.report(&account.arn, &event.version, &Proof::nothing(Standing::Current)));
        }
        let pending = as_pending(context, version, account, GIVE_UP)?;
        pending.account().clone_into(&mut target);
        let alignment = match account.current.pair(&pending) {
            Some(pair) => {
                let both = are_a_pair(context, account, entered, &pair, &mut writer.session).await?;
                let rotation = account.alternation(&pair, pending.account(), entered, both);
                writer.session.compare(&rotation).await?
            }
            None => Alignment::default(),
        };
        let known = [&pending, entered, &account.current];
        let wanted = match strangers {
            _ if account.current.alternates() => Wanted::Turn,
            Strangers::Refuse => Wanted::Both,
            Strangers::Replace => Wanted::New,
        };
        let (session, target) = (&mut writer.session, pending.account());
        let beside = beside::passwords_beside(context, account, session, target, &known, wanted, strangers).await?;
        let plan = plan(pending.account(), &writer.name, alignment, beside);
        let plan = plan.warning(pending.warnings()).warning(writer.warnings.clone());
        context.clock.require(ENOUGH, "change a password", "nothing was changed")?;
        let report = context.report(&account.arn, &event.version, &plan);
        let olds = [&account.current, entered];
        if let Some(report) = apply::set(context, report, &plan, &mut writer.session, &pending, &olds).await? {
            if let Some(verifier) = entered.verifier() {
                context.memory.keep_replaced(&event.secret, verifier);
            }
            context.memory.keep_partners(&event.secret, [account.name(), pending.account()]);
            return Ok(report);
        }
    }
    Err(in_the_way(&target))
}

/// The plan of setSecret. The password comes last: nobody logs in by what comes before it.
pub(in crate::rotation) fn plan(account: &str, writer: &str, alignment: Alignment, beside: Beside) -> Plan<SetLogin> {
    let mut actions: Vec<SetLogin> = alignment.changes.into_iter().map(SetLogin::Align).collect();
    let (account, writer) = (account.to_owned(), writer.to_owned());
    actions.push(SetLogin::SetPassword { account, writer, beside: beside.stays });
    let ends = beside.why_not.map(|why| format!("the password before ends with this change: {why}"));
    Plan::of(Standing::Pending, actions)
        .warning(alignment.warnings)
        .warning(beside.warnings)
        .warning(ends.into_iter().collect())
}
