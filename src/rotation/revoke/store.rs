//! Step 1: a new value, drawn now, as AWSPENDING.

use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::{Lookup, NewValue};
use crate::config::Settings;
use crate::context::{Context, random};
use crate::copies;
use crate::database::{Credential, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::rotation::apply::{self, Source, StoreValue};
use crate::rotation::login::logins::{Account, Entry, let_in};
use crate::rotation::login::turn;
use crate::rotation::overview::look;
use crate::rotation::versions::credential;
use crate::rotation::{create_secret, finish_secret};
use crate::secret::stages::{self, ValueSeen};
use crate::secret::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, Labels, Step, VersionId};

/// How often the secret is looked at anew where a rotation is just going on.
const LOOKS: usize = 3;

/// What was found before the first write.
struct Before {
    account: Account,
    current: VersionId,
    source: Source,
    plan: Plan<StoreValue>,
}

/// A new value is stored.
pub(super) struct Stored {
    pub(super) event: Rotation,
    /// The version that was current.
    pub(super) current: VersionId,
    pub(super) account: Account,
    /// A session of the account that is still current, if that was the one let in.
    pub(super) session: Option<Session>,
    pub(super) report: Report,
}

/// Step 1, under the account's lock: no setSecret can be at work then, and so the version that loses AWSPENDING is none that
/// alone logs in.
pub(super) async fn store(context: &Context<'_>) -> Result<Stored> {
    let mut before: Option<Report> = None;
    for _ in 0..LOOKS {
        let found = find(context).await?;
        let account = &found.account;
        let staged = staged(context).await?;
        let (mut session, is_current) = match let_in(context, staged.as_ref(), account).await? {
            Entry::Current(session) => (session, true),
            Entry::Previous(session, _) => (session, false),
            Entry::AlreadySet => {
                if let Some(staged) = staged {
                    before = Some(finish_first(context, staged).await?);
                }
                continue;
            }
        };
        let stored = match refuse_replica(&mut session).await {
            Ok(()) => store_locked(context, &found, &mut session).await,
            Err(error) => Err(error),
        };
        let stored = match stored {
            Ok(Some(stored)) => session.release().await.map(|()| Some(stored)),
            other => other,
        };
        let kept = if is_current && matches!(stored, Ok(Some(_))) {
            Some(session)
        } else {
            session.close().await;
            None
        };
        if let Some((event, report)) = stored? {
            let report = match before {
                Some(before) => report.after(before),
                None => report,
            };
            return Ok(Stored { event, current: found.current, account: found.account, session: kept, report });
        }
    }
    Err(Error::new(
        ErrorKind::FailedAws,
        format!("each of {LOOKS} looks at this secret found a rotation going on"),
        "invoke the action again",
    ))
}

/// A replica takes no lock that others would meet, and its sessions are not those of the server that is written to.
async fn refuse_replica(session: &mut Session) -> Result<()> {
    if !session.is_replica().await? {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RefusedServer,
        "the secret's host is a replica or reader, from which Revoke cannot see to the sessions of all servers",
        "replace the passwords by rotations (keyroll:min-age = 0, once for each account, and Retire after it), and end the \
         sessions on every server by hand",
    ))
}

/// Everything that a rotation looks at before it stores a value, but when the last one was.
async fn find(context: &Context<'_>) -> Result<Before> {
    let seen = look(context).await?;
    seen.settings.refuse_on_hold(context.clock.now())?;
    seen.settings.sound()?;
    copies::planned(&seen.settings).refuse()?;
    let version = context.current().await?;
    let current = version.id.clone();
    let (form, credential) = Credential::read(version.text()?, &seen.settings, context.config.strategy)?;
    form.refuse_copies(&credential.login)?;
    let next = turn::next(context, &credential, &seen.settings).await?;
    let renamed = next.is_some();
    let mut plan =
        create_secret::plan_at_any_age(&credential, next, &seen.settings, context)?.warning(overtaken(&seen.labels));
    if renamed {
        plan = plan.warning(create_secret::refuse_apart(context, &seen).await?);
    } else {
        plan = plan.warning(another_account(context, &credential, &seen.settings).await?);
    }
    let source = Source::Login(form, credential.clone());
    let account = Account { arn: seen.arn, settings: seen.settings, current: credential };
    Ok(Before { account, current, source, plan })
}

