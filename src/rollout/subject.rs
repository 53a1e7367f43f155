//! What a rollout is about.

use crate::config::Settings;
use crate::secret::VersionId;

/// A version that is current and may not be rolled yet.
pub(crate) struct Left<'a> {
    pub(crate) arn: &'a str,
    pub(crate) version: &'a VersionId,
    pub(crate) settings: &'a Settings,
    /// Whether it carries our mark.
    pub(crate) marked: bool,
}
