//! Which accounts take turns at all, and by whose hand.

use postgres_protocol::escape::escape_identifier;

use super::releases::{Release, release, told};
use super::seen::{Role, Seen};
use crate::database::Alternation;
use crate::error::{Error, ErrorKind, Result};

/// Accounts of which there must not be two unnoticed, and one whose partner would die with it.
pub(super) fn check_base(base: &Role, insisted: bool) -> Result<()> {
    let name = &base.name;
    let mighty = [(base.superuser, "SUPERUSER"), (base.replication, "REPLICATION"), (base.bypass_rls, "BYPASSRLS")];
    if let Some((_, attribute)) = mighty.into_iter().find(|(has, _)| *has) {
        return Err(refused(
            format!("{name:?} has the attribute {attribute}, of which keyroll makes no second account"),
            format!("rotate it as single-user (tag keyroll:strategy), or ALTER ROLE {} NO{attribute}", quoted(name)),
        ));
    }
    let power = match &base.mighty {
        _ if base.create_role => Some("has the attribute CREATEROLE".to_owned()),
        Some(role) => Some(format!("can become {role:?}, a role beyond an application's needs")),
        None => None,
    };
    if let Some(power) = power
        && !insisted
    {
        return Err(refused(
            format!("{name:?} {power}: a second such account is made only where somebody asks for it by name"),
            "tag the secret keyroll:strategy = alternating-users to mean it, or single-user to keep one account",
        ));
    }
    if base.expired {
        return Err(refused(
            format!("{name:?} has expired (VALID UNTIL), and its partner would with it"),
            format!("ALTER ROLE {} VALID UNTIL a later time", quoted(name)),
        ));
    }
    if base.connection_limit == 0 {
        return Err(refused(
            format!("{name:?} has CONNECTION LIMIT 0, and its partner would get the same: nobody could log in"),
            format!("ALTER ROLE {} CONNECTION LIMIT -1, or one that is high enough", quoted(name)),
        ));
    }
    Ok(())
}

/// Refuses a server on which no role acts as another by its settings: the proof would fail, whatever is granted.
pub(super) fn check_release(version: u32, partner: &str) -> Result<()> {
    if release(version) != Release::Deaf {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RefusedServer,
        format!(
            "PostgreSQL {} ignores ALTER ROLE ... SET role (mended in the release after it), by which {partner:?} acts as \
             its base",
            told(version)
        ),
        "update the server to a later minor release, or tag the secret keyroll:strategy = single-user",
    ))
}

/// Whether the account whose turn it is may be changed, and is the other half of the pair at all.
pub(super) fn check_turn(seen: &Seen, base: &Role, rotation: &Alternation<'_>) -> Result<()> {
    let (pair, pending) = (rotation.pair, rotation.account);
    let (writer, have_options) = (&seen.writer.name, seen.grants_have_options());
    let rights = |role: &str| {
        let admin = format!("GRANT {} TO {} WITH ADMIN OPTION", quoted(role), quoted(writer));
        let attribute = format!("ALTER ROLE {} CREATEROLE", quoted(writer));
        if have_options { format!("{attribute}; {admin}") } else { attribute }
    };
    if let Some(partner) = &seen.partner {
        let mighty = partner.superuser || partner.replication || partner.bypass_rls;
        if mighty {
            return Err(refused(
                format!(
                    "{:?} is a superuser, or has REPLICATION or BYPASSRLS, which {:?} has not",
                    pair.partner, pair.base
                ),
                format!("ALTER ROLE {} NOSUPERUSER NOREPLICATION NOBYPASSRLS", quoted(&pair.partner)),
            ));
        }
        if !seen.may_alter(partner) {
            return Err(refused(
                format!("the administrator {writer:?} may not change the role {:?} (SQLSTATE 42501)", pair.partner),
                rights(&pair.partner),
            ));
        }
        check_pair(seen, rotation)?;
    } else if !seen.writer.superuser && !seen.writer.create_role {
        return Err(refused(
            format!("the administrator {writer:?} may not create the role {:?} (SQLSTATE 42501)", pair.partner),
            format!("{}, or create the role yourself", rights(&pair.base)),
        ));
    }
    if pending != pair.base {
        return Ok(());
    }
    if !base.login {
        return Err(refused(
            format!("it is the turn of {pending:?}, which may not log in (NOLOGIN)"),
            format!("ALTER ROLE {} LOGIN", quoted(pending)),
        ));
    }
    if !seen.may_alter(base) {
        return Err(refused(
            format!("the administrator {writer:?} may not change the password of {pending:?} (SQLSTATE 42501)"),
            rights(pending),
        ));
    }
    Ok(())
}

/// Two accounts are a pair where one is a member of the other. A name alone makes none: either could be somebody else's, and
/// a writer of the secret must not get at it by that. Where the base itself was let in, a partner that acts as it, or
/// that has no rights of its own, is meant to be one, and only lacks the membership; as does one whose secret can open both.
fn check_pair(seen: &Seen, rotation: &Alternation<'_>) -> Result<()> {
    let pair = rotation.pair;
    let meant = seen.partner_acts_as.as_ref() == Some(&pair.base) || seen.is_blank(pair);
    if seen.is_pair(pair) || rotation.both || (rotation.entered == pair.base && meant) {
        return Ok(());
    }
    Err(refused(
        format!(
            "{:?} is no member of {:?}: nothing but their names shows that the two are a pair",
            pair.partner, pair.base
        ),
        format!("GRANT {} TO {}, if they are", quoted(&pair.base), quoted(&pair.partner)),
    ))
}

pub(super) fn quoted(name: &str) -> String {
    escape_identifier(name)
}

pub(super) fn refused(cause: String, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedAccount, cause, remedy)
}
