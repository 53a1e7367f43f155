//! How an operator has a rollout finished.

use crate::api::{ActionName, Doing};

/// How to have done what is left.
pub(crate) fn again(doing: Doing, arn: &str) -> String {
    if doing == Doing::Action(ActionName::Redeploy) {
        return "invoke this function with the action Redeploy again".to_owned();
    }
    format!(
        "invoke this function with {{\"Action\": \"Reconcile\", \"SecretId\": \"{arn}\"}}, or wait for its schedule: it does \
         only what is left"
    )
}
