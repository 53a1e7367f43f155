//! The preflight: would a rotation succeed? Secrets Manager asks by calling testSecret alone when rotation is configured
//! with `RotateImmediately=false`. Nothing is written; everything a rotation would lack is named at once.

use super::overview;
use crate::admin;
use crate::apply;
use crate::dependents::{Judgement, ServiceReport, Sighting, Since, Verdict, judge};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Rotation;
use crate::kind::{self, Credential};
use crate::plan::Plan;
use crate::probe::Probe;
use crate::report::Report;
use crate::rollout;
use crate::run::{Overview, Run};
use crate::secret::Document;
use crate::settings::Settings;
use crate::stages::Standing;

pub(super) async fn run(run: &Run<'_>, event: &Rotation, standing: Standing) -> Result<Report> {
    let seen = overview(run, event).await?;
    let mut plan = Plan::nothing(standing).proving("preflight: nothing was written");
    let mut lacking: Vec<Error> = seen.settings.refuse_on_hold(run.clock.seconds()).err().into_iter().collect();
    lacking.extend(seen.settings.sound().err());
    match value(run, &seen.settings).await {
        Err(error) => lacking.push(error),
        Ok((document, current)) => {
            lacking.extend(current.rotatable(&seen.settings, run.config).err());
            lacking.extend(current.check_policy(&run.config.policy).err());
            // Drawn and thrown away: shows whether the document with a new password still fits.
            lacking.extend(apply::draw(run, &document, &current).err());
            plan = plan.warning(current.warnings());
            lacking.extend(logins(run, &seen.settings, &current, &mut plan).await);
        }
    }
    lacking.extend(services(run, &seen, &mut plan).await);
    match Error::join(lacking) {
        None => Ok(run.report(
            &seen.arn,
            &event.version,
            &plan.proving("preflight: as far as can be seen, a rotation would succeed"),
        )),
        Some(error) => Err(error),
    }
}

async fn value(run: &Run<'_>, settings: &Settings) -> Result<(Document, Credential)> {
    let document = kind::document(run.current().await?.text()?, settings)?;
    let credential = Credential::read(&document, settings)?;
    Ok((document, credential))
}

/// What the logins lack.
async fn logins(run: &Run<'_>, settings: &Settings, current: &Credential, plan: &mut Plan) -> Vec<Error> {
    let account = current.account();
    let mut session = match run.log_in(current).await {
        Probe::Accepted(session) => session,
        Probe::Unreachable(error) => return vec![error],
        Probe::Rejected => {
            return vec![Error::new(
                ErrorKind::RefusedLogin,
                format!("the server rejects the current password of {account:?}"),
                "set the account's password to the one in AWSCURRENT, or store the right one as AWSCURRENT",
            )];
        }
    };
    let mut lacking: Vec<Error> = session.prove(current).await.err().into_iter().collect();
    match admin::find(run, settings, current).await {
        Err(error) => lacking.push(error),
        Ok(search) => {
            plan.warnings.extend(search.warnings);
            let refused = match &search.found {
                Some(administrator) => as_administrator(run, administrator, account).await,
                None => session.check_writer(account).await.err(),
            };
            match refused {
                Some(error) if search.found.is_some() && !search.ordered => {
                    plan.warnings.push(admin::unused(&error));
                    lacking.extend(session.check_writer(account).await.err());
                }
                refused => lacking.extend(refused),
            }
        }
    }
    session.close().await;
    lacking
}

async fn as_administrator(run: &Run<'_>, administrator: &Credential, account: &str) -> Option<Error> {
    match run.log_in(administrator).await.session() {
        Ok(Some(mut session)) => {
            let lacking = session.check_writer(account).await.err();
            session.close().await;
            lacking
        }
        Ok(None) => Some(admin::rejected(administrator.account())),
        Err(error) => Some(error),
    }
}

/// What looking at the services lacks. Their verdicts go into the plan.
async fn services(run: &Run<'_>, secret: &Overview, plan: &mut Plan) -> Vec<Error> {
    let seen = rollout::observe(run, &secret.arn, &secret.settings).await;
    let mut lacking = seen.unseen;
    plan.warnings.extend(seen.warnings);
    for dependent in seen.dependents {
        if let Sighting::Unseen(error) = dependent.sighting {
            lacking.push(error.at(format!("the service {}", dependent.name)));
            continue;
        }
        let (verdict, reason) = match judge(&dependent, Since::JustNow) {
            Judgement::Leave(verdict, reason) => (verdict, reason),
            Judgement::Redeploy(_) => {
                plan.warnings.extend(dependent.hazards);
                (Verdict::AlreadyCurrent, "nothing has changed yet; a rotation would redeploy it".to_owned())
            }
        };
        plan.services.push(ServiceReport::new(&dependent.name, verdict, reason));
    }
    lacking
}
