//! What a rollout is about.

use crate::config::Settings;
use crate::secret::VersionId;

/// A current version whose services may still have to be redeployed.
pub(crate) struct Rollout<'a> {
    pub(crate) arn: &'a str,
    pub(crate) version: &'a VersionId,
    pub(crate) settings: &'a Settings,
    /// Whether it carries our mark.
    pub(crate) marked: bool,
}
