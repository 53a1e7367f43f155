//! What an account accepts besides the password that is about to be set. Where it can hold two, the second one is the last
//! rotation's: it is replaced by the next. One that no version of the secret holds is somebody else's, and is not ours to
//! destroy.

use super::change::ENOUGH;
use super::logins::Account;
use crate::aws::secrets::Lookup;
use crate::context::Context;
use crate::database::{Beside, Credential, Session, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::rotation::versions::credential;
use crate::secret::{AWSPREVIOUS, Sensitive};

/// What to do with a password that no version holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rotation) enum Strangers {
    /// Somebody may use it: refuse.
    Refuse,
    /// Nothing old is to be left: replace it, and say so.
    Replace,
}

/// Looks at an account whose password is about to be set. `known` are credentials that have been read anyway.
///
/// On the good path that is all: what the last rotation replaced is remembered. Then AWSPREVIOUS is read, and where that is
/// not it either, the other versions, the newest first: a rotation that was given up has lost its label, and not its rule.
pub(in crate::rotation) async fn passwords_beside(
    context: &Context<'_>,
    account: &Account,
    session: &mut Session,
    target: &str,
    known: &[&Credential],
    wanted: Wanted,
    strangers: Strangers,
) -> Result<Beside> {
    let mut verifiers: Vec<Sensitive> = known.iter().filter_map(|credential| credential.verifier()).collect();
    verifiers.extend(context.memory.replaced(context.secret));
    let mut beside = session.beside(target, &verifiers, wanted).await?;
    if !beside.unknown.is_empty() {
        let more = versions(context, account, &beside.unknown).await?;
        if !more.is_empty() {
            verifiers.extend(more);
            // Which rows differ from AWSCURRENT is to be told also where an older version knows them.
            let warnings = beside.warnings;
            beside = Beside { warnings, ..session.beside(target, &verifiers, wanted).await? };
        }
    }
    match strangers {
        Strangers::Refuse if !beside.strangers.is_empty() => Err(refused(&beside.strangers, target)),
        Strangers::Refuse => Ok(beside),
        Strangers::Replace => {
            let told = beside.strangers.drain(..).map(|stranger| format!("{stranger}; that was replaced, too"));
            beside.warnings.extend(told);
            Ok(beside)
        }
    }
}

/// By what the server knows passwords of other versions, until all are known that are asked for.
async fn versions(context: &Context<'_>, account: &Account, asked: &[Sensitive]) -> Result<Vec<Sensitive>> {
    let secrets = &context.clients.secrets;
    let mut found: Vec<Sensitive> =
        verifier(context, account, secrets.labelled(context.secret, AWSPREVIOUS).await?).into_iter().collect();
    let all_known = |found: &[Sensitive]| asked.iter().all(|one| found.iter().any(|verifier| verifier.same(one)));
    if all_known(&found) {
        return Ok(found);
    }
    for version in secrets.all_versions(context.secret).await? {
        // Without time to look on, what is not known stays so.
        if context.clock.left() < ENOUGH * 2 {
            break;
        }
        found.extend(verifier(context, account, secrets.version(context.secret, &version).await?));
        if all_known(&found) {
            break;
        }
    }
    Ok(found)
}

/// By what the server knows the password of a version. One that cannot be read holds none.
fn verifier(context: &Context<'_>, account: &Account, found: Lookup) -> Option<Sensitive> {
    match found {
        Lookup::Found(version) => credential(context, version, &account.settings).ok()?.verifier(),
        Lookup::Absent | Lookup::Elsewhere => None,
    }
}

fn refused(strangers: &[String], target: &str) -> Error {
    Error::new(
        ErrorKind::RefusedAccount,
        format!("a rotation would destroy what is not its own: {}", strangers.join("; ")),
        format!(
            "see SHOW CREATE USER of {target:?} and who uses that; where nobody does, ALTER USER it to have the password in \
             AWSCURRENT alone, or let keyroll have two accounts take turns (keyroll:strategy = alternating-users)"
        ),
    )
}
