//! The public keys that verifiers fetch: of the value under AWSCURRENT, of the one before, which old tasks sign with, and of the
//! one that is to come.
//!
//! An object has no version that could be compared before it is written. So whoever writes it late makes it good again: what is
//! published is always made of the labels as they are, setSecret looks again after it has written, and the rollout writes once
//! more after AWSCURRENT has moved.

use crate::aws::secrets::{Lookup, Version};
use crate::error::Result;
use crate::kind::{KeyKind, Keys};
use crate::plan::Action;
use crate::run::Run;
use crate::settings::Settings;
use crate::stages::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

/// The writes of it, none where the secret has no such place.
pub(crate) fn actions(settings: &Settings) -> Vec<Action> {
    if KeyKind::of(settings).is_none() {
        return Vec::new();
    }
    let writes = settings.copies.iter().filter(|place| crate::kind::writes(settings, place));
    writes.map(|place| Action::Publish { place: place.to_string() }).collect()
}

/// The public JWK Set by the labels as they are now.
pub(crate) async fn now(run: &Run<'_>, kind: KeyKind, settings: &Settings) -> Result<String> {
    let labels: &[&str] = match kind {
        // The one before stands in the ring itself; a key that has left it is to be trusted no longer.
        KeyKind::KeyRing => &[AWSPENDING, AWSCURRENT],
        _ => &[AWSPENDING, AWSCURRENT, AWSPREVIOUS],
    };
    let mut all = Vec::new();
    for label in labels {
        if let Lookup::Found(version) = run.clients.secrets.labelled(run.secret, label).await? {
            all.extend(keys(kind, version, settings));
        }
    }
    Ok(Keys::public(&all.iter().collect::<Vec<_>>()))
}

/// The keys of a version. One that cannot be read, such as a placeholder, has none.
fn keys(kind: KeyKind, version: Version, settings: &Settings) -> Option<Keys> {
    Keys::read(kind, version.text().ok()?, settings).ok()
}
