//! The public keys that verifiers fetch: of the value under AWSCURRENT, of the one before, which old tasks sign with, and of the
//! one that is to come.
//!
//! An object has no version that could be compared before it is written. So whoever writes it late makes it good again: what is
//! published is always made of the labels as they are, setSecret looks again after it has written, and the rollout writes once
//! more after AWSCURRENT has moved.

use crate::api::Report;
use crate::aws::secrets::{Lookup, Version};
use crate::config::{Place, Settings};
use crate::context::Run;
use crate::error::Result;
use crate::jose::{KeyKind, Keys};
use crate::plan::{Action, Plan, stray};
use crate::secret::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

/// The writes of it, none where the secret has no such place.
pub(crate) fn actions(settings: &Settings) -> Vec<Action> {
    if KeyKind::of(settings).is_none() {
        return Vec::new();
    }
    let writes = settings.copies.iter().filter(|place| super::writes(settings, place));
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

/// setSecret of asymmetric keys: puts their public halves where verifiers fetch them.
///
/// Safe to repeat: the object ends with the same content.
pub(crate) async fn carry_out(run: &Run<'_>, mut report: Report, plan: &Plan, public: &str) -> Result<Report> {
    for action in &plan.actions {
        let Action::Publish { place } = action else { return Err(stray(action)) };
        put(run, place, Some(&Ok(public.to_owned()))).await?;
        report.did(action.done());
    }
    Ok(report)
}

pub(crate) async fn put(run: &Run<'_>, place: &str, public: Option<&Result<String>>) -> Result<()> {
    match (place.parse(), public) {
        (Ok(Place::Object { bucket, key }), Some(Ok(public))) => run.clients.s3.put_public(&bucket, &key, public).await,
        (_, Some(Err(error))) => Err(error.clone()),
        _ => Err(stray(&Action::Publish { place: place.to_owned() })),
    }
}
