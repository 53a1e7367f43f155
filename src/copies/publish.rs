//! The public keys that verifiers fetch: of the value under AWSCURRENT, of the previous one, which old tasks sign with, and of the
//! one that is to come.
//!
//! An object has no version that could be compared before it is written. So a late write makes it good again: what is
//! published is always made of the labels as they are, setSecret looks again after it has written, and the rollout writes once
//! more after AWSCURRENT has moved.

use std::fmt;

use crate::api::Report;
use crate::aws::secrets::{Lookup, Version};
use crate::config::Settings;
use crate::context::Context;
use crate::error::Result;
use crate::jose::{KeyKind, Keys};
use crate::plan::{Action, Plan};
use crate::secret::{AWSCURRENT, AWSPENDING, AWSPREVIOUS};

/// Put the public halves of the keys into an object of S3, where verifiers fetch them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Publish {
    /// The place, as the tag names it.
    pub(crate) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "publish the public keys at {}", self.place())
    }
}

impl Action for Publish {
    fn done(&self) -> String {
        format!("published the public keys at {}", self.place())
    }
}

/// The public JWK Set by the labels as they are now.
pub(crate) async fn now(context: &Context<'_>, kind: KeyKind, settings: &Settings) -> Result<String> {
    let labels: &[&str] = match kind {
        // The one before stands in the ring itself; a key that has left it is to be trusted no longer.
        KeyKind::KeyRing => &[AWSPENDING, AWSCURRENT],
        _ => &[AWSPENDING, AWSCURRENT, AWSPREVIOUS],
    };
    let mut all = Vec::new();
    for label in labels {
        if let Lookup::Found(version) = context.clients.secrets.labelled(context.secret, label).await? {
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
pub(crate) async fn carry_out(
    context: &Context<'_>,
    mut report: Report,
    plan: &Plan<Publish>,
    public: &str,
) -> Result<Report> {
    for publish in &plan.actions {
        put(context, publish, public).await?;
        report.did(publish.done());
    }
    Ok(report)
}

/// Writes one object.
///
/// Safe to repeat: the object ends with the same content.
pub(crate) async fn put(context: &Context<'_>, publish: &Publish, public: &str) -> Result<()> {
    context.clients.s3.put_public(&publish.bucket, &publish.key, public).await
}
