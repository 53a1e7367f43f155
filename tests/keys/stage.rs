//! The stage: a secret, two services that take it, and the function.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use rehearsal::aws::{Content, LocalAws, Service};
use rehearsal::driver::RotationOutcome;
use serde_json::{Value, json};
use support::rig::{Rig, SERVICES};

/// One stage. Dropping it looks for secrets where none may be.
pub struct Stage(Rig);

impl Deref for Stage {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.0
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Rig {
        &mut self.0
    }
}

impl Stage {
    /// A secret of this kind and value, whose tokens do not live on.
    pub async fn start(kind: &str, value: &str) -> Self {
        Self::with(kind, value, &[("keyroll:token-lifetime", "0")]).await
    }

    /// The same with other tags.
    pub async fn with(kind: &str, value: &str, tags: &[(&str, &str)]) -> Self {
        let aws = LocalAws::start().await.unwrap();
        let mut all = vec![("keyroll:services", "prod/api prod/worker"), ("keyroll:kind", kind)];
        all.extend(tags);
        let arn = aws.create_secret("auth/keys", value, &all).unwrap();
        aws.create_cluster("prod").unwrap();
        let definition = aws.register_with_secrets("auth", &[&arn]).unwrap();
        for service in SERVICES {
            aws.create_service("prod", service, &definition).unwrap();
            // Older than what is about to happen, and younger than the secret.
            aws.age_service("prod", service, Duration::from_mins(30)).unwrap();
        }
        aws.age_secret(&arn, Duration::from_hours(1)).unwrap();
        let mut rig = Rig::start(aws, &[("KEYROLL_MIN_AGE", "0")]);
        rig.aws.enable_rotation(&arn, rig.function.arn(), json!({})).unwrap();
        rig.arn = arn;
        Self(rig)
    }

    /// Rotates, as Secrets Manager does, expects success, and lets the new tasks take over.
    pub async fn rotate(&self) -> RotationOutcome {
        let rotation = self.0.rotate().await;
        self.settle();
        rotation
    }

    /// Rotates, and asserts the end.
    pub async fn rotated(&self) -> RotationOutcome {
        let rotation = self.rotate().await;
        self.assert_finished(&rotation.token);
        rotation
    }

    /// Completes the deployments that are in progress.
    pub fn settle(&self) {
        for service in SERVICES {
            self.aws.with_service("prod", service, Service::settle).unwrap();
        }
    }

    /// The value under a label.
    pub fn value(&self, label: &str) -> String {
        self.aws.value_of(&self.arn, label).unwrap()
    }

    /// The same, parsed.
    pub fn json(&self, label: &str) -> Value {
        serde_json::from_str(&self.value(label)).unwrap()
    }

    /// Replaces the content under a label in place.
    pub fn overwrite(&self, label: &str, value: &str) {
        self.0.overwrite(label, Content::Text(value.to_owned()));
    }

    /// Sets a tag of the secret.
    pub fn tag(&self, key: &str, value: &str) {
        self.aws.set_tag(&self.arn, key, value).unwrap();
    }

    /// Asserts the end of a rotation: labels, services, no open mark.
    pub fn assert_finished(&self, token: &str) {
        let moved = self.assert_labels(token);
        for service in SERVICES {
            let service = self.aws.service("prod", service).unwrap();
            // Dates have milliseconds: the move and a deployment may fall into the same one.
            assert!(service.deployments[0].created >= moved, "{} was not redeployed", service.name);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.assert_no(|| self.leaks());
    }
}
