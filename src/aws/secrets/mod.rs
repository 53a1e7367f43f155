//! Secrets Manager: the calls of a rotation, and those that show secrets to an operator.

mod list;

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;

use aws_sdk_secretsmanager::types::{RotationRulesType, Tag};

use super::error::{being_deleted, code, failed, unquoted};
use crate::api::RotationRules;
use crate::aws::date::timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{AWSCURRENT, AWSPENDING, Labels, ROLLOUT, SecretId, Sensitive, VersionId};
use crate::timestamp::Timestamp;

/// What `DescribeSecret` and `ListSecrets` show.
#[derive(Default)]
pub(crate) struct Described {
    pub(crate) arn: String,
    pub(crate) labels: Labels,
    pub(crate) tags: Vec<(String, String)>,
    /// Absent where rotation was never configured.
    pub(crate) rotation_enabled: Option<bool>,
    /// The function that rotates it.
    pub(crate) function: Option<String>,
    pub(crate) rules: Option<RotationRules>,
    /// The AWS service that manages the secret, such as `rds`.
    pub(crate) owner: Option<String>,
    /// Milliseconds since 1970, like all dates here.
    pub(crate) last_changed: Option<Timestamp>,
    pub(crate) last_rotated: Option<Timestamp>,
    pub(crate) next_rotation: Option<Timestamp>,
}

/// A version's value, with what came with it.
pub(crate) struct Version {
    pub(crate) arn: String,
    pub(crate) id: VersionId,
    pub(crate) labels: Vec<String>,
    pub(crate) created: Option<Timestamp>,
    value: Option<Sensitive>,
}

impl Version {
    /// The value as text.
    pub(crate) fn text(self) -> Result<Sensitive> {
        self.value.ok_or_else(|| {
            Error::new(
                ErrorKind::RefusedValue,
                "the secret's value is binary (SecretBinary)",
                "store the value as text (SecretString); ECS cannot inject a binary one either",
            )
        })
    }

    /// The value, unless it is binary.
    pub(crate) fn value(&self) -> Option<&Sensitive> {
        self.value.as_ref()
    }

    pub(crate) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l == label)
    }
}

/// The answer to a look for one version.
pub(crate) enum Lookup {
    /// There it is.
    Found(Version),
    /// It holds no value, or does not exist.
    Absent,
    /// It exists, but not under that label.
    Elsewhere,
}

/// A value that is to be stored.
#[derive(Clone, Copy)]
pub(crate) struct NewValue<'a> {
    pub(crate) value: &'a Sensitive,
    /// Whether the version gets `KEYROLL_ROLLOUT`.
    pub(crate) marked: bool,
}

/// The answer to storing a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It was stored, now or by an earlier attempt of the same call.
    Now,
    /// The version holds another value already.
    Before,
}

/// The client.
pub(crate) struct Secrets(Client);

impl Secrets {
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    pub(crate) async fn describe(&self, secret: &SecretId) -> Result<Described> {
        let seen = self
            .0
            .describe_secret()
            .secret_id(secret.as_str())
            .send()
            .await
            .map_err(|error| failed("secretsmanager:DescribeSecret", secret.as_str(), &error))?;
        Ok(Described {
            labels: Labels::new(seen.version_ids_to_stages.unwrap_or_default().into_iter().collect::<BTreeMap<_, _>>()),
            tags: tags(seen.tags),
            rotation_enabled: seen.rotation_enabled,
            function: seen.rotation_lambda_arn,
            rules: seen.rotation_rules.map(rules),
            owner: seen.owning_service,
            last_changed: timestamp(seen.last_changed_date.as_ref()),
            last_rotated: timestamp(seen.last_rotated_date.as_ref()),
            next_rotation: timestamp(seen.next_rotation_date.as_ref()),
            arn: seen.arn.unwrap_or_else(|| secret.as_str().to_owned()),
        })
    }

    /// The version that holds a label.
    pub(crate) async fn labelled(&self, secret: &SecretId, label: &str) -> Result<Lookup> {
        self.look(secret, None, Some(label)).await
    }

    /// This version, whatever labels it has or has lost.
    pub(crate) async fn version(&self, secret: &SecretId, version: &VersionId) -> Result<Lookup> {
        self.look(secret, Some(version), None).await
    }

    /// This version, if it is staged as AWSPENDING: the read is itself the check that no later rotation took the label.
    pub(crate) async fn pending(&self, secret: &SecretId, version: &VersionId) -> Result<Lookup> {
        self.look(secret, Some(version), Some(AWSPENDING)).await
    }

