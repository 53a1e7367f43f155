//! `Retire`: end the previous credential now, not only by the next rotation. For an overlap that has served its purpose.
//!
//! Where two accounts take turns, the previous one gets a password that nobody knows; where one account accepts two passwords,
//! it keeps the current one alone. Sessions go on: `Revoke` ends those, too.

use super::keys;
use super::login::beside::{self, Strangers};
use super::login::logins::{Account, Previous, Promoted, previous_credential};
use super::login::writer::{Writer, administrator};
use super::login::{administrator, apply, ending};
use super::old_tasks::still_held;
use super::overview::look;
use super::versions::credential;
use crate::api::Report;
use crate::context::Context;
use crate::copies;
use crate::database::{Credential, Kind, Probe, Session, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Proof;
use crate::rotation::target::Target;
use crate::secret::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, Labels, ROLLOUT, Standing, VersionId};

/// Ends the previous credential.
///
/// Safe to repeat: once the server rejects the previous credential, on every row of the account where it has several, there is
/// nothing to do.
pub(crate) async fn retire(context: &Context<'_>) -> Result<Report> {
    let seen = look(context).await?;
    if let Target::Keys(kind) = Target::of(&seen.settings) {
        return Err(keys::not_retired(kind));
    }
    seen.settings.refuse_on_hold(context.clock.now())?;
    seen.settings.sound()?;
    copies::planned(&seen.settings).refuse()?;
    refuse_unfinished(&seen.labels)?;
    let current = context.current().await?;
    let (arn, version) = (seen.arn, current.id.clone());
    let (changed, created) = (seen.last_changed, current.created);
    let current = credential(context, current, &seen.settings)?;
    let account = Account { arn, settings: seen.settings, current };
    let nothing =
        |why: String| context.report(&account.arn, &version, &Proof::nothing(Standing::Current).warning(vec![why]));
    if seen.labels.holder(AWSPREVIOUS).is_none() {
        return Ok(nothing(
            "no version is labelled AWSPREVIOUS, so that there is no previous credential to end".to_owned(),
        ));
    }
    // With one account, a previous version of another one is refused here: it is not what this rotation replaced.
    let previous = match previous_credential(context, &account).await? {
        Previous::Usable(previous) => previous,
        Previous::Unusable(reason) => return Err(unusable(account.current.kind, &reason)),
    };
    let two_accounts = account.current.pair(&previous).is_some();
    if !two_accounts && !account.current.kind.holds_two() {
        return Ok(nothing(one_account(account.name())));
    }
    if !two_accounts && previous.holds_the_same_as(&account.current) {
        return Ok(nothing("AWSPREVIOUS holds the same password as AWSCURRENT".to_owned()));
    }
    let proven = prove(context, &account.current).await?;
    let session = match previous.log_in(context).await {
        Probe::Accepted(session) => Some(session),
        Probe::Rejected if is_left_elsewhere(context, &account, &previous).await? => None,
        Probe::Rejected => {
            let line = format!("the server rejects the password of {:?} in AWSPREVIOUS already", previous.account());
            return Ok(context.report(&account.arn, &version, &Proof::nothing(Standing::Current).proving(line)));
        }
        Probe::Unreachable(error) => return Err(error),
    };
    // With one account nobody can tell by which password a session was opened.
    let mut open = None;
    if let Some(mut session) = session {
        if two_accounts {
            open = still_open(&mut session, previous.account()).await;
        }
        session.close().await;
    }
    let held = still_held(context, &account, changed, created).await;
    let mut report =
        end(context, Promoted { account: &account, version: &version }, &previous, &seen.labels, proven).await?;
    report.warnings.extend(open.into_iter().chain(held));
    Ok(report)
}

/// Whether something is left that the login has not met: the password before on rows of other hosts, where an action broke off
/// between two of them, or another one beside the current. Where nobody could end that, nobody has begun to.
async fn is_left_elsewhere(context: &Context<'_>, account: &Account, previous: &Credential) -> Result<bool> {
    let current = &account.current;
    if !current.kind.holds_two() || current.administrator(&account.settings).is_err() {
        return Ok(false);
    }
    let administrator = administrator::named(context, &account.settings, current).await?;
    let Some(mut session) = administrator.log_in(context).await.session()? else {
        return Err(administrator::rejected(administrator.account()));
    };
    session.administer();
    let spreads = (session.spread(previous).await, session.spread(current).await);
    session.close().await;
    let two_accounts = current.pair(previous).is_some();
    Ok(!spreads.0?.with.is_empty() || (!two_accounts && !spreads.1?.besides.is_empty()))
}

/// Has the administrator replace the password, if the labels are still what they were.
async fn end(
    context: &Context<'_>,
    promoted: Promoted<'_>,
    previous: &Credential,
    before: &Labels,
    proven: String,
) -> Result<Report> {
    let (Promoted { account, version }, target) = (promoted, previous.account());
    let mut writer = administrator(context, account, target).await?;
    let plan = ending::plan(account, target, &writer.name).proving(proven).warning(writer.warnings.clone());
    let report = match refuse_strangers(context, account, previous, &mut writer).await {
        Ok(warnings) => {
            let plan = plan.warning(warnings);
            let report = ending::end(context, promoted, &plan, &mut writer, |labels| {
                refuse_unfinished(labels)?;
                unmoved(before, labels, version)
            });
            report.await
        }
        Err(error) => Err(error),
    };
    writer.session.close().await;
    report
}

/// Nobody else's password is to end with the previous one. Gives what to tell of rows that are not as the secret has them.
async fn refuse_strangers(
    context: &Context<'_>,
    account: &Account,
    previous: &Credential,
    writer: &mut Writer,
) -> Result<Vec<String>> {
    let known = [previous, &account.current];
    let wanted = if account.current.alternates() { Wanted::Turn } else { Wanted::New };
    let (session, target) = (&mut writer.session, previous.account());
    let looked = beside::passwords_beside(context, account, session, target, &known, wanted, Strangers::Refuse).await?;
    Ok(looked.warnings)
}