/// With one account: what AWSPREVIOUS holds, if it is the login of another one, as after two took turns.
async fn another_account(context: &Context<'_>, current: &Credential, settings: &Settings) -> Result<Vec<String>> {
    let Lookup::Found(version) = context.clients.secrets.labelled(context.secret, AWSPREVIOUS).await? else {
        return Ok(Vec::new());
    };
    let previous = credential(context, version, settings).ok();
    Ok(previous
        .filter(|previous| previous.account() != current.account())
        .map(|previous| {
            format!(
                "AWSPREVIOUS holds the login of another account, {:?}, which is not replaced: end it by hand ({}), or tag the \
                 secret keyroll:strategy = alternating-users and invoke the action Revoke again",
                previous.account(),
                current.kind.password_ended_by()
            )
        })
        .into_iter()
        .collect())
}

/// What the new value takes the place of, besides AWSCURRENT.
pub(in crate::rotation) fn overtaken(labels: &Labels) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(pending) = labels.holder(AWSPENDING).filter(|pending| !labels.has(pending, AWSCURRENT)) {
        told.push(format!(
            "version {} of a rotation that had begun lost AWSPENDING: its value will not be used",
            pending.as_str()
        ));
    }
    if let Some(open) = create_secret::open_mark(labels) {
        told.push(format!(
            "the rollout of version {} was not finished: it ends with that of the new version, which redeploys every dependent",
            open.as_str()
        ));
    }
    told
}

/// A version that is staged as AWSPENDING with a value, and not current. One without a value opens nothing.
async fn staged(context: &Context<'_>) -> Result<Option<Rotation>> {
    let labels = look(context).await?.labels;
    let Some(version) = labels.holder(AWSPENDING).filter(|version| !labels.has(version, AWSCURRENT)) else {
        return Ok(None);
    };
    let found = context.clients.secrets.pending(context.secret, &version).await?;
    Ok(matches!(found, Lookup::Found(_)).then(|| rotation(context, Step::Set, version)))
}

pub(in crate::rotation) fn rotation(context: &Context<'_>, step: Step, version: VersionId) -> Rotation {
    Rotation { step, secret: context.secret.clone(), version, token: None }
}

/// With one account, a rotation that broke off after setSecret has left its version as the only one that logs in. It must not
/// lose its label: it becomes current first, and is replaced next.
async fn finish_first(context: &Context<'_>, staged: Rotation) -> Result<Report> {
    let staged = Rotation { step: Step::Finish, ..staged };
    let seen = look(context).await?;
    stages::task(staged.step, stages::standing(&seen.labels, &staged.version, ValueSeen::Present))?;
    let (mut report, ..) = finish_secret::promote(context, &staged, &seen).await?;
    report.warnings.push(format!(
        "version {} of a rotation that had broken off was the only one that logged in: it was made current, and replaced next",
        staged.version.as_str()
    ));
    Ok(report)
}

/// Stores the value while nobody else can change the account. Nothing where a look under the lock shows something else than
/// the one before.
async fn store_locked(
    context: &Context<'_>,
    found: &Before,
    session: &mut Session,
) -> Result<Option<(Rotation, Report)>> {
    let account = &found.account;
    session.lock(account.current.lock(), context.clock).await?;
    let staged = staged(context).await?;
    match let_in(context, staged.as_ref(), account).await? {
        Entry::AlreadySet => return Ok(None),
        Entry::Current(again) | Entry::Previous(again, _) => again.close().await,
    }
    if !look(context).await?.labels.has(&found.current, AWSCURRENT) {
        return Ok(None);
    }
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let event = rotation(context, Step::Create, VersionId::drawn(bytes));
    let value = apply::draw(context, &found.source, found.plan.account())?;
    let report =
        apply::store(context, &event, &account.arn, NewValue { value: &value, marked: true }, &found.plan).await?;
    Ok(Some((event, report)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ROLLOUT;

    #[test]
    fn what_a_new_value_takes_the_place_of_is_told() {
        let labels = |of: &[(&str, &[&str])]| {
            Labels::new(
                of.iter().map(|(v, l)| ((*v).to_owned(), l.iter().map(|l| (*l).to_owned()).collect())).collect(),
            )
        };
        assert_eq!(overtaken(&labels(&[("now", &[AWSCURRENT, AWSPENDING])])), [""; 0]);
        let told = overtaken(&labels(&[("now", &[AWSCURRENT, ROLLOUT]), ("next", &[AWSPENDING])]));
        assert!(told[0].contains("version next") && told[0].contains("will not be used"), "{told:?}");
        assert!(told[1].contains("version now") && told[1].contains("not finished"), "{told:?}");
    }
}
