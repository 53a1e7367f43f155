//! Would a rotation succeed? The same looks and the same plans as the real steps, up to the first write. Secrets Manager
//! asks by calling testSecret alone when rotation is configured with `RotateImmediately=false`; an operator asks by the
//! action `DryRun`. Nothing is written, and everything that a rotation would lack is named at once.

use std::time::Duration;

use super::set::Writer;
use super::{create, finish, overview, set};
use crate::apply;
use crate::dependents::{Judgement, ServiceReport, Sighting, Since, Verdict, judge};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Rotation, Step};
use crate::kind::{self, Credential};
use crate::plan::Plan;
use crate::probe::Probe;
use crate::report::Report;
use crate::rollout::{self, Left, Seen};
use crate::run::{Overview, Run};
use crate::secret::Document;
use crate::settings::Settings;
use crate::stages::{AWSCURRENT, Standing};

/// The least timeout of a function whose every step can end.
const LEAST_TIMEOUT: Duration = Duration::from_secs(10);

/// What a look at everything that a rotation needs came to.
#[derive(Default)]
pub(crate) struct Findings {
    /// What each step would do, as far as it can be planned.
    pub(crate) steps: Vec<(Step, Plan)>,
    /// The dependents, none of them touched.
    pub(crate) services: Vec<ServiceReport>,
    /// What would stop a rotation.
    pub(crate) lacking: Vec<Error>,
    /// What was shown by doing it.
    pub(crate) proven: Vec<String>,
    /// What was only looked at.
    pub(crate) checked: Vec<String>,
    /// What an operator should know although it stops nothing.
    pub(crate) warnings: Vec<String>,
}

pub(super) async fn run(run: &Run<'_>, event: &Rotation, standing: Standing) -> Result<Report> {
    let seen = overview(run, event).await?;
    let found = examine(run, &seen, false).await;
    if let Some(error) = Error::join(found.lacking) {
        return Err(error);
    }
    let mut plan = Plan::nothing(standing).proving("preflight: nothing was written");
    plan.proven.extend(found.proven);
    plan.services = found.services;
    plan.warnings = found.warnings;
    let plan = plan.proving("preflight: as far as can be seen, a rotation would succeed");
    Ok(run.report(&seen.arn, &event.version, &plan))
}

/// Looks at everything that a rotation needs. `prove` also rehearses what can be taken back.
pub(crate) async fn examine(run: &Run<'_>, secret: &Overview, prove: bool) -> Findings {
    let mut found = Findings::default();
    let timeout = run.clock.require(LEAST_TIMEOUT, "end a step of a rotation", "nothing was changed");
    found.lacking.extend(timeout.err());
    found.lacking.extend(secret.settings.refuse_on_hold(run.clock.seconds()).err());
    found.lacking.extend(secret.settings.sound().err());
    match value(run, &secret.settings).await {
        Err(error) => found.lacking.push(error),
        Ok((document, current)) => {
            match create::plan(&current, secret, run) {
                Err(error) => found.lacking.push(error),
                Ok(plan) => found.steps.push((Step::Create, plan)),
            }
            // Drawn and thrown away: shows whether the document with a new password still fits.
            found.lacking.extend(apply::draw(run, &document, &current).err());
            found
                .checked
                .push("the value can be read, and takes a new password by the policy of this function".to_owned());
            found.warnings.extend(current.warnings());
            database(run, secret, &current, prove, &mut found).await;
        }
    }
    services(run, secret, &mut found).await;
    found
}

async fn value(run: &Run<'_>, settings: &Settings) -> Result<(Document, Credential)> {
    let document = kind::document(run.current().await?.text()?, settings)?;
    let credential = Credential::read(&document, settings)?;
    Ok((document, credential))
}

/// What the logins and the server say.
async fn database(run: &Run<'_>, secret: &Overview, current: &Credential, prove: bool, found: &mut Findings) {
    let account = current.account();
    let mut session = match run.log_in(current).await {
        Probe::Accepted(session) => session,
        Probe::Unreachable(error) => return found.lacking.push(error),
        Probe::Rejected => {
            return found.lacking.push(Error::new(
                ErrorKind::RefusedLogin,
                format!("the server rejects the current password of {account:?}"),
                "set the account's password to the one in AWSCURRENT, or store the right one as AWSCURRENT",
            ));
        }
    };
    match session.prove(current).await {
        Ok(identity) => found.proven.push(format!("AWSCURRENT logs in: {identity}")),
        Err(error) => found.lacking.push(error),
    }
    let mut writer = match set::writer(run, &secret.settings, current, session).await {
        Ok(writer) => writer,
        Err(error) => return found.lacking.push(error),
    };
    found
        .checked
        .push(format!("the server takes changes, and {:?} may change the password of {account:?}", writer.name));
    if prove {
        match rehearse(run, current, &mut writer).await {
            Ok(()) => found.proven.push(format!(
                "{:?} changed the password of {account:?} and took it back: the statement was rolled back, and leaves some \
                 WAL and, by the server's settings, a line in its log",
                writer.name
            )),
            Err(error) => found.lacking.push(error),
        }
    }
    found.warnings.extend(writer.warnings.iter().cloned());
    found.steps.push((Step::Set, set::plan(account, &writer.name)));
    writer.session.close().await;
}

async fn rehearse(run: &Run<'_>, current: &Credential, writer: &mut Writer) -> Result<()> {
    let throw_away = run.config.policy.generate(apply::random)?;
    writer.session.rehearse(current.account(), &throw_away, run.clock).await
}

/// What looking at the services says, and what the last step would do with them.
async fn services(run: &Run<'_>, secret: &Overview, found: &mut Findings) {
    let seen = rollout::observe(run, &secret.arn, &secret.settings).await;
    roll(secret, &seen, found);
    found.warnings.extend(seen.warnings);
    found.lacking.extend(seen.unseen);
    for dependent in seen.dependents {
        if let Sighting::Unseen(error) = dependent.sighting {
            found.lacking.push(error.at(format!("the service {}", dependent.name)));
            continue;
        }
        let (verdict, reason) = match judge(&dependent, Since::JustNow) {
            Judgement::Leave(verdict, reason) => (verdict, reason),
            Judgement::Redeploy(_) => {
                found.warnings.extend(dependent.hazards);
                (Verdict::AlreadyCurrent, "nothing has changed yet; a rotation would redeploy it".to_owned())
            }
        };
        found.services.push(ServiceReport::new(&dependent.name, verdict, reason));
    }
}

/// The plans of finishSecret, and what createSecret would first do for the rotation before.
fn roll(secret: &Overview, seen: &Seen, found: &mut Findings) {
    let Some(current) = secret.labels.holder(AWSCURRENT) else { return };
    let left = Left { arn: &secret.arn, version: &current, settings: &secret.settings, marked: true };
    if create::open_mark(&secret.labels).is_some()
        && let Some((Step::Create, plan)) = found.steps.first_mut()
    {
        let before = rollout::plan(seen, &left, Since::Changed(secret.last_changed));
        plan.actions.splice(0..0, before.actions);
    }
    found.steps.push((Step::Test, Plan::nothing(Standing::Pending).proving("log in with the pending value")));
    let mut finish = finish::plan(&secret.labels, true).proving("log in with the pending value once more");
    finish.actions.extend(rollout::plan(seen, &left, Since::JustNow).actions);
    found.steps.push((Step::Finish, finish));
}