/// A writer of the secret must not be able to have the administrator change an account that is not theirs; and where AWSCURRENT
/// does not log in, the previous credential may be the one that does.
async fn prove(context: &Context<'_>, current: &Credential) -> Result<String> {
    match current.log_in(context).await {
        Probe::Accepted(mut session) => {
            let identity = session.prove(current).await;
            session.close().await;
            Ok(format!("AWSCURRENT logs in: {}", identity?))
        }
        Probe::Rejected => Err(Error::new(
            ErrorKind::RefusedLogin,
            format!(
                "the server rejects the password of {:?} in AWSCURRENT, so that AWSPREVIOUS may be needed",
                current.account()
            ),
            "rotate the secret: setSecret heals what AWSPREVIOUS can open; then retire again",
        )),
        Probe::Unreachable(error) => Err(error),
    }
}

/// Refuses while the previous credential may be wanted, or is about to be replaced anyway.
fn refuse_unfinished(labels: &Labels) -> Result<()> {
    let refused = |cause: String, remedy: &str| Err(Error::new(ErrorKind::RefusedVersion, cause, remedy));
    if let Some(pending) = labels.holder(AWSPENDING).filter(|pending| !labels.has(pending, AWSCURRENT)) {
        return refused(
            format!(
                "AWSPENDING is on version {}, which is not current: a rotation is running or has broken off, and it \
                 replaces the previous credential",
                pending.as_str()
            ),
            "finish the rotation with rotate-secret, or give it up: the action Status says how",
        );
    }
    match labels.holder(ROLLOUT).filter(|version| labels.has(version, AWSCURRENT)) {
        Some(_) => refused(
            "the rollout of the current version is not finished (KEYROLL_ROLLOUT): services may still use the previous \
             credential"
                .to_owned(),
            "run the action Reconcile first, and retire when it has ended well",
        ),
        None => Ok(()),
    }
}

/// Refuses where another version has become current, or the previous one, since they were read.
fn unmoved(before: &Labels, now: &Labels, current: &VersionId) -> Result<()> {
    if now.has(current, AWSCURRENT) && now.holder(AWSPREVIOUS) == before.holder(AWSPREVIOUS) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::FailedAws,
        "AWSCURRENT or AWSPREVIOUS moved while this action looked at them, and nothing was changed",
        "invoke the action again",
    ))
}

/// What to tell of the sessions that go on. Those of the previous account see them all, with where they come from.
async fn still_open(session: &mut Session, account: &str) -> Option<String> {
    match session.sessions(account, &[]).await {
        Ok(open) if open.is_empty() => None,
        Ok(open) => Some(format!(
            "sessions of {account:?} are open and go on, but cannot be opened again: {}",
            apply::told(&open)
        )),
        Err(error) => {
            Some(format!("the open sessions of {account:?}, which go on, could not be counted: {}", error.cause()))
        }
    }
}

fn one_account(account: &str) -> String {
    format!(
        "AWSPREVIOUS holds no other account than AWSCURRENT, {account:?}, and one account has one password: the one before \
         ended when its rotation replaced it"
    )
}

fn unusable(kind: Kind, reason: &str) -> Error {
    Error::new(
        ErrorKind::RefusedChanged,
        format!("AWSPREVIOUS cannot be used: {reason}"),
        format!(
            "end the credential that it holds by hand, where there is one ({}); if it is that of a partner, tag the secret \
             keyroll:strategy = alternating-users and retire again",
            kind.password_ended_by()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(of: &[(&str, &[&str])]) -> Labels {
        Labels::new(of.iter().map(|(v, l)| ((*v).to_owned(), l.iter().map(|l| (*l).to_owned()).collect())).collect())
    }

    #[test]
    fn only_a_settled_secret_has_a_previous_credential_to_end() {
        for (current, pending, refused) in [
            (&[AWSCURRENT][..], &[][..], None),
            (&[AWSCURRENT, AWSPENDING], &[], None),
            (&[AWSCURRENT], &[ROLLOUT], None),
            (&[AWSCURRENT], &[AWSPENDING], Some("AWSPENDING is on version new")),
            (&[AWSCURRENT], &[AWSPENDING, ROLLOUT], Some("AWSPENDING is on version new")),
            (&[AWSCURRENT, AWSPENDING, ROLLOUT], &[], Some("KEYROLL_ROLLOUT")),
        ] {
            let answer = refuse_unfinished(&labels(&[("old", &[AWSPREVIOUS]), ("now", current), ("new", pending)]));
            assert_eq!(answer.is_err(), refused.is_some(), "{current:?} {pending:?}");
            if let (Err(error), Some(word)) = (answer, refused) {
                assert_eq!(error.kind(), ErrorKind::RefusedVersion);
                assert!(error.to_string().contains(word), "{error}");
            }
        }
    }

    #[test]
    fn what_moved_meanwhile_is_not_what_was_read() {
        let current = VersionId::known("b");
        let before = labels(&[("a", &[AWSPREVIOUS]), ("b", &[AWSCURRENT])]);
        assert!(unmoved(&before, &before, &current).is_ok());
        for now in [
            labels(&[("b", &[AWSPREVIOUS]), ("c", &[AWSCURRENT])]),
            labels(&[("c", &[AWSPREVIOUS]), ("b", &[AWSCURRENT])]),
            labels(&[("b", &[AWSCURRENT])]),
        ] {
            assert_eq!(unmoved(&before, &now, &current).unwrap_err().kind(), ErrorKind::FailedAws);
        }
    }
}
