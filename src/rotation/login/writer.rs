//! The account that changes a password: the account itself, or an administrator.

use super::administrator;
use super::logins::Account;
use crate::context::Context;
use crate::database::{Credential, Session};
use crate::error::Result;

/// A session that may write, and whose it is.
pub(in crate::rotation) struct Writer {
    pub(in crate::rotation) session: Session,
    pub(in crate::rotation) name: String,
    pub(in crate::rotation) warnings: Vec<String>,
}

/// Finds the session that changes the password: the account itself, or the administrator that its secret names. The account's own credential
/// has been accepted either way, and its session is kept until somebody is known to have the right.
pub(in crate::rotation) async fn writer(
    context: &Context<'_>,
    account: &Account,
    mut session: Session,
) -> Result<Writer> {
    let name = account.name();
    let mut search = match administrator::find(context, &account.settings, &account.current).await {
        Ok(search) => search,
        Err(error) => {
            session.close().await;
            return Err(error);
        }
    };
    if let Some(administrator) = search.found {
        match administrator_session(context, &administrator, account).await {
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
            Err(error) => search.warnings.push(administrator::unused(&error)),
        }
    }
    match session.check_writer(name, account.current.plaintext).await {
        Ok(()) => Ok(Writer { session, name: name.to_owned(), warnings: search.warnings }),
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// The administrator, who has to be named, with the right to change `target`. That the account's own credential is accepted
/// is for the caller to have seen.
pub(in crate::rotation) async fn administrator(
    context: &Context<'_>,
    account: &Account,
    target: &str,
) -> Result<Writer> {
    let administrator = administrator::named(context, &account.settings, &account.current).await?;
    let mut session = administrator_session(context, &administrator, account).await?;
    if let Err(error) = session.check_writer(target, account.current.plaintext).await {
        session.close().await;
        return Err(error);
    }
    Ok(Writer { session, name: administrator.account().to_owned(), warnings: administrator.warnings() })
}

async fn administrator_session(
    context: &Context<'_>,
    administrator: &Credential,
    account: &Account,
) -> Result<Session> {
    let session = administrator.log_in(context).await.session()?;
    let mut session = session.ok_or_else(|| administrator::rejected(administrator.account()))?;
    session.administer();
    let (name, plaintext) = (account.name(), account.current.plaintext);
    let checked = if account.current.alternates() {
        // Its rights are for the comparison of the two accounts to judge.
        session.check_server(name, plaintext).await
    } else {
        session.check_writer(name, plaintext).await
    };
    match checked {
        Ok(()) => Ok(session),
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}
