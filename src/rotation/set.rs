//! setSecret: make the database accept the pending password.
//!
//! The current credential is tried first, so that a rotation that goes well has no failed login. AWSPENDING is read only
//! under the account's lock (fencing): a call that was delayed until after the next rotation finds that its version lost
//! the label, and changes nothing.

use std::time::Duration;

use super::{FIND_OUT, GIVE_UP, credential, pending_version, settings, unchanged};
use crate::admin;
use crate::apply;
use crate::aws::secrets::Lookup;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Rotation;
use crate::kind::{Credential, Session};
use crate::plan::{Action, Plan};
use crate::probe::{self, Answer, Next};
use crate::report::Report;
use crate::run::Run;
use crate::settings::Settings;
use crate::stages::{AWSPREVIOUS, Standing};

/// What changing a password may take: the server's own limit for the statement is one second less than what is left.
const ENOUGH: Duration = Duration::from_secs(3);
/// How often a change that met another one is begun again, after a pause that doubles each time.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The account as AWSCURRENT describes it.
struct Account {
    arn: String,
    settings: Settings,
    current: Credential,
}

/// A session that may write, and whose it is.
pub(super) struct Writer {
    pub(super) session: Session,
    pub(super) name: String,
    pub(super) warnings: Vec<String>,
}

pub(super) async fn run(run: &Run<'_>, event: &Rotation) -> Result<Report> {
    let settings = settings(run, event).await?;
    let current = run.current().await?;
    let arn = current.arn.clone();
    if current.id == event.version {
        return Ok(run.report(&arn, &event.version, &Plan::nothing(Standing::Current)));
    }
    let current = credential(current, &settings)?;
    current.rotatable(&settings, run.config)?;
    let account = Account { arn, settings, current };
    let Some(session) = let_in(run, event, &account).await? else {
        let line = format!("the pending password of {:?} works already", account.name());
        return Ok(run.report(&account.arn, &event.version, &Plan::nothing(Standing::Pending).proving(line)));
    };
    // From here on there is something to write. A retry that finds its work done is not stopped by these.
    account.settings.refuse_on_hold(run.clock.seconds())?;
    account.settings.sound()?;
    let mut writer = writer(run, &account.settings, &account.current, session).await?;
    let report = write(run, event, &account, &mut writer).await;
    writer.session.close().await;
    report
}

/// Tries the stored credentials in turn, as the table in [`probe`] says, until one may write; no session means that the
/// pending one works already.
async fn let_in(run: &Run<'_>, event: &Rotation, account: &Account) -> Result<Option<Session>> {
    let mut last = run.log_in(&account.current).await;
    let current = last.answer();
    let (mut pending, mut previous): (Option<Answer>, Option<Answer>) = (None, None);
    loop {
        match probe::next(current, pending, previous) {
            Next::WriteAsCurrent | Next::WriteAsPrevious | Next::Stop => return last.session(),
            Next::AlreadySet => {
                if let Some(session) = last.session()? {
                    session.close().await;
                }
                return Ok(None);
            }
            Next::TryPending => {
                last = run.log_in(&pending_credential(run, event, account, FIND_OUT).await?).await;
                pending = Some(last.answer());
            }
            Next::TryPrevious => {
                match previous_credential(run, account).await? {
                    Ok(credential) => last = run.log_in(&credential).await,
                    Err(reason) => return Err(account.none_works(&reason)),
                }
                previous = Some(last.answer());
            }
            Next::NoneWorks => return Err(account.none_works("rejected too")),
        }
    }
}

/// Who changes the password: the account itself, or the administrator that its secret names. The account's own credential
/// has been accepted either way, and its session is kept until somebody is known to have the right.
pub(super) async fn writer(
    run: &Run<'_>,
    settings: &Settings,
    current: &Credential,
    mut session: Session,
) -> Result<Writer> {
    let name = current.account();
    let mut search = match admin::find(run, settings, current).await {
        Ok(search) => search,
        Err(error) => {
            session.close().await;
            return Err(error);
        }
    };
    if let Some(administrator) = search.found {
        match administrator_session(run, &administrator, name).await {
            Ok(writer) => {
                session.close().await;
                search.warnings.extend(administrator.warnings());
                let name = administrator.account().to_owned();
                return Ok(Writer { session: writer, name, warnings: search.warnings });
            }
            Err(error) if search.ordered => {
                session.close().await;
                return Err(error);
            }
            Err(error) => search.warnings.push(admin::unused(&error)),
        }
    }
    match session.check_writer(name).await {
        Ok(()) => Ok(Writer { session, name: name.to_owned(), warnings: search.warnings }),
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

async fn administrator_session(run: &Run<'_>, administrator: &Credential, account: &str) -> Result<Session> {
    let session = run.log_in(administrator).await.session()?;
    let mut session = session.ok_or_else(|| admin::rejected(administrator.account()))?;
    match session.check_writer(account).await {
        Ok(()) => Ok(session),
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// Lock, look, plan, apply; once more where somebody else's change of the same account was in the way.
async fn write(run: &Run<'_>, event: &Rotation, account: &Account, writer: &mut Writer) -> Result<Report> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1)).await;
        }
        run.clock.require(ENOUGH, "change a password", "nothing was changed")?;
        writer.session.lock(account.name(), run.clock).await?;
        let pending = pending_credential(run, event, account, GIVE_UP).await?;
        let plan = plan(account.name(), &writer.name).warning(pending.warnings()).warning(writer.warnings.clone());
        run.clock.require(ENOUGH, "change a password", "nothing was changed")?;
        let report = run.report(&account.arn, &event.version, &plan);
        if let Some(report) = apply::set(run, report, &plan, &mut writer.session, &pending).await? {
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
pub(super) fn plan(account: &str, writer: &str) -> Plan {
    let action = Action::SetPassword { account: account.to_owned(), writer: writer.to_owned() };
    Plan::of(Standing::Pending, vec![action])
}

/// The event's version, if it is still staged as AWSPENDING and about the same account.
async fn pending_credential(run: &Run<'_>, event: &Rotation, account: &Account, remedy: &str) -> Result<Credential> {
    let pending = credential(pending_version(run, event).await?, &account.settings)?;
    unchanged(&account.current, &pending, "AWSPENDING", remedy)?;
    Ok(pending)
}

/// The previous version, or why it cannot be tried: a placeholder, or the login to another server, heals nothing. Whether to
/// encrypt is for AWSCURRENT to say.
async fn previous_credential(run: &Run<'_>, account: &Account) -> Result<std::result::Result<Credential, String>> {
    let Lookup::Found(version) = run.clients.secrets.labelled(run.secret, AWSPREVIOUS).await? else {
        return Ok(Err("there is none".to_owned()));
    };
    let usable = credential(version, &account.settings).and_then(|previous| {
        let previous = previous.encrypted_as(&account.current);
        unchanged(&account.current, &previous, AWSPREVIOUS, FIND_OUT)?;
        Ok(previous)
    });
    Ok(usable.map_err(|error| error.cause().to_owned()))
}

impl Account {
    fn name(&self) -> &str {
        self.current.account()
    }

    fn none_works(&self, previous: &str) -> Error {
        Error::new(
            ErrorKind::RefusedLogin,
            format!(
                "the server rejects the passwords of {:?} in AWSCURRENT and AWSPENDING; AWSPREVIOUS: {previous}",
                self.name()
            ),
            "see whether the account has expired (VALID UNTIL) or is gone, which the server tells in the same words; else set \
             its password by hand to the one in AWSCURRENT, and let Secrets Manager try again",
        )
    }
}
