//! Staging labels: one holder each, AWSPREVIOUS following AWSCURRENT, and AWS's compare-and-swap.

use serde_json::Value;

use super::super::wire::{Answer, ApiError, Fields as _, now};
use super::secret::{CURRENT, PREVIOUS, Secret};

impl Secret {
    /// The version that holds a label.
    #[must_use]
    pub fn holder(&self, label: &str) -> Option<&str> {
        self.versions.iter().find(|(_, version)| version.stages.contains(label)).map(|(id, _)| id.as_str())
    }

    /// Puts a label on a version, away from any other. Moving AWSCURRENT marks the version it left as AWSPREVIOUS.
    pub(crate) fn attach(&mut self, label: &str, id: &str) {
        let before = self.holder(label).map(str::to_owned);
        if before.as_deref() == Some(id) || !self.versions.contains_key(id) {
            return;
        }
        self.detach(label);
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.insert(label.to_owned());
            if label == CURRENT {
                version.promoted = Some(now());
            }
        }
        if label == CURRENT
            && let Some(before) = before
        {
            self.detach(PREVIOUS);
            if let Some(version) = self.versions.get_mut(&before) {
                version.stages.insert(PREVIOUS.to_owned());
            }
        }
    }

    /// Takes a label off whichever version holds it.
    pub(crate) fn detach(&mut self, label: &str) {
        for version in self.versions.values_mut() {
            version.stages.remove(label);
        }
    }

    pub(super) fn update_stage(&mut self, request: &Value) -> Answer {
        let label = request.require("VersionStage")?.to_owned();
        let to = request.text("MoveToVersionId");
        let from = request.text("RemoveFromVersionId");
        for id in [to, from].into_iter().flatten() {
            if !self.versions.contains_key(id) {
                return Err(ApiError::missing(format!(
                    "Secrets Manager can't find the specified secret value for VersionId: {id}"
                )));
            }
        }
        let holder = self.holder(&label);
        match (to, from) {
            (None, None) => {
                return Err(ApiError::parameter("You must provide MoveToVersionId, RemoveFromVersionId, or both."));
            }
            (Some(to), _) if holder == Some(to) => {
                return Err(ApiError::parameter(format!(
                    "Staging label {label} is already attached to version {to} of the secret."
                )));
            }
            (Some(_), None) if holder.is_some() => {
                return Err(ApiError::parameter(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to \
                     version {}, so you must explicitly reference that version in RemoveFromVersionId.",
                    holder.unwrap_or_default()
                )));
            }
            (_, Some(from)) if holder != Some(from) => {
                return Err(ApiError::parameter(format!(
                    "The parameter RemoveFromVersionId is not valid. Staging label {label} is not attached to version \
                     {from} of the secret."
                )));
            }
            (None, Some(_)) if label == CURRENT => {
                return Err(ApiError::parameter(
                    "You can't remove the staging label AWSCURRENT without moving it to another version.",
                ));
            }
            _ => {}
        }
        match to.map(str::to_owned) {
            None => self.detach(&label),
            Some(to) => {
                // Not documented; letting it through would make every consumer fail, so no test may rely on it.
                if label == CURRENT && self.versions.get(&to).is_none_or(|version| version.content.is_none()) {
                    return Err(ApiError::request("You can't move AWSCURRENT to a version without a value."));
                }
                self.attach(&label, &to);
            }
        }
        self.touch();
        Ok(self.named())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::super::{PENDING, Secrets};
    use super::*;

    const MOVE: &str = "UpdateSecretVersionStage";

    fn pending() -> Secrets {
        let mut model = model();
        let request = json!({"SecretString": "two", "ClientRequestToken": T2, "VersionStages": [PENDING, "MINE"]});
        model.ok("PutSecretValue", request);
        model
    }

    #[test]
    fn moving_current_needs_its_true_holder() {
        let mut model = pending();
        let (code, message) = model.refused(MOVE, json!({"VersionStage": CURRENT, "MoveToVersionId": T2}));
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains("RemoveFromVersionId can't be empty") && message.contains(T1), "{message}");
        let wrong = json!({"VersionStage": CURRENT, "MoveToVersionId": T2, "RemoveFromVersionId": T2});
        assert_eq!(model.refused(MOVE, wrong).0, "InvalidParameterException");
    }

    #[test]
    fn moving_current_marks_the_old_version_previous_and_keeps_other_labels() {
        let mut model = pending();
        model.ok(MOVE, json!({"VersionStage": CURRENT, "MoveToVersionId": T2, "RemoveFromVersionId": T1}));
        assert_eq!(model.labels(T1), [PREVIOUS]);
        assert_eq!(model.labels(T2), [CURRENT, PENDING, "MINE"]);
        assert_eq!(model.ok("GetSecretValue", json!({}))["SecretString"], "two");
    }

    #[test]
    fn rolling_back_swaps_current_and_previous() {
        let mut model = pending();
        model.ok(MOVE, json!({"VersionStage": CURRENT, "MoveToVersionId": T2, "RemoveFromVersionId": T1}));
        model.ok(MOVE, json!({"VersionStage": CURRENT, "MoveToVersionId": T1, "RemoveFromVersionId": T2}));
        assert_eq!(model.labels(T1), [CURRENT]);
        assert_eq!(model.labels(T2), [PENDING, PREVIOUS, "MINE"]);
    }

    #[test]
    fn repeating_a_move_is_refused() {
        let mut model = pending();
        let request = json!({"VersionStage": CURRENT, "MoveToVersionId": T2, "RemoveFromVersionId": T1});
        model.ok(MOVE, request.clone());
        assert_eq!(model.refused(MOVE, request).0, "InvalidParameterException");
        assert_eq!(
            model.refused(MOVE, json!({"VersionStage": CURRENT, "MoveToVersionId": T2})).0,
            "InvalidParameterException"
        );
    }

    #[test]
    fn labels_are_removed_only_from_their_holder_and_current_never() {
        let mut model = pending();
        assert_eq!(
            model.refused(MOVE, json!({"VersionStage": "MINE", "RemoveFromVersionId": T1})).0,
            "InvalidParameterException"
        );
        model.ok(MOVE, json!({"VersionStage": "MINE", "RemoveFromVersionId": T2}));
        assert_eq!(model.labels(T2), [PENDING]);
        assert_eq!(
            model.refused(MOVE, json!({"VersionStage": CURRENT, "RemoveFromVersionId": T1})).0,
            "InvalidParameterException"
        );
        assert_eq!(model.refused(MOVE, json!({"VersionStage": CURRENT})).0, "InvalidParameterException");
        assert_eq!(
            model.refused(MOVE, json!({"VersionStage": "NEW", "MoveToVersionId": T3})).0,
            "ResourceNotFoundException"
        );
        // A label nobody holds needs no RemoveFromVersionId.
        model.ok(MOVE, json!({"VersionStage": "NEW", "MoveToVersionId": T1}));
        assert_eq!(model.labels(T1), [CURRENT, "NEW"]);
    }

    #[test]
    fn current_does_not_move_to_an_empty_version() {
        let mut model = model();
        model.get_mut("app/db").unwrap().stage_pending(T2, None);
        let request = json!({"VersionStage": CURRENT, "MoveToVersionId": T2, "RemoveFromVersionId": T1});
        assert_eq!(model.refused(MOVE, request).0, "InvalidRequestException");
    }

    #[test]
    fn a_move_bumps_the_date_of_last_change() {
        let mut model = pending();
        model.get_mut("app/db").unwrap().changed = std::time::Duration::ZERO;
        model.ok(MOVE, json!({"VersionStage": "MINE", "RemoveFromVersionId": T2}));
        assert!(!model.get("app/db").unwrap().changed.is_zero());
    }
}
