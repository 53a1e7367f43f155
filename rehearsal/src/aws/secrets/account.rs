//! All secrets of an account, and how a call finds the one that it is about.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::random;
use super::super::wire::{Answer, ApiError, Fields as _};
use super::secret::Secret;

/// All secrets of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Secrets {
    region: String,
    account: String,
    pub(super) by_arn: BTreeMap<String, Secret>,
}

impl Secrets {
    /// An account without secrets.
    #[must_use]
    pub fn new(region: &str, account: &str) -> Self {
        Self { region: region.to_owned(), account: account.to_owned(), by_arn: BTreeMap::new() }
    }

    /// The secret by name, by ARN, or by ARN without its suffix.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Secret> {
        self.by_arn.get(id).or_else(|| self.by_arn.values().find(|secret| secret.goes_by(id)))
    }

    /// The secret by name or ARN, to change.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Secret> {
        let arn = self.get(id)?.arn.clone();
        self.by_arn.get_mut(&arn)
    }

    /// Every secret.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        self.by_arn.values()
    }

    /// What `GetSecretValue` gives.
    pub(crate) fn read(&self, request: &Value) -> Answer {
        self.live(request)?.value(request)
    }

    pub(super) fn find(&self, request: &Value) -> Result<&Secret, ApiError> {
        self.get(request.require("SecretId")?).ok_or_else(no_secret)
    }

    pub(super) fn find_mut(&mut self, request: &Value) -> Result<&mut Secret, ApiError> {
        self.get_mut(request.require("SecretId")?).ok_or_else(no_secret)
    }

    pub(super) fn live(&self, request: &Value) -> Result<&Secret, ApiError> {
        let secret = self.find(request)?;
        if secret.deleted.is_some() { Err(marked_for_deletion()) } else { Ok(secret) }
    }

    /// Works on a draft that is kept only when the whole call succeeded.
    pub(super) fn change(&mut self, request: &Value, call: impl FnOnce(&mut Secret) -> Answer) -> Answer {
        let mut draft = self.live(request)?.clone();
        let answer = call(&mut draft)?;
        self.by_arn.insert(draft.arn.clone(), draft);
        Ok(answer)
    }

    pub(super) fn new_arn(&self, name: &str) -> String {
        let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
        let suffix = random::text(&alphabet, 6);
        format!("arn:aws:secretsmanager:{}:{}:secret:{name}-{suffix}", self.region, self.account)
    }
}

pub(super) fn no_secret() -> ApiError {
    ApiError::missing("Secrets Manager can't find the specified secret.")
}

fn marked_for_deletion() -> ApiError {
    ApiError::request("You can't perform this operation on the secret because it was marked for deletion.")
}
