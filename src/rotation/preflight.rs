//! Would a rotation succeed? The same looks and the same plans as the real steps, up to the first write. Secrets Manager
//! asks by calling testSecret alone when rotation is configured with `RotateImmediately=false`; an operator asks by the
//! action `DryRun`. Nothing is written, and everything that a rotation would lack is named at once.

use std::time::Duration;

use super::apply::{self, Source};
use super::findings::Findings;
use super::login::beside::{self, Strangers};
use super::login::logins::{Account, Entry, are_a_pair, let_in, pending_credential};
use super::login::writer::{Writer, writer};
use super::login::{set_secret, turn};
use super::overview::overview;
use super::versions::{GIVE_UP, credential};
use super::{create_secret, keys, services_forecast};
use crate::api::Report;
use crate::api::event::Rotation;
use crate::aws::secrets::{Lookup, Version};
use crate::context::{Context, Overview, random};
use crate::database::{Alignment, Beside, Credential, Pair, Rehearsal, Session, Wanted};
use crate::error::{Error, Result};
use crate::plan::Proof;
use crate::rotation::target::Target;
use crate::secret::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, ROLLOUT, Standing, Step};
use crate::{copies, rollout};

/// The least timeout of a function whose every step can end.
const LEAST_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn preflight(context: &Context<'_>, event: &Rotation, standing: Standing) -> Result<Report> {
    let seen = overview(context, event).await?;
    let found = examine(context, &seen, false).await;
    if let Some(error) = Error::join(found.lacking) {
        return Err(error);
    }
    let mut plan = Proof::nothing(standing).proving("preflight: nothing was written");
    plan.proven.extend(found.proven);
    plan.services = found.services;
    plan.warnings = found.warnings;
    let plan = plan.proving("preflight: as far as can be seen, a rotation would succeed");
    Ok(context.report(&seen.arn, &event.version, &plan))
}

/// Looks at everything that a rotation needs. `prove` also rehearses what can be taken back.
pub(crate) async fn examine(context: &Context<'_>, secret: &Overview, prove: bool) -> Findings {
    let mut found = Findings::default();
    let timeout = context.clock.require(LEAST_TIMEOUT, "end a step of a rotation", "nothing was changed");
    found.lacking.extend(timeout.err());
    found.lacking.extend(secret.settings.refuse_on_hold(context.clock.now()).err());
    found.lacking.extend(secret.settings.sound().err());
    // For keys the value says more: see `keys::examine`.
    if Target::of(&secret.settings) == Target::Login {
        found.lacking.extend(copies::planned(&secret.settings).refusal);
    }
    let current = context.current().await;
    let created = current.as_ref().ok().and_then(|version| version.created);
    let looked = match current {
        Ok(current) => match Target::of(&secret.settings) {
            Target::Keys(kind) => Box::pin(keys::examine::values(context, secret, kind, current, &mut found)).await,
            Target::Login => values(context, secret, current, prove, &mut found).await,
        },
        Err(error) => Err(error),
    };
    found.lacking.extend(looked.err());
    // A rotation that cannot begin has no later steps either.
    if found.steps.first().is_none_or(|planned| planned.step != Step::Create) {
        found.steps.clear();
    }
    services_forecast::forecast(context, secret, created, &mut found).await;
    found
}

/// What the stored values, the logins and the server say. An error is what stops a rotation there.
async fn values(
    context: &Context<'_>,
    secret: &Overview,
    current: Version,
    prove: bool,
    found: &mut Findings,
) -> Result<()> {
    let open = create_secret::open_mark(&secret.labels).is_some();
    let last = create_secret::last_rotation(secret, current.created, open);
    let (form, current) = Credential::read(current.text()?, &secret.settings, context.config.strategy)?;
    found.lacking.extend(form.refuse_copies(&current.login).err());
    let begun = begun(context, secret, &current).await?;
    let turn = match &begun {
        Some((_, account)) => Some(account.clone()).filter(|account| account != current.account()),
        None => turn::next(context, &current, &secret.settings).await?,
    };
    match &begun {
        Some(_) => {
            found.checked.push("a rotation has broken off: its value is stored, and it would go on with it".to_owned());
            found.would(Step::Create, &Proof::nothing(Standing::Pending));
        }
        None => match create_secret::plan(&current, turn.clone(), last, secret, context) {
            Ok(plan) => found.would(Step::Create, &plan),
            Err(error) => found.lacking.push(error),
        },
    }
    if begun.is_none() && turn.is_some() {
        let (apart, warnings) = rollout::apart::find(context, &secret.arn, &secret.settings).await;
        found.lacking.extend(apart);
        found.warnings.extend(warnings);
    }
    // Drawn and thrown away: shows whether the document with a new password still fits.
    let source = Source::Login(form, current.clone());
    found.lacking.extend(apply::draw(context, &source, turn.as_deref()).err());
    found
        .checked
        .push("the value can be read, and a new password by the policy of this function was drawn for it".to_owned());
    found.warnings.extend(current.warnings());
    let (arn, settings) = (secret.arn.clone(), secret.settings.clone());
    let begun = begun.map(|(event, _)| event);
    database(context, &Account { arn, settings, current }, begun.as_ref(), turn.as_deref(), prove, found).await
}

