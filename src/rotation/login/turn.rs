//! Whose turn it is, where two accounts alternate. A name ending in `_clone` does not tell by itself: it may be a partner's,
//! or that of a first account which is really called so. The version before tells, and otherwise the server.

use super::administrator;
use crate::aws::secrets::Lookup;
use crate::config::Settings;
use crate::context::Context;
use crate::database::pair::{self, Turn};
use crate::database::{Credential, Pair, Probe};
use crate::error::{Error, ErrorKind, Result};
use crate::rotation::versions::credential;
use crate::secret::AWSPREVIOUS;

/// The account that the next value is for; none where there is one account only.
pub(in crate::rotation) async fn next(
    context: &Context<'_>,
    current: &Credential,
    settings: &Settings,
) -> Result<Option<String>> {
    if !current.alternates() {
        return Ok(None);
    }
    let account = current.account();
    let previous = match context.memory.partner(context.secret, account) {
        None if !pair::is_first(account) => previous_account(context, settings).await?,
        known => known,
    };
    let next = match pair::turn(account, previous.as_deref()) {
        Turn::Of(next) => next,
        Turn::Ask(pair) if is_partner(context, current, settings, &pair).await? => pair.base,
        Turn::Ask(_) => pair::partner(account),
    };
    current.check_partner(&next)?;
    Ok(Some(next))
}

/// The account of the version before. One that cannot be read tells nothing.
async fn previous_account(context: &Context<'_>, settings: &Settings) -> Result<Option<String>> {
    let Lookup::Found(version) = context.clients.secrets.labelled(context.secret, AWSPREVIOUS).await? else {
        return Ok(None);
    };
    Ok(credential(context, version, settings).ok().map(|previous| previous.account().to_owned()))
}

async fn is_partner(context: &Context<'_>, current: &Credential, settings: &Settings, pair: &Pair) -> Result<bool> {
    match current.log_in(context).await {
        Probe::Accepted(mut session) => {
            let is_partner = session.is_partner(pair).await;
            session.close().await;
            match is_partner? {
                Some(is_partner) => Ok(is_partner),
                None => ask_administrator(context, current, settings, pair).await,
            }
        }
        Probe::Rejected => Err(Error::new(
            ErrorKind::RefusedLogin,
            format!(
                "{:?} may be the partner of {:?} or an account of its own, and neither AWSPREVIOUS nor the server tells: the \
                 server rejects its password",
                pair.partner, pair.base
            ),
            current.remedy_of_rejection(),
        )),
        Probe::Unreachable(error) => Err(error),
    }
}

/// Where an account does not see who else there is. Its own stored credential has been accepted before.
async fn ask_administrator(
    context: &Context<'_>,
    current: &Credential,
    settings: &Settings,
    pair: &Pair,
) -> Result<bool> {
    let administrator = administrator::named(context, settings, current).await?;
    let session = administrator.log_in(context).await.session()?;
    let mut session = session.ok_or_else(|| administrator::rejected(administrator.account()))?;
    let is_partner = session.is_partner(pair).await;
    session.close().await;
    is_partner?.ok_or_else(|| {
        Error::new(
            ErrorKind::RefusedAccount,
            format!(
                "the administrator {:?} may not see whether there is an account {:?}",
                administrator.account(),
                pair.base
            ),
            "GRANT it the right to read the server's accounts (SELECT ON mysql.*)",
        )
    })
}