    async fn look(&self, secret: &SecretId, version: Option<&VersionId>, label: Option<&str>) -> Result<Lookup> {
        let answer = self
            .0
            .get_secret_value()
            .secret_id(secret.as_str())
            .set_version_id(version.map(|id| id.as_str().to_owned()))
            .set_version_stage(label.map(str::to_owned))
            .send()
            .await;
        match answer {
            Ok(found) => Ok(Lookup::Found(read(secret, found))),
            Err(error) => match code(&error) {
                Some("ResourceNotFoundException") => Ok(Lookup::Absent),
                Some("InvalidRequestException" | "InvalidParameterException") if !being_deleted(&error) => {
                    Ok(Lookup::Elsewhere)
                }
                _ => Err(failed("secretsmanager:GetSecretValue", secret.as_str(), &error)),
            },
        }
    }

    /// Stores a new value as this version, labelled AWSPENDING and, where it is to be marked, `KEYROLL_ROLLOUT`.
    ///
    /// Safe to repeat: a version's value is written once. The same call again changes nothing, and one with another value
    /// (which a repeated createSecret would send, having drawn again) is answered `ResourceExistsException`.
    pub(crate) async fn put_pending(
        &self,
        secret: &SecretId,
        version: &VersionId,
        new: NewValue<'_>,
        token: Option<&Sensitive>,
    ) -> Result<Stored> {
        let labels =
            [Some(AWSPENDING), new.marked.then_some(ROLLOUT)].into_iter().flatten().map(str::to_owned).collect();
        let answer = self
            .0
            .put_secret_value()
            .secret_id(secret.as_str())
            .client_request_token(version.as_str())
            .secret_string(new.value.expose())
            .set_version_stages(Some(labels))
            .set_rotation_token(token.map(|token| token.expose().to_owned()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Stored::Now),
            Err(error) if code(&error) == Some("ResourceExistsException") => Ok(Stored::Before),
            // A validation error may quote what it does not like, and this call carries the secret itself.
            Err(error) => Err(unquoted("secretsmanager:PutSecretValue", secret.as_str(), &error)),
        }
    }

    /// Moves AWSCURRENT to a version.
    ///
    /// Safe to repeat: `RemoveFromVersionId` makes it a compare-and-swap. Once the label has moved, a repeat is refused
    /// and changes nothing; the caller then looks who holds the label.
    pub(crate) async fn move_current(&self, secret: &SecretId, to: &VersionId, from: Option<&VersionId>) -> Result<()> {
        self.move_label(secret, AWSCURRENT, to, from).await
    }

    async fn move_label(&self, secret: &SecretId, label: &str, to: &VersionId, from: Option<&VersionId>) -> Result<()> {
        self.0
            .update_secret_version_stage()
            .secret_id(secret.as_str())
            .version_stage(label)
            .move_to_version_id(to.as_str())
            .set_remove_from_version_id(from.map(|id| id.as_str().to_owned()))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("secretsmanager:UpdateSecretVersionStage", secret.as_str(), &error))
    }

    /// Puts our mark on a version that another function stored.
    ///
    /// Safe to repeat: a version that has the mark already is what was asked for; the caller looks at the labels first.
    pub(crate) async fn open_mark(&self, secret: &SecretId, to: &VersionId, from: Option<&VersionId>) -> Result<()> {
        self.move_label(secret, ROLLOUT, to, from).await
    }

    /// Takes our mark off a version.
    ///
    /// Safe to repeat: a mark that is gone is what was asked for, so that answer counts as success.
    pub(crate) async fn close_mark(&self, secret: &SecretId, version: &VersionId) -> Result<()> {
        let answer = self
            .0
            .update_secret_version_stage()
            .secret_id(secret.as_str())
            .version_stage(ROLLOUT)
            .remove_from_version_id(version.as_str())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(code(&error), Some("InvalidParameterException" | "InvalidRequestException"))
                    && self.describe(secret).await.is_ok_and(|seen| !seen.labels.has(version, ROLLOUT)) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("secretsmanager:UpdateSecretVersionStage", secret.as_str(), &error)),
        }
    }
}

fn rules(rules: RotationRulesType) -> RotationRules {
    RotationRules {
        automatically_after_days: rules.automatically_after_days,
        schedule_expression: rules.schedule_expression,
        duration: rules.duration,
    }
}

fn tags(tags: Option<Vec<Tag>>) -> Vec<(String, String)> {
    let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    tags.unwrap_or_default().into_iter().map(pair).collect()
}

fn read(secret: &SecretId, found: GetSecretValueOutput) -> Version {
    Version {
        arn: found.arn.unwrap_or_else(|| secret.as_str().to_owned()),
        id: VersionId::known(found.version_id.as_deref().unwrap_or_default()),
        labels: found.version_stages.unwrap_or_default(),
        created: timestamp(found.created_date.as_ref()),
        value: found.secret_string.map(Sensitive::new),
    }
}
