//! setSecret: make the database accept the pending password.
//!
//! The current credential is tried first, so that a rotation that goes well has no failed login. AWSPENDING is read only
//! under the account's lock (fencing): a call that was delayed until after the next rotation finds that its version lost
//! the label, and changes nothing.

use std::time::Duration;

use super::{Run, unchanged};
use crate::admin;
use crate::aws::secrets::Lookup;
use crate::error::{Error, ErrorKind, Result};
use crate::kind::{Credential, Session};
use crate::plan::{Action, Plan};
use crate::probe::{self, Answer, Next, Probe};
use crate::report::Report;
use crate::settings::Settings;
use crate::stages::{AWSPREVIOUS, Standing};

/// What changing a password may take: the server's own limit for the statement is one second less than what is left.
const ENOUGH: Duration = Duration::from_secs(3);
/// How often a change that met another one is begun again.
const ATTEMPTS: usize = 5;

/// The account as AWSCURRENT describes it.
struct Account {
    arn: String,
    settings: Settings,
    current: Credential,
}

/// A session that may write, and whose it is.
struct Writer {
    session: Session,
    name: String,
}

pub(super) async fn run(run: &Run<'_>) -> Result<Report> {
    let settings = run.settings().await?;
    let current = run.current().await?;
    let arn = current.arn.clone();
    if current.id == run.event.version {
        return Ok(run.report(&arn, &Plan::nothing(Standing::Current)));
    }
    settings.refuse_on_hold(run.clock.seconds())?;
    let current = run.credential(current, &settings)?;
    let account = Account { arn, settings, current };
    let Some(session) = let_in(run, &account).await? else {
        let line = format!("the pending password of {:?} works already", account.name());
        return Ok(run.report(&account.arn, &Plan::nothing(Standing::Pending).proving(line)));
    };
    let mut writer = writer(run, &account, session).await?;
    let report = write(run, &account, &mut writer).await;
    writer.session.close().await;
    report
}

/// Tries the stored credentials in turn, as the table in [`probe`] says, until one may write; no session means that the
/// pending one works already.
async fn let_in(run: &Run<'_>, account: &Account) -> Result<Option<Session>> {
    let (current, mut session) = try_login(run, &account.current).await?;
    let (mut pending, mut previous): (Option<Answer>, Option<Answer>) = (None, None);
    loop {
        match probe::next(current, pending, previous) {
            Next::WriteAsCurrent | Next::WriteAsPrevious => return Ok(session),
            Next::AlreadySet => {
                if let Some(session) = session {
                    session.close().await;
                }
                return Ok(None);
            }
            Next::TryPending => {
                let (answer, opened) = try_login(run, &pending_credential(run, account).await?).await?;
                (pending, session) = (Some(answer), opened);
            }
            Next::TryPrevious => {
                let Some(credential) = previous_credential(run, account).await? else {
                    return Err(account.none_works());
                };
                let (answer, opened) = try_login(run, &credential).await?;
                (previous, session) = (Some(answer), opened);
            }
            Next::NoneWorks | Next::Stop => return Err(account.none_works()),
        }
    }
}

/// Who changes the password: the account itself, or the administrator that its secret names. The account's own credential
/// has been accepted either way.
async fn writer(run: &Run<'_>, account: &Account, session: Session) -> Result<Writer> {
    let Some(administrator) = admin::find(run, &account.settings, &account.current).await? else {
        return Ok(Writer { session, name: account.name().to_owned() });
    };
    session.close().await;
    let name = administrator.0.login.username.clone();
    match try_login(run, &administrator.0).await? {
        (_, Some(session)) => Ok(Writer { session, name }),
        (_, None) => Err(admin::rejected(&name)),
    }
}

/// Lock, look, plan, apply; once more where somebody else's change of the same account was in the way.
async fn write(run: &Run<'_>, account: &Account, writer: &mut Writer) -> Result<Report> {
    writer.session.check_writer(account.name()).await?;
    for _ in 0..ATTEMPTS {
        writer.session.lock(account.name(), run.clock).await?;
        let pending = pending_credential(run, account).await?;
        let plan = plan(account.name(), &writer.name);
        run.clock.require(ENOUGH, "change a password")?;
        if writer.session.set_password(account.name(), &pending.login.password).await? {
            let mut report = run.report(&account.arn, &plan.warning(pending.warnings()));
            report.did(&Action::SetPassword { account: account.name().to_owned(), writer: writer.name.clone() });
            return Ok(report);
        }
    }
    Err(Error::new(
        ErrorKind::FailedDatabase,
        format!(
            "{ATTEMPTS} attempts to change {:?} met other changes of the same role (SQLSTATE XX000)",
            account.name()
        ),
        "find out what else alters this role, and run the step again; nothing was changed",
    ))
}

/// The plan of setSecret.
fn plan(account: &str, writer: &str) -> Plan {
    Plan::one(Standing::Pending, Action::SetPassword { account: account.to_owned(), writer: writer.to_owned() })
}

/// The answer to a login, with the session where it was accepted; an unreachable server ends the step.
async fn try_login(run: &Run<'_>, credential: &Credential) -> Result<(Answer, Option<Session>)> {
    match credential.probe(&run.config.ca_bundle, run.clock).await {
        Probe::Accepted(session) => Ok((Answer::Accepted, Some(session))),
        Probe::Rejected => Ok((Answer::Rejected, None)),
        Probe::Unreachable(error) => Err(error),
    }
}

/// The event's version, if it is still staged as AWSPENDING and about the same account.
async fn pending_credential(run: &Run<'_>, account: &Account) -> Result<Credential> {
    let pending = run.credential(run.pending_version().await?, &account.settings)?;
    unchanged(&account.current, &pending, "AWSPENDING")?;
    Ok(pending)
}

/// The previous version, if there is one, about the same account. Whether to encrypt is for AWSCURRENT to say.
async fn previous_credential(run: &Run<'_>, account: &Account) -> Result<Option<Credential>> {
    let Lookup::Found(version) = run.clients.secrets.labelled(&run.event.secret, AWSPREVIOUS).await? else {
        return Ok(None);
    };
    let mut previous = run.credential(version, &account.settings)?;
    unchanged(&account.current, &previous, AWSPREVIOUS)?;
    previous.login.tls = account.current.login.tls;
    Ok(Some(previous))
}

impl Account {
    fn name(&self) -> &str {
        &self.current.login.username
    }

    fn none_works(&self) -> Error {
        Error::new(
            ErrorKind::RefusedLogin,
            format!(
                "the server rejects every stored password of {:?}: AWSCURRENT, AWSPENDING and AWSPREVIOUS",
                self.name()
            ),
            "set the account's password by hand to the one in AWSCURRENT, or store the right one as AWSCURRENT, and rotate \
             again",
        )
    }
}
