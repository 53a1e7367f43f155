//! Which accounts take turns at all, and by whose hand.

use postgres_protocol::escape::escape_identifier;

use super::seen::{Role, Seen};
use crate::error::{Error, ErrorKind, Result};
use crate::kind::pair::Pair;

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
    if (base.create_role || base.rds_superuser) && !insisted {
        let power = if base.create_role { "has the attribute CREATEROLE" } else { "is a member of rds_superuser" };
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
    Ok(())
}

/// Whether the account whose turn it is may be changed, and is the other half of the pair at all.
pub(super) fn check_turn(seen: &Seen, base: &Role, pair: &Pair, pending: &str) -> Result<()> {
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
        if pending == pair.base && seen.options(&pair.partner, &pair.base).is_none() {
            return Err(refused(
                format!(
                    "{:?} is no member of {:?}: nothing shows that the two are a pair, and {:?} may be somebody else's",
                    pair.partner, pair.base, pair.base
                ),
                format!("GRANT {} TO {}, if they are", quoted(&pair.base), quoted(&pair.partner)),
            ));
        }
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

pub(super) fn quoted(name: &str) -> String {
    escape_identifier(name)
}

pub(super) fn refused(cause: String, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::RefusedAccount, cause, remedy)
}
