//! The four steps for what no server holds: signing secrets, key rings, signing keys and tokens. There is nothing to set and no
//! login to lose; what can go wrong is that one task refuses what another one has signed. So a rotation waits until every task
//! knows the key that is to sign next, and until no token lives that was signed by the key which goes.

pub(super) mod create_secret;
pub(super) mod examine;
mod guard;
pub(super) mod revoke;
pub(super) mod set_secret;
pub(super) mod test_secret;

use crate::aws::secrets::Version;
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::jose::{KeyKind, Keys};

/// The keys of the version under AWSCURRENT; which they are is remembered by digests.
fn current(context: &Context<'_>, kind: KeyKind, version: Version, settings: &Settings) -> Result<Keys> {
    let id = version.id.clone();
    let keys = read(kind, version, settings)?;
    context.memory.keep_fingerprint(context.secret, &id, keys.fingerprint());
    Ok(keys)
}

/// The keys of any version.
fn read(kind: KeyKind, version: Version, settings: &Settings) -> Result<Keys> {
    Keys::read(kind, version.text()?, settings)
}

/// The answer to Retire.
pub(super) fn not_retired(kind: KeyKind) -> Error {
    let what = match kind {
        KeyKind::KeyRing => "the previous key stays in the ring until the next rotation takes it out",
        _ => "the previous value stays readable as AWSPREVIOUS until the next rotation",
    };
    Error::new(
        ErrorKind::RefusedNotBuilt,
        format!("this version of keyroll does not retire keys: {what}"),
        "wait for the next rotation, which ends it once no token signed by it lives; if it has leaked, invoke the action Revoke",
    )
}
