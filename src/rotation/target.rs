//! What a rotation works on: a login that a server holds, or keys that no server holds.

use crate::config::Settings;
use crate::jose::KeyKind;

/// What a secret is, for the steps of its rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A login to a database server.
    Login,
    /// Signing keys or tokens, of this kind.
    Keys(KeyKind),
}

impl Target {
    /// Decides by the tag `keyroll:kind`: without one of the kinds of keys, the value is a login.
    pub(crate) fn of(settings: &Settings) -> Self {
        KeyKind::of(settings).map_or(Self::Login, Self::Keys)
    }
}
