//! AWS as the function meets it: an HTTP server on loopback with a faithful Secrets Manager, the part of ECS that
//! a redeploy needs, the part of RDS that an administrator needs and the part of S3 that publishing needs, a record of every
//! call, and faults at will.
//!
//! With an upstream (ministack, which knows IAM) every call to Secrets Manager is first shown to it: what it denies is
//! denied, everything else is answered from here, because it gets the versions' states wrong. All other services are
//! the upstream's own.

mod clock;
mod denial;
mod ecs;
mod faults;
mod identity;
mod inbound;
pub mod random;
mod rds;
mod record;
mod s3;
mod secrets;
mod seed;
mod server;
mod start;
mod upstream;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub use clock::StageClock;
pub use ecs::{Deployment, Ecs, Event, Pace, Phase, Rollback, Rollout, Service, Task};
pub use faults::{Fault, Fired, Hook, Rule};
use identity::is_function;
pub use identity::{ACCOUNT, ADMIN_KEY, FUNCTION_KEY, REGION, UPSTREAM_ACCOUNT};
pub use rds::{DbCluster, DbInstance};
pub use record::Call;
pub use s3::{Buckets, Object};
pub use secrets::{CURRENT, Content, PENDING, PREVIOUS, Rotation, RotationJob, Secret, Secrets, Version};
pub use wire::{Answer, ApiError};
pub use world::Rotator;
use world::World;

use crate::mutex::lock;

/// The running stage. Clones are handles to the same one; it stops listening with the last of them.
#[derive(Clone)]
pub struct LocalAws {
    world: Arc<World>,
    /// Not in `world`, which the server's own tasks hold.
    listening: Arc<Listening>,
}

/// A handle that does not keep the stage running, for what the stage itself holds.
#[derive(Clone)]
pub struct WeakAws {
    world: Weak<World>,
    listening: Weak<Listening>,
}

/// The answer to [`LocalAws::call`].
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, as JSON.
    pub body: Value,
}

/// All state, to compare: equal snapshots mean that nothing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The secrets by ARN.
    pub secrets: BTreeMap<String, Secret>,
    /// ECS.
    pub ecs: Ecs,
    /// The buckets of S3, with what was ever put there.
    pub buckets: Buckets,
}

struct Listening(AbortHandle);

impl LocalAws {
    /// Starts the stage on a free port of loopback.
    pub async fn start() -> Result<Self> {
        Self::listen(None, ACCOUNT).await
    }

    /// Starts the stage in front of ministack, for example at `http://127.0.0.1:4566`.
    pub async fn start_with_upstream(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("the upstream's URL starts with http://")?;
        Self::listen(Some(address.trim_end_matches('/').to_owned()), UPSTREAM_ACCOUNT).await
    }

    async fn listen(upstream: Option<String>, account: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a free port on loopback")?;
        let world = Arc::new(World::new(listener.local_addr()?, upstream, account));
        let task = tokio::spawn(server::serve(listener, Arc::clone(&world)));
        Ok(Self { world, listening: Arc::new(Listening(task.abort_handle())) })
    }

    /// What `AWS_ENDPOINT_URL` has to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.world.address)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.world.address.port()
    }

    /// A handle that does not keep the stage running.
    #[must_use]
    pub fn downgrade(&self) -> WeakAws {
        WeakAws { world: Arc::downgrade(&self.world), listening: Arc::downgrade(&self.listening) }
    }

    /// Sets who runs the rotations that `RotateSecret` starts.
    pub fn set_rotator(&self, rotator: Rotator) {
        *lock(&self.world.rotator) = Some(rotator);
    }

    /// Every call since the start or the last [`LocalAws::clear`], in the order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.world.record).calls()
    }

    /// The calls made with one access key.
    #[must_use]
    pub fn calls_of(&self, access_key: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.access_key == access_key).collect()
    }

    /// The calls of functions: those signed with another key than [`ADMIN_KEY`].
    #[must_use]
    pub fn function_calls(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| is_function(&call.access_key)).collect()
    }

    /// How many TCP connections were ever accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        lock(&self.world.record).connections()
    }

    /// Forgets the calls recorded so far.
    pub fn clear(&self) {
        lock(&self.world.record).clear();
    }

    /// Sets a fault and gives its number, which [`Fired::rule`] names.
    #[allow(clippy::must_use_candidate, reason = "most tests do not ask which rule it was")]
    pub fn fault(&self, rule: Rule) -> usize {
        lock(&self.world.faults).add(rule)
    }

    /// Takes back all faults and forgets what fired.
    pub fn clear_faults(&self) {
        lock(&self.world.faults).clear();
    }

    /// Which faults struck, in order.
    #[must_use]
    pub fn fired(&self) -> Vec<Fired> {
        lock(&self.world.faults).fired()
    }

    /// All state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let model = lock(&self.world.model);
        let secrets = model.secrets.all().map(|secret| (secret.arn.clone(), secret.clone())).collect();
        Snapshot { secrets, ecs: model.ecs.clone(), buckets: model.s3.buckets().clone() }
    }

    /// Calls an operation over HTTP as the administrator. The signature is not a true one: [`ADMIN_KEY`] needs none.
    pub async fn call(&self, service: &str, operation: &str, request: Value) -> Result<Response> {
        self.call_as(ADMIN_KEY, service, operation, request).await
    }

    /// Calls an operation over HTTP with this access key.
    pub async fn call_as(&self, key: &str, service: &str, operation: &str, request: Value) -> Result<Response> {
        let reply = upstream::call(&self.world.address.to_string(), key, service, operation, &request).await?;
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        Ok(Response { status: reply.status, body })
    }
}

impl WeakAws {
    /// The stage, while somebody still uses it.
    #[must_use]
    pub fn upgrade(&self) -> Option<LocalAws> {
        Some(LocalAws { world: self.world.upgrade()?, listening: self.listening.upgrade()? })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}
