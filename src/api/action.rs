//! The names of the actions that an operator may ask for.

use serde::{Deserialize, Serialize};

/// An operator's action, by its name in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionName {
    /// Show a secret, and what is left to do for it.
    Status,
    /// Tell what a rotation would do.
    DryRun,
    /// Redeploy every dependent.
    Redeploy,
    /// Finish what broke off.
    Reconcile,
    /// End the previous credential.
    Retire,
    /// Replace everything old, without an overlap.
    Revoke,
    /// Log in with what is stored, and compare copies. Not built.
    Check,
    /// Put the previous version back. Not built.
    Rollback,
}

impl ActionName {
    /// Every name, in the order of messages.
    pub const ALL: [Self; 8] = [
        Self::Status,
        Self::DryRun,
        Self::Redeploy,
        Self::Reconcile,
        Self::Retire,
        Self::Revoke,
        Self::Check,
        Self::Rollback,
    ];

    /// The name as text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "Status",
            Self::DryRun => "DryRun",
            Self::Redeploy => "Redeploy",
            Self::Reconcile => "Reconcile",
            Self::Retire => "Retire",
            Self::Revoke => "Revoke",
            Self::Check => "Check",
            Self::Rollback => "Rollback",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::same_both_ways;

    #[test]
    fn an_action_is_written_as_its_name() {
        for action in ActionName::ALL {
            same_both_ways(&action, &format!("{:?}", action.name()));
        }
    }
}
