//! Steps 4 and 5: sessions that the old credential opened end, and it opens no other.

use crate::api::Report;
use crate::context::Context;
use crate::database::{Probe, Session, Which};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::rotation::login::apply::{self, EndPassword, EndSessions, Enders};
use crate::rotation::login::ending;
use crate::rotation::login::logins::{Account, Promoted};
use crate::rotation::login::writer::{Writer, administrator};
use crate::rotation::overview::look;
use crate::secret::{AWSCURRENT, AWSPENDING, Labels, Standing, VersionId};

/// Sessions that logged in before.
pub(super) struct Insiders {
    /// The first one with the new password.
    pub(super) proof: Session,
    /// One of the account that was current before, if that is another one.
    pub(super) old: Option<Session>,
}

/// Ends the old password, where it is that of another account, and the sessions of both.
pub(super) async fn put_out(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    before: &Account,
    mut insiders: Insiders,
    report: &mut Report,
) -> Result<()> {
    let ended = match promoted.account.current.pair(&before.current) {
        Some(_) => put_out_other(context, promoted, before.name(), &mut insiders, report).await,
        None => put_out_one(context, promoted, &mut insiders, report).await,
    };
    insiders.proof.close().await;
    if let Some(session) = insiders.old {
        session.close().await;
    }
    ended
}

/// With one account: the password before, where it stays valid beside the new one.
async fn put_out_one(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    insiders: &mut Insiders,
    report: &mut Report,
) -> Result<()> {
    let (mut writer, ended) = match insiders.proof.overlaps().await {
        Ok(false) => (None, Ok(())),
        Ok(true) => {
            let ended = end_others(context, promoted, report).await;
            // The old password opened sessions until now, also after the one that ends those before it.
            if let Probe::Accepted(newer) = promoted.account.current.log_in(context).await {
                std::mem::replace(&mut insiders.proof, newer).close().await;
            }
            ended
        }
        Err(error) => (None, Err(error)),
    };
    let kept = put_out_earlier(context, promoted, insiders, writer.as_mut(), report).await;
    if let Some(writer) = writer {
        writer.session.close().await;
    }
    let ended = ended.map_err(|error| still_works(&error, &format!("{:?} before", promoted.account.name())));
    Error::join([ended.err(), kept.err()].into_iter().flatten().collect()).map_or(Ok(()), Err)
}

async fn end_others(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    report: &mut Report,
) -> (Option<Writer>, Result<()>) {
    let mut writer = match administrator(context, promoted.account, promoted.account.name()).await {
        Ok(writer) => writer,
        Err(error) => return (None, Err(error)),
    };
    let plan = ending::plan(promoted.account, promoted.account.name(), &writer.name).warning(writer.warnings.clone());
    let ended = end_password(context, promoted, &plan, &mut writer).await.map(|done| report.append(done));
    (Some(writer), ended)
}

fn still_works(error: &Error, whose: &str) -> Error {
    error
        .clone()
        .map_cause(|cause| format!("AWSCURRENT has moved, but the password of {whose} may still work: {cause}"))
        .map_remedy(|remedy| format!("{remedy}; then invoke the action Revoke again"))
}

/// With two accounts: the password of the other one first, so that nobody comes back.
async fn put_out_other(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    other: &str,
    insiders: &mut Insiders,
    report: &mut Report,
) -> Result<()> {
    let (mut writer, mut scrambled) = match administrator(context, promoted.account, other).await {
        Ok(writer) => (Some(writer), Ok(())),
        Err(error) => (None, Err(error)),
    };
    if let Some(writer) = &mut writer {
        let plan = ending::plan(promoted.account, other, &writer.name).warning(writer.warnings.clone());
        scrambled = end_password(context, promoted, &plan, writer).await.map(|done| report.append(done));
    }
    // Once another rotation has begun, the other account's sessions may be those of its new value.
    let overtaken =
        scrambled.is_err() && look(context).await.is_ok_and(|seen| untouched(&seen.labels, promoted.version).is_err());
    let mut ended = Ok(());
    if !overtaken {
        let action = EndSessions { account: other.to_owned(), which: Which::All };
        let plan = Plan::of(Standing::Current, vec![action]);
        ended = end(context, promoted, &plan, insiders, writer.as_mut(), report).await;
    }
    // A client that was in could change its own password until its session ended, or ended it themselves right after: once
    // more, now that nobody is.
    if let (Ok(()), Some(writer)) = (&scrambled, &mut writer) {
        scrambled = end_password(context, promoted, &ending::plan(promoted.account, other, &writer.name), writer)
            .await
            .map(drop);
    }
    let kept = put_out_earlier(context, promoted, insiders, writer.as_mut(), report).await;
    if let Some(writer) = writer {
        writer.session.close().await;
    }
    let scrambled = scrambled.map_err(|error| still_works(&error, &format!("{other:?}, which was current before,")));
    let errors = [scrambled.err(), ended.err(), kept.err()];
    Error::join(errors.into_iter().flatten().collect()).map_or(Ok(()), Err)
}

