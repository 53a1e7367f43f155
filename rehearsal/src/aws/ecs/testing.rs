//! A model to test with, and short ways to call it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::clock::StageClock;
use super::Ecs;

/// A model whose time is what a test says, in seconds since it began, and the setter of that time.
pub(super) fn scripted() -> (Ecs, impl Fn(u64)) {
    let time = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&time);
    let clock = StageClock::new(move || Duration::from_secs(1_700_000_000 + read.load(Ordering::Relaxed)));
    let ecs = filled(Ecs::new("us-east-1", "123456789012", clock));
    (ecs, move |seconds| time.store(seconds, Ordering::Relaxed))
}

/// A cluster `main` with the service `web` on `web:1`.
pub(super) fn ecs() -> Ecs {
    filled(Ecs::new("us-east-1", "123456789012", StageClock::default()))
}

fn filled(mut ecs: Ecs) -> Ecs {
    ecs.ok("CreateCluster", json!({"clusterName": "main"}));
    let secrets = json!([{"name": "DB", "valueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:app/db-AbCdEf"}]);
    let containers = json!([{"name": "web", "image": "web", "secrets": secrets}]);
    ecs.ok("RegisterTaskDefinition", json!({"family": "web", "containerDefinitions": containers}));
    ecs.service_named("web");
    ecs
}

impl Ecs {
    #[allow(clippy::needless_pass_by_value, reason = "every caller writes a literal")]
    pub(super) fn ok(&mut self, operation: &str, request: Value) -> Value {
        self.answer(operation, &request).unwrap()
    }

    #[allow(clippy::needless_pass_by_value, reason = "every caller writes a literal")]
    pub(super) fn refused(&mut self, operation: &str, request: Value) -> (String, String) {
        let before = self.clone();
        let error = self.answer(operation, &request).unwrap_err();
        assert_eq!(*self, before, "a refused call changed something");
        (error.code, error.message)
    }

    pub(super) fn service_named(&mut self, name: &str) {
        let request = json!({"cluster": "main", "serviceName": name, "taskDefinition": "web", "desiredCount": 2});
        self.ok("CreateService", request);
    }
}