/// The rotation that is under way or has broken off with its value stored, and the account that it is for: the next one
/// would go on with that.
async fn begun(context: &Context<'_>, secret: &Overview, current: &Credential) -> Result<Option<(Rotation, String)>> {
    let pending = secret.labels.holder(AWSPENDING).filter(|version| !secret.labels.has(version, AWSCURRENT));
    let Some(version) = pending else { return Ok(None) };
    let Lookup::Found(found) = context.clients.secrets.pending(context.secret, &version).await? else {
        return Ok(None);
    };
    // The temporary version of a preflight, which is not empty only where it holds what is current.
    let is_current = |pending: &Credential| {
        let same = current.difference(pending).is_none() && current.pair(pending).is_none();
        same && pending.holds_the_same_as(current)
    };
    let marked = found.has(ROLLOUT);
    let pending = credential(context, found, &secret.settings);
    if !marked && pending.as_ref().is_ok_and(is_current) {
        return Ok(None);
    }
    let account = pending.map_or_else(|_| current.account().to_owned(), |pending| pending.account().to_owned());
    Ok(Some((Rotation { step: Step::Set, secret: context.secret.clone(), version, token: None }, account)))
}

/// The logins in the order of setSecret, and the right to write.
async fn database(
    context: &Context<'_>,
    account: &Account,
    begun: Option<&Rotation>,
    turn: Option<&str>,
    prove: bool,
    found: &mut Findings,
) -> Result<()> {
    let name = account.name();
    let (mut session, older) = match let_in(context, begun, account).await? {
        Entry::Current(session) => (session, None),
        Entry::Previous(session, credential) => {
            found.warnings.push(format!(
                "the server rejects AWSCURRENT of {name:?} and lets AWSPREVIOUS in: a service that reads the secret \
                 now is locked out, until a rotation sets a new password"
            ));
            (session, Some(credential))
        }
        Entry::AlreadySet => {
            found.proven.push("AWSPENDING logs in: setSecret has been done".to_owned());
            found.would(Step::Set, &Proof::nothing(Standing::Pending));
            return Ok(());
        }
    };
    let (label, entered) = older.as_ref().map_or((AWSCURRENT, &account.current), |older| (AWSPREVIOUS, older));
    match session.prove(entered).await {
        Ok(identity) => found.proven.push(format!("{label} logs in: {identity}")),
        Err(_) if session.is_expired() => found.warnings.push(format!(
            "the password of {name:?} in {label} has expired: all it may do is to set a new one, which a rotation does"
        )),
        Err(error) => found.lacking.push(error),
    }
    let mut writer = writer(context, account, session).await?;
    let target = turn.unwrap_or(name);
    let (alignment, beside) = match foresee(context, account, entered, target, &mut writer.session).await {
        Ok(foreseen) => foreseen,
        Err(error) => {
            writer.session.close().await;
            return Err(error);
        }
    };
    found
        .checked
        .push(format!("the server takes changes, and {:?} may change the password of {target:?}", writer.name));
    if prove {
        match rehearse(context, account, target, &alignment, &mut writer).await {
            Ok(rehearsal) => {
                found.proven.extend(rehearsal.proven.iter().map(|line| format!("{:?} {line}", writer.name)));
                found.warnings.extend(rehearsal.left_out);
                found.warnings.extend(rehearsal.not_tried.iter().map(|line| format!("not rehearsed: {line}")));
            }
            Err(error) => found.lacking.push(error),
        }
    }
    let plan = set_secret::plan(target, &writer.name, alignment, beside);
    found.warnings.extend(writer.warnings.iter().chain(&plan.warnings).cloned());
    found.would(Step::Set, &plan);
    writer.session.close().await;
    match begun {
        Some(event) => pending_credential(context, event, account, GIVE_UP).await.map(drop),
        None => Ok(()),
    }
}

/// What setSecret would find under its lock.
async fn foresee(
    context: &Context<'_>,
    account: &Account,
    entered: &Credential,
    target: &str,
    session: &mut Session,
) -> Result<(Alignment, Beside)> {
    let alignment = match Pair::of(account.name(), target) {
        Some(pair) => {
            let both = are_a_pair(context, account, entered, &pair, session).await?;
            session.foresee(&account.alternation(&pair, target, entered, both), context.clock).await?
        }
        None => Alignment::default(),
    };
    let known = [entered, &account.current];
    let wanted = if account.current.alternates() { Wanted::Turn } else { Wanted::Both };
    let beside = beside::passwords_beside(context, account, session, target, &known, wanted, Strangers::Refuse).await?;
    Ok((alignment, beside))
}

async fn rehearse(
    context: &Context<'_>,
    account: &Account,
    target: &str,
    alignment: &Alignment,
    writer: &mut Writer,
) -> Result<Rehearsal> {
    let throw_away = account.current.thrown_away(target, context.config.policy.generate(random)?);
    writer.session.rehearse(account.current.lock(), &alignment.changes, &throw_away, context.clock).await
}