/// The sessions of the account that is current now which began with an older password of it.
async fn put_out_earlier(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    insiders: &mut Insiders,
    writer: Option<&mut Writer>,
    report: &mut Report,
) -> Result<()> {
    let action = EndSessions { account: promoted.account.name().to_owned(), which: Which::Earlier };
    let plan = Plan::of(Standing::Current, vec![action]);
    end(context, promoted, &plan, insiders, writer, report).await?;
    if let Some(newer) = set_back(context, promoted, &mut insiders.proof, report).await? {
        // What was opened by the password in between began before this session.
        std::mem::replace(&mut insiders.proof, newer).close().await;
        end(context, promoted, &plan, insiders, None, report).await?;
    }
    Ok(())
}

async fn end_password(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    plan: &Plan<EndPassword>,
    writer: &mut Writer,
) -> Result<Report> {
    ending::end(context, promoted, plan, writer, |labels| untouched(labels, promoted.version)).await
}

/// Refuses once another rotation has begun: the account whose password would be replaced may be the one that it sets.
fn untouched(labels: &Labels, version: &VersionId) -> Result<()> {
    if labels.has(version, AWSCURRENT) && labels.holder(AWSPENDING).is_none_or(|pending| pending == *version) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::FailedAws,
        "another rotation of this secret has begun meanwhile",
        "wait until that rotation has ended",
    ))
}

async fn end(
    context: &Context<'_>,
    Promoted { account, version }: Promoted<'_>,
    plan: &Plan<EndSessions>,
    insiders: &mut Insiders,
    writer: Option<&mut Writer>,
    report: &mut Report,
) -> Result<()> {
    let mut enders = Enders {
        proof: &mut insiders.proof,
        old: insiders.old.as_mut(),
        administrator: writer.map(|writer| &mut writer.session),
    };
    let ended = context.report(&account.arn, version, plan);
    report.append(apply::end_sessions(context, ended, plan, &mut enders).await?);
    Ok(())
}

/// A client that was still in may have changed the password of the account meanwhile: then the session that proved the stored one sets
/// it again. Gives a session that has logged in with it since.
///
/// Safe to repeat: the account ends with the password that AWSCURRENT holds.
async fn set_back(
    context: &Context<'_>,
    Promoted { account, version }: Promoted<'_>,
    proof: &mut Session,
    report: &mut Report,
) -> Result<Option<Session>> {
    match account.current.log_in(context).await {
        Probe::Accepted(session) => {
            session.close().await;
            return Ok(None);
        }
        Probe::Unreachable(error) => {
            report.warnings.push(format!(
                "whether {:?} still lets the new password in could not be seen: {}; an intruder may have changed settings of the \
                 account ({} shows them)",
                account.name(),
                error.cause(),
                account.current.kind.settings_shown_by()
            ));
            return Ok(None);
        }
        Probe::Rejected => {}
    }
    let failed = |cause: &str| {
        Error::new(
            ErrorKind::RefusedLogin,
            format!("somebody who was in has changed the password of {:?} again: {cause}", account.name()),
            "set its password by hand to the one in AWSCURRENT, now; then invoke the action Revoke again",
        )
    };
    proof.lock(account.current.lock(), context.clock).await?;
    if !look(context).await?.labels.has(version, AWSCURRENT) {
        return Err(failed("and AWSCURRENT has moved"));
    }
    let plan = Plan::of(Standing::Current, vec![EndPassword::SetBack { account: account.name().to_owned() }]);
    let set_back = context.report(&account.arn, version, &plan);
    match apply::end_password(context, set_back, &plan, proof, &account.current).await {
        Ok(Some(set_back)) => {
            report.append(set_back);
            report.warnings.push(format!(
                "somebody who was in changed the password of {:?} again, and it was set back: invoke the action Revoke again",
                account.name()
            ));
            account.current.log_in(context).await.session()
        }
        Ok(None) => Err(failed("it changes while it is set back")),
        Err(error) => Err(failed(&error.cause())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_rotation_keeps_the_other_password_as_it_is() {
        let version = VersionId::known("new");
        for (on_new, on_next, allowed) in [
            (&[AWSCURRENT, AWSPENDING][..], &[][..], true),
            (&[AWSCURRENT], &[], true),
            (&[AWSCURRENT], &[AWSPENDING], false),
            (&["AWSPREVIOUS"], &[AWSCURRENT, AWSPENDING], false),
        ] {
            let of = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
            let labels = Labels::new([("new".to_owned(), of(on_new)), ("next".to_owned(), of(on_next))].into());
            assert_eq!(untouched(&labels, &version).is_ok(), allowed, "{on_new:?} {on_next:?}");
        }
    }
}
