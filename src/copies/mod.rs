//! Places outside Secrets Manager that hold something of a secret, and what is written to them.

pub(crate) mod publish;

use crate::config::{Place, Settings};
use crate::jose::KeyKind;

/// Whether copies go to this place: the public halves of asymmetric keys do, to S3. Copies of a value are not written yet.
#[must_use]
pub(crate) fn writes(settings: &Settings, place: &Place) -> bool {
    let has_halves = matches!(KeyKind::of(settings), Some(KeyKind::KeyRing | KeyKind::SigningKey));
    has_halves && matches!(place, Place::Object { .. })
}
