//! The calls that list: secrets, and a secret's versions.

use std::collections::BTreeMap;

use super::{Described, Secrets, tags};
use crate::aws::date::timestamp;
use crate::aws::error::failed;
use crate::error::Result;
use crate::secret::{Labels, SecretId, VersionId};
use crate::timestamp::Timestamp;

/// What `ListSecrets` and `ListSecretVersionIds` give at most.
const PER_PAGE: i32 = 100;

impl Secrets {
    /// Every secret of the account and Region, with labels, tags and rotation function: a call for a hundred.
    pub(crate) async fn list(&self) -> Result<Vec<Described>> {
        let mut secrets = Vec::new();
        let mut pages = self.0.list_secrets().into_paginator().page_size(PER_PAGE).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("secretsmanager:ListSecrets", "*", &error))?;
            secrets.extend(page.secret_list.unwrap_or_default().into_iter().map(|seen| Described {
                labels: Labels::new(seen.secret_versions_to_stages.unwrap_or_default().into_iter().collect()),
                rotation_enabled: seen.rotation_enabled,
                function: seen.rotation_lambda_arn,
                tags: tags(seen.tags),
                last_changed: timestamp(seen.last_changed_date.as_ref()),
                arn: seen.arn.unwrap_or_default(),
                ..Described::default()
            }));
        }
        Ok(secrets)
    }

    /// Whether [`Secrets::list`] would be answered.
    pub(crate) async fn may_list(&self) -> Result<()> {
        let answer = self.0.list_secrets().max_results(1).send().await;
        answer.map(drop).map_err(|error| failed("secretsmanager:ListSecrets", "*", &error))
    }

    /// Every version that still exists, also without a label, the newest first. Secrets Manager keeps about a hundred of those.
    pub(crate) async fn all_versions(&self, secret: &SecretId) -> Result<Vec<VersionId>> {
        let mut found = Vec::new();
        let list = self.0.list_secret_version_ids().secret_id(secret.as_str()).include_deprecated(true);
        let mut pages = list.into_paginator().page_size(PER_PAGE).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("secretsmanager:ListSecretVersionIds", secret.as_str(), &error))?;
            let dated = page.versions.unwrap_or_default().into_iter();
            found.extend(
                dated.filter_map(|version| Some((timestamp(version.created_date.as_ref()), version.version_id?))),
            );
        }
        found.sort_unstable();
        Ok(found.iter().rev().map(|(_, id)| VersionId::known(id)).collect())
    }

    /// When each labelled version was created.
    pub(crate) async fn versions(&self, secret: &SecretId) -> Result<BTreeMap<String, Timestamp>> {
        let mut created = BTreeMap::new();
        let list = self.0.list_secret_version_ids().secret_id(secret.as_str());
        let mut pages = list.into_paginator().page_size(PER_PAGE).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("secretsmanager:ListSecretVersionIds", secret.as_str(), &error))?;
            let dated = page.versions.unwrap_or_default().into_iter();
            created.extend(
                dated.filter_map(|version| Some((version.version_id?, timestamp(version.created_date.as_ref())?))),
            );
        }
        Ok(created)
    }
}
